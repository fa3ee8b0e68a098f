"""What adapters keep for themselves beyond the process: small values under names."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from bot.store.database import Database, reading, writing
from bot.store.rows import put
from bot.store.tables import memory


class Memory:
    """Reads and writes what adapters keep."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def keep(self, connection: Connection, adapter: str, name: str, value: Mapping[str, Any]) -> None:
        """Keep a value under a name, in place of what was there."""
        key = {"adapter": adapter, "name": name}
        put(connection, memory, key, {"value": dict(value), "kept": time.time()})

    @writing
    def once(
        self, connection: Connection, adapter: str, name: str, value: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], bool]:
        """What is kept under a name, which is `value` if nothing was yet, and whether nothing was."""
        which = (memory.c.adapter == adapter) & (memory.c.name == name)
        known = connection.scalar(select(memory.c.value).where(which))
        if known is not None:
            return known, False
        row = {"adapter": adapter, "name": name, "value": dict(value), "kept": time.time()}
        connection.execute(insert(memory).values(row))
        return value, True

    @reading
    def find(self, connection: Connection, adapter: str, prefix: str) -> dict[str, Mapping[str, Any]]:
        """What is kept under names that begin so, the oldest first."""
        query = (
            select(memory.c.name, memory.c.value)
            .where(memory.c.adapter == adapter, memory.c.name.startswith(prefix, autoescape=True))
            .order_by(memory.c.kept, memory.c.name)
        )
        return {row.name: row.value for row in connection.execute(query)}

    @writing
    def drop(self, connection: Connection, adapter: str, *names: str) -> None:
        """Keep these no longer."""
        connection.execute(delete(memory).where(memory.c.adapter == adapter, memory.c.name.in_(names)))
