"""PostgreSQL: the same functions, for many processes and machines.

Writers take one advisory lock first, so that they come one after another as they do on SQLite: the queries are
the same, and caps and turns are exact. A server that restarts is waited for. When the answer to a commit is
lost, the server is asked what became of it, so that nothing is done twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import asyncpg
import structlog
from sqlalchemy import URL, Connection, Engine, event, text
from sqlalchemy.exc import DatabaseError, DBAPIError, IntegrityError, InvalidatePoolError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.util import await_only, greenlet_spawn

from bot.errors import ConfigError
from bot.store.calls import Notify
from bot.store.quick import Form, Forms, Quick, Rows

log = structlog.get_logger(__name__)

AWAY_SECONDS: Final = 60.0
"""How long a server that does not answer is waited for before whoever asked is told."""

AGAIN_SECONDS: Final = 0.25
CONNECTIONS: Final = 6

LOCK_SECONDS = 10.0
"""How long a lock is waited for before it is looked who has it."""
STALLED_SECONDS = 5.0
"""A process that said nothing for so long in the middle of a transaction stands still, or is cut off: it loses it."""

NAME: Final = "muralist"
"""What its connections are called, for this server's other users and its owner."""

LOCK: Final = 0x6D7572616C697374
"""Any number that nobody else takes for an advisory lock in this database: `muralist` in ASCII."""

STATEMENTS: Final = 256
"""How many statements a connection keeps prepared."""

_READING: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITING: Final = "BEGIN"
_LOCKED: Final = f"SELECT txid_current() FROM (SELECT pg_advisory_xact_lock({LOCK})) AS locked"
_END_STALLED: Final = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND usename = current_user AND application_name = :name AND xact_start IS NOT NULL "
    "AND wait_event = 'ClientRead' AND state_change < clock_timestamp() - make_interval(secs => :seconds)"
)
"""By the server's own clock. Its own timeouts don't see who stands still between two parts of one statement."""
_OUTCOME: Final = text("SELECT txid_status(:id)")

TROUBLES: Final = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What comes of a server and the way to it; the driver's own errors are not always put into SQLAlchemy's."""

T = TypeVar("T")


class QuickPostgres(Quick):
    """A connection to a server, within a transaction that is begun and ended by name."""

    def __init__(self, engine: Engine, forms: Forms | None) -> None:
        super().__init__(engine, forms)
        plain = self.connection.driver_connection
        assert isinstance(plain, asyncpg.Connection), "the engine is PostgreSQL's"
        self._plain = plain

    def run(self, form: Form, parameters: Any) -> Rows:
        """Give it to the driver, which keeps what it has prepared."""
        if isinstance(parameters, list):
            if len(parameters) > 1:
                self._wait(form.text, self._plain.executemany(form.text, map(form.fill, parameters)))
                return Rows([], -1)
            parameters = parameters[0]
        values = form.fill(parameters or {})
        if form.row is not None:
            return Rows(form.rows(self._wait(form.text, self._plain.fetch(form.text, *values))), -1)
        status = self._wait(form.text, self._plain.execute(form.text, *values))
        return Rows([], int(status.rpartition(" ")[2]))  # such as UPDATE 1

    def codes(self, text: str, count: int) -> Sequence[Any]:
        """As the server says."""
        if not count:
            return ()
        prepared = self._wait(text, self._plain.prepare(text))
        return [attribute.type.oid for attribute in prepared.get_attributes()]

    def say(self, words: str) -> None:
        """Begin or end a transaction."""
        self._wait(words, self._plain.execute(words))

    def ask(self, words: str) -> Any:
        """The only value of the only row."""
        return self._wait(words, self._plain.fetchval(words))

    def undo(self) -> None:
        """End a transaction of which nothing shall stay. Where that can't be said, the connection ends with it."""
        try:
            if not self._plain.is_closed():
                self.say("ROLLBACK")
        except TROUBLES as error:
            log.info(
                "a transaction could not be undone; it ends with its connection", error=type(error).__name__
            )
        finally:
            if not self._plain.is_closed() and self._plain.is_in_transaction():
                self._plain.terminate()

    def _wait(self, words: str, answer: Coroutine[Any, Any, T]) -> T:
        try:
            return await_only(answer)
        except _RAW as error:
            kind = (
                IntegrityError if isinstance(error, asyncpg.IntegrityConstraintViolationError) else DBAPIError
            )
            raise kind(words, None, error, connection_invalidated=self._plain.is_closed()) from error


class Postgres:
    """Talks to one server by a few connections."""

    row_locks = True
    troubles: tuple[type[Exception], ...] = TROUBLES

    def __init__(self, url: URL, *, away_seconds: float = AWAY_SECONDS) -> None:
        self._away_seconds = away_seconds
        settings = {"application_name": NAME, "lock_timeout": str(round(LOCK_SECONDS * 1000))}
        self.engine = create_async_engine(
            url,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_use_lifo=True,  # whose statements were prepared last
            isolation_level="AUTOCOMMIT",  # transactions are begun and ended by `QuickPostgres`
            connect_args={"server_settings": settings, "statement_cache_size": STATEMENTS},
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)
        self._forms = Forms(self.engine.dialect)

    async def look(self, function: Callable[[Connection], T]) -> T:
        """Run it on one state of everything."""
        return await self._patiently(lambda: greenlet_spawn(self._within, _READING, function))

    async def commit(self, functions: Sequence[Callable[[Connection], Any]]) -> list[Any]:
        """Run them while no other process writes."""
        return await self._patiently(lambda: greenlet_spawn(self._commit, functions, self._forms))

    async def touch(self, function: Callable[[Connection], T]) -> T:
        """Run a function that changes a single row while others may write. It may run again after it was done."""
        return await self._patiently(lambda: greenlet_spawn(self._within, _WRITING, function))

    async def change(self, function: Callable[[Connection], None]) -> None:
        """Run a function that changes tables. It sees SQLAlchemy's own results, as Alembic needs."""
        await self._patiently(lambda: greenlet_spawn(self._commit, [function], None))

    def unusable(self, error: Exception) -> ConfigError:
        """Why the server can't be used, by the kind of its error: the words may hold what is secret."""
        reason = error.orig if isinstance(error, DatabaseError) else error
        return ConfigError(
            f"The database of DATABASE_URL can't be used ({type(reason).__name__}). Check that its server runs, and "
            "the address, name and password."
        )

    def full(self, error: BaseException) -> bool:
        """Whether a write failed because the server's disk is full."""
        return _is(error, asyncpg.DiskFullError)

    @property
    def calls(self) -> Notify:
        """Words between the processes that use this database."""
        return Notify(self.engine, self.engine.url)

    async def close(self) -> None:
        """Close the connections."""
        await self.engine.dispose()

    @contextmanager
    def _begun(self, words: str, forms: Forms | None) -> Iterator[QuickPostgres]:
        """A connection in a transaction, which is undone if the block raises, and otherwise ended by the block."""
        connection = QuickPostgres(self.engine.sync_engine, forms)
        with connection, connection.begin():
            try:
                connection.say(words)
                yield connection
            except BaseException:
                connection.undo()
                raise

    def _within(self, words: str, function: Callable[[Connection], T]) -> T:
        with self._begun(words, self._forms) as connection:
            found = function(connection)
            connection.say("COMMIT")
            return found

    def _commit(self, functions: Sequence[Callable[[Connection], Any]], forms: Forms | None) -> list[Any]:
        with self._begun(_WRITING, forms) as connection:
            begun: int = connection.ask(_LOCKED)
            found = [function(connection) for function in functions]
            try:
                connection.say("COMMIT")
            except TROUBLES as error:
                if not _is_away(error) or not await_only(self._patiently(lambda: self._committed(begun))):
                    raise
                log.info("a commit's answer was lost; it had been done", transaction=begun)
            return found

    async def _patiently(self, once: Callable[[], Awaitable[T]]) -> T:
        """Do it; while the server is away, again and again, for as long as it is waited for."""
        deadline = time.monotonic() + self._away_seconds
        told = False
        while True:
            try:
                return await once()
            except TROUBLES as error:
                if _is(error, *_CHANGED) and time.monotonic() <= deadline:
                    continue
                if not _is_away(error) or time.monotonic() > deadline:
                    raise
                if not told:
                    log.warning("the database does not answer; waiting for it", error=type(error).__name__)
                    told = True
                locked = _is(error, asyncpg.LockNotAvailableError)
            if locked:
                await self._end_stalled()
            await asyncio.sleep(AGAIN_SECONDS)

    async def _end_stalled(self) -> None:
        """Undo what processes that stand still were in the middle of: others wait for their locks."""
        try:
            async with self.engine.connect() as connection:
                which = {"name": NAME, "seconds": STALLED_SECONDS}
                ended = len((await connection.execute(_END_STALLED, which)).all())
        except TROUBLES as error:
            log.warning("it could not be looked who has the lock", error=type(error).__name__)
        else:
            log.warning("a lock was waited for; who stood still has lost it", sessions=ended)

    async def _committed(self, transaction: int) -> bool:
        """What became of a transaction. One that the server never wrote down is unknown to it: undone."""
        while True:
            async with self.engine.connect() as connection:
                try:
                    outcome = (await connection.execute(_OUTCOME, {"id": transaction})).scalar_one()
                except DBAPIError as error:
                    if _is_away(error):
                        raise
                    return False
            if outcome != "in progress":
                return bool(outcome == "committed")
            await asyncio.sleep(AGAIN_SECONDS)


_RAW: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What the driver raises."""

_CHANGED: Final = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
"""Tables have changed since a statement was prepared. The driver forgets its own then, and prepares it anew."""

_AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.LockNotAvailableError,
    ConnectionError,
)


def _is_away(error: BaseException) -> bool:
    """Whether the connection is the trouble, or a server that starts, stops or is locked, and not what was asked."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is(error.orig, *_AWAY)
    return isinstance(error, OSError) or _is(error, *_AWAY)


def _is(error: BaseException | None, *kinds: type[BaseException]) -> bool:
    """Whether an error is of these kinds, or comes of one that is."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    while cause is not None:
        if isinstance(cause, kinds):
            return True
        cause = cause.__cause__
    return False


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """A server that went away has closed all connections: none of them is tried."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError
