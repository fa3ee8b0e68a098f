"""Backends in simulated time, and policies that feed them: the project's own decisions, and two to compare with."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.traces import Asked, Trace
from bot.contract.values import AccountId
from bot.jobs.work import Lane
from bot.scheduling import estimates
from bot.scheduling.choice import LOAD_SECONDS, SLACK_SECONDS, Line, Server, choose
from bot.scheduling.estimates import Range
from bot.scheduling.fairness import wake
from bot.scheduling.place import Waiting, ahead, wait_seconds

COMMITTED = 2
"""Jobs that a backend has in hand."""

LANES = {Lane.INTERACTIVE: 0.0}


@dataclass(kw_only=True, slots=True)
class Run:
    """What became of a job: moments, the seconds of loading that it cost, and what was said when it was asked for."""

    asked: Asked
    claimed: float = 0.0
    begun: float = 0.0
    ended: float = 0.0
    loading: float = 0.0
    estimate: float = 0.0
    charged: float = 0.0
    guess: float = 0.0
    held: bool = False
    shown: Range | None = None

    @property
    def wait(self) -> float:
        """Seconds until it ran."""
        return self.begun - self.asked.at

    @property
    def service(self) -> float:
        """Seconds of a backend that it took."""
        return self.asked.seconds + self.loading


@dataclass(kw_only=True, slots=True)
class Backend:
    """One server: `hand` holds what it runs and what waits there, `loaded` the model of the last of these."""

    name: str
    hand: deque[Run] = field(default_factory=deque)
    loaded: str | None = None


class Policy(Protocol):
    """Decides what a backend takes."""

    def arrived(self, run: Run, backends: Sequence[Backend], now: float) -> None:
        """A job waits from now on."""

    def take(self, here: Backend, backends: Sequence[Backend], now: float) -> Run | None:
        """The job that a backend takes, waiting no more; None for none now."""

    def finished(self, run: Run, backend: Backend, now: float) -> None:
        """It is known how long a job took."""


class FirstCome:
    """The order of arrival."""

    def __init__(self) -> None:
        self._queue: deque[Run] = deque()

    def arrived(self, run: Run, backends: Sequence[Backend], now: float) -> None:
        """Behind all others."""
        self._queue.append(run)

    def take(self, here: Backend, backends: Sequence[Backend], now: float) -> Run | None:
        """The first."""
        return self._queue.popleft() if self._queue else None

    def finished(self, run: Run, backend: Backend, now: float) -> None:
        """Teaches nothing."""


class Fair:
    """The project's decisions over a store in memory. Blind ones are fair and do not look at models."""

    def __init__(self, trace: Trace, *, slack: float = SLACK_SECONDS, blind: bool = False) -> None:
        self._weights = trace.weights
        self._slack = slack
        self._blind = blind
        self._vtime: dict[str, float] = {}
        self._lines: dict[tuple[str, str], deque[Run]] = defaultdict(deque)
        self._seconds: dict[tuple[str, str], float] = defaultdict(float)
        self._served: dict[tuple[str, str], float] = {}
        self._in_hand: dict[str, float] = defaultdict(float)
        self.known: dict[str, tuple[float, ...]] = {}

    def arrived(self, run: Run, backends: Sequence[Backend], now: float) -> None:
        """It wakes its person if nothing else of theirs waits, and is told when it will be done."""
        person, key = run.asked.person, self._key(run)
        waiting = {owner for (owner, _), line in self._lines.items() if line}
        if person not in waiting:
            stand = {other: vtime - self._in_hand[other] for other, vtime in self._vtime.items()}
            others = [stand[other] for other in waiting]
            present = min(others) if others else max(stand.values(), default=0.0)
            self._vtime[person] = wake(self._vtime.get(person, 0.0), present)
        if not self._lines[key]:
            self._served[key] = self._vtime[person]
        run.estimate = estimates.run_seconds(self.known, run.asked.work)
        self._lines[key].append(run)
        self._seconds[key] += run.estimate
        run.guess = self._guess(run, backends, now)
        run.held = any(backend.loaded == run.asked.model for backend in backends)
        run.shown = estimates.shown_range(self.known, run.guess, held=run.held)

    def take(self, here: Backend, backends: Sequence[Backend], now: float) -> Run | None:
        """What `bot.scheduling.choice` chooses; charged at once."""
        others = [self._server(other, now) for other in backends if other is not here]
        lines = list(self._waiting_lines())
        mine = self._server(here, now)
        if self._blind:
            mine = Server(name=here.name)
        chosen = choose(lines, LANES, mine, others, slack=0.0 if self._blind else self._slack)
        if chosen is None:
            return None
        key = (str(chosen.account), chosen.models)
        run = self._lines[key].popleft()
        self._seconds[key] -= run.estimate
        run.charged = run.estimate + self._loading(run, here)
        self._vtime[run.asked.person] += run.charged / self._weight(run)
        self._in_hand[run.asked.person] += run.charged / self._weight(run)
        self._served[key] = self._vtime[run.asked.person]
        return run

    def finished(self, run: Run, backend: Backend, now: float) -> None:
        """The charge is corrected, and the estimates learn."""
        self._in_hand[run.asked.person] -= run.charged / self._weight(run)
        self._vtime[run.asked.person] += (run.service - run.charged) / self._weight(run)
        loaded = run.asked.model if run.loading else None
        taught = list(
            estimates.lessons(self.known, run.asked.work, backend.name, run.service, loaded, LOAD_SECONDS)
        )
        for key, value in (*taught, estimates.outcome(run.guess, run.ended - run.asked.at, held=run.held)):
            self.known[key] = estimates.learn(self.known.get(key, ()), value)

    def _key(self, run: Run) -> tuple[str, str]:
        return run.asked.person, "" if self._blind else run.asked.model

    def _weight(self, run: Run) -> float:
        return self._weights.get(run.asked.person, 1.0)

    def _loading(self, run: Run, here: Backend) -> float:
        if run.asked.model == here.loaded:
            return 0.0
        return estimates.load_seconds(self.known, run.asked.model, LOAD_SECONDS)

    def _waiting_lines(self) -> Iterable[Line]:
        for (person, models), line in self._lines.items():
            if line:
                yield Line(
                    account=AccountId(person),
                    lane=Lane.INTERACTIVE,
                    place="",
                    models=models,
                    vtime=self._vtime[person],
                    served=self._served[person, models],
                    seconds=self._seconds[person, models],
                )

    def _server(self, backend: Backend, now: float) -> Server:
        left = [run.charged for run in backend.hand]
        if left:
            left[0] = max(0.5, left[0] - (now - backend.hand[0].begun))
        loaded = frozenset([backend.loaded]) if backend.loaded is not None else frozenset[str]()
        return Server(name=backend.name, loaded=loaded, busy=sum(left))

    def _guess(self, run: Run, backends: Sequence[Backend], now: float) -> float:
        """Seconds until it will be done, as far as can be known."""
        jobs: dict[str, int] = defaultdict(int)
        seconds: dict[str, float] = defaultdict(float)
        for key, line in self._lines.items():
            jobs[key[0]] += len(line)
            seconds[key[0]] += self._seconds[key]
        waiting = [
            Waiting(
                account=AccountId(person),
                lane=Lane.INTERACTIVE,
                vtime=self._vtime[person],
                weight=self._weights.get(person, 1.0),
                jobs=count,
                seconds=seconds[person],
            )
            for person, count in jobs.items()
            if count
        ]
        mine = next(each for each in waiting if each.account == run.asked.person)
        before = ahead(mine, mine.jobs - 1, mine.seconds - run.estimate, waiting)
        busy = sum(self._server(backend, now).busy for backend in backends)
        return wait_seconds(mine.lane, before, waiting, busy, len(backends)) + run.estimate


def simulate(trace: Trace, policy: Policy) -> list[Run]:
    """All jobs to their end, in the order in which they were claimed."""
    return _Simulation(trace, policy).run()


class _Simulation:
    def __init__(self, trace: Trace, policy: Policy) -> None:
        self._trace = trace
        self._policy = policy
        self._backends = [Backend(name=f"backend-{n}") for n in range(trace.backends)]
        self._held: dict[str, str] = {}
        self._claimed: list[Run] = []
        self._ends: list[tuple[float, int]] = []

    def run(self) -> list[Run]:
        arrivals = deque(Run(asked=asked) for asked in self._trace.jobs)
        while arrivals or self._ends:
            now = min([each.asked.at for each in list(arrivals)[:1]] + [end for end, _ in self._ends[:1]])
            while self._ends and self._ends[0][0] <= now:
                self._end(self._backends[heapq.heappop(self._ends)[1]], now)
            while arrivals and arrivals[0].asked.at <= now:
                self._policy.arrived(arrivals.popleft(), self._backends, now)
            while self._feed(now):
                pass
        return self._claimed

    def _feed(self, now: float) -> bool:
        """Let one backend claim, an idle one first. Whether any did."""
        for backend in sorted(self._backends, key=lambda backend: len(backend.hand)):
            if len(backend.hand) < COMMITTED:
                run = self._policy.take(backend, self._backends, now)
                if run is not None:
                    run.claimed = now
                    run.loading = 0.0 if backend.loaded == run.asked.model else self._load(run)
                    backend.loaded = run.asked.model
                    backend.hand.append(run)
                    self._claimed.append(run)
                    if len(backend.hand) == 1:
                        self._begin(backend, now)
                    return True
        return False

    def _load(self, run: Run) -> float:
        return self._trace.loads[run.asked.model]

    def _begin(self, backend: Backend, now: float) -> None:
        backend.hand[0].begun = now
        heapq.heappush(self._ends, (now + backend.hand[0].service, self._backends.index(backend)))

    def _end(self, backend: Backend, now: float) -> None:
        run = backend.hand.popleft()
        run.ended = now
        self._policy.finished(run, backend, now)
        if backend.hand:
            self._begin(backend, now)
