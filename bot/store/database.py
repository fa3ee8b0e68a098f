"""The connection to the database: transactions that read, and transactions that write one after another."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiosqlite
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import ConfigError

BUSY_SECONDS = 15
"""How long a write waits for another process's write to end."""

CONNECTIONS = 6
"""Kept open; who finds none waits its turn. To open more for a moment costs a thread and four statements each."""


class Database:
    """`async with` opens and closes it. `url` is SQLAlchemy's: `sqlite+aiosqlite:///...`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: AsyncEngine | None = None
        self._writing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._engine = _engine(self._url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._engine is not None:
            await self._engine.dispose()

    @property
    def engine(self) -> AsyncEngine:
        """The engine while the database is open."""
        assert self._engine is not None, "the database is not open"
        return self._engine

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of everything and changes nothing."""
        async with self.engine.connect() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that alone may write; committed at the end, undone if anything raises."""
        async with self._writing, self.engine.connect() as connection:
            connection = await connection.execution_options(muralist_write=True)
            async with connection.begin():
                yield connection

    async def upgrade(self) -> None:
        """Bring the tables to the newest revision. Safe to call from several processes at once."""
        async with self.write() as connection:
            await connection.run_sync(_upgrade)


def _engine(url: str) -> AsyncEngine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(
            "DATABASE_URL is not one that Muralist understands. Use sqlite+aiosqlite:///path/to/muralist.db, "
            "or leave it out."
        ) from error
    if parsed.drivername != "sqlite+aiosqlite":
        raise ConfigError("DATABASE_URL: only sqlite+aiosqlite:///... is supported.")
    engine = create_async_engine(parsed, pool_size=CONNECTIONS, max_overflow=0)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    """Durable (a commit is on the disk when it returns), and readers never wait for the writer."""
    connection.isolation_level = None  # we say BEGIN ourselves: the driver would begin too late
    connection.run_async(_set_pragmas)


async def _set_pragmas(connection: aiosqlite.Connection) -> None:
    for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", "synchronous=FULL", "foreign_keys=ON"):
        await connection.execute(f"PRAGMA {pragma}")
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            await connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # SQLite does not wait here, whatever the timeout, if another process switches a new file too
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.01)
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
