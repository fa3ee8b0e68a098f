"""estimates: whether jobs are done when their cards said, learned as it goes, in simulated time."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.report import Figure, at_most, within
from benchmarks.scheduling import SEEDS
from benchmarks.simulated import Fair, Run, simulate
from benchmarks.traces import crowd

LOAD = 0.7


async def measure(*, quick: bool) -> list[Figure]:
    """All figures of this row."""
    everything = [(SEEDS[0], 2)] if quick else [(seed, number) for seed in SEEDS for number in (1, 2, 3, 4)]
    runs: list[Run] = []
    for seed, number in everything:
        trace = crowd(seed, number, LOAD)
        runs += simulate(trace, Fair(trace))
    middle = statistics.median(run.shown.middle for run in runs if run.shown is not None)
    return [
        within(
            "estimates, share of jobs done within the range that was shown",
            statistics.fmean(_inside(run) for run in runs),
            (0.75, 0.85),
            f"{len(runs)} jobs, nothing known before the first; median of the middles {middle:.0f} s",
        ),
        at_most(
            "estimates, width of the range, times its middle",
            _width(runs),
            2.0,
            f"the ranges' own middles; {_miss(runs):.0%} is how far the middle is off, in the median",
        ),
    ]


def _inside(run: Run) -> bool:
    assert run.shown is not None
    return run.shown.low <= run.ended - run.asked.at <= run.shown.high


def _width(runs: Sequence[Run]) -> float:
    shown = [run.shown for run in runs if run.shown is not None]
    return statistics.fmean((each.high - each.low) / each.middle for each in shown)


def _miss(runs: Sequence[Run]) -> float:
    return statistics.median(
        abs(run.ended - run.asked.at - run.shown.middle) / run.shown.middle for run in runs if run.shown
    )
