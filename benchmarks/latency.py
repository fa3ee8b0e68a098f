"""latency: what a client adds to the time of a job, in time, processor and requests."""

from __future__ import annotations

import statistics
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from benchmarks.compared import Alone, alone
from benchmarks.report import Figure, at_most, beside, exactly, percentile
from benchmarks.rig import Counts, Pair, Side, open_pair, settle
from benchmarks.workflows import recipes
from benchmarks.workload import Workload

STEPS = 20
AT_A_TIME = 10
"""Jobs of one client before it is the other's turn, so that both have the same share of what else goes on."""

BEHIND = 1_000_000
"""A place in the server's line that is behind everybody who names none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """So many jobs of a workflow; `sampling` is T, the seconds that the server is told to sample for in each."""

    what: str
    workflow: str
    jobs: int
    sampling: float


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sample:
    """One client's jobs: seconds beyond what the server's own record says that the run took, whole seconds of
    a job, and seconds of processor a job."""

    overheads: list[float]
    walls: list[float]
    cpu: float


async def measure(*, quick: bool) -> list[Figure]:
    """All figures of this row."""
    figures: list[Figure] = []
    jobs = 5 if quick else 50
    if not quick:
        async with open_pair() as pair:
            figures += await _compare(pair, Scene(what="T = 0", workflow="seven", jobs=jobs, sampling=0.0))
    async with open_pair(step_seconds=0.05 / STEPS) as pair:
        peers = await alone("seven", 3 if quick else 15, 0.05 / STEPS, quick=quick)
        fifty = Scene(what="T = 50 ms", workflow="seven", jobs=jobs, sampling=0.05)
        sixty = Scene(what="60 nodes x 30, 2.5 ms a step", workflow="sixty", jobs=jobs // 2, sampling=0.075)
        figures += await _compare(pair, fifty, peers)
        figures += await _compare(pair, sixty)
        figures += await _requests(pair.muralist, [1, 10] if quick else [1, 50, 500])
    if not quick:
        async with open_pair(step_seconds=0.5 / STEPS) as pair:
            figures += await _compare(
                pair, Scene(what="T = 500 ms", workflow="seven", jobs=jobs, sampling=0.5)
            )
    return figures


async def _compare(
    pair: Pair, scene: Scene, peers: Mapping[str, Alone] = MappingProxyType({})
) -> list[Figure]:
    workflow, jobs = scene.workflow, scene.jobs
    for side in (pair.floor, pair.muralist):  # connections, caches and the checkpoint are there
        await side.run(Workload(workflow=workflow, jobs=1))
    await pair.muralist.reset()
    floor, ours = _Sample(overheads=[], walls=[], cpu=0.0), _Sample(overheads=[], walls=[], cpu=0.0)
    for begun in range(0, jobs, AT_A_TIME):
        count = min(AT_A_TIME, jobs - begun)
        floor = await _more(floor, pair.floor, workflow, count)
        ours = await _more(ours, pair.muralist, workflow, count)
    return _figures(scene, floor, ours, await pair.muralist.counts(), peers)


async def _more(sample: _Sample, side: Side, workflow: str, jobs: int) -> _Sample:
    """Run some jobs one after another."""
    await settle()
    outcome = await side.run(Workload(workflow=workflow, jobs=jobs))
    if outcome.lost:
        raise RuntimeError(f"{outcome.lost} of {jobs} jobs were not completed")
    runs = await side.last_runs(jobs)
    took = [run["finished"] - run["started"] for run in runs]
    overheads = [wall - seconds for wall, seconds in zip(outcome.walls, took, strict=True)]
    return _Sample(
        overheads=[*sample.overheads, *overheads],
        walls=[*sample.walls, *outcome.walls],
        cpu=sample.cpu + outcome.cpu,
    )


def _figures(
    scene: Scene, floor: _Sample, ours: _Sample, counts: Counts, peers: Mapping[str, Alone]
) -> list[Figure]:
    what, jobs = scene.what, scene.jobs

    def ratio(name: str, mine: float, least: float, goal: float, more: str = "") -> Figure:
        against = f"the floor's {least * 1000:.1f} ms (Muralist {mine * 1000:.1f} ms{more})"
        return at_most(f"latency, {what}: {name}, times the floor's", mine / least, goal, against)

    def median(sample: Sequence[float]) -> float:
        return statistics.median(sample)

    mine, theirs = ([wall - scene.sampling for wall in each.walls] for each in (ours, floor))
    wall = ratio("wall - run, median", median(ours.overheads), median(floor.overheads), 1.5)
    processor = ratio("processor a job", ours.cpu / jobs, floor.cpu / jobs, 1.5)
    asked = exactly(f"latency, {what}: requests a job", counts.for_jobs / jobs, 2.0, "the floor's 2")
    least = median(floor.overheads), floor.cpu / jobs
    return [
        ratio("wall - T, median", median(mine), median(theirs), 1.5),
        ratio("wall - T, p95", percentile(mine, 0.95), percentile(theirs, 0.95), 2.0),
        beside(wall, {name: each.overhead / least[0] for name, each in peers.items()}),
        ratio("wall - run, p95", percentile(ours.overheads, 0.95), percentile(floor.overheads, 0.95), 2.0),
        beside(processor, {name: each.cpu / least[1] for name, each in peers.items()}),
        beside(asked, {name: each.requests for name, each in peers.items()}),
        exactly(f"latency, {what}: sockets", counts.sockets_most, 1, "the floor's 1"),
    ]


async def _requests(side: Side, backlogs: Sequence[int]) -> list[Figure]:
    """Requests a job while as many of others' wait behind on the server, and in a batch."""
    figures = []
    for backlog in backlogs:
        await _queue_strangers(side, backlog)
        await side.reset()
        outcome = await side.run(Workload(workflow="flat", jobs=backlog, at_once=True))
        counts = await side.counts()
        await side.post("/queue", {"clear": True})
        each = counts.for_jobs / max(1, len(outcome.walls))
        name = f"latency, backlog of {backlog} and {backlog} of others' on the server: requests a job"
        figures.append(exactly(name, each, 2.0, f"the floor's 2 ({outcome.lost} lost)"))
    await side.reset()
    outcome = await side.run(Workload(workflow="batch", jobs=1))
    counts = await side.counts()
    against = f"the floor's 5 ({outcome.pictures} pictures)"
    return [*figures, exactly("latency, batch of 4: requests", counts.for_jobs, 5.0, against)]


async def _queue_strangers(side: Side, count: int) -> None:
    """Somebody else's prompts, which let ours pass: without that, their own time is all that would be seen."""
    for number in range(count):
        body = {
            "prompt": recipes()["seven"].seeded(number),
            "number": BEHIND + number,
            "client_id": "somebody-else",
            "prompt_id": str(uuid.uuid4()),
        }
        await side.post("/prompt", body)
