"""News of jobs for whoever watches in this process. A hint: the store is the truth, and is polled too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.contract.card import Preview
from bot.contract.values import JobId


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """How far a running job is; `fraction` is 0..1, `note` what its node says of its work."""

    fraction: float
    node: str | None
    note: str | None = None
    preview: Preview | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """Jobs with news: those that changed in the store, and those that only came further."""

    changed: frozenset[JobId]
    progressed: frozenset[JobId]


class Ear:
    """Collects the ids of jobs that had news. However much happens meanwhile, each id is there once."""

    def __init__(self, *, progress: bool) -> None:
        self.progress = progress
        self._changed: set[JobId] = set()
        self._progressed: set[JobId] = set()
        self._stirred = asyncio.Event()

    def hear(self, job: JobId, *, changed: bool) -> None:
        """Note news of a job."""
        (self._changed if changed else self._progressed).add(job)
        self._stirred.set()

    async def news(self, seconds: float) -> News:
        """What was heard since the last call; waits for the first, at most `seconds`. May be nothing."""
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            pass
        heard = News(changed=frozenset(self._changed), progressed=frozenset(self._progressed - self._changed))
        self._changed.clear()
        self._progressed.clear()
        self._stirred.clear()
        return heard


class Feed:
    """Passes news on and keeps the newest progress of every running job."""

    def __init__(self) -> None:
        self._ears: set[Ear] = set()
        self._live: dict[JobId, Live] = {}

    def live(self, job: JobId) -> Live | None:
        """The newest progress of a job that runs in this process."""
        return self._live.get(job)

    def progress(self, job: JobId, live: Live) -> None:
        """A running job has come further."""
        self._live[job] = live
        for ear in self._ears:
            if ear.progress:
                ear.hear(job, changed=False)

    def changed(self, job: JobId) -> None:
        """Something about a job changed in the store."""
        self._tell(job)

    def over(self, job: JobId) -> None:
        """A job runs no longer."""
        self._live.pop(job, None)
        self._tell(job)

    @contextmanager
    def ear(self, *, progress: bool = False) -> Iterator[Ear]:
        """Listen while the block lasts, to changes alone or to every bit of progress too."""
        ear = Ear(progress=progress)
        self._ears.add(ear)
        try:
            yield ear
        finally:
            self._ears.discard(ear)

    def _tell(self, job: JobId) -> None:
        for ear in self._ears:
            ear.hear(job, changed=True)
