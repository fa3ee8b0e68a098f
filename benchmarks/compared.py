"""What other clients reach at the same work, each with a server to itself, one after the other."""

from __future__ import annotations

import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from benchmarks.peers import installed
from benchmarks.rig import open_side, settle
from benchmarks.workload import Outcome, Workload


@dataclass(frozen=True, kw_only=True, slots=True)
class Alone:
    """A client's jobs one after another: seconds beyond the server's own of a job, in the middle; seconds of processor
    and requests a job."""

    overhead: float
    cpu: float
    requests: float


async def alone(workflow: str, jobs: int, step_seconds: float, *, quick: bool) -> dict[str, Alone]:
    """By peer, for those that complete every job."""
    found = {}
    for name in installed(quick=quick):
        async with told(name), open_side(name, step_seconds=step_seconds) as side:
            await side.run(Workload(workflow=workflow, jobs=1, limit_seconds=20.0))
            await settle()
            await side.reset()
            outcome = await side.run(Workload(workflow=workflow, jobs=jobs, limit_seconds=60.0))
            if outcome.lost:
                continue
            runs = (await side.last_runs(jobs))[:jobs]
            took = [run["finished"] - run["started"] for run in runs]
            beyond = [wall - seconds for wall, seconds in zip(outcome.walls, took, strict=True)]
            counts = await side.counts()
            found[name] = Alone(
                overhead=statistics.median(beyond), cpu=outcome.cpu / jobs, requests=counts.all / jobs
            )
    return found


@asynccontextmanager
async def told(name: str) -> AsyncIterator[None]:
    """A client that hangs or dies has no figure; that is told, and all else goes on."""
    try:
        yield
    except (TimeoutError, RuntimeError, aiohttp.ClientError, OSError, ValueError) as error:
        sys.stderr.write(f"{name} is not measured here: {type(error).__name__}: {error}\n")


async def at_once(workflow: str, jobs: int, limit_seconds: float, *, quick: bool) -> dict[str, Outcome]:
    """By peer."""
    found = {}
    for name in installed(quick=quick):
        async with told(name), open_side(name) as side:
            await side.run(Workload(workflow=workflow, jobs=1, limit_seconds=20.0))
            await settle()
            found[name] = await side.run(
                Workload(workflow=workflow, jobs=jobs, at_once=True, limit_seconds=limit_seconds)
            )
    return found
