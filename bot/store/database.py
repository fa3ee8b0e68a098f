"""The database: queries are plain functions of a connection, run in a transaction each, SQLite or PostgreSQL.

Reads run beside each other. Writes run one after another, and those that wait meanwhile share a commit: none is
answered before that is on the disk. If one of them fails, all are undone, and each is made again by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import wraps
from importlib import import_module
from importlib.resources import files
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar, cast

from sqlalchemy import Connection, column, inspect, make_url, select, table
from sqlalchemy.exc import ArgumentError, OperationalError

from bot.errors import ConfigError, NoRoom
from bot.store.driver import Driver
from bot.store.sqlite import Sqlite

SOON = 0.1
"""Seconds that a write which nobody needs at once waits for another whose commit it can share."""

TOGETHER = 50
"""Writes that share a commit, at most: the first of them waits for the last."""

NEWER = (
    "The database was last used by a newer Muralist, and this one does not know its tables. Install that version, or "
    "go back to a copy of the database."
)


class Tables(Enum):
    """Which tables a database has: none yet, or those of an older, this, or a newer Muralist."""

    NONE = auto()
    OLDER = auto()
    CURRENT = auto()
    NEWER = auto()


NEWEST = max(
    each.name for each in files("bot.store.migrations.versions").iterdir() if each.name[0].isdigit()
)[:4]
"""The revision that the tables have in the end: the files' names begin with theirs, and count up."""

_NOTED = table("alembic_version", column("version_num"))

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Write:
    function: Callable[[Connection], Any]
    answer: asyncio.Future[Any]


class Database:
    """`async with` opens and closes it. `url` is SQLAlchemy's, of SQLite or PostgreSQL."""

    def __init__(self, url: str, *, patient: bool = True) -> None:
        """`patient`: a server that does not answer is waited for."""
        self.url = url
        self._patient = patient
        self._opened: Driver | None = None
        self._waiting: list[_Write] = []
        self._writing: asyncio.Task[None] | None = None
        self._soon: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._opened = _driver(self.url, patient=self._patient)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._begin_writing()
        if self._writing is not None:
            await self._writing
        await self.driver.close()

    @property
    def driver(self) -> Driver:
        """What runs the functions while the database is open."""
        assert self._opened is not None, "the database is not open"
        return self._opened

    async def read(self, function: Callable[[Connection], T]) -> T:
        """Run a function in a transaction that sees one state of everything and changes nothing.

        It may run twice, the first time for nothing.
        """
        return await self.driver.look(function)

    async def write(self, function: Callable[[Connection], T], *, soon: bool = False) -> T:
        """Run a function in a transaction that alone may write; undone if it raises.

        It may run twice, the first time for nothing. Once begun it goes on though its caller is cancelled. `soon` is
        for what is not needed at once: it waits a moment for another write, whose commit it shares.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Write(function=function, answer=answer))
        if not soon:
            self._begin_writing()
        elif self._writing is None and self._soon is None:
            self._soon = loop.call_later(SOON, self._begin_writing)
        return await answer

    async def touch(self, function: Callable[[Connection], T]) -> T:
        """Run a function that changes one row, and is right whatever other writers do meanwhile.

        It need not wait for them where rows have locks. It may run twice, both times for good.
        """
        if not self.driver.row_locks:
            return await self.write(function)
        try:
            return await self.driver.touch(function)
        except Exception as error:
            told = self._told(error)
            if told is error:
                raise
            raise told from error

    def _begin_writing(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._writing is None and self._waiting:
            self._writing = asyncio.create_task(self._write_waiting())

    async def upgrade(self) -> None:
        """Bring the tables to the newest revision. Safe to call from several processes at once.

        Raises `ConfigError` for a database that can't be used.
        """
        await self._usable(self.driver.change(_upgrade))

    async def tables(self) -> Tables:
        """How its tables are. Raises `ConfigError` for a database that can't be used."""
        return await self._usable(self.driver.look(_tables))

    async def _usable(self, asked: Awaitable[T]) -> T:
        try:
            return await asked
        except self.driver.troubles as error:
            raise self.driver.unusable(error) from error

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                await self._write_together([write for write in taken if not write.answer.done()])
        finally:
            self._writing = None

    async def _write_together(self, writes: Sequence[_Write]) -> None:
        """Commit these at once; if one fails, each by itself, so that it alone is undone."""
        functions = [write.function for write in writes]
        outcome = (await asyncio.gather(self.driver.commit(functions), return_exceptions=True))[0]
        if not isinstance(outcome, BaseException):
            for write, found in zip(writes, outcome, strict=True):
                if not write.answer.done():
                    write.answer.set_result(found)
        elif len(writes) > 1 and not isinstance(outcome, OperationalError):
            for write in writes:
                await self._write_together([write])
        else:  # a database that is locked or full is so for all of them
            for write in writes:
                if not write.answer.done():
                    write.answer.set_exception(self._told(outcome))

    def _told(self, error: BaseException) -> BaseException:
        """The error as whoever wrote is told: a full disk is one that people are told, too."""
        if not self.driver.full(error):
            return error
        told = NoRoom()
        told.__cause__ = error
        return told


class Stored(Protocol):
    """Whatever has a database to ask."""

    _database: Database


S = TypeVar("S", bound=Stored)


def reading(
    query: Callable[Concatenate[S, Connection, P], T],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Make a method that takes a connection one that is awaited without: a transaction that reads."""

    @wraps(query)
    async def asked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.read(lambda connection: query(self, connection, *args, **kwargs))

    return asked


def writing(
    query: Callable[Concatenate[S, Connection, P], T],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """The same for a transaction that writes."""

    @wraps(query)
    async def asked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.write(lambda connection: query(self, connection, *args, **kwargs))

    return asked


def writing_soon(
    query: Callable[Concatenate[S, Connection, P], T],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """The same for one that may wait a moment to share another's commit."""

    @wraps(query)
    async def asked(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.write(
            lambda connection: query(self, connection, *args, **kwargs), soon=True
        )

    return asked


def _driver(url: str, *, patient: bool) -> Driver:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(
            "DATABASE_URL is not one that Muralist understands. Use sqlite+aiosqlite:///path/to/muralist.db, "
            "postgresql+asyncpg://user:password@host/name, or leave it out."
        ) from error
    if parsed.drivername == "sqlite+aiosqlite":
        return Sqlite(parsed)
    if parsed.drivername == "postgresql+asyncpg":
        try:
            module = import_module("bot.store.postgres")  # only who uses it has its library
        except ModuleNotFoundError as error:
            raise ConfigError("DATABASE_URL: for PostgreSQL, install muralist[postgresql].") from error
        return cast(Driver, module.Postgres(parsed) if patient else module.Postgres(parsed, away_seconds=0.0))
    raise ConfigError(
        "DATABASE_URL: only sqlite+aiosqlite:///... and postgresql+asyncpg://... are supported."
    )


def _upgrade(connection: Connection) -> None:
    tables = _tables(connection)
    if tables is Tables.NEWER:
        raise ConfigError(NEWER)
    if tables is Tables.CURRENT:
        return
    from alembic import command  # of weight, and seldom needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "bot.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _tables(connection: Connection) -> Tables:
    there = _revision(connection)
    if there is None:
        return Tables.NONE
    if there == NEWEST:
        return Tables.CURRENT
    return Tables.OLDER if there < NEWEST else Tables.NEWER


def _revision(connection: Connection) -> str | None:
    """That of the tables, as Alembic notes it; None where there are none yet."""
    if not inspect(connection).has_table(_NOTED.name):
        return None
    return connection.execute(select(_NOTED.c.version_num)).scalar()
