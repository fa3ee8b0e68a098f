"""graphs: what a job costs more when its graph has very many nodes, or its previews are of a megabyte."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.report import Figure, at_most
from benchmarks.rig import Side, open_pair, open_side, settle
from benchmarks.workflows import LARGE
from benchmarks.workload import Workload

STEP_SECONDS = 0.05
GROWTH = 1.5
"""How much steeper than the floor's cost ours may grow."""

BLOCK = 50.0
LIMIT = 600.0


async def measure(*, quick: bool) -> list[Figure]:
    """All figures of this row."""
    jobs, steps = (1, 5) if quick else (4, 20)
    many = await _nodes("sixty", 60, jobs) if quick else await _nodes("thousand", 1000, jobs)
    return [*many, *await _previews(jobs, steps)]


async def _nodes(workflow: str, count: int, jobs: int) -> list[Figure]:
    """From 7 nodes to very many; the server tells of all of them, again and again."""
    async with open_pair() as pair:
        floor = [await _cost(pair.floor, name, jobs) for name in ("seven", workflow)]
        ours = [await _cost(pair.muralist, name, jobs) for name in ("seven", workflow)]
    what = f"graphs, {count} nodes"
    return [
        at_most(
            f"{what}: more processor a job than with 7, times the floor's more",
            (ours[1][0] - ours[0][0]) / (floor[1][0] - floor[0][0]),
            GROWTH,
            f"the floor's {_from_to(floor)} ms (Muralist {_from_to(ours)} ms)",
        ),
        at_most(
            f"{what}: longest block of the event loop, ms", ours[1][1], BLOCK, f"{ours[0][1]:.0f} with 7"
        ),
    ]


async def _previews(jobs: int, steps: int) -> list[Figure]:
    """The same picture with a small preview at each step, and with one as large as itself."""
    costs = []
    for side in (256, LARGE):
        async with open_side("muralist", step_seconds=STEP_SECONDS, preview_size=side) as client:
            costs.append(await _cost(client, "large", jobs, (steps, steps)))
    return [
        at_most(
            "graphs, previews of 1 MB: processor a job, times that with small ones",
            costs[1][0] / costs[0][0],
            2.0,
            f"{costs[0][0] * 1000:.0f} ms with small ones (with large ones {costs[1][0] * 1000:.0f} ms, "
            f"{steps} previews)",
        ),
        at_most(
            "graphs, previews of 1 MB: longest block of the event loop, ms",
            costs[1][1],
            BLOCK,
            f"{costs[0][1]:.0f} with small ones",
        ),
    ]


async def _cost(
    side: Side, workflow: str, jobs: int, steps: tuple[int, int] | None = None
) -> tuple[float, float]:
    """Seconds of processor a job, and the longest block of the event loop in ms."""
    work = Workload(workflow=workflow, jobs=jobs, limit_seconds=LIMIT, steps=steps)
    await side.run(replace(work, jobs=1))
    await settle()
    outcome = await side.run(work)
    if outcome.lost:
        raise RuntimeError(f"{outcome.lost} of {jobs} jobs were not completed")
    return outcome.cpu / jobs, outcome.block * 1000


def _from_to(costs: list[tuple[float, float]]) -> str:
    return " to ".join(f"{seconds * 1000:.1f}" for seconds, _ in costs)
