"""felt: what people who wait notice: how long a picture that is done takes to be seen; and whether the GPU works."""

from __future__ import annotations

import statistics

from benchmarks.report import Figure, at_least, at_most, percentile
from benchmarks.rig import Json, open_side
from benchmarks.workload import Workload

CHATS = 30
STEP_SECONDS = 0.5
STEPS = (10, 30)
"""Jobs of 5 to 15 s."""

UPLOAD_SECONDS = 1.5
"""As a picture of 1 to 2 MB takes at 10 Mbit/s."""


async def measure(*, quick: bool) -> list[Figure]:
    """All figures of this row: everybody asks at once, and one server does it all."""
    workload = Workload(
        workflow="large",
        jobs=2 if quick else CHATS,
        people=CHATS,
        at_once=True,
        upload_seconds=UPLOAD_SECONDS,
        limit_seconds=1800.0,
        steps=(1, 2) if quick else STEPS,
    )
    async with open_side("muralist", step_seconds=STEP_SECONDS) as side:
        outcome = await side.run(workload)
        runs = await side.last_runs(workload.jobs)
    late = _late(runs, outcome.finals)
    busy = 100 * sum(run["finished"] - run["started"] for run in runs) / _span(runs)
    what = f"felt, {workload.jobs} chats at once"
    middle = f"its own median of {statistics.median(late):.2f} s"
    return [
        at_most(f"{what}: lost", outcome.lost, 0, f"{workload.jobs} jobs"),
        at_most(
            f"{what}: last node done to picture seen, p95, s",
            percentile(late, 0.95),
            UPLOAD_SECONDS + 1.0,
            f"the upload's {UPLOAD_SECONDS:g} s and one more; {middle}",
        ),
        at_least(f"{what}: the server works, %", busy, 98.0, "the time from its first run to its last"),
    ]


def _late(runs: list[Json], finals: list[float]) -> list[float]:
    """Seconds from the end of each run to its picture. All uploads take the same time, so they end in that order."""
    ends = sorted(run["finished"] for run in runs)
    return [seen - ended for ended, seen in zip(ends, sorted(finals), strict=True)]


def _span(runs: list[Json]) -> float:
    return float(max(run["finished"] for run in runs) - min(run["started"] for run in runs))
