"""SQLite: a file, asked in threads."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError

from bot.errors import ConfigError
from bot.store.quick import Form, Forms, Quick, Rows

BUSY_SECONDS = 15
"""How long a write waits for another process's write to end."""

READERS = 4

_TROUBLES = {
    sqlite3.SQLITE_FULL: "The disk that the database lies on is full. Free some space there, or set DATA_DIR to "
    "another one.",
    sqlite3.SQLITE_IOERR: "The disk that the database lies on can't be written. Look whether it is full or broken.",
    sqlite3.SQLITE_BUSY: "Another program holds the database. Stop it, then try again.",
    sqlite3.SQLITE_NOTADB: "The file of the database is damaged or is no database. Put a backup in its place, or move "
    "it away to begin anew.",
    sqlite3.SQLITE_CANTOPEN: "The database can't be opened. Check that DATA_DIR and DATABASE_URL name a folder that "
    "this account may write to.",
    sqlite3.SQLITE_READONLY: "The database can't be written. Give this account the right to write to DATA_DIR and the "
    "files in it.",
}
_TROUBLES[sqlite3.SQLITE_CORRUPT] = _TROUBLES[sqlite3.SQLITE_NOTADB]

T = TypeVar("T")


class QuickSqlite(Quick):
    """A connection to a file."""

    def __init__(self, engine: Engine, forms: Forms) -> None:
        super().__init__(engine, forms)
        plain = self.connection.driver_connection
        assert isinstance(plain, sqlite3.Connection), "the engine is SQLite's"
        self._plain = plain

    def run(self, form: Form, parameters: Any) -> Rows:
        """Give it to the driver."""
        try:
            if isinstance(parameters, list):
                cursor = self._plain.executemany(form.text, [form.fill(each) for each in parameters])
            else:
                cursor = self._plain.execute(form.text, form.fill(parameters or {}))
            return Rows(form.rows(cursor), cursor.rowcount)
        except sqlite3.Error as error:
            told = DBAPIError.instance(form.text, None, error, sqlite3.Error, dialect=self.dialect)
            raise told from error

    def codes(self, text: str, count: int) -> Sequence[Any]:
        """None is needed: values tell their own types."""
        return (None,) * count


class Sqlite:
    """Reads run beside each other, each in a thread; writes have one of their own."""

    row_locks = False
    troubles: tuple[type[Exception], ...] = (DatabaseError, OSError)

    def __init__(self, url: URL) -> None:
        if url.database:
            _make_folder(Path(url.database).parent)
        self.engine = create_engine(url.set(drivername="sqlite"))
        event.listen(self.engine, "connect", _prepare)
        event.listen(self.engine, "begin", _begin)
        self._forms = Forms(self.engine.dialect)
        self._local = threading.local()
        self._held: list[QuickSqlite] = []
        self._asked: list[tuple[Callable[[Connection], Any], asyncio.Future[Any]]] = []
        self._readers = ThreadPoolExecutor(READERS, "database-read")
        self._writer = ThreadPoolExecutor(1, "database-write")

    async def look(self, function: Callable[[Connection], T]) -> T:
        """Run it in a thread, in a transaction that reads; what is asked at the same moment shares both."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._asked.append((function, answer))
        if len(self._asked) == 1:
            loop.call_soon(self._look_together)
        return await answer

    def _look_together(self) -> None:
        asked, self._asked = self._asked, []
        functions = [function for function, _ in asked]
        looking = asyncio.get_running_loop().run_in_executor(self._readers, self._look, functions)
        looking.add_done_callback(partial(_answer, [answer for _, answer in asked]))

    async def commit(self, functions: Sequence[Callable[[Connection], Any]]) -> list[Any]:
        """Run them in the writer's thread, in one transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._commit, functions)

    async def touch(self, function: Callable[[Connection], T]) -> T:
        """The same for one of them."""
        found: T = (await self.commit([function]))[0]
        return found

    async def change(self, function: Callable[[Connection], None]) -> None:
        """Run a function that changes tables, in the writer's thread."""
        await asyncio.get_running_loop().run_in_executor(self._writer, self._change, function)

    @property
    def calls(self) -> None:
        """None: who shares the file looks for himself."""

    async def close(self) -> None:
        """Wait for the threads, and close the file."""
        for threads in (self._writer, self._readers):
            await asyncio.to_thread(threads.shutdown)
        for connection in self._held:
            connection.close()
        self.engine.dispose()

    def unusable(self, error: Exception) -> ConfigError:
        """Why the file can't be used, and what to do."""
        reason = error.orig if isinstance(error, DatabaseError) else error
        code = getattr(reason, "sqlite_errorcode", 0) & 0xFF  # the rest says where in SQLite
        if code in _TROUBLES:
            return ConfigError(_TROUBLES[code])
        return ConfigError(f"The database can't be used: {reason}. Check DATABASE_URL and DATA_DIR.")

    def full(self, error: BaseException) -> bool:
        """Whether a write failed because the disk is full."""
        reason = error.orig if isinstance(error, DatabaseError) else error
        return getattr(reason, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL

    def _look(self, functions: Sequence[Callable[[Connection], Any]]) -> list[tuple[Any, Exception | None]]:
        """What each returned or raised: a read that fails is no other's trouble."""
        connection = self._own(write=False)
        with connection.begin():
            return [_outcome(function, connection) for function in functions]

    def _commit(self, functions: Sequence[Callable[[Connection], Any]]) -> list[Any]:
        connection = self._own(write=True)
        with connection.begin():
            return [function(connection) for function in functions]

    def _own(self, *, write: bool) -> QuickSqlite:
        """This thread's connection: each thread keeps one."""
        held: QuickSqlite | None = getattr(self._local, "connection", None)
        if held is None:
            held = QuickSqlite(self.engine, self._forms)
            held.execution_options(muralist_write=write)
            self._local.connection = held
            self._held.append(held)
        return held

    def _change(self, function: Callable[[Connection], None]) -> None:
        """References are looked at in the end only: what is changed in a table may need another in its place."""
        with self.engine.connect().execution_options(muralist_write=True) as connection:
            plain = connection.connection.driver_connection
            assert isinstance(plain, sqlite3.Connection), "the engine is SQLite's"
            plain.execute("PRAGMA foreign_keys=OFF")  # within a transaction it would be without effect
            try:
                with connection.begin():
                    function(connection)
                    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                    assert not broken, f"rows that refer to nothing: {broken[:3]}"
            finally:
                plain.execute("PRAGMA foreign_keys=ON")


def _outcome(function: Callable[[Connection], Any], connection: Connection) -> tuple[Any, Exception | None]:
    try:
        return function(connection), None
    except Exception as error:  # noqa: BLE001 - told to whoever asked
        return None, error


def _answer(
    answers: Sequence[asyncio.Future[Any]], looking: asyncio.Future[list[tuple[Any, Exception | None]]]
) -> None:
    """Tell those who still wait what came of their reads."""
    failed = looking.exception()
    found = [(None, failed)] * len(answers) if failed is not None else looking.result()
    for answer, (value, error) in zip(answers, found, strict=True):
        if answer.done():
            continue
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(value)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"The folder of the database ({folder}) can't be made: {error.strerror}. Set DATA_DIR to one that can."
        ) from error


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
