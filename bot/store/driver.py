"""What a kind of database has to do: run functions of a connection, in a transaction each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from bot.errors import ConfigError

T = TypeVar("T")

MOST_BYTES = 7900
"""Of a word between processes: PostgreSQL takes less than 8000."""


class Calls(Protocol):
    """Words between processes. A hint: one may be lost."""

    async def call(self, word: str) -> None:
        """Tell all processes, this one too; at most `MOST_BYTES` of ASCII."""

    async def hear(self, heard: Callable[[str], None]) -> None:
        """Call `heard` with each word until cancelled."""


class Driver(Protocol):
    """One kind of database. Both see to it that one transaction at a time writes, in all processes."""

    row_locks: bool
    """Whether who changes a single row need not wait for all other writers."""

    troubles: tuple[type[Exception], ...]
    """What using it raises when it can't be used, for `unusable`."""

    async def look(self, function: Callable[[Connection], T]) -> T:
        """Run it in a transaction that sees one state of everything and changes nothing."""

    async def commit(self, functions: Sequence[Callable[[Connection], Any]]) -> list[Any]:
        """What each returned, once all of it is on the disk. If one fails nothing is written, and it raises that."""

    async def touch(self, function: Callable[[Connection], T]) -> T:
        """Run it once that is on the disk, beside other writers if `row_locks`: it must change a single row."""

    async def change(self, function: Callable[[Connection], None]) -> None:
        """Run a function that changes tables, all of it or nothing, while nobody else writes."""

    def unusable(self, error: Exception) -> ConfigError:
        """What to tell the owner of a database that can't even be opened; no password is in it."""

    def full(self, error: BaseException) -> bool:
        """Whether a write failed because the disk is full."""

    @property
    def calls(self) -> Calls | None:
        """How processes that share the database tell each other of news; None: they look for themselves."""

    async def close(self) -> None:
        """Wait for what goes on, and let go of everything."""
