"""Questions and answers on a terminal."""

from __future__ import annotations

import asyncio

import typer
from rich.console import Console
from rich.markup import escape

_MARKS = {"fine": "[green]ok[/]", "note": "[yellow]note[/]", "problem": "[red]problem[/]"}


class Talk:
    """What is told and asked. Silent, it asks nothing and every answer is the one that was offered."""

    def __init__(self, *, silent: bool) -> None:
        self.silent = silent
        self._console = Console(highlight=False, soft_wrap=True)

    def head(self, text: str) -> None:
        """A new step."""
        self._console.print(f"\n[bold]{escape(text)}[/]")

    def tell(self, level: str, text: str) -> None:
        """Something that was found out; `level` is fine, note or problem."""
        self._console.print(f"  {_MARKS[level]}: {escape(text)}")

    def say(self, text: str) -> None:
        """Plain words."""
        self._console.print(f"  {escape(text)}")

    async def ask(self, question: str, offered: str = "", *, secret: bool = False) -> str:
        """One line from the person; `offered` if they only press Enter."""
        if self.silent:
            return offered
        answer = await asyncio.to_thread(
            typer.prompt, f"  {question}", default=offered, show_default=bool(offered), hide_input=secret
        )
        return str(answer).strip()

    async def agree(self, question: str, *, offered: bool) -> bool:
        """Yes or no."""
        if self.silent:
            return offered
        return bool(await asyncio.to_thread(typer.confirm, f"  {question}", default=offered))
