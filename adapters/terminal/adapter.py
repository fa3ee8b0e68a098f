"""Carries out one order: a live bar on standard error, files at the end."""

from __future__ import annotations

import asyncio
import os
import sys
from uuid import uuid4

from rich.console import Console

from adapters.terminal.ability import find_graphics
from adapters.terminal.files import write
from adapters.terminal.order import STDOUT, Order
from adapters.terminal.screen import Screen, plain
from bot.contract.card import Card, Preview
from bot.contract.ports import Core, Limits
from bot.contract.values import Address, Answer, JobId, JobState, Started
from bot.errors import UserError

CANCEL_SECONDS = 10.0
"""How long a cancelled job is waited for."""

DRAW_SECONDS = 0.4
"""At least this long between two previews: each costs a process that decodes it."""


class TerminalAdapter:
    """Its messages are this process's own, so its name is too. After `run`, `failed` says whether to be sorry."""

    limits = Limits(edit_seconds=0.1, media_per_message=64, previews=True)

    def __init__(self, order: Order) -> None:
        self.name = f"terminal-{uuid4().hex}"
        self.failed = False
        self._order = order
        self._console = Console(stderr=True)
        self._final: asyncio.Future[Card] = asyncio.get_running_loop().create_future()
        self._screen: Screen | None = None
        self._preview: asyncio.Queue[Preview] = asyncio.Queue(maxsize=1)

    async def opened(self) -> str:
        """At once."""
        return "Working"

    async def run(self, core: Core) -> None:
        """Ask, show how it goes, write the files. Raises `UserError` if nothing was queued."""
        if self._order.output == STDOUT and sys.stdout.isatty():
            raise UserError("With -o - files go into a pipe, and this is a terminal. Name a file instead.")
        graphics = await asyncio.to_thread(find_graphics, os.environ) if self._order.preview else None
        job = _job(await core.invoke(self._order.invocation()))
        async with Screen(self._console, graphics) as self._screen:
            card = await self._wait(core, job, self._screen)
        self._tell(card)
        status = await core.job(self._order.place, job)
        for line in (*(f"{name}: {text}" for name, text in status.read.items()), *status.remarks):
            self._console.print(plain(line), markup=False, highlight=False, soft_wrap=True)
        for path in await write(status.outputs, self._order.output):
            self._console.print(str(path), markup=False, highlight=False, soft_wrap=True)

    def turn(self, address: Address, *, final: bool, left: float | None = None) -> float:
        """There is always one."""
        del address, final, left
        return 0.0

    def shared(self, address: Address) -> None:
        """Each has edits of its own."""
        del address

    async def show(self, address: Address, card: Card) -> None:
        """Draw the bar, and have the newest preview drawn."""
        del address  # there is only the one
        if self._screen is not None:
            self._screen.update(card.title, card.fraction or 0.0)
        if card.preview is not None:
            if self._preview.full():
                self._preview.get_nowait()
            self._preview.put_nowait(card.preview)
        if JobState(card.state).final and not self._final.done():
            self._final.set_result(card)

    async def remove(self, address: Address) -> None:
        """Nothing stays on a terminal that could be taken away."""

    async def _wait(self, core: Core, job: JobId, screen: Screen) -> Card:
        """The last card. Ctrl-C cancels the job on the server too, and waits for that."""
        drawing = asyncio.create_task(self._draw(core, screen))
        try:
            return await asyncio.shield(self._final)
        except asyncio.CancelledError:
            await core.cancel(self._order.actor, job)
            await asyncio.wait({self._final}, timeout=CANCEL_SECONDS)
            raise
        finally:
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)

    async def _draw(self, core: Core, screen: Screen) -> None:
        """Draw the newest preview, again and again."""
        if not screen.room:
            return
        shown: Preview | None = None
        while True:
            preview = await self._preview.get()
            if preview is shown:
                continue
            shown = preview
            raster = await core.raster(preview, screen.room)
            if raster is not None:
                await screen.draw(raster)
            await asyncio.sleep(DRAW_SECONDS)

    def _tell(self, card: Card) -> None:
        """What went wrong, if anything did."""
        if card.state != JobState.DONE:
            self.failed = True
            sentences = ["".join(span.text for span in line) for line in card.body[:1]]
            reason = sentences[0] if card.state == JobState.FAILED and sentences else card.title
            self._console.print(
                f"error: {plain(reason)}", style="red", markup=False, highlight=False, soft_wrap=True
            )


def _job(answer: Answer) -> JobId:
    if not isinstance(answer, Started):
        raise UserError("That is no workflow. `muralist workflow list` lists them.")
    return answer.job
