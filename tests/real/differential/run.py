"""Every case on both servers, and what is left when the masks are on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.processes import simulator_program
from tests.real.differential.case import Case
from tests.real.differential.compare import Difference, differences
from tests.real.differential.masks import Masks
from tests.real.differential.side import Side

BROKE_OFF = "broke off"

NODE_SECONDS = "0.02"
"""How long the simulator's nodes take: long enough that a chain of them can be interrupted."""


async def compare(
    real: str,
    simulator: str,
    cases: Sequence[Case],
    checkpoint: str | None,
    told: Callable[[Case, list[Difference]], None] = lambda case, found: None,
) -> list[Difference]:
    """Act out all cases on both servers, one case at a time; `told` hears of each when it is done.

    Raises RuntimeError when a case breaks off on the real server: then there is nothing to compare with.
    """
    run = f"differential-{uuid.uuid4().hex[:8]}"
    found: list[Difference] = []
    async with Side(real, run, checkpoint) as first, Side(simulator, run, checkpoint) as second:
        for number, case in enumerate(cases):
            await asyncio.gather(first.begin(number), second.begin(number))
            seen = await asyncio.gather(_observed(first, case), _observed(second, case))
            if isinstance(seen[0], dict) and BROKE_OFF in seen[0]:
                raise RuntimeError(f"{case.name} can't be acted out on the real server: {seen[0]}")
            differing = differences(case.name, *seen)
            told(case, differing)
            found += differing
    return found


async def _observed(side: Side, case: Case) -> Any:
    """What was seen, masked; a case that broke off is an observation as well."""
    words = {side.run_name: "<run>", side.url.split("//")[1]: "<host>"}
    try:
        await side.flush()
        seen = await case.act(side)
    except (aiohttp.ClientError, OSError, RuntimeError, ValueError, LookupError, TypeError) as error:
        seen = {BROKE_OFF: type(error).__name__, "because": str(error)[:500]}
    return Masks(words).masked(seen)


@asynccontextmanager
async def simulator_like(real: str, folder: Path, *options: str) -> AsyncIterator[str]:
    """A simulator of its own that offers the models of the real server; gives its address."""
    async with aiohttp.ClientSession() as session, session.get(f"{real}/models/checkpoints") as answer:
        checkpoints = await answer.json()
    offered = [part for name in checkpoints for part in ("--checkpoint", name)]
    program = simulator_program(
        folder, "--node-seconds", NODE_SECONDS, "--step-seconds", NODE_SECONDS, *offered, *options
    )
    await program.start()
    try:
        yield program.url
    finally:
        await program.stop()


async def first_checkpoint(real: str) -> str | None:
    """What to sample with if nobody named one."""
    async with aiohttp.ClientSession() as session, session.get(f"{real}/models/checkpoints") as answer:
        names: list[str] = await answer.json()
    return names[0] if names else None
