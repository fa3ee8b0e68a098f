"""Who looks at which room now, and what is sent to them: the newest card of each message, nothing else."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from bot.contract.card import Card


class Listener:
    """One open page. However slow it reads, it holds at most one card a message."""

    def __init__(self) -> None:
        self._pending: dict[str, Card | None] = {}
        self._stirred = asyncio.Event()

    def put(self, message: str, card: Card | None) -> None:
        """A message shows this now; None takes it away."""
        self._pending.pop(message, None)
        self._pending[message] = card
        self._stirred.set()

    async def take(self, seconds: float) -> dict[str, Card | None]:
        """What changed since the last call; waits for the first change, at most `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            return {}
        taken, self._pending = self._pending, {}
        self._stirred.clear()
        return taken


class Rooms:
    """The open pages by room."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = defaultdict(set)

    def tell(self, room: str, message: str, card: Card | None) -> None:
        """Send a message's new card to whoever looks at its room."""
        for listener in self._listeners.get(room, ()):
            listener.put(message, card)

    @contextmanager
    def listen(self, room: str) -> Iterator[Listener]:
        """Look at a room while the block lasts."""
        listener = Listener()
        self._listeners[room].add(listener)
        try:
            yield listener
        finally:
            self._listeners[room].discard(listener)
            if not self._listeners[room]:
                del self._listeners[room]
