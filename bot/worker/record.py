"""What is noted in the store of one attempt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence

import structlog

from bot.contract.values import Trouble
from bot.errors import LeaseLost
from bot.feed import Feed
from bot.jobs.models import Attempt, Output
from bot.jobs.states import State
from bot.store.queue import Queue

log = structlog.get_logger(__name__)

SOON = 0.2
"""Seconds until a state is noted that only makes the way back shorter after a restart."""

TELL_SECONDS = 0.1
"""A step of a job that is told so late is not drawn if the job ends before: nobody would have seen it."""

LOOK_SECONDS = 0.05

AWAITING = frozenset({State.CLAIMED, State.POSTING, State.WAITING})
"""States in which a backend has a job and does not run it: nobody outside tells them apart."""


class Record:
    """One attempt in the store. Every write raises `LeaseLost` if it is somebody else's now."""

    def __init__(self, queue: Queue, feed: Feed, mine: Attempt, held: Callable[[], bool]) -> None:
        """`held`: whether nobody else can have it by now."""
        self.attempt = mine
        self._held = held
        self.state = mine.job.state
        self.failures = mine.job.failures
        """How many servers died on it."""
        self._queue = queue
        self._feed = feed
        self._waiting: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None
        self._telling: asyncio.TimerHandle | None = None

    async def surely_ours(self) -> None:
        """Wait until nobody else can have it, which one that stood still does not know; if somebody has, to be
        cancelled."""
        while True:
            if self._held():
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def advance(self, to: State, **columns: object) -> None:
        """It is in this state from now on."""
        self.no_longer()
        await self._queue.advance(self.attempt, to, **columns)
        known, self.state = self.state, to
        if to not in AWAITING or known not in AWAITING:
            self.tell_soon()

    def tell_soon(self) -> None:
        """Others hear in a moment that it stands differently, unless its end comes before."""
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TELL_SECONDS, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._feed.changed(self.attempt.job.id)

    def over(self) -> None:
        """Nothing more is to be noted, and all is told."""
        self.no_longer()
        if self._telling is not None:
            self._telling.cancel()
        self._feed.over(self.attempt.job.id)

    def advance_soon(self, to: State) -> None:
        """Note a state that helps after a restart and is not needed then: often the next one comes before."""
        self.no_longer()
        self.state = to
        self._waiting = asyncio.get_running_loop().call_later(SOON, self._begin_saving, to)

    def _begin_saving(self, to: State) -> None:
        self._saving = asyncio.create_task(self._save(to))

    async def _save(self, to: State) -> None:
        try:
            await self._queue.advance(self.attempt, to)
        except LeaseLost:
            pass  # the next write finds that out
        except Exception:  # a callback: the next write meets the same trouble
            log.exception("a state could not be noted", state=to)

    def no_longer(self) -> None:
        """What was to be noted soon is out of date."""
        if self._waiting is not None:
            self._waiting.cancel()
        if self._saving is not None:
            self._saving.cancel()

    async def requeue(self, outcome: str, *, failed: bool, shun: Collection[str] = ()) -> None:
        """Another attempt is to be made, by a backend that is not in `shun`."""
        self.no_longer()
        job = self.attempt.job.id
        if await self._queue.requeue(self.attempt, outcome, failed=failed, shun=shun):
            await self._queue.cancel(job, now=time.time())
        self._feed.queued(job)

    async def finish(
        self, state: State, *, outputs: Sequence[Output] = (), error: Trouble | None = None
    ) -> None:
        """That was its end."""
        self.no_longer()
        await self._queue.finish(self.attempt, state, now=time.time(), outputs=outputs, error=error)
        log.info("job ended", state=state)
