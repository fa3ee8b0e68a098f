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
    """How far a running job is; `fraction` is 0..1."""

    fraction: float
    node: str | None
    preview: Preview | None = None


class Ear:
    """Collects the ids of jobs that had news. However much happens meanwhile, each id is there once."""

    def __init__(self, *, progress: bool) -> None:
        self.progress = progress
        self._news: set[JobId] = set()
        self._stirred = asyncio.Event()

    def hear(self, job: JobId) -> None:
        """Note news of a job."""
        self._news.add(job)
        self._stirred.set()

    async def news(self, seconds: float) -> set[JobId]:
        """The jobs with news since the last call; waits for the first, at most `seconds`. May be empty."""
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            pass
        heard, self._news = self._news, set()
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
                ear.hear(job)

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
            ear.hear(job)
