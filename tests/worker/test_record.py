"""What one process may still do with an attempt that may be another's by now."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.feed import Feed
from bot.jobs.models import Attempt
from bot.store.store import open_store
from bot.worker.record import Record
from tests.builders import GRAPH, new_job, sqlite_url


async def test_nothing_is_posted_while_the_lease_may_be_anothers(tmp_path: Path) -> None:
    """Whoever stood still waits for the next beat; if there is none, their run is cancelled."""
    mine = Attempt(job=new_job(), number=1, prompt_id="p", backend="backend:a", epoch=1, graph=GRAPH)
    held = asyncio.Event()
    async with open_store(sqlite_url(tmp_path)) as store:
        record = Record(store.queue, Feed(), mine, held.is_set)
        waiting = asyncio.create_task(record.surely_ours())
        done, _ = await asyncio.wait({waiting}, timeout=0.2)
        assert not done
        held.set()
        await waiting
