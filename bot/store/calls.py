"""Words between the processes that share a PostgreSQL, by LISTEN and NOTIFY. A hint: one may be lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import asyncpg
import structlog
from sqlalchemy import URL, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

log = structlog.get_logger(__name__)

AGAIN_SECONDS: Final = 1.0
_CHANNEL: Final = "muralist"


class Notify:
    """`Calls` on PostgreSQL."""

    def __init__(self, engine: AsyncEngine, url: URL) -> None:
        self._engine = engine
        self._address = url.set(drivername="postgresql").render_as_string(hide_password=False)

    async def call(self, word: str) -> None:
        """Tell all who listen. Nobody is told while the server is away."""
        try:
            async with self._engine.begin() as connection:
                await connection.execute(
                    text("SELECT pg_notify(:channel, :word)"), {"channel": _CHANNEL, "word": word}
                )
        except (OSError, SQLAlchemyError, asyncpg.PostgresError) as error:
            log.info("other processes could not be told", error=type(error).__name__)

    async def hear(self, heard: Callable[[str], None]) -> None:
        """Call `heard` with each word until cancelled, over a connection of its own that is renewed when it breaks."""
        while True:
            try:
                await self._hear(heard)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.info("other processes can't be heard for now", error=type(error).__name__)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _hear(self, heard: Callable[[str], None]) -> None:
        connection = await asyncpg.connect(self._address)
        closed = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _connection: closed.set())
            await connection.add_listener(
                _CHANNEL, lambda _connection, _pid, _channel, word: heard(str(word))
            )
            await closed.wait()
        finally:
            connection.terminate()
