"""The same scenes in real time, with the whole of delivery and a store, to hold the simulated ones against."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from benchmarks.chats import PLATFORMS, MockChats
from benchmarks.scenes import SECONDS, STEP_SECONDS, Scene, Seen
from bot.cards.board import Board
from bot.contract.values import Actor, JobId, MessageId, Place, RequestId
from bot.delivery.deliverer import Deliverer
from bot.feed import Feed, Live
from bot.jobs.models import NewRequest
from bot.jobs.states import State
from bot.jobs.work import Work
from bot.media.spool import Spool
from bot.store.holding import LeaseTiming
from bot.store.leases import Held
from bot.store.store import Store, open_store

LOOK_SECONDS = 0.05


async def delivered(scene: Scene, warm_up: float, seconds: float) -> Seen:
    """What is seen of a scene, after `warm_up` seconds of `seconds` and at least until one job has ended."""
    seen, ended = Seen(), dict[str, float]()
    async with _delivering(scene) as stage:
        lines = [_Line(stage, seen, ended, number).run(warm_up) for number in range(scene.chats * scene.jobs)]
        running = asyncio.gather(*lines)
        await asyncio.wait([running], timeout=seconds)
        while not ended and not running.done():  # a busy machine is late with everything
            await asyncio.wait([running], timeout=STEP_SECONDS)
        if running.done():
            await running  # they never end but by an error
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        now = time.monotonic()
        seen.delays = [(stage.chats.shown[key].final_at or now) - at for key, at in ended.items()]
        seen.refused = stage.chats.chat.refused
        return seen


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stage:
    """A scene with a delivery of its own, and a lease under which its jobs run."""

    scene: Scene
    chats: MockChats
    store: Store
    feed: Feed
    held: Held


@asynccontextmanager
async def _delivering(scene: Scene) -> AsyncIterator[_Stage]:
    chats = MockChats(PLATFORMS[scene.platform])
    with TemporaryDirectory() as folder:
        async with open_store(f"sqlite+aiosqlite:///{folder}/freshness.db") as store:
            feed = Feed()
            board = Board(store, Spool(Path(folder) / "spool"), feed, lambda: True, frozenset, time.time)
            held = await store.leases.take("backend", "benchmark", None)
            assert held is not None, "it is new"
            deliverer = Deliverer(chats, store, board, feed, "benchmark", LeaseTiming())
            delivering = asyncio.create_task(deliverer.run())
            try:
                yield _Stage(scene=scene, chats=chats, store=store, feed=feed, held=held)
            finally:
                delivering.cancel()
                await asyncio.gather(delivering, return_exceptions=True)


class _Line:
    """One job after another, in one chat, of one person."""

    def __init__(self, stage: _Stage, seen: Seen, ended: dict[str, float], number: int) -> None:
        self._stage, self._seen, self._ended = stage, seen, ended
        self._store, self._feed = stage.store, stage.feed
        self._chat = stage.scene.chat(number)
        self._who = Actor(platform="mock", external_id=str(number), name=f"person {number}")

    async def run(self, warm_up: float) -> None:
        """Until cancelled. What is seen while budgets fill does not count."""
        begun = time.monotonic()
        await asyncio.sleep(random.uniform(0.0, min(warm_up, SECONDS[0])))  # they do not all end together
        while True:
            warm = time.monotonic() >= begun + warm_up
            await self._job(
                random.choice(SECONDS), self._seen if warm else Seen(), self._ended if warm else {}
            )

    async def _job(self, seconds: float, seen: Seen, ended: dict[str, float]) -> None:
        key = uuid4().hex
        seen.durations.append(seconds)
        await self._store.requests.add(self._request(key))
        self._feed.queued(JobId(key))
        attempt = await self._store.queue.claim(self._stage.held, key, now=time.time(), only=self._who)
        assert attempt is not None, "it waits"
        await self._store.queue.advance(attempt, State.RUNNING, started=time.time())
        self._feed.changed(JobId(key))
        await self._advance(key, seconds, seen)
        await self._store.queue.finish(attempt, State.DONE, now=time.time())
        ended[key] = time.monotonic()
        self._feed.over(JobId(key))

    async def _advance(self, key: str, seconds: float, seen: Seen) -> None:
        begun = told = counted = time.monotonic()
        fraction = 0.0
        while (now := time.monotonic()) < begun + seconds:
            seen.seconds += now - counted
            seen.wrong += (now - counted) * 100 * abs(fraction - self._stage.chats.shown[key].fraction)
            counted = now
            if now >= told:
                fraction, told = (now - begun) / seconds, told + STEP_SECONDS
                self._feed.progress(JobId(key), Live(fraction=fraction, node="KSampler"))
            await asyncio.sleep(LOOK_SECONDS)

    def _request(self, key: str) -> NewRequest:
        return NewRequest(
            request=RequestId(key),
            event_key=key,
            fingerprint=key,
            actor=self._who,
            place=Place(platform="mock", external_id=str(self._chat)),
            command="imagine",
            message=MessageId(key),
            adapter=self._stage.chats.name,
            address={"chat": self._chat, "message": key},
            job=JobId(key),
            workflow="imagine",
            version="1",
            graph={},
            values={"prompt": "a red fox"},
            patch=(),
            seed=None,
            work=Work(workflow="imagine", steps=20),
            created=time.time(),
        )
