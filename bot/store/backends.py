"""What is remembered of a ComfyUI server between runs."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import insert, select, update

from bot.store.database import Database
from bot.store.tables import backend


class Backends:
    """The websocket's client id by server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def client_id(self, url: str) -> str:
        """The client id last used with this server; a new one the first time."""
        async with self._database.write() as connection:
            known: str | None = await connection.scalar(
                select(backend.c.client_id).where(backend.c.url == url)
            )
            if known is not None:
                return known
            new = str(uuid4())
            await connection.execute(insert(backend).values(url=url, client_id=new))
            return new

    async def remember(self, url: str, client_id: str) -> None:
        """Use another client id with this server from now on."""
        async with self._database.write() as connection:
            await connection.execute(update(backend).where(backend.c.url == url).values(client_id=client_id))
