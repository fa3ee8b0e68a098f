"""A real SQLite file for every test, and what its tables hold."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store.database import Database
from bot.store.leases import Held
from bot.store.store import Store, open_store
from tests.builders import sqlite_url


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with its tables made and nothing in them, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    asyncio.run(_open_and_close(sqlite_url(folder)))
    return folder / "muralist.db"


async def _open_and_close(url: str) -> None:
    async with open_store(url):
        pass


@pytest.fixture
def url(tmp_path: Path, migrated: Path) -> str:
    """The name of this test's database."""
    shutil.copy(migrated, tmp_path / "muralist.db")
    return sqlite_url(tmp_path)


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """The store, open, its tables made."""
    async with open_store(url) as opened:
        yield opened


@pytest.fixture
async def database(url: str, store: Store) -> AsyncIterator[Database]:
    """The same file through a connection of its own: another process, as far as SQLite can tell."""
    async with Database(url) as opened:
        yield opened


@pytest.fixture
async def held(store: Store) -> Held:
    """The lease of a backend."""
    taken = await store.leases.take("backend:a", "me", None)
    assert taken is not None
    return taken
