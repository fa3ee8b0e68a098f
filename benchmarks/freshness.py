"""freshness: how far what people see is behind what is, in chats that allow only so many edits."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from benchmarks.chats import DELAY_SECONDS, JITTER_SECONDS, PLATFORMS, MockChats, Platform
from benchmarks.report import Figure, at_most, exactly, percentile
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

SECONDS = (10.0, 20.0, 40.0)
"""A job takes one of these, each as likely."""

STEP_SECONDS = 0.2
LOOK_SECONDS = 0.05
WARM_UP = 60.0
"""Until the longest budget, a minute's, is in use."""

MEASURED = 240.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Chats of a platform, in each of them so many jobs at any time."""

    platform: str
    chats: int
    jobs: int
    group: bool = False

    @property
    def name(self) -> str:
        """As in the figures."""
        return f"{self.chats} {self.platform}s with {self.jobs} job{'s' if self.jobs > 1 else ''} each"


SCENES = (  # channels and groups are apart from each other: several only make the mean a better one
    Scene(platform="Discord channel", chats=6, jobs=1),
    Scene(platform="Discord channel", chats=6, jobs=4),
    Scene(platform="Telegram chat", chats=30, jobs=1),
    Scene(platform="Telegram chat", chats=100, jobs=1),
    Scene(platform="Telegram group", chats=6, jobs=2, group=True),
)


@dataclass(kw_only=True, slots=True)
class Seen:
    """What was measured: points (0..100) between truth and chat, durations in seconds, and when which job ended."""

    errors: list[float] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    ended: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A scene with a delivery of its own, and a lease under which its jobs run."""

    scene: Scene
    chats: MockChats
    store: Store
    feed: Feed
    held: Held


async def measure(*, quick: bool) -> list[Figure]:
    """All figures of this row; the chats are apart from each other, so all at once."""
    scale = 0.05 if quick else 1.0
    async with AsyncExitStack() as stack:
        works = [await stack.enter_async_context(_delivering(scene)) for scene in SCENES]
        seen = await asyncio.gather(*(_watch(work, scale) for work in works))
        return [figure for work, each in zip(works, seen, strict=True) for figure in _figures(work, each)]


async def _watch(work: Stage, scale: float) -> Seen:
    seen = Seen()
    lines = [_Line(work, seen, number).run(scale) for number in range(work.scene.chats * work.scene.jobs)]
    running = asyncio.gather(*lines)
    await asyncio.wait([running], timeout=(WARM_UP + MEASURED) * scale)
    while not seen.ended and not running.done():  # a busy machine is late with everything
        await asyncio.wait([running], timeout=STEP_SECONDS)
    if running.done():
        await running  # they never end but by an error
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return seen


@asynccontextmanager
async def _delivering(scene: Scene) -> AsyncIterator[Stage]:
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
                yield Stage(scene=scene, chats=chats, store=store, feed=feed, held=held)
            finally:
                delivering.cancel()
                await asyncio.gather(delivering, return_exceptions=True)


class _Line:
    """One job after another, in one chat, of one person."""

    def __init__(self, work: Stage, seen: Seen, number: int) -> None:
        self._work, self._seen = work, seen
        self._store, self._feed = work.store, work.feed
        self._chat = number // work.scene.jobs + 1
        if work.scene.group:
            self._chat = -self._chat  # as Telegram numbers them
        self._who = Actor(platform="mock", external_id=str(number), name=f"person {number}")

    async def run(self, scale: float) -> None:
        """Until cancelled. What is seen while budgets fill does not count."""
        begun = time.monotonic()
        await asyncio.sleep(random.uniform(0.0, SECONDS[0]) * scale)  # so that they do not all end together
        while True:
            warm = time.monotonic() >= begun + WARM_UP * scale
            await self._job(max(0.5, random.choice(SECONDS) * scale), self._seen if warm else Seen())

    async def _job(self, seconds: float, seen: Seen) -> None:
        key = uuid4().hex
        seen.durations.append(seconds)
        await self._store.requests.add(self._request(key))
        self._feed.queued(JobId(key))
        attempt = await self._store.queue.claim(self._work.held, key, now=time.time(), only=self._who)
        assert attempt is not None, "it waits"
        await self._store.queue.advance(attempt, State.RUNNING, started=time.time())
        self._feed.changed(JobId(key))
        await self._advance(key, seconds, seen)
        await self._store.queue.finish(attempt, State.DONE, now=time.time())
        ended = time.monotonic()
        self._feed.over(JobId(key))
        seen.ended[key] = ended

    async def _advance(self, key: str, seconds: float, seen: Seen) -> None:
        begun = told = time.monotonic()
        fraction = 0.0
        while (now := time.monotonic()) < begun + seconds:
            if now >= told:
                fraction, told = (now - begun) / seconds, told + STEP_SECONDS
                self._feed.progress(JobId(key), Live(fraction=fraction, node="KSampler"))
            seen.errors.append(100 * abs(fraction - self._work.chats.shown[key].fraction))
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
            adapter=self._work.chats.name,
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


def _figures(work: Stage, seen: Seen) -> list[Figure]:
    scene, platform = work.scene, PLATFORMS[work.scene.platform]
    least = least_staleness(scene, platform, seen.durations)
    error, late = statistics.fmean(seen.errors), percentile(_delays(work, seen), 0.95)
    name = f"freshness, {scene.name}"
    against = f"{least:.1f} points, the least possible (Muralist {error:.1f}); {len(seen.durations)} jobs"
    return [
        at_most(f"{name}: mean error, times the least", error / least, 1.25, against),
        exactly(f"{name}: refused", work.chats.refused, 0, "a chat that answers 429 beyond its rate"),
        at_most(f"{name}: final p95, s", late, 1 / platform.chat.rate, "one edit's time in that chat"),
    ]


def _delays(work: Stage, seen: Seen) -> list[float]:
    """Seconds until each end was accepted; for one that is not yet, those so far."""
    now = time.monotonic()
    return [(work.chats.shown[key].final_at or now) - ended for key, ended in seen.ended.items()]


def least_staleness(scene: Scene, platform: Platform, durations: list[float]) -> float:
    """Points that whoever knew every duration before would still be behind on average, with all edits that are left.

    k edits for a job; edits in proportion to the root of the duration make the mean error least.
    """
    running, mean = scene.chats * scene.jobs, statistics.fmean(durations)
    rate = platform.chat.rate * scene.chats
    if platform.all is not None:
        rate = min(rate, platform.all.rate)
    ends = running / mean
    free = rate - ends * (2 if platform.sends_count else 1)
    edits = max(0.0, free) * mean / running
    root = statistics.fmean(sqrt(seconds) for seconds in durations)
    slope, delay = 100 / mean, DELAY_SECONDS + JITTER_SECONDS / 2
    return 50 * root**2 / (mean * (edits + 1)) + slope * delay * edits / (edits + 1)
