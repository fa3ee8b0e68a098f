"""`muralist db copy`: from SQLite to PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.jobs.states import State
from bot.store.database import Database
from bot.store.store import open_store
from tests.builders import everything, new_output, new_request, sqlite_url
from tests.postgres import Server, running
from tests.processes import Program, run_command


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    """A server of these tests' own."""
    with running() as server:
        yield server


async def _fill(url: str) -> None:
    """A job that is done, one in hand and one that waits, with all that hangs on them."""
    async with open_store(url) as store:
        for key in ("1", "2", "3"):
            await store.requests.add(new_request(key, who=f"person-{key}"))
        held = await store.leases.take("backend:a", "me", None)
        assert held is not None
        for number in (1, 2):
            mine = await store.queue.claim(held, f"00000000-0000-0000-0000-00000000000{number}", now=1500.0)
            assert mine is not None
            if number == 1:
                for state in (State.POSTING, State.WAITING, State.RUNNING, State.FETCHING):
                    await store.queue.advance(mine, state)
                await store.queue.finish(mine, State.DONE, now=2000.0, outputs=[new_output("aa")])
        await store.memory.keep("discord", "published", {"é": [1, None, 2.5]})


async def test_all_of_it_is_copied_and_counted(tmp_path: Path, postgres: Server) -> None:
    """Every row, as it was; and what was copied goes on being used."""
    (tmp_path / "data").mkdir()
    source, target = sqlite_url(tmp_path / "data"), postgres.create("copied")
    await _fill(source)
    code, out, error = await run_command(tmp_path, "db", "copy", "--to", target)
    assert (code, error) == (0, "")
    async with Database(source) as old, Database(target) as new:
        rows = await everything(old)
        assert {name: sorted(map(str, found)) for name, found in (await everything(new)).items()} == {
            name: sorted(map(str, found)) for name, found in rows.items()
        }
    lines = out.decode().splitlines()
    assert dict(line.split() for line in lines[:-1]) == {
        name: str(len(found)) for name, found in rows.items()
    }
    assert (
        lines[-1]
        == "Everything is copied. Set DATABASE_URL to the new database; the pictures stay in DATA_DIR."
    )
    async with open_store(target) as store:
        assert (await store.requests.add(new_request("4", who="person-1"))).job == "job-4"

    code, _, error = await run_command(tmp_path, "db", "copy", "--to", target)
    assert (code, error) == (
        1,
        "error: The database to copy to has something in it already. Name an empty one.\n",
    )


async def test_a_database_in_use_is_not_copied(tmp_path: Path, postgres: Server, served: Program) -> None:
    """What happened meanwhile would be missing."""
    code, _, error = await run_command(tmp_path, "db", "copy", "--to", postgres.create("unused"))
    assert (code, error) == (1, "error: Muralist is running on this database. Stop it, then copy.\n")
