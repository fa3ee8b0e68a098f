"""PostgreSQL: the same functions, for many processes and machines.

Writers take one advisory lock first, so that they come one after another as they do on SQLite: the queries are
the same, and caps and turns are exact. A server that restarts is waited for. When the answer to a commit is
lost, the server is asked what became of it, so that nothing is done twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import asyncpg
import structlog
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import DatabaseError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from bot.errors import ConfigError
from bot.store.calls import Notify

log = structlog.get_logger(__name__)

AWAY_SECONDS: Final = 60.0
"""How long a server that does not answer is waited for before whoever asked is told."""

AGAIN_SECONDS: Final = 0.25
CONNECTIONS: Final = 6

STALLED_MS: Final = 5000
"""A process that stands still in the middle of a transaction, or is cut off there, loses it after so long: it may be
the one that all others wait for."""

LOCK: Final = 0x6D7572616C697374
"""Any number that nobody else takes for an advisory lock in this database: `muralist` in ASCII."""

_BEGUN: Final = text(f"SELECT txid_current() FROM (SELECT pg_advisory_xact_lock({LOCK})) AS locked")
_OUTCOME: Final = text("SELECT txid_status(:id)")

TROUBLES: Final = (OSError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What comes of a server and the way to it; the driver's own errors are not always put into SQLAlchemy's."""

T = TypeVar("T")


class Postgres:
    """Talks to one server by a few connections."""

    row_locks = True
    troubles: tuple[type[Exception], ...] = TROUBLES

    def __init__(self, url: URL, *, away_seconds: float = AWAY_SECONDS) -> None:
        self._away_seconds = away_seconds
        stalled = {"idle_in_transaction_session_timeout": str(STALLED_MS)}
        self.engine = create_async_engine(
            url, pool_size=CONNECTIONS, max_overflow=0, connect_args={"server_settings": stalled}
        )
        self._reading = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    async def look(self, function: Callable[[Connection], T]) -> T:
        """Run it on one state of everything."""

        async def once() -> T:
            async with self._reading.begin() as connection:
                return await connection.run_sync(function)

        return await self._patiently(once)

    async def commit(self, functions: Sequence[Callable[[Connection], Any]]) -> list[Any]:
        """Run them while no other process writes."""

        async def once() -> list[Any]:
            async with self.engine.connect() as connection:
                return await self._commit(connection, functions)

        return await self._patiently(once)

    async def touch(self, function: Callable[[Connection], T]) -> T:
        """Run a function that changes a single row while others may write. It may run again after it was done."""

        async def once() -> T:
            async with self.engine.begin() as connection:
                return await connection.run_sync(function)

        return await self._patiently(once)

    async def change(self, function: Callable[[Connection], None]) -> None:
        """Run a function that changes tables."""
        await self.commit([function])

    def unusable(self, error: Exception) -> ConfigError:
        """Why the server can't be used, by the kind of its error: the words may hold what is secret."""
        reason = error.orig if isinstance(error, DatabaseError) else error
        return ConfigError(
            f"The database of DATABASE_URL can't be used ({type(reason).__name__}). Check that its server runs, and "
            "the address, name and password."
        )

    def full(self, error: BaseException) -> bool:
        """Whether a write failed because the server's disk is full."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        while cause is not None and not isinstance(cause, asyncpg.DiskFullError):
            cause = cause.__cause__
        return cause is not None

    @property
    def calls(self) -> Notify:
        """Words between the processes that use this database."""
        return Notify(self.engine, self.engine.url)

    async def close(self) -> None:
        """Close the connections."""
        await self.engine.dispose()

    async def _commit(
        self, connection: AsyncConnection, functions: Sequence[Callable[[Connection], Any]]
    ) -> list[Any]:
        begun: int = (await connection.execute(_BEGUN)).scalar_one()
        found = await connection.run_sync(lambda held: [function(held) for function in functions])
        try:
            await connection.commit()
        except TROUBLES as error:
            if not _is_away(error) or not await self._patiently(lambda: self._committed(begun)):
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
                if not _is_away(error) or time.monotonic() > deadline:
                    raise
                if not told:
                    log.warning("the database does not answer; waiting for it", error=type(error).__name__)
                    told = True
            await asyncio.sleep(AGAIN_SECONDS)

    async def _committed(self, transaction: int) -> bool:
        """What became of a transaction. One that the server never wrote down is unknown to it: undone."""
        while True:
            async with self._reading.connect() as connection:
                try:
                    outcome = (await connection.execute(_OUTCOME, {"id": transaction})).scalar_one()
                except DBAPIError as error:
                    if _is_away(error):
                        raise
                    return False
            if outcome != "in progress":
                return bool(outcome == "committed")
            await asyncio.sleep(AGAIN_SECONDS)


def _is_away(error: BaseException) -> bool:
    """Whether the connection is the trouble, or a server that starts or stops, and not what was asked."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _is_away_there(error.orig)
    return isinstance(error, OSError) or _is_away_there(error)


def _is_away_there(error: BaseException | None) -> bool:
    cause = error
    while cause is not None:
        if isinstance(
            cause,
            asyncpg.PostgresConnectionError
            | asyncpg.OperatorInterventionError
            | asyncpg.IdleInTransactionSessionTimeoutError
            | ConnectionError,
        ):
            return True
        cause = cause.__cause__
    return False
