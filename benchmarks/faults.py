"""faults: what jobs in flight cost more when sockets, servers and answers break."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

from benchmarks.compared import told
from benchmarks.peers import installed
from benchmarks.report import Figure, at_least, at_most, beside
from benchmarks.rig import Counts, Side, open_side, settle
from benchmarks.workload import Outcome, Workload

STEPS = 20
KILLED_EVERY = 6.0
"""Seconds."""

FAILED_SHARE = 0.05
PEER_EXTRA = 0.2
"""Seconds a job that the simulated server needs beside sampling."""

Trouble = Callable[[Side, float], Coroutine[None, None, None]]
"""Does its faults to a server during work that takes so many seconds without them; ended when the work is."""


async def measure(*, quick: bool) -> list[Figure]:
    """All figures of this row."""
    jobs, sampling_seconds = (4, 0.1) if quick else (40, 0.5)
    names = installed(quick=quick)
    shares = await asyncio.gather(  # only whether they complete is measured, so they may share the machine
        *(_completed(name, max(2, jobs // 8), sampling_seconds) for name in names)
    )
    peers = dict(zip(names, shares, strict=True))
    async with open_side("muralist", step_seconds=sampling_seconds / STEPS) as side:
        await side.run(Workload(workflow="seven", jobs=1))
        clean = await _run(side, jobs)
        figures: list[Figure] = []
        for name, trouble in TROUBLES.items():
            await settle()
            found = _figures(name, clean, await _run(side, jobs, trouble, clean[0].seconds))
            completed = {peer: each[name] for peer, each in peers.items() if name in each}
            figures += [beside(found[0], completed, most=True), *found[1:]]
        return figures


async def _completed(peer: str, jobs: int, sampling_seconds: float) -> dict[str, float]:
    """By trouble the share of some jobs that another client completed in thrice the time that they need."""
    seconds = jobs * (sampling_seconds + PEER_EXTRA)
    workload = Workload(workflow="seven", jobs=jobs, at_once=True, limit_seconds=3 * seconds)
    found: dict[str, float] = {}
    async with told(peer), open_side(peer, step_seconds=sampling_seconds / STEPS) as side:
        for name, trouble in TROUBLES.items():
            troubling = asyncio.create_task(trouble(side, seconds))
            try:
                outcome = await side.run(workload)
            finally:
                troubling.cancel()
                with suppress(asyncio.CancelledError):
                    await troubling
            found[name] = len(outcome.walls) / jobs
            await settle(1.0)
            await side.answering()
    return found


async def _run(
    side: Side, jobs: int, trouble: Trouble | None = None, seconds: float = 0.0
) -> tuple[Outcome, Counts]:
    await side.reset()
    troubling = asyncio.create_task(trouble(side, seconds)) if trouble is not None else None
    try:
        outcome = await side.run(Workload(workflow="seven", jobs=jobs, at_once=True))
    finally:
        if troubling is not None:
            troubling.cancel()
            with suppress(asyncio.CancelledError):
                await troubling
    return outcome, await side.counts()


def _figures(name: str, clean: tuple[Outcome, Counts], faulty: tuple[Outcome, Counts]) -> list[Figure]:
    (before, asked), (after, asked_more) = clean, faulty
    completed = len(after.walls) / after.jobs
    extra = (asked_more.all - asked.all) / after.jobs
    times = f"{before.seconds:.1f} s without faults (with {after.seconds:.1f} s)"
    return [
        at_least(f"faults, {name}: completed", completed, 1.0, f"{after.jobs} jobs"),
        at_most(f"faults, {name}: time, times that without", after.seconds / before.seconds, 1.1, times),
        at_most(
            f"faults, {name}: more requests a job",
            extra,
            3.0,
            f"{asked.all / before.jobs:.2f} without faults",
        ),
    ]


async def _kill_sockets(side: Side, seconds: float) -> None:
    """Every few seconds, and at least once."""
    await asyncio.sleep(min(KILLED_EVERY, seconds / 2))
    while True:
        await side.fault("drop_sockets")
        await asyncio.sleep(KILLED_EVERY)


async def _restart(side: Side, seconds: float) -> None:
    """Once, half-way: the run in hand is lost, the history is empty, the port is the same."""
    await asyncio.sleep(seconds / 2)
    await side.fault("restart")


async def _deafen(side: Side, seconds: float) -> None:
    """Once, half-way: the socket stays open and says nothing more."""
    await asyncio.sleep(seconds / 2)
    await side.fault("deafen")


async def _fail_answers(side: Side, seconds: float) -> None:
    """All the while, one answer in twenty is a 500, whatever was asked."""
    del seconds
    await side.fault("fail_share", share=FAILED_SHARE)
    try:
        await asyncio.Event().wait()
    finally:
        await side.fault("fail_share", share=0.0)


TROUBLES: dict[str, Trouble] = {
    "sockets killed": _kill_sockets,
    "server restarted": _restart,
    "5% of answers 500": _fail_answers,
    "deaf socket": _deafen,
}
