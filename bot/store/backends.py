"""What is remembered of a ComfyUI server between runs, and told of it to other processes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Select, case, func, insert, select, update

from bot.store.database import Database, reading, writing
from bot.store.tables import backend, lease

LEASES = "backend:"
"""What the lease of a backend is called, before its address."""


class Backends:
    """The websocket's client id by server; whether it answers, and what others have there."""

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

    @writing
    def tell(self, connection: Connection, url: str, *, up: bool, others: int) -> None:
        """How its lease holder sees a server: whether it answers, and how many prompts there are not ours."""
        connection.execute(update(backend).where(backend.c.url == url).values(up=up, others=others))

    @reading
    def elsewhere(self, connection: Connection, shunned: Collection[str]) -> bool:
        """Whether somebody works for a server that answers and whose lease is not one of these."""
        return any(LEASES + url not in shunned for url in connection.scalars(served()))


def served() -> Select[Any]:
    """The servers that answer and that somebody works for, each with how many prompts others have there."""
    held = lease.c.name == LEASES + backend.c.url
    query = select(backend.c.url, backend.c.others).join(lease, held)
    return query.where(backend.c.up, lease.c.owner.is_not(None))


def others_everywhere() -> Select[Any]:
    """How many prompts of others all servers that answer have together; 0 if one of them has none."""
    each = served().subquery().c.others
    return select(case((func.min(each) > 0, func.sum(each)), else_=0))
