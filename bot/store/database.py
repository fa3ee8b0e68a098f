"""The database: queries are plain functions of a connection, run in threads, a transaction each.

Reads run beside each other. Writes run one after another, and those that wait meanwhile share a commit: none is
answered before that is on the disk. If one of them fails, all are undone, and each is made again by itself.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from bot.errors import ConfigError

BUSY_SECONDS = 15
"""How long a write waits for another process's write to end."""

READERS = 4
TOGETHER = 50
"""Writes that share a commit, at most: the first of them waits for the last."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Write:
    function: Callable[[Connection], Any]
    answer: asyncio.Future[Any]


class Database:
    """`async with` opens and closes it. `url` is SQLAlchemy's: `sqlite+aiosqlite:///...`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: Engine | None = None
        self._readers = ThreadPoolExecutor(READERS, "database-read")
        self._writer = ThreadPoolExecutor(1, "database-write")
        self._waiting: list[_Write] = []
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._engine = _engine(self._url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writing is not None:
            await self._writing
        for threads in (self._writer, self._readers):
            await asyncio.to_thread(threads.shutdown)
        if self._engine is not None:
            self._engine.dispose()

    @property
    def engine(self) -> Engine:
        """The engine while the database is open."""
        assert self._engine is not None, "the database is not open"
        return self._engine

    async def read(self, function: Callable[[Connection], T]) -> T:
        """Run a function in a transaction that sees one state of everything and changes nothing."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._look, function)

    async def write(self, function: Callable[[Connection], T]) -> T:
        """Run a function in a transaction that alone may write; undone if it raises.

        It may run twice, the first time for nothing. Once begun it goes on though its caller is cancelled.
        """
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Write(function=function, answer=answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting())
        return await answer

    async def upgrade(self) -> None:
        """Bring the tables to the newest revision. Safe to call from several processes at once."""
        await self.write(_upgrade)

    def _look(self, function: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            return function(connection)

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
        commit = asyncio.get_running_loop().run_in_executor(self._writer, self._commit, functions)
        outcome = (await asyncio.gather(commit, return_exceptions=True))[0]
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
                    write.answer.set_exception(outcome)

    def _commit(self, functions: Sequence[Callable[[Connection], Any]]) -> list[Any]:
        """What each function returned. Raises what the first that failed did; then nothing was written."""
        with self.engine.connect().execution_options(muralist_write=True) as connection, connection.begin():
            return [function(connection) for function in functions]


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


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(
            "DATABASE_URL is not one that Muralist understands. Use sqlite+aiosqlite:///path/to/muralist.db, "
            "or leave it out."
        ) from error
    if parsed.drivername != "sqlite+aiosqlite":
        raise ConfigError("DATABASE_URL: only sqlite+aiosqlite:///... is supported.")
    engine = create_engine(parsed.set(drivername="sqlite"))
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    """Durable (a commit is on the disk when it returns), and readers never wait for the writer."""
    connection.isolation_level = None  # we say BEGIN ourselves: the driver would begin too late
    for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # SQLite does not wait here, whatever the timeout, if another process switches a new file too
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    """Writers take the lock first: a read that turns into a write later could fail half-way."""
    write = connection.get_execution_options().get("muralist_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "bot.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
