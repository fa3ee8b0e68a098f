"""A process that stood still for longer than its lease lasts, between storing an attempt and posting it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.comfy.backend import ComfyBackend
from bot.errors import LeaseLost
from bot.feed import Feed
from bot.jobs.models import Attempt
from bot.jobs.states import State
from bot.media.spool import Spool
from bot.store.holding import LeaseTiming
from bot.store.leases import Held, Seen
from bot.store.store import open_store
from bot.worker.run import Tools
from bot.worker.worker import Worker
from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.builders import new_request, sqlite_url
from tests.comfy.conftest import CALM, Handler, new_id, txt2img

TIMING = LeaseTiming(beat=0.02, dead=60.0)


class Sleeper:
    """A worker whose process stands still as soon as it has stored an attempt. It beats only once `beats` is set."""

    def __init__(self, tools: Tools, patch: pytest.MonkeyPatch) -> None:
        self.stored, self.goes_on, self.beats, self.told = (asyncio.Event() for _ in range(4))
        """`told`: its beat has said that its lease is another's."""
        store, self._backend = tools.store, tools.backend
        self._claim, self._beat, self._beats = store.queue.claim, store.leases.beat, store.leases.beats
        patch.setattr(store.queue, "claim", self._claim_and_stand)
        patch.setattr(store.leases, "beat", self._beat_late)
        self._worker = Worker(tools, "sleeper", TIMING)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[str]:
        """At work; the name of its lease."""
        tasks = [asyncio.create_task(each) for each in (self._backend.keep(), self._worker.run())]
        try:
            yield self._worker.lease
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _claim_and_stand(self, held: Held, prompt_id: str, **how: Any) -> Attempt | None:
        attempt = await self._claim(held, prompt_id, **how)
        if attempt is not None:
            self.stored.set()
            await self.goes_on.wait()
            self._beats[held.name] -= TIMING.dead  # so far has the clock gone on
        return attempt

    async def _beat_late(self, held: Held) -> None:
        await self.beats.wait()
        try:
            await self._beat(held)
        except LeaseLost:
            self.told.set()
            raise


async def test_who_stood_still_posts_nothing_that_is_anothers_by_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on where it stood, does not know yet who holds its lease, and waits until a beat tells."""
    decided, done = asyncio.Event(), list[str]()
    url = sqlite_url(tmp_path)
    async with (
        Simulator(SimulatorSettings(port=0, step_seconds=0.0)) as simulator,
        ComfyBackend(simulator.url, client_id=new_id(), timing=CALM) as backend,
        open_store(url) as store,
        open_store(url) as elsewhere,
        asyncio.timeout(60),
    ):
        handle = simulator.faults.on_request

        async def told_of_posts(request: web.Request, handler: Handler) -> web.StreamResponse:
            if (request.method, request.path) == ("POST", "/prompt"):
                done.append("posted")
                decided.set()
            return await handle(request, handler)

        def holds(lease: str) -> bool:
            if done == ["asked"]:  # again: it heeds the answer
                decided.set()
            done.append("asked")
            return store.leases.surely_held(lease, TIMING.dead)

        monkeypatch.setattr(simulator.faults, "on_request", told_of_posts)
        spool = Spool(tmp_path / "spool")
        tools = Tools(backend=backend, store=store, spool=spool, feed=Feed(), bare=False, holds=holds)
        sleeper = Sleeper(tools, monkeypatch)
        await store.requests.add(new_request(graph=txt2img(), patch=()))
        async with sleeper.working() as lease:
            await sleeper.stored.wait()
            other = await elsewhere.leases.take(lease, "other", await elsewhere.leases.look(lease))
            assert other == Held(name=lease, owner="other", epoch=2)
            (taken_over,) = await elsewhere.queue.adopt(other)

            sleeper.goes_on.set()
            await decided.wait()
            sleeper.beats.set()
            await sleeper.told.wait()

        assert set(done) == {"asked"}
        assert simulator.runs == []
        assert (taken_over.job.state, taken_over.epoch) == (State.POSTING, 2)
        await elsewhere.queue.advance(taken_over, State.WAITING)
        assert await elsewhere.leases.look(lease) == Seen(owner="other", epoch=2, beat=0)
