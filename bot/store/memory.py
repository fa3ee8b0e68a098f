"""What adapters keep for themselves beyond the process: small values under names."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from bot.store.database import Database
from bot.store.tables import memory


class Memory:
    """Reads and writes what adapters keep."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, adapter: str, name: str, value: Mapping[str, Any]) -> None:
        """Keep a value under a name, in place of what was there."""
        row = {"adapter": adapter, "name": name, "value": dict(value), "kept": time.time()}
        changed = {"value": row["value"], "kept": row["kept"]}
        async with self._database.write() as connection:
            await connection.execute(upsert(memory).values(row).on_conflict_do_update(set_=changed))

    async def find(self, adapter: str, prefix: str) -> dict[str, Mapping[str, Any]]:
        """What is kept under names that begin so, the oldest first."""
        query = (
            select(memory.c.name, memory.c.value)
            .where(memory.c.adapter == adapter, memory.c.name.startswith(prefix, autoescape=True))
            .order_by(memory.c.kept, memory.c.name)
        )
        async with self._database.read() as connection:
            return {row.name: row.value for row in await connection.execute(query)}

    async def drop(self, adapter: str, *names: str) -> None:
        """Keep these no longer."""
        which = (memory.c.adapter == adapter) & memory.c.name.in_(names)
        async with self._database.write() as connection:
            await connection.execute(delete(memory).where(which))
