"""Chats, jobs and delivery in simulated time: the project's own pacing and budgets, driven by a clock of events."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.chats import DELAY_SECONDS, JITTER_SECONDS, PLATFORMS, Chat
from benchmarks.scenes import SECONDS, STEP_SECONDS, Scene, Seen
from bot.contract.values import MessageId
from bot.delivery.deliverer import AT_ONCE
from bot.delivery.pacing import Pacer, Standing
from bot.delivery.together import Busy, Together
from bot.errors import SlowDown


@dataclass(kw_only=True, slots=True)
class Job:
    """A job and its message as people see it. `told` is how far it was said to be, `shown` what the chat shows."""

    chat: int
    line: int
    seconds: float
    begun: float
    counts: bool
    told: float = 0.0
    shown: float = 0.0
    sent: bool = False
    ended: float | None = None
    ended_shown: bool = False
    since: float = 0.0
    """Until when its error is counted."""


@dataclass(kw_only=True, slots=True)
class Board:
    """The message of a chat that shows all of its jobs."""

    chat: int
    sent: bool = False
    shown: float = 0.0


@dataclass(kw_only=True, slots=True)
class Clock:
    """Moments in order."""

    now: float = 0.0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Do something then."""
        heapq.heappush(self._events, (when, next(self._numbers), what))

    def run(self, until: float) -> None:
        """Do all that is to be done until then."""
        while self._events and self._events[0][0] <= until:
            self.now, _, what = heapq.heappop(self._events)
            what()
        self.now = until


def pretend(scene: Scene, seed: int, warm_up: float, seconds: float) -> Seen:
    """What is seen of a scene in so many seconds after `warm_up`; the same seed gives the same jobs and network."""
    return _Pretended(scene, seed, warm_up).run(warm_up + seconds)


class _Pretended:
    """One scene that is played."""

    def __init__(self, scene: Scene, seed: int, warm_up: float) -> None:
        self._scene = scene
        self._random = random.Random(seed)
        self._clock = Clock()
        self._warm_up = warm_up
        platform = PLATFORMS[scene.platform]
        self._pacer = Pacer(platform.limits.edit_seconds)
        self._chat = Chat(platform, lambda: self._clock.now + 1000.0)
        self._jobs: dict[MessageId, Job] = {}
        self._dirty: set[MessageId] = set()
        self._busy: set[MessageId] = set()
        self._together = Together()
        self._boards: dict[MessageId, Board] = {}
        self._wake: float | None = None
        self.seen = Seen()

    def run(self, seconds: float) -> Seen:
        """Until the clock shows that many seconds."""
        for line in range(self._scene.chats * self._scene.jobs):
            first = self._random.uniform(0.0, SECONDS[0])
            self._clock.at(first, lambda line=line: self._begin(line))  # type: ignore[misc]
        if self._scene.boards:
            self._look()
        self._clock.run(seconds)
        for job in self._jobs.values():
            self._count(job)
            if job.counts and job.ended is not None:
                self.seen.delays.append(seconds - job.ended)
        self.seen.refused = self._chat.refused
        return self.seen

    def _begin(self, line: int) -> None:
        now, seconds = self._clock.now, self._random.choice(SECONDS)
        name = MessageId(f"{line} at {now}")
        job = Job(
            chat=self._scene.chat(line),
            line=line,
            seconds=seconds,
            begun=now,
            counts=now >= self._warm_up,
            since=now,
        )
        self._jobs[name] = job
        if job.counts:
            self.seen.durations.append(seconds)
        self._progress(name)

    def _progress(self, name: MessageId) -> None:
        job, now = self._jobs[name], self._clock.now
        self._count(job)
        end = job.begun + job.seconds
        job.told = 1.0 if now >= end else (now - job.begun) / job.seconds
        if now < end:
            self._clock.at(min(now + STEP_SECONDS, end), lambda: self._progress(name))
        self._dirty.add(name)
        if now >= end:
            job.ended = now
            self._begin(job.line)
        self._stir(name)

    def _stir(self, name: MessageId) -> None:
        """There is news of one: all others have been looked at already."""
        standing, now = self._standing(self._jobs[name]), self._clock.now
        board = self._boards.get(above := MessageId(f"board {self._jobs[name].chat}"))
        if board is not None and board.sent and not standing.urgent:
            name, standing = above, self._standing_of(self._running(board.chat))
        if name in self._busy:
            return
        wait = self._pacer.wait({name: standing}, now)
        if wait == 0.0:
            self._deliver()
        elif wait is not None:
            self._wake_at(now + wait)

    def _deliver(self) -> None:
        """As the deliverer does whenever there is news."""
        now = self._clock.now
        for name in self._pacer.due(self._waiting(), now):
            if name in self._boards:
                self._turn_board(name)
                continue
            job = self._jobs[name]
            standing = self._standing(job)
            if len(self._busy) < AT_ONCE and self._pacer.turn(name, standing, now, self._turn(name, job)):
                self._dirty.discard(name)
                self._busy.add(name)
                self._send(name, job)
        if len(self._busy) < AT_ONCE:
            wait = self._pacer.wait(self._waiting(), now)
            if wait is not None:
                self._wake_at(now + max(wait, 0.01))

    def _wake_at(self, when: float) -> None:
        if self._wake is not None and self._clock.now < self._wake <= when:
            return
        self._wake = when
        self._clock.at(when, lambda: self._deliver() if self._wake == when else None)

    def _turn(self, name: MessageId, job: Job) -> Callable[[bool, float | None], float]:
        return lambda final, left: self._chat.turn(job.chat, name, final=final, first=not job.sent, left=left)

    def _waiting(self) -> dict[MessageId, Standing]:
        dirty = self._dirty - self._busy
        waiting = {name: self._standing(job) for name, job in self._jobs.items() if name in dirty}
        for name, board in self._boards.items():
            running = self._running(board.chat)
            if board.sent:
                for each in running.keys() & waiting.keys():
                    del waiting[each]
            if running and name not in self._busy:
                waiting[name] = self._standing_of(running)
        return waiting

    def _running(self, chat: int) -> dict[MessageId, Job]:
        """The jobs there that have not ended, once their messages were sent."""
        return {
            name: job
            for name, job in self._jobs.items()
            if job.chat == chat and job.sent and job.ended is None
        }

    def _standing_of(self, running: Mapping[MessageId, Job]) -> Standing:
        return Standing(fraction=sum(job.told for job in running.values()) / len(running), urgent=False)

    def _look(self) -> None:
        """As the deliverer does every second. A message that is made stays: here no chat is ever quiet."""
        rate = PLATFORMS[self._scene.platform].chat.rate
        chats = {self._scene.chat(line) for line in range(self._scene.chats * self._scene.jobs)}
        places = {str(chat): Busy(jobs=len(self._running(chat)), rate=rate) for chat in chats}
        self._together.look(places, self._clock.now)
        open_now = {MessageId(f"board {place}"): int(place) for place in sorted(self._together.open)}
        self._boards = {name: self._boards.get(name, Board(chat=chat)) for name, chat in open_now.items()}
        self._clock.at(self._clock.now + 1.0, self._look)
        self._deliver()

    def _turn_board(self, name: MessageId) -> None:
        board, now = self._boards[name], self._clock.now
        running = self._running(board.chat)
        ends = [self._pacer.left(each, self._standing(job), now) for each, job in running.items()]
        soonest = min((end for end in ends if end is not None), default=None)

        def turn(final: bool, left: float | None) -> float:
            del left
            return self._chat.turn(board.chat, name, final=final, first=not board.sent, left=soonest)

        if (
            running
            and len(self._busy) < AT_ONCE
            and self._pacer.turn(name, self._standing_of(running), now, turn)
        ):
            self._busy.add(name)
            self._send_board(name, board, running)

    def _send_board(self, name: MessageId, board: Board, running: Mapping[MessageId, Job]) -> None:
        begun, told = self._clock.now, {each: job.told for each, job in running.items()}
        fraction = self._standing_of(running).fraction
        asking = ExitStack()
        asking.enter_context(self._chat.asking(board.chat, first=not board.sent))

        def arrive() -> None:
            try:
                self._chat.arrive(board.chat, first=not board.sent)
            except SlowDown as error:
                asking.close()
                self._pacer.pause(name, self._clock.now + error.retry_after)
                self._done(name)
                return
            self._clock.at(self._clock.now + DELAY_SECONDS, show)

        def show() -> None:
            asking.close()
            board.sent = True
            self._pacer.edited(name, begun, fraction)
            for each, job in running.items():
                self._count(job)
                job.shown = told[each]
                if each in self._jobs:
                    self._pacer.edited(each, begun, told[each])
            self._done(name)

        self._clock.at(begun + self._random.uniform(0.0, JITTER_SECONDS), arrive)

    def _standing(self, job: Job) -> Standing:
        over = job.ended is not None
        return Standing(fraction=job.told, urgent=over or not job.sent, over=over)

    def _send(self, name: MessageId, job: Job) -> None:
        begun, fraction, final = self._clock.now, job.told, job.ended is not None
        asking = ExitStack()
        asking.enter_context(self._chat.asking(job.chat, first=not job.sent))
        arrives = begun + self._random.uniform(0.0, JITTER_SECONDS)

        def arrive() -> None:
            try:
                self._chat.arrive(job.chat, first=not job.sent)
            except SlowDown as error:
                asking.close()
                self._pacer.pause(name, self._clock.now + error.retry_after)
                self._dirty.add(name)
                self._done(name)
                return
            job.sent = True
            if final and job.counts:
                assert job.ended is not None
                self.seen.delays.append(self._clock.now - job.ended)
            self._clock.at(self._clock.now + DELAY_SECONDS, show)

        def show() -> None:
            asking.close()
            self._count(job)
            job.shown = fraction
            self._pacer.edited(name, begun, fraction)
            if final:
                self._pacer.forget(name)
                self._dirty.discard(name)
                del self._jobs[name]
            self._done(name)

        self._clock.at(arrives, arrive)

    def _done(self, name: MessageId) -> None:
        full = len(self._busy) == AT_ONCE
        self._busy.discard(name)
        if full:
            self._deliver()
        elif name in self._dirty:
            self._stir(name)
        elif name in self._boards:
            self._deliver()

    def _count(self, job: Job) -> None:
        """Add what was shown wrong since it was last counted, while it runs."""
        until = min(self._clock.now, job.begun + job.seconds)
        if until > job.since:
            if job.counts:
                self.seen.seconds += until - job.since
                self.seen.wrong += (until - job.since) * 100 * abs(job.told - job.shown)
            job.since = until
