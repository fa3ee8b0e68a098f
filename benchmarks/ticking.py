"""How long an event loop did not turn."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

TICK_SECONDS = 0.005


class Ticking:
    """While the block lasts, a task that wants to run every few milliseconds; `longest` is its longest wait."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._tick())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._task.cancel()

    async def _tick(self) -> None:
        while True:
            due = time.perf_counter() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self.longest = max(self.longest, time.perf_counter() - due)
