"""Steps that tests of the queue take, and what they look at."""

from __future__ import annotations

from sqlalchemy import select

from bot.jobs.models import Attempt
from bot.jobs.states import State
from bot.store.database import Database
from bot.store.leases import Held, Leases
from bot.store.store import Store
from bot.store.tables import flow, job


async def claim(store: Store, held: Held, prompt_id: str = "p1") -> Attempt:
    """The next job, which there must be."""
    claimed = await store.queue.claim(held, prompt_id, now=1500.0)
    assert claimed is not None
    return claimed


async def make(store: Store, held: Held, prompt_id: str) -> Attempt:
    """The next job runs for as long as it was thought to."""
    mine = await claim(store, held, prompt_id)
    await store.queue.advance(mine, State.RUNNING, started=1500.0)
    await store.queue.finish(mine, State.DONE, now=1520.0)
    return mine


async def take(leases: Leases, name: str = "backend:a", owner: str = "other") -> Held:
    """A lease, whoever has it."""
    taken = await leases.take(name, owner, await leases.look(name))
    assert taken is not None
    return taken


async def flows(database: Database) -> dict[str, tuple[float, int, int]]:
    """Virtual time, waiting and running by person; accounts are random, people here have one job's name."""
    query = select(job.c.id, flow.c.vtime, flow.c.waiting, flow.c.running).join(
        flow, flow.c.account == job.c.account
    )
    rows = await database.read(lambda connection: connection.execute(query).all())
    return {row[0]: (row[1], row[2], row[3]) for row in rows}
