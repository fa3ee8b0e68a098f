"""Transactions: those that wait share a commit, and yet each is undone or kept by itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text
from sqlalchemy.exc import IntegrityError

from bot.errors import NoRoom
from bot.store.database import Database
from bot.store.sqlite import Sqlite
from bot.store.store import Store
from bot.store.tables import account


def _add(connection: Connection, name: str) -> str:
    connection.execute(insert(account).values(id=name, created=1.0))
    return name


def _names(connection: Connection) -> list[str]:
    return list(connection.scalars(select(account.c.id).order_by(account.c.id)))


@pytest.fixture
def kind() -> str:
    """These look at the threads and transactions of SQLite."""
    return "sqlite"


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Begins, commits and rollbacks of a database, as they happen."""
    seen: list[str] = []
    driver = database.driver
    assert isinstance(driver, Sqlite)
    for name in ("begin", "commit", "rollback"):
        event.listen(driver.engine, name, lambda _connection, name=name: seen.append(name))
    yield seen


async def _all_at_once(database: Database, *writes: Callable[[Connection], object]) -> list[object]:
    """Ask for these writes while another one has the thread, so that they wait together."""
    held, go = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        held.set()
        go.wait()

    first = asyncio.create_task(database.write(hold))
    await asyncio.to_thread(held.wait)
    asked = [asyncio.create_task(database.write(write)) for write in writes]
    await asyncio.sleep(0)  # each has begun, and waits
    go.set()
    await first
    return list(await asyncio.gather(*asked, return_exceptions=True))


async def test_writes_that_wait_share_a_commit(store: object, database: Database) -> None:
    """Each has its own answer, and all are there for other processes when it comes."""
    names = [f"account-{number:02}" for number in range(20)]
    with statements(database) as seen:
        answers = await _all_at_once(
            database, *(lambda connection, name=name: _add(connection, name) for name in names)
        )
    assert answers == names
    assert seen == ["begin", "commit", "begin", "commit"]
    assert await database.read(_names) == names


async def test_what_is_not_needed_at_once_shares_the_next_commit(store: object, database: Database) -> None:
    """It waits for another write; if none comes it is made all the same, also when the database is closed."""
    with statements(database) as seen:
        later = asyncio.create_task(database.write(lambda connection: _add(connection, "later"), soon=True))
        await asyncio.sleep(0)
        assert await database.write(lambda connection: _add(connection, "now")) == "now"
        assert await later == "later"
        assert await database.write(lambda connection: _add(connection, "alone"), soon=True) == "alone"
    assert seen == ["begin", "commit", "begin", "commit"]
    assert await database.read(_names) == ["alone", "later", "now"]
    async with Database(database.url) as other:
        last = asyncio.create_task(other.write(lambda connection: _add(connection, "last"), soon=True))
        await asyncio.sleep(0)
    assert await last == "last"
    assert await database.read(_names) == ["alone", "last", "later", "now"]


async def test_one_that_fails_takes_no_other_with_it(store: object, database: Database) -> None:
    """What it had done before is undone, and its own caller is told."""

    def half(connection: Connection) -> None:
        _add(connection, "half")
        _add(connection, "a")

    a, failed, b = await _all_at_once(
        database, lambda connection: _add(connection, "a"), half, lambda connection: _add(connection, "b")
    )
    assert (a, type(failed), b) == ("a", IntegrityError, "b")
    assert await database.read(_names) == ["a", "b"]


async def test_without_a_commit_none_is_told_that_it_is_kept(store: object, database: Database) -> None:
    """When the disk is full, all that shared a commit have failed, and the next write is unharmed."""

    def fill(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1")  # no more pages than there are
        try:
            _add(connection, "x" * 1_000_000)
        finally:
            connection.exec_driver_sql("PRAGMA max_page_count=1000000")

    answers = await _all_at_once(
        database, lambda connection: _add(connection, "a"), fill, lambda connection: _add(connection, "b")
    )
    assert [type(answer) for answer in answers] == [NoRoom] * 3
    assert await database.write(lambda connection: _add(connection, "c")) == "c"
    assert await database.read(_names) == ["c"]


async def test_one_whose_caller_went_away_before_it_began_is_not_made(
    store: object, database: Database
) -> None:
    """Nobody waits for it any more; the others do."""
    held, go = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> None:
        held.set()
        go.wait()

    first = asyncio.create_task(database.write(hold))
    await asyncio.to_thread(held.wait)
    gone = asyncio.create_task(database.write(lambda connection: _add(connection, "gone")))
    stays = asyncio.create_task(database.write(lambda connection: _add(connection, "stays")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    go.set()
    await first
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert await stays == "stays"
    assert await database.read(_names) == ["stays"]


async def test_commits_are_on_the_disk_and_references_are_kept(store: Store, database: Database) -> None:
    """Every connection is durable, checks foreign keys and lets readers read while one writes."""
    assert await database.write(_pragmas) == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 15000,
    }


def _pragmas(connection: Connection) -> dict[str, Any]:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    return {name: connection.scalar(text(f"PRAGMA {name}")) for name in names}
