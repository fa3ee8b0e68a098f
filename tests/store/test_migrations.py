"""The migrated tables are the tables that the queries are written for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, insert

from bot.cards import render
from bot.cards.actions import read_button
from bot.contract.values import JobId
from bot.errors import ConfigError
from bot.jobs.models import MessageView
from bot.jobs.states import State
from bot.store.database import NEWEST, Database
from bot.store.store import Store, open_store
from bot.store.tables import metadata
from tests.builders import GRAPH, everything, new_output, new_request, place, sqlite_url


def _differences(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def _open_and_close(url: str) -> None:
    async with open_store(url):
        pass


async def test_migrations_make_the_tables_that_the_queries_name(store: Store, database: Database) -> None:
    """Alembic finds nothing to change between the migrated schema and `bot.store.tables`."""
    assert await _found(database) == []


async def _found(database: Database) -> list[object]:
    """What Alembic finds on a connection that is SQLAlchemy's own."""
    found: list[object] = []
    await database.driver.change(lambda connection: found.extend(_differences(connection)))
    return found


async def test_the_newest_revision_is_known_without_alembic(store: Store, database: Database) -> None:
    """By the names of the files: what alembic comes to from what is in them is the same."""
    assert ScriptDirectory.from_config(_config()).get_heads() == [NEWEST]
    assert await database.read(_noted) == NEWEST


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
            assert await _found(database) == []


@pytest.mark.parametrize(
    "url", ["muralist.db", "nonsense://x", "postgresql://localhost/x", "sqlite:///x", ""]
)
async def test_a_url_that_cannot_be_used_is_the_owners_error(url: str) -> None:
    """A wrong DATABASE_URL is named, with what to write instead."""
    with pytest.raises(ConfigError, match=r"DATABASE_URL.*sqlite\+aiosqlite:///"):
        await _open_and_close(url)


async def test_what_the_first_tables_held_goes_on_through_all_upgrades(
    tmp_path: Path,
) -> None:
    """One that is done with its card and button, one that waits, and one that was in hand: all as they were."""
    url = sqlite_url(tmp_path)
    async with Database(url) as database:
        await database.write(lambda connection: _upgrade_to(connection, "0001"))
        await database.write(_fill_the_first_tables)
    async with open_store(url) as store, Database(url) as database:
        assert await _found(database) == []
        await store.queue.rebuild_flows()
        views = {view.job.id: view for view in await store.messages.of_place(place(), 10)}
        assert {name: view.job.state for name, view in views.items()} == {
            "job-done": State.DONE,
            "job-waits": State.QUEUED,
            "job-runs": State.RUNNING,
        }
        card = render.render(_facts_of(views[JobId("job-done")]))
        assert (card.actions[0].id, card.actions[0].label) == ("m1:again:job-done:0", "Again")
        assert read_button(card.actions[0].id).ref.job == "job-done"
        assert await store.messages.totals() == (1, 1)
        held = await store.leases.take("backend:a", "me", await store.leases.look("backend:a"))
        assert held is not None
        (adopted,) = await store.queue.adopt(held)
        assert (adopted.job.id, adopted.prompt_id, adopted.number) == ("job-runs", "prompt-runs", 1)
        await store.queue.finish(adopted, State.DONE, now=2000.0, outputs=[new_output("bb")])
        claimed = await store.queue.claim(held, "prompt-waits", now=2000.0)
        assert claimed is not None
        await store.queue.finish(claimed, State.DONE, now=2001.0, outputs=[new_output("cc")])
        assert claimed.job.id == "job-waits"
        assert [view.id for view in await store.messages.due("test", 10)] == ["message-waits", "message-runs"]
        again = await store.requests.add(new_request("waits"))
        assert (again.existing, again.job) == (True, "job-waits")


def _noted(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _upgrade_to(connection: Connection, revision: str) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "bot.store:migrations")
    return config


def _fill_the_first_tables(connection: Connection) -> None:
    """As the first version wrote them."""
    tables = MetaData()
    tables.reflect(connection)

    def add(table: str, **values: object) -> None:
        columns = tables.tables[table].columns
        connection.execute(
            insert(tables.tables[table]).values({columns[name]: v for name, v in values.items()})
        )

    add("account", id="ann", created=1.0)
    add("identity", platform="test", external_id="ann", account="ann", name="Ann")
    add("place", id="room", platform="test", external_id="room")
    add("workflow_version", version="v1", name="imagine", graph=GRAPH)
    add("lease", name="backend:a", owner="gone", epoch=1, beat=7)
    for number, (name, state) in enumerate({"done": "done", "waits": "queued", "runs": "running"}.items(), 1):
        _add_first_job(add, number, name, state)
    add("blob", sha256="aa", size=3)
    add(
        "output",
        job="job-done",
        index=0,
        sha256="aa",
        media_type="image/png",
        name="imagine-1.png",
        node="9",
    )
    add("attempt", job="job-runs", number=1, prompt_id="prompt-runs", backend="backend:a", epoch=1)


def _add_first_job(add: Callable[..., None], number: int, name: str, state: str) -> None:
    add(
        "request",
        id=f"request-{name}",
        event_key=f"event-{name}",
        account="ann",
        actor_platform="test",
        actor_external_id="ann",
        place="room",
        command="imagine",
        fingerprint="same",
        created=1000.0,
    )
    add(
        "job",
        id=f"job-{name}",
        number=number,
        request=f"request-{name}",
        account="ann",
        workflow="imagine",
        version="v1",
        values={"prompt": "a red fox", "seed": 0},
        patch=[{"node": "6", "input": "text", "value": "a red fox"}],
        seed="0",
        state=state,
        attempt=0 if state == "queued" else 1,
        failures=0,
        backend=None if state == "queued" else "backend:a",
        epoch=None if state == "queued" else 1,
        cancel_requested=False,
        fraction=0.0,
        created=1000.0,
        started=None if state == "queued" else 1001.0,
        finished=1010.0 if state == "done" else None,
    )
    add(
        "message",
        id=f"message-{name}",
        number=number,
        request=f"request-{name}",
        place="room",
        adapter="test",
        address={"chat": "room", "message": name},
        wanted=2 if state == "done" else 1,
        shown=2 if state == "done" else 0,
        removed=False,
        dead=False,
    )


def _facts_of(view: MessageView) -> render.Facts:
    return render.Facts(
        view=view, media=(), texts=(), live=None, ahead=None, loaded=False, answering=True, now=3000.0
    )
