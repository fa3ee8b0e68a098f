"""What others have queued on a server: its owner's own clicks, or another program's prompts.

The server tells with every change how many prompts run or wait there, of everybody. What is not ours is theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Others:
    """Counts their prompts by what the socket tells, at the cost of no request."""

    def __init__(self, ours: Callable[[], int]) -> None:
        """`ours` tells how many attempts of ours are there and not over."""
        self.gone = 0
        """How many of their prompts have ended or were deleted so far."""
        self._ours = ours
        self._total = 0
        self._ends = 0  # of ours, which the next count leaves out
        self._news = asyncio.Event()

    @property
    def count(self) -> int:
        """How many of their prompts run or wait there."""
        return max(0, self._total - self._ours() - self._ends)

    def forget(self) -> None:
        """There is a new connection, which tells the count first."""
        self._total = self._ends = 0

    def ended(self) -> None:
        """One of ours has ended."""
        self._ends += 1

    def counted(self, total: int) -> bool:
        """So many prompts run or wait there now. Whether some are gone that were not known to have ended."""
        fewer, self._total = self._total - total, total
        explained = min(max(fewer, 0), self._ends)
        self._ends = self._ends - explained if total else 0
        self.gone += max(0, fewer - explained)
        self._news.set()
        return fewer > explained

    def recount(self, theirs: int) -> None:
        """It was asked: so many are theirs."""
        self._total, self._ends = theirs + self._ours(), 0

    async def news(self, seconds: float) -> bool:
        """Wait for the next count; False if none came in that time."""
        self._news.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True
