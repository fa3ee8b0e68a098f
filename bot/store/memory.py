"""What adapters keep for themselves beyond the process: small values under names."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.sqlite import insert as upsert

from bot.store.database import Database
from bot.store.grouped import Grouped
from bot.store.tables import memory


class Memory:
    """Reads and writes what adapters keep."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes = Grouped[_Change](self._write)

    async def keep(self, adapter: str, name: str, value: Mapping[str, Any]) -> None:
        """Keep a value under a name, in place of what was there."""
        await self._changes.add(_Change(adapter, name, dict(value)))

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
        await self._changes.add(*(_Change(adapter, name, None) for name in names))

    async def _write(self, changes: Sequence[_Change]) -> None:
        """The newest change of each name counts."""
        newest = {(change.adapter, change.name): change.value for change in changes}
        gone = [key for key, value in newest.items() if value is None]
        kept = [
            {"adapter": adapter, "name": name, "value": value, "kept": time.time()}
            for (adapter, name), value in newest.items()
            if value is not None
        ]
        statement = upsert(memory)
        changed = {"value": statement.excluded.value, "kept": statement.excluded.kept}
        async with self._database.write() as connection:
            if gone:
                await connection.execute(
                    delete(memory).where(tuple_(memory.c.adapter, memory.c.name).in_(gone))
                )
            if kept:
                await connection.execute(statement.on_conflict_do_update(set_=changed), kept)


class _Change(NamedTuple):
    adapter: str
    name: str
    value: dict[str, Any] | None
    """None: it is kept no longer."""
