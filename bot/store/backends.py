"""What is remembered of a ComfyUI server between runs."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Connection, insert, select, update

from bot.store.database import Database, writing
from bot.store.tables import backend


class Backends:
    """The websocket's client id by server."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def client_id(self, connection: Connection, url: str) -> str:
        """The client id last used with this server; a new one the first time."""
        known: str | None = connection.scalar(select(backend.c.client_id).where(backend.c.url == url))
        if known is not None:
            return known
        new = str(uuid4())
        connection.execute(insert(backend).values(url=url, client_id=new))
        return new

    @writing
    def remember(self, connection: Connection, url: str, client_id: str) -> None:
        """Use another client id with this server from now on."""
        connection.execute(update(backend).where(backend.c.url == url).values(client_id=client_id))
