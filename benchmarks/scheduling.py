"""scheduling: who waits how long and who gets how much, in simulated time, by the project's own decisions."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence

from benchmarks.report import Figure, at_least, at_most
from benchmarks.simulated import Fair, FirstCome, Policy, Run, simulate
from benchmarks.traces import LOADS, LONGEST, Trace, backlog, crowd
from bot.scheduling.choice import SLACK_SECONDS

SEEDS = range(100, 110)
"""None of those on which the rules were tuned, which were 0 to 9."""

LOAD = 0.7
BACKENDS = (1, 2, 3, 4)
TOLERABLE_SECONDS = 120.0
LOWEST = 0.2
"""A load that anything bears."""

EARLY = 0.2
"""The share of the work after which it is looked at who got how much."""

Policies = dict[str, Callable[[Trace], Policy]]

POLICIES: Policies = {
    "ours": Fair,
    "FIFO": lambda _: FirstCome(),
    "blind": lambda trace: Fair(trace, blind=True),
}


async def measure(*, quick: bool) -> list[Figure]:
    """All figures of this row."""
    seeds = SEEDS[:1] if quick else SEEDS
    backends = (2,) if quick else BACKENDS
    everything = [(seed, number) for seed in seeds for number in backends]
    return [
        *_backlogs([backlog(seed, number) for seed, number in everything]),
        *_crowds([crowd(seed, number, LOAD) for seed, number in everything]),
        _highest(seeds[:3], backends, 0.2 if quick else 0.05),
    ]


def _backlogs(traces: Sequence[Trace]) -> list[Figure]:
    spans: dict[str, list[float]] = defaultdict(list)
    shares: dict[str, list[float]] = defaultdict(list)
    for trace in traces:
        for name, policy in POLICIES.items():
            runs = simulate(trace, policy(trace))
            spans[name].append(max(run.ended for run in runs) / trace.least_makespan)
            shares[name].append(jain(runs, trace))
    span, share = _means(spans), _means(shares)
    return [
        at_most(
            "scheduling, backlog: makespan, times the least possible",
            span["ours"],
            1.05,
            f"FIFO's {span['FIFO']:.2f}; {span['blind']:.2f} of a fair one that does not look at models",
        ),
        at_least(
            "scheduling, backlog: Jain's index after 20% of the work, by weight",
            share["ours"],
            0.95,
            f"FIFO's {share['FIFO']:.3f}; {share['blind']:.3f} of a fair one that does not look at models",
        ),
    ]


def _crowds(traces: Sequence[Trace]) -> list[Figure]:
    waits: dict[str, list[float]] = defaultdict(list)
    gaps: dict[str, float] = defaultdict(float)
    for trace in traces:
        for name, policy in POLICIES.items():
            runs = simulate(trace, policy(trace))
            waits[name].append(statistics.fmean(run.wait for run in runs))
            gaps[name] = max(gaps[name], worst_gap(runs))
    wait = _means(waits)
    bound = SLACK_SECONDS + LONGEST + max(LOADS)
    return [
        at_most(
            f"scheduling, crowd at load {LOAD}: mean wait, times FIFO's",
            wait["ours"] / wait["FIFO"],
            0.25,
            f"FIFO's {wait['FIFO']:.0f} s (ours {wait['ours']:.0f} s); {wait['blind'] / wait['FIFO']:.2f} times of a "
            "fair one that does not look at models",
        ),
        at_most(
            f"scheduling, crowd at load {LOAD}: most that anybody got more than one who waited, s",
            gaps["ours"],
            bound,
            f"FIFO's {gaps['FIFO']:.0f} s; {gaps['blind']:.0f} s of a fair one that does not look at models",
        ),
    ]


def _highest(seeds: Sequence[int], backends: Sequence[int], step: float) -> Figure:
    """The load up to which the mean wait of all jobs is tolerable, found by raising it."""
    ours, fifo = (_tolerable(seeds, backends, POLICIES[name], step) for name in ("ours", "FIFO"))
    apart = [
        _tolerable(seeds, [number], POLICIES["ours"], step)
        / _tolerable(seeds, [number], POLICIES["FIFO"], step)
        for number in backends
    ]
    return at_least(
        f"scheduling, crowd: highest load with a mean wait below {TOLERABLE_SECONDS:.0f} s, times FIFO's",
        ours / fifo,
        1.9,
        f"FIFO's {fifo:.2f} (ours {ours:.2f}); {len(seeds)} traces for each number of backends; "
        f"with {' / '.join(map(str, backends))} by itself {' / '.join(f'{ratio:.2f}' for ratio in apart)}",
    )


def _tolerable(
    seeds: Sequence[int], backends: Sequence[int], policy: Callable[[Trace], Policy], step: float
) -> float:
    load, wait = LOWEST, 0.0
    while True:
        traces = [crowd(seed, number, load + step) for seed in seeds for number in backends]
        longer = statistics.fmean(run.wait for trace in traces for run in simulate(trace, policy(trace)))
        if longer >= TOLERABLE_SECONDS:
            return load + step * (TOLERABLE_SECONDS - wait) / (longer - wait)
        load, wait = load + step, longer


def jain(runs: Sequence[Run], trace: Trace) -> float:
    """How equal the work is that people got by weight: 1 if all have the same, 1 / people if one has all."""
    got = dict.fromkeys((run.asked.person for run in runs), 0.0)
    left = EARLY * sum(run.asked.seconds for run in runs)
    for run in sorted(runs, key=lambda run: run.ended):
        got[run.asked.person] += run.asked.seconds / trace.weights.get(run.asked.person, 1.0)
        left -= run.asked.seconds
        if left <= 0:
            break
    return sum(got.values()) ** 2 / (len(got) * sum(each**2 for each in got.values()))


def worst_gap(runs: Sequence[Run]) -> float:
    """Seconds of backends that somebody was given beyond another, while that one waited all the time."""
    steps = sorted(
        [(run.asked.at, 0, run) for run in runs] + [(run.claimed, 1, run) for run in runs],
        key=lambda step: step[:2],
    )
    waiting: dict[str, int] = defaultdict(int)
    got: dict[str, float] = defaultdict(float)
    since: dict[str, dict[str, float]] = {}
    worst = 0.0
    for _, claimed, run in steps:
        person = run.asked.person
        if not claimed:
            if waiting[person] == 0:
                since[person] = dict(got)
            waiting[person] += 1
            continue
        got[person] += run.service
        waiting[person] -= 1
        for other in (other for other, jobs in waiting.items() if jobs and other != person):
            before = since[other]
            mine = got[other] - before.get(other, 0.0)
            worst = max(worst, got[person] - before.get(person, 0.0) - mine)
    return worst


def _means(values: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.fmean(each) for name, each in values.items()}
