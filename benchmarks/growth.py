"""`python -m benchmarks.growth`: how a job's cost grows, as pictures for the documentation.

Processor time of Muralist's process by job: with the jobs that are asked for at once, with the people who ask, and with
the nodes of the graph; and by second, with the backends, of which one works.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.machine import ROOT
from benchmarks.rig import Side, open_side, settle
from benchmarks.workload import Workload

WIDTH, HEIGHT, MARGIN = 560, 320, 56
LIMIT = 600.0
MANY = 500
"""So many jobs are measured once: their mean is steady by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """Milliseconds of processor by what grows, a job if nothing else is said."""

    name: str
    grows: str
    points: Sequence[tuple[float, float]]
    each: str = "a job"


STEP_SECONDS = 0.2
"""With 20 steps a job of four seconds, in which all other backends stand idle."""


async def curves(*, quick: bool) -> AsyncIterator[Curve]:
    """All of them as they are measured, with the least of two measurements of each point."""
    jobs = (10, 30) if quick else (30, 100, 300, 1000)
    people = (1, 10) if quick else (1, 10, 50, 100)
    async with open_side("muralist") as side:
        await side.run(Workload(workflow="flat", jobs=5, limit_seconds=LIMIT))
        by_jobs = [(float(n), await _cost(side, "flat", n, 50)) for n in jobs]
        yield Curve(name="jobs", grows="jobs asked for at once", points=by_jobs)
        by_people = [(float(n), await _cost(side, "flat", jobs[1], n)) for n in people]
        yield Curve(name="people", grows="people who ask at once", points=by_people)
        graphs = {"seven": 7, "sixty": 60} if quick else {"seven": 7, "sixty": 60, "thousand": 1000}
        by_nodes = [(float(n), await _cost(side, name, 3, 1)) for name, n in graphs.items()]
        yield Curve(name="nodes", grows="nodes of the graph", points=by_nodes)
    yield await _by_backends((1, 2) if quick else (1, 2, 4, 8), 0.02 if quick else STEP_SECONDS)


async def _by_backends(counts: Sequence[int], step_seconds: float) -> Curve:
    points = []
    for count in counts:
        async with open_side("muralist", step_seconds=step_seconds, servers=count) as side:
            await side.run(Workload(workflow="seven", jobs=1, limit_seconds=LIMIT))
            await settle(1.0)
            outcome = await side.run(Workload(workflow="seven", jobs=1, limit_seconds=LIMIT))
        points.append((float(count), outcome.cpu / outcome.seconds * 1000))
    return Curve(name="backends", grows="backends, of which one works", each="a second", points=points)


async def _cost(side: Side, workflow: str, jobs: int, people: int) -> float:
    costs = []
    for _ in range(2 if jobs < MANY else 1):
        await settle()
        outcome = await side.run(
            Workload(workflow=workflow, jobs=jobs, at_once=True, people=people, limit_seconds=LIMIT)
        )
        costs.append(outcome.cpu / jobs * 1000)
    return min(costs)


def svg(curve: Curve) -> str:
    """A picture of one curve: a logarithmic axis of what grows, milliseconds from 0."""
    most = max(y for _, y in curve.points) * 1.1
    first, last = (math.log10(curve.points[place][0]) for place in (0, -1))

    def at(x: float, y: float) -> tuple[float, float]:
        across = MARGIN + (math.log10(x) - first) / (last - first) * (WIDTH - 2 * MARGIN)
        return across, HEIGHT - MARGIN - y / most * (HEIGHT - 2 * MARGIN)

    spots = [(at(x, y), x, y) for x, y in curve.points]
    line = " ".join(f"{across:.1f},{down:.1f}" for (across, down), _, _ in spots)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<path d="M{MARGIN},{MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}" fill="none" stroke="#555"/>',
        f'<polyline points="{line}" fill="none" stroke="#2563eb" stroke-width="2"/>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 14}" text-anchor="middle">{curve.grows}</text>',
        f'<text x="{MARGIN - 8}" y="{MARGIN - 18}">ms of processor {curve.each}</text>',
    ]
    for (across, down), x, y in spots:
        parts += [
            f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3.5" fill="#2563eb"/>',
            f'<text x="{across:.1f}" y="{down - 10:.1f}" text-anchor="middle">{y:.1f}</text>',
            f'<text x="{across:.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{x:g}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def main(
    folder: Annotated[Path, typer.Option(help="Where the pictures go.")] = ROOT / "docs" / "images",
    quick: Annotated[bool, typer.Option("--quick", help="A few points: to see that it works.")] = False,
) -> None:
    """Measure, and write growth-jobs.svg, growth-people.svg, growth-nodes.svg and
    growth-backends.svg."""
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(_draw(folder, quick=quick))


async def _draw(folder: Path, *, quick: bool) -> None:
    async for curve in curves(quick=quick):
        (folder / f"growth-{curve.name}.svg").write_text(svg(curve), encoding="utf-8")
        typer.echo(f"{curve.grows}: " + ", ".join(f"{x:g}: {y:.1f} ms" for x, y in curve.points))


if __name__ == "__main__":
    typer.run(main)
