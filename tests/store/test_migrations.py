"""The migrated tables are the tables that the queries are written for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from bot.errors import ConfigError
from bot.store.database import Database
from bot.store.store import Store, open_store
from bot.store.tables import metadata
from tests.builders import everything, new_request, sqlite_url


def _differences(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def _open_and_close(url: str) -> None:
    async with open_store(url):
        pass


async def test_migrations_make_the_tables_that_the_queries_name(store: Store, database: Database) -> None:
    """Alembic finds nothing to change between the migrated schema and `bot.store.tables`."""
    assert await database.read(_differences) == []


async def test_opening_again_changes_nothing(url: str) -> None:
    """An upgrade of tables that are up to date leaves all rows as they are."""
    async with open_store(url) as store, Database(url) as database:
        await store.requests.add(new_request())
        before = await everything(database)
    async with open_store(url), Database(url) as database:
        assert await everything(database) == before


async def test_many_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    """Processes that start together on a file that is not there yet all find its tables made."""
    for attempt in range(3):
        url = sqlite_url(tmp_path / str(attempt))
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(_open_and_close(url))
        async with Database(url) as database:
            assert await database.read(_differences) == []


@pytest.mark.parametrize(
    "url", ["muralist.db", "nonsense://x", "postgresql://localhost/x", "sqlite:///x", ""]
)
async def test_a_url_that_cannot_be_used_is_the_owners_error(url: str) -> None:
    """A wrong DATABASE_URL is named, with what to write instead."""
    with pytest.raises(ConfigError, match=r"DATABASE_URL.*sqlite\+aiosqlite:///"):
        await _open_and_close(url)
