"""Carries out one order: a live bar on standard error, files at the end."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from adapters.terminal.order import STDOUT, Order
from bot.contract.card import Card, Media
from bot.contract.ports import Core, Limits
from bot.contract.values import Address, Answer, Invocation, JobId, JobState, Started
from bot.errors import UserError

CANCEL_SECONDS = 10.0
"""How long a cancelled job is waited for."""


class TerminalAdapter:
    """Its messages are this process's own, so its name is too. After `run`, `failed` says whether to be sorry."""

    limits = Limits(edit_seconds=0.1, media_per_message=64, previews=False)

    def __init__(self, order: Order) -> None:
        self.name = f"terminal-{uuid4().hex}"
        self.failed = False
        self._order = order
        self._console = Console(stderr=True)
        self._final: asyncio.Future[Card] = asyncio.get_running_loop().create_future()
        self._bar = Progress(
            TextColumn("{task.description}", table_column=None),
            BarColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("Queued", total=1.0)

    async def opened(self) -> str:
        """At once."""
        return "Working"

    async def run(self, core: Core) -> None:
        """Ask, show how it goes, write the files. Raises `UserError` if nothing was queued."""
        answer = await core.invoke(
            Invocation(
                event_key=f"terminal:{uuid4().hex}",
                actor=self._order.actor,
                place=self._order.place,
                command=self._order.command,
                address={},
                values=self._order.values,
                attachments=self._order.attachments(),
            )
        )
        job = _job(answer)
        with self._bar:
            card = await self._wait(core, job)
        self._tell(card)
        await self._write((await core.job(self._order.place, job)).outputs)

    def turn(self, address: Address, *, final: bool) -> float:
        """There is always one."""
        del address, final
        return 0.0

    async def show(self, address: Address, card: Card) -> None:
        """Draw the bar."""
        del address  # there is only the one
        self._bar.update(self._task, description=card.title, completed=card.fraction or 0.0)
        if JobState(card.state).final and not self._final.done():
            self._final.set_result(card)

    async def remove(self, address: Address) -> None:
        """Nothing stays on a terminal that could be taken away."""

    async def _wait(self, core: Core, job: JobId) -> Card:
        """The last card. Ctrl-C cancels the job on the server too, and waits for that."""
        try:
            return await asyncio.shield(self._final)
        except asyncio.CancelledError:
            await core.cancel(self._order.actor, job)
            await asyncio.wait({self._final}, timeout=CANCEL_SECONDS)
            raise

    def _tell(self, card: Card) -> None:
        """What went wrong, if anything did."""
        if card.state != JobState.DONE:
            self.failed = True
            sentences = ["".join(span.text for span in line) for line in card.body[:1]]
            reason = sentences[0] if card.state == JobState.FAILED and sentences else card.title
            self._console.print(f"error: {reason}", style="red", markup=False, highlight=False)

    async def _write(self, outputs: Sequence[Media]) -> None:
        for media in outputs:
            target = await asyncio.to_thread(_write, media, self._target(media), len(outputs))
            if target is not None:
                self._console.print(str(target), markup=False, highlight=False)

    def _target(self, media: Media) -> Path:
        """Words are for reading, so they are only written to a file that was asked for."""
        if self._order.output is not None:
            return self._order.output
        return STDOUT if media.media_type == "text/plain" else Path(media.name)


def _job(answer: Answer) -> JobId:
    if not isinstance(answer, Started):
        raise UserError("That is no workflow. `muralist workflow list` lists them.")
    return answer.job


def _write(media: Media, wished: Path, count: int) -> Path | None:
    """Put a file where it is wished; of several, the second becomes `name-2.png`. None for standard output."""
    if wished == STDOUT:
        with media.path.open("rb") as source:
            shutil.copyfileobj(source, sys.stdout.buffer)
        return None
    target = wished
    if count > 1 and media.index > 0 and target.name != media.name:
        target = target.with_stem(f"{target.stem}-{media.index + 1}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(media.path, target)
    except OSError as error:
        raise UserError(f"{target} can't be written: {error.strerror}. Choose another with -o.") from error
    return target
