"""A share of the event loop for everybody: many who come at once go on a few at a time."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Lets at most so many go on in each turn of the event loop, in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._gone = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._counting = False

    async def take(self) -> None:
        """Return when it is one's turn: at once, unless others came just before."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] | None = None
        if self._waiting or self._gone >= self._most:
            turn = loop.create_future()
            self._waiting.append(turn)
        else:
            self._gone += 1
        if not self._counting:
            self._counting = True
            loop.call_soon(self._next)
        if turn is not None:
            await turn

    def _next(self) -> None:
        """A new turn of the loop has begun."""
        self._gone = 0
        while self._waiting and self._gone < self._most:
            turn = self._waiting.popleft()
            if not turn.done():  # whoever was cancelled waits no more
                turn.set_result(None)
                self._gone += 1
        self._counting = self._gone > 0
        if self._counting:
            asyncio.get_running_loop().call_soon(self._next)
