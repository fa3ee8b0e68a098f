"""Who asks for what and when: the same people, models and moments for everything that is compared."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.jobs.work import Work

MODELS = tuple(f"model-{n}" for n in range(6))
POPULARITY = tuple(1 / (n + 1) for n in range(6))
"""Zipf's law."""

LOADS = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0)
"""Seconds that loading takes; which model takes which is drawn."""

SHORTEST, LONGEST = 3.0, 15.0
"""Seconds of a run, without loading."""

PEOPLE = 24
FLOOD_SHARE, FLOOD_JOBS = 0.2, 10
"""One more sends as many at once, which is this share of all jobs."""

LOYALTY = 0.5
"""How often somebody stays with the model of their last job."""

TRACE_SECONDS = 7200.0

WEIGHTS = {"p1": 4.0, "p2": 2.0, "p3": 2.0}
"""In the backlog; everybody else has 1. p0 sends four times as many jobs as the others."""

BACKLOG_PEOPLE, BACKLOG_JOBS = 8, 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A job as it is asked for at a moment. `seconds` is what its run will take, without loading."""

    number: int
    person: str
    model: str
    work: Work
    seconds: float
    at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """Jobs in the order of their moments, the seconds that each model takes to load, and weights of people."""

    jobs: tuple[Asked, ...]
    loads: Mapping[str, float]
    weights: Mapping[str, float]
    backends: int

    @property
    def least_makespan(self) -> float:
        """No schedule ends before this: after any moment, what comes later has to be run and its models loaded."""
        bound, work, models = 0.0, 0.0, set[str]()
        for job in sorted(self.jobs, key=lambda job: -job.at):
            work += job.seconds
            models.add(job.model)
            loads = sorted(self.loads[model] for model in models)
            if job is not self.jobs[0]:  # as many as there are backends may have been loaded before
                loads = loads[: -self.backends]
            bound = max(bound, job.at + job.seconds, job.at + (work + sum(loads)) / self.backends)
        return bound


class _Draw:
    """Random, but the same for a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.loads = dict(zip(MODELS, self.random.sample(LOADS, len(LOADS)), strict=True))
        self._seconds_a_step = {model: self.random.uniform(0.2, 0.5) for model in MODELS}
        self._last: dict[str, str] = {}
        self._count = 0

    def model(self, person: str, loyalty: float = LOYALTY) -> str:
        if person not in self._last or self.random.random() >= loyalty:
            self._last[person] = self.random.choices(MODELS, POPULARITY)[0]
        return self._last[person]

    def job(self, person: str, model: str, at: float) -> Asked:
        steps = self.random.choice((12, 20, 30, 40))
        seconds = self._seconds_a_step[model] * steps * self.random.uniform(0.9, 1.1)
        self._count += 1
        return Asked(
            number=self._count,
            person=person,
            model=model,
            work=Work(workflow=model, pixels=2**20, steps=steps),
            seconds=min(max(seconds, SHORTEST), LONGEST),
            at=at,
        )

    def moments(self, rate: float) -> Iterator[float]:
        at = self.random.expovariate(rate)
        while at < TRACE_SECONDS:
            yield at
            at += self.random.expovariate(rate)

    def mean_seconds(self) -> float:
        draws = [self.job("", self.model(""), 0.0).seconds for _ in range(500)]
        return statistics.fmean(draws)


def crowd(seed: int, backends: int, load: float) -> Trace:
    """People who come and go, and one who floods. `load` is the share of the backends' time that the runs need."""
    draw = _Draw(seed)
    rate = load * backends / draw.mean_seconds()
    people = [f"p{n}" for n in range(PEOPLE)]
    jobs = [
        draw.job(person, draw.model(person), at)
        for person in people
        for at in draw.moments(rate * (1 - FLOOD_SHARE) / PEOPLE)
    ]
    for at in draw.moments(rate * FLOOD_SHARE / FLOOD_JOBS):
        model = draw.model("flooder", loyalty=0.0)
        jobs += [draw.job("flooder", model, at) for _ in range(FLOOD_JOBS)]
    ordered = tuple(sorted(jobs, key=lambda job: (job.at, job.number)))
    return Trace(jobs=ordered, loads=draw.loads, weights={}, backends=backends)


def backlog(seed: int, backends: int) -> Trace:
    """Eight people send all that they want at once, one of them four times as much; some weigh more."""
    draw = _Draw(seed)
    jobs = [
        draw.job(f"p{n}", draw.model(f"p{n}"), 0.0)
        for n in range(BACKLOG_PEOPLE)
        for _ in range(BACKLOG_JOBS * (4 if n == 0 else 1))
    ]
    return Trace(jobs=tuple(jobs), loads=draw.loads, weights=WEIGHTS, backends=backends)
