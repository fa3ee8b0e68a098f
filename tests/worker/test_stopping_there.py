"""What is to be stopped is stopped, though its server forgot that it was asked."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

from bot.comfy.backend import ComfyBackend
from bot.contract.values import JobId
from bot.feed import Feed
from bot.jobs.states import State
from bot.media.spool import Spool
from bot.store.holding import LeaseTiming
from bot.store.store import Store, open_store
from bot.worker.run import Tools
from bot.worker.worker import Worker
from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.builders import new_request, sqlite_url
from tests.comfy.conftest import CALM, new_id, txt2img

JOB = JobId("job-1")


async def test_a_cancel_that_the_server_forgot_is_asked_for_again(tmp_path: Path) -> None:
    """It does so with one that comes just before a run begins."""
    async with (
        Simulator(SimulatorSettings(port=0, step_seconds=0.05)) as simulator,
        ComfyBackend(simulator.url, client_id=new_id(), timing=CALM) as backend,
        open_store(sqlite_url(tmp_path)) as store,
        asyncio.timeout(120),
    ):
        timing, feed = LeaseTiming(), Feed()
        holds = partial(store.leases.surely_held, dead=timing.dead)
        tools = Tools(
            backend=backend, store=store, spool=Spool(tmp_path / "spool"), feed=feed, bare=False, holds=holds
        )
        simulator.faults.forget_interrupt()
        await store.requests.add(new_request(graph=txt2img(steps=10_000), patch=()))
        working = [asyncio.create_task(each) for each in (backend.keep(), Worker(tools, "me", timing).run())]
        try:
            while await _state(store) is not State.RUNNING:
                await asyncio.sleep(0.01)
            await store.queue.cancel(JOB, now=time.time())
            feed.cancelled(JOB)
            while await _state(store) is not State.CANCELLED:
                await asyncio.sleep(0.01)
        finally:
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)
        assert [run.outcome for run in simulator.runs] == ["interrupted"]


async def _state(store: Store) -> State:
    view = await store.messages.of_job(JOB)
    assert view is not None
    return view.job.state
