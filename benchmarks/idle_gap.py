"""idle-gap: how long a server with a backlog stands idle between two jobs, however slow network and chat are.

The floor commits the whole backlog at once, so its gaps are what the server itself needs from run to run; what
goes beyond that is time in which it had nothing to do.
"""

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
    for delay in (0.04,) if quick else (0.0, 0.04):
        figures += await _with_delay(delay, 3 if quick else 30)
    return figures


async def _with_delay(delay: float, jobs: int) -> list[Figure]:
    async with open_pair(step_seconds=SAMPLING_SECONDS / STEPS, delay_seconds=delay) as pair:
        least, everything = await _gaps(pair.floor, jobs)
        await settle()
        gaps, committed = await _gaps(pair.muralist, jobs)
    turnaround = statistics.median(least)
    what = f"idle-gap, network delay {delay * 1000:.0f} ms"

    def beyond(name: str, gap: float) -> Figure:
        against = (
            f"the server's own {turnaround * 1000:.3f} ms from run to run (Muralist {gap * 1000:.3f} ms)"
        )
        return at_most(f"{what}: idle between jobs, {name}, ms", (gap - turnaround) * 1000, 0.1, against)

    return [
        beyond("median", statistics.median(gaps)),
        beyond("mean", statistics.fmean(gaps)),
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
