"""A real database for every test, on each kind that there is, and what its tables hold."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from bot.store.database import Database
from bot.store.leases import Held
from bot.store.store import Store, open_store
from bot.store.tables import metadata
from tests.builders import sqlite_url
from tests.postgres import Server, running
from tests.processes import put_database

Fresh = Callable[[], AbstractContextManager[str]]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with its tables made and nothing in them, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    put_database(folder)
    return folder / "muralist.db"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server that has a database `migrated`, its tables made and nothing in them."""
    with running() as server:
        asyncio.run(_open_and_close(server.create("migrated")))
        yield server


async def _open_and_close(url: str) -> None:
    async with open_store(url):
        pass


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database: every test of the store runs on both."""
    return str(request.param)


@pytest.fixture
def fresh(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Fresh:
    """Makes a new database whenever it is called, its tables made and nothing in them."""
    if kind == "sqlite":
        return lambda: _copied(request.getfixturevalue("migrated"), tmp_path / uuid4().hex)
    return lambda: _lent(request.getfixturevalue("postgres"), request.getfixturevalue("spare"))


@contextmanager
def _copied(migrated: Path, folder: Path) -> Iterator[str]:
    folder.mkdir()
    shutil.copy(migrated, folder / "muralist.db")
    yield sqlite_url(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def spare() -> list[str]:
    """The names of databases of the server that no test uses now, with nothing in them."""
    return []


@contextmanager
def _lent(server: Server, spare: list[str]) -> Iterator[str]:
    """A spare database, or a new one; emptied afterwards, as that takes a tenth of what another takes to make."""
    if spare:
        name = spare.pop()
    else:
        name = f"test-{uuid4().hex}"
        server.create(name, template="migrated")
    yield server.url(name)
    server.empty(name, [*metadata.tables])
    spare.append(name)


@pytest.fixture
def url(fresh: Fresh) -> Iterator[str]:
    """The name of this test's database."""
    with fresh() as name:
        yield name


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    """The store, open, its tables made."""
    async with open_store(url) as opened:
        yield opened


@pytest.fixture
async def database(url: str, store: Store) -> AsyncIterator[Database]:
    """The same through connections of its own: another process, as far as the database can tell."""
    async with Database(url) as opened:
        yield opened


@pytest.fixture
async def held(store: Store) -> Held:
    """The lease of a backend."""
    taken = await store.leases.take("backend:a", "me", None)
    assert taken is not None
    return taken
