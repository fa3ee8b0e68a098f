"""SQLite: a file, asked in threads."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, create_engine, event

BUSY_SECONDS = 15
"""How long a write waits for another process's write to end."""

READERS = 4

T = TypeVar("T")


class Sqlite:
    """Reads run beside each other, each in a thread; writes have one of their own."""

    def __init__(self, url: URL) -> None:
        if url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = create_engine(url.set(drivername="sqlite"))
        event.listen(self.engine, "connect", _prepare)
        event.listen(self.engine, "begin", _begin)
        self._readers = ThreadPoolExecutor(READERS, "database-read")
        self._writer = ThreadPoolExecutor(1, "database-write")

    async def look(self, function: Callable[[Connection], T]) -> T:
        """Run it in a thread, in a transaction that reads."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._look, function)

    async def commit(self, functions: Sequence[Callable[[Connection], Any]]) -> list[Any]:
        """Run them in the writer's thread, in one transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._commit, functions)

    @property
    def calls(self) -> None:
        """None: who shares the file looks for himself."""

    async def close(self) -> None:
        """Wait for the threads, and close the file."""
        for threads in (self._writer, self._readers):
            await asyncio.to_thread(threads.shutdown)
        self.engine.dispose()

    def _look(self, function: Callable[[Connection], T]) -> T:
        with self.engine.begin() as connection:
            return function(connection)

    def _commit(self, functions: Sequence[Callable[[Connection], Any]]) -> list[Any]:
        with self.engine.connect().execution_options(muralist_write=True) as connection, connection.begin():
            return [function(connection) for function in functions]


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
