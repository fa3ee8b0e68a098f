"""The conversations at a terminal, as far as they can be had there: a command a line, its files for cards."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bot.contract.line import read_line
from tests.contracts.chats import File, Shown
from tests.processes import run_command


class TerminalChat:
    """A line becomes the arguments of `muralist imagine`. An answer is the exit code, what was said, the file."""

    name = "terminal"
    asks = False

    def __init__(self, folder: Path, comfyui: str) -> None:
        self._folder = folder
        self._comfyui = comfyui
        self._numbers = itertools.count(1)

    async def ask(
        self, line: str, *, by: str = "ann", to: Shown | None = None, files: Sequence[File] = ()
    ) -> tuple[int, str, Path]:
        """The line to its end; a reply is a command with the earlier file."""
        del by
        read = read_line(line, ())
        arguments = [str(read.values.pop("prompt", "")), "--workflow", read.command or "img2img"]
        for name, value in read.values.items():
            arguments += ["--set", f"{name}={value}"]
        for file in files:
            (self._folder / file.name).write_bytes(file.data)
            arguments += ["--image", file.name]
        if to is not None:
            arguments += ["--image", str(to.handle)]
        target = self._folder / f"out-{next(self._numbers)}.png"
        code, _, said = await run_command(
            self._folder, "imagine", *arguments, "-o", str(target), COMFYUI_URLS=self._comfyui
        )
        return code, said, target

    async def press(self, shown: Shown, label: str, by: str = "ann") -> Any:
        """There are no buttons."""
        raise NotImplementedError

    async def forge(self, shown: Shown, action: str, by: str = "ann") -> Any:
        """There are no buttons."""
        raise NotImplementedError

    async def card(self, asked: Any, button: str) -> Shown:
        """The file."""
        code, said, target = asked
        assert code == 0, said
        return Shown(words="", pictures=(target.read_bytes(),), buttons=(), handle=target)

    async def told(self, asked: Any) -> str:
        """What stands on standard error."""
        code, said, _ = asked
        assert code == 1
        return str(said).removeprefix("error: ").strip()

    async def again(self, shown: Shown, words: str) -> Shown:
        """Nothing changes."""
        raise NotImplementedError

    async def turned(self, shown: Shown, pressed: Any, words: str) -> Shown:
        """There are no buttons."""
        raise NotImplementedError

    async def fill(self, pressed: Any, value: str, by: str = "ann") -> Any:
        """Nothing is asked for."""
        raise NotImplementedError

    async def files(self, asked: Any) -> tuple[bytes, ...]:
        """Nothing is sent but results."""
        raise NotImplementedError

    async def restart(self) -> None:
        """Each line is a process of its own."""

    async def appoint(self) -> None:
        """Whoever is at the terminal is."""


@asynccontextmanager
async def opened(folder: Path, comfyui: str, http: aiohttp.ClientSession) -> AsyncIterator[TerminalChat]:
    """A folder to work in."""
    del http
    yield TerminalChat(folder, comfyui)
