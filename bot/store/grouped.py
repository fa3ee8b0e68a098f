"""Writes that come at once as one transaction: a commit waits for the disk, however little it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Grouped(Generic[T]):
    """Gathers what comes while a write is under way, and writes it together, in its order."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[T] = []
        self._next: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    async def add(self, *items: T) -> None:
        """Write these; returns when they are on the disk. Raises what the writing raised."""
        self._waiting += items
        if self._next is None:
            self._next = asyncio.create_task(self._write_next())
        await asyncio.shield(self._next)  # others wait for it too, whatever becomes of this one

    async def _write_next(self) -> None:
        async with self._writing:
            group, self._waiting, self._next = self._waiting, [], None
            await self._write(group)
