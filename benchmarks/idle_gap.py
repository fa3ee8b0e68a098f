"""idle-gap: how long a server with a backlog stands idle between two jobs, however slow network and chat are."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise

from benchmarks.report import Figure, at_most
from benchmarks.rig import Json, Side, open_pair, settle
from benchmarks.workload import Workload

STEPS = 20
SAMPLING_SECONDS = 0.5
UPLOAD_SECONDS = 0.4
COMMITTED = 2


async def measure(*, quick: bool) -> list[Figure]:
    """All figures of this row."""
    figures: list[Figure] = []
    for delay in (0.0, 0.04):
        figures += await _with_delay(delay, 4 if quick else 30)
    return figures


async def _with_delay(delay: float, jobs: int) -> list[Figure]:
    async with open_pair(step_seconds=SAMPLING_SECONDS / STEPS, delay_seconds=delay) as pair:
        least, everything = await _gaps(pair.floor, jobs)
        await settle()
        gaps, committed = await _gaps(pair.muralist, jobs)
    what = f"idle-gap, network delay {delay * 1000:.0f} ms"
    floor = f"the floor's {_ms(least)} with {everything} committed"
    return [
        at_most(f"{what}: idle between jobs, median, ms", statistics.median(gaps) * 1000, 0.1, floor),
        at_most(f"{what}: idle between jobs, mean, ms", statistics.fmean(gaps) * 1000, 0.1, floor),
        at_most(f"{what}: most attempts committed", committed, COMMITTED, f"the floor's {everything}"),
    ]


async def _gaps(side: Side, jobs: int) -> tuple[list[float], int]:
    """Seconds between the end of one run and the start of the next, and the most that were committed."""
    await side.reset()
    workload = Workload(workflow="seven", jobs=jobs, at_once=True, upload_seconds=UPLOAD_SECONDS)
    outcome = await side.run(workload)
    if outcome.lost:
        raise RuntimeError(f"{outcome.lost} of {jobs} jobs were not completed")
    counts = await side.counts()
    return _idle(await side.last_runs(jobs)), counts.committed_most


def _idle(runs: Sequence[Json]) -> list[float]:
    return [following["started"] - run["finished"] for run, following in pairwise(runs)]


def _ms(gaps: Sequence[float]) -> str:
    return f"median {statistics.median(gaps) * 1000:.3f}, mean {statistics.fmean(gaps) * 1000:.3f} ms"
