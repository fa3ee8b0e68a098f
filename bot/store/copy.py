"""Moves everything from one database to another, as from SQLite to PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select

from bot.errors import UserError
from bot.store.database import Database
from bot.store.tables import metadata

BATCH = 1000
"""Rows that are inserted by one statement."""

Rows = Mapping[str, list[dict[str, Any]]]


async def copy(source: Database, target: Database) -> dict[str, int]:
    """Copy all rows in one transaction; says how many each table had.

    Holds all of them in memory. Raises `UserError` if the target is not empty, or has not as many rows at the end.
    """
    rows = await source.read(_rows)
    if any((await target.read(_counts)).values()):
        raise UserError("The database to copy to has something in it already. Name an empty one.")
    await target.write(lambda connection: _insert(connection, rows))
    counts = {name: len(found) for name, found in rows.items()}
    if await target.read(_counts) != counts:
        raise UserError(
            "The copy has not as many rows as the original. Stop Muralist, empty it and copy again."
        )
    return counts


async def alive(database: Database) -> int:
    """A number that differs from one second to the next while any process uses the database."""
    return await database.read(_beats)


def _beats(connection: Connection) -> int:
    lease = metadata.tables["lease"]
    return int(connection.scalar(select(func.coalesce(func.sum(lease.c.beat + lease.c.epoch), 0))) or 0)


def _rows(connection: Connection) -> Rows:
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in metadata.sorted_tables
    }


def _counts(connection: Connection) -> dict[str, int]:
    return {
        table.name: connection.scalar(select(func.count()).select_from(table)) or 0
        for table in metadata.sorted_tables
    }


def _insert(connection: Connection, rows: Rows) -> None:
    for table in metadata.sorted_tables:
        found = rows[table.name]
        for start in range(0, len(found), BATCH):
            connection.execute(insert(table), found[start : start + BATCH])
