"""What is seen on standard error: a bar, and above it room for a preview."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from adapters.terminal.graphics import Graphics, drawn, erased
from bot.contract.card import Raster

MOST_LINES = 14
LEAST_LINES = 4
MOST_PIXELS = 320
USUAL_CELL = 16
"""A line's height in pixels where the terminal does not tell: less than most have, so that the picture fits."""

TICK_SECONDS = 0.2


def plain(text: str) -> str:
    """Words from elsewhere without what a terminal would obey."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


class Screen:
    """A bar that is gone afterwards. All is written from the event loop, so nothing gets between."""

    def __init__(self, console: Console, graphics: Graphics | None) -> None:
        self._console = console
        self._graphics = graphics
        self._lines = 0
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            auto_refresh=False,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("Queued", total=1.0)
        self._ticking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._progress.start()
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        self._progress.stop()
        if self._graphics is not None and self._lines:
            self._write(erased(self._graphics.protocol) + f"\x1b[{self._lines}A\r\x1b[J".encode())

    def update(self, title: str, fraction: float) -> None:
        """Draw the bar. `fraction` is 0..1."""
        self._progress.update(self._task, description=plain(title), completed=fraction)
        self._progress.refresh()

    @property
    def room(self) -> int:
        """How many pixels a preview may have on either side; 0 if it has no room."""
        if self._graphics is None or self._room_lines() < LEAST_LINES:
            return 0
        return min(MOST_PIXELS, self._room_lines() * (self._graphics.cell_height or USUAL_CELL))

    async def draw(self, raster: Raster) -> None:
        """Draw a preview in its room above the bar."""
        if self._graphics is None:
            return
        if not self._lines:
            self._lines = self._room_lines()
            self._console.print("\n" * (self._lines - 1))
            self._progress.refresh()
        data = await asyncio.to_thread(drawn, raster, self._graphics.protocol, self._lines)
        self._write(b"\x1b7" + f"\x1b[{self._lines}A\r".encode() + data + b"\x1b8")

    def _room_lines(self) -> int:
        return self._lines or min(MOST_LINES, self._console.height - 2)

    def _write(self, data: bytes) -> None:
        self._console.file.write(data.decode("ascii"))
        self._console.file.flush()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._progress.refresh()
