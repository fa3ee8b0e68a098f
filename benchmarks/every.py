"""`python -m benchmarks all`: every row in a process of its own, so that one that fails or hangs ends no other."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import ROOT
from benchmarks.report import Figure, read

ROW_SECONDS = 600.0
"""A row that takes longer hangs. Each of several runs may take as long."""

END_SECONDS = 20.0
TOLERANT = ("felt", "freshness")
"""Rows that measure seconds and wait most of the time: they may go on beside each other, and what only computes too."""

COMPUTED = ("scheduling", "estimates", "inference")
"""Rows whose figures are the same whatever else goes on."""

NICE = 15
"""How much what only computes stands back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What came of a row: its figures, seconds, and why there are none if it failed."""

    row: str
    figures: Sequence[Figure]
    seconds: float
    trouble: str = ""


async def measure_all(
    rows: Sequence[str], arguments: Sequence[str], runs: int, done: Callable[[Measured], None]
) -> None:
    """Measure what needs the machine to itself one after another, then the others beside each other."""
    for row in rows:
        if row not in (*COMPUTED, *TOLERANT):
            done(await _measured(row, arguments, runs))

    async def computed() -> None:
        for row in rows:
            if row in COMPUTED:
                done(await _measured(row, arguments, runs, nice=NICE))

    async def tolerant(row: str) -> None:
        done(await _measured(row, arguments, runs))

    await asyncio.gather(computed(), *(tolerant(row) for row in rows if row in TOLERANT))


async def _measured(row: str, arguments: Sequence[str], runs: int, *, nice: int = 0) -> Measured:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        written = Path(folder) / "figures.json"
        trouble = await _run(row, [*arguments, "--json", str(written)], ROW_SECONDS * runs, nice)
        figures = read(written) if not trouble and written.is_file() else []
    return Measured(row=row, figures=figures, seconds=time.monotonic() - began, trouble=trouble)


async def _run(row: str, arguments: Sequence[str], seconds: float, nice: int) -> str:
    """Run one row and show what it says. Why it failed, or nothing."""
    process = await asyncio.create_subprocess_exec(
        *_stand_back(nice),
        sys.executable,
        "-m",
        "benchmarks",
        row,
        *arguments,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=PIPE,
        stderr=STDOUT,
    )
    assert process.stdout is not None
    said = asyncio.ensure_future(process.stdout.read())
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        return f"it had not ended after {seconds:.0f} s"
    finally:
        await _end(process)
        with suppress(TimeoutError):  # a process that it left behind may hold the pipe
            async with asyncio.timeout(END_SECONDS):
                sys.stdout.write((await said).decode(errors="replace"))
                sys.stdout.flush()
    return "" if process.returncode == 0 else f"it ended with {process.returncode}; what it said is above"


async def _end(process: asyncio.subprocess.Process) -> None:
    """It ends what it started when it is told to end; if it does not it is killed."""
    if process.returncode is not None:
        return
    process.terminate()
    with suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()


def _stand_back(nice: int) -> list[str]:
    """What starts a process that others go before, where that is known."""
    return ["nice", "-n", str(nice)] if nice and sys.platform != "win32" else []
