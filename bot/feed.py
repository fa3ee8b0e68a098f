"""News of jobs for whoever watches. A hint: the store is the truth, and is polled too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Flag, auto

from bot.contract.card import Preview
from bot.contract.values import JobId


class Topic(Flag):
    """What news is about."""

    QUEUED = auto()
    """A job waits for a backend."""
    CANCEL = auto()
    """Somebody asked for the end of a job."""
    CHANGED = auto()
    """What a card says of a job, other than how far it is, is different in the store; the two above are such too."""
    PROGRESS = auto()
    """A running job came further."""
    OVER = auto()
    """A job runs no longer; there is other news of it, too."""
    WORKFLOWS = auto()
    """The workflows that there are have changed. It is about no job."""
    STEERED = auto()
    """An admin switched something, or added or removed a server. It is about no job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Live:
    """How far a running job is; `fraction` is 0..1, `note` what its node says of its work."""

    fraction: float
    node: str | None
    note: str | None = None
    preview: Preview | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """Jobs with news: those that changed in the store, those of them that run no longer, and those that only came
    further."""

    changed: frozenset[JobId]
    over: frozenset[JobId]
    progressed: frozenset[JobId]


class Ear:
    """Collects the ids of jobs that had news. However much happens meanwhile, each id is there once."""

    def __init__(self, topics: Topic) -> None:
        self._topics = topics
        self._changed: set[JobId] = set()
        self._over: set[JobId] = set()
        self._progressed: set[JobId] = set()
        self._stirred = asyncio.Event()

    def hear(self, job: JobId, about: Topic) -> None:
        """Note news of a job, if it is about what is listened for."""
        if about & self._topics:
            (self._progressed if about is Topic.PROGRESS else self._changed).add(job)
            if Topic.OVER in about:
                self._over.add(job)
            self._stirred.set()

    def stir(self) -> None:
        """End a wait for news without any."""
        self._stirred.set()

    async def news(self, seconds: float) -> News:
        """What was heard since the last call; waits for the first, at most `seconds`. May be nothing."""
        try:
            async with asyncio.timeout(seconds):
                await self._stirred.wait()
        except TimeoutError:
            pass
        heard = News(
            changed=frozenset(self._changed),
            over=frozenset(self._over),
            progressed=frozenset(self._progressed - self._changed),
        )
        self._changed.clear()
        self._over.clear()
        self._progressed.clear()
        self._stirred.clear()
        return heard


class Feed:
    """Passes news on and keeps the newest progress of every running job."""

    def __init__(self) -> None:
        self.pass_on: Callable[[JobId, Topic], None] | None = None
        """Called with all news from this process, for others."""
        self._ears: set[Ear] = set()
        self._live: dict[JobId, Live] = {}

    def live(self, job: JobId) -> Live | None:
        """The newest progress of a job that runs, as far as it is known here."""
        return self._live.get(job)

    def progress(self, job: JobId, live: Live) -> None:
        """A running job has come further."""
        self._live[job] = live
        self._tell(job, Topic.PROGRESS)

    def queued(self, job: JobId) -> None:
        """A job waits for a backend: it is new, or was put back."""
        self._tell(job, Topic.QUEUED | Topic.CHANGED)

    def cancelled(self, job: JobId) -> None:
        """Somebody asked for the end of a job."""
        self._tell(job, Topic.CANCEL | Topic.CHANGED)

    def changed(self, job: JobId) -> None:
        """Something else about a job that its card says changed in the store."""
        self._tell(job, Topic.CHANGED)

    def over(self, job: JobId) -> None:
        """A job runs no longer."""
        self._live.pop(job, None)
        self._tell(job, Topic.CHANGED | Topic.OVER)

    def workflows(self) -> None:
        """The workflows that there are have changed."""
        self._tell(JobId(""), Topic.WORKFLOWS)

    def steered(self) -> None:
        """An admin switched something, or added or removed a server."""
        self._tell(JobId(""), Topic.STEERED)

    def elsewhere(self, job: JobId, about: Topic, live: Live | None) -> None:
        """Another process had news; it says how far the job is, if it runs there."""
        if live is not None:
            self._live[job] = live
        elif about & Topic.OVER:
            self._live.pop(job, None)
        self._tell_here(job, about)

    @contextmanager
    def ear(self, topics: Topic) -> Iterator[Ear]:
        """Listen while the block lasts."""
        ear = Ear(topics)
        self._ears.add(ear)
        try:
            yield ear
        finally:
            self._ears.discard(ear)

    def _tell(self, job: JobId, about: Topic) -> None:
        self._tell_here(job, about)
        if self.pass_on is not None:
            self.pass_on(job, about)

    def _tell_here(self, job: JobId, about: Topic) -> None:
        for ear in self._ears:
            ear.hear(job, about)
