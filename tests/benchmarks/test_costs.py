"""What a job costs the store, in transactions: with each one that wakes for nothing there are more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from benchmarks.muralist import Muralist
from benchmarks.workflows import write_workflows
from benchmarks.workload import Workload
from tests.processes import Program

JOBS = 10

A_JOB = 18
"""Stored, claimed, a claim that finds no more, five steps, two or three cards read, drawn and noted."""
A_SECOND = 10
"""Beats, and looks for what other processes wrote."""


@pytest.fixture
def begun() -> Iterator[list[object]]:
    """The transactions that were begun in this process."""
    found: list[object] = []

    def note(connection: object) -> None:
        found.append(connection)

    event.listen(Engine, "begin", note)
    yield found
    event.remove(Engine, "begin", note)


async def test_a_job_alone_needs_few_transactions(
    simulated: Program, tmp_path: Path, begun: list[object]
) -> None:
    """One after another, each looked after by a worker and shown by a deliverer."""
    write_workflows(tmp_path / "workflows")
    async with Muralist([simulated.url], tmp_path) as muralist:
        await muralist.run(Workload(workflow="seven", jobs=1))
        begun.clear()
        since = time.monotonic()
        outcome = await muralist.run(Workload(workflow="seven", jobs=JOBS))
        count, seconds = len(begun), time.monotonic() - since
    assert outcome.lost == 0
    assert count <= A_JOB * JOBS + A_SECOND * seconds


async def test_jobs_that_are_asked_for_at_once_share_transactions(
    simulated: Program, tmp_path: Path, begun: list[object]
) -> None:
    """Those who ask wait for a commit together, and cards are read and drawn together."""
    write_workflows(tmp_path / "workflows")
    async with Muralist([simulated.url], tmp_path) as muralist:
        await muralist.run(Workload(workflow="flat", jobs=1))
        begun.clear()
        since = time.monotonic()
        outcome = await muralist.run(Workload(workflow="flat", jobs=5 * JOBS, at_once=True, people=JOBS))
        count, seconds = len(begun), time.monotonic() - since
    assert outcome.lost == 0
    assert count <= 12 * 5 * JOBS + A_SECOND * seconds
