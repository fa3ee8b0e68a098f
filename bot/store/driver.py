"""What a kind of database has to do: run functions of a connection, in a transaction each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Driver(Protocol):
    """One kind of database. Both see to it that one transaction at a time writes, in all processes."""

    async def look(self, function: Callable[[Connection], T]) -> T:
        """Run it in a transaction that sees one state of everything and changes nothing."""

    async def commit(self, functions: Sequence[Callable[[Connection], Any]]) -> list[Any]:
        """What each returned, once all of it is on the disk. If one fails nothing is written, and it raises that."""

    async def close(self) -> None:
        """Wait for what goes on, and let go of everything."""
