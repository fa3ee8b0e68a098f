"""`python -m tests.real.differential --real URL [--simulator URL]`."""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import typer

from tests.real.differential import known
from tests.real.differential.all_cases import chosen
from tests.real.differential.case import Case
from tests.real.differential.compare import Difference
from tests.real.differential.run import compare, first_checkpoint, simulator_like


def main() -> None:
    """Read the command line and say where the servers differ; ends with 1 when they do."""
    parser = argparse.ArgumentParser(prog="python -m tests.real.differential", description=__doc__)
    parser.add_argument(
        "--real", default=os.environ.get("REAL_COMFYUI_URL"), help="address of a real ComfyUI"
    )
    parser.add_argument("--simulator", help="address of a simulator; without it one is started")
    parser.add_argument(
        "--checkpoint", default=os.environ.get("REAL_COMFYUI_CHECKPOINT"), help="to sample with"
    )
    parser.add_argument("--only", help="a part of the names of the cases to act out")
    parser.add_argument("--list", action="store_true", help="say the names of the cases and end")
    parser.add_argument("--document", action="store_true", help="write the list of what is known, and end")
    parser.add_argument("--all", action="store_true", help="say what is known, too")
    given = parser.parse_args()
    if given.document:
        known.document()
        return
    if given.list:
        for case in chosen(given.only, checkpoint=True):
            typer.echo(case.name)
        return
    if given.real is None:
        parser.error("name a real ComfyUI with --real or REAL_COMFYUI_URL")
    sys.exit(asyncio.run(_run(given)))


async def _run(given: argparse.Namespace) -> int:
    checkpoint = given.checkpoint or await first_checkpoint(given.real)
    cases = chosen(given.only, checkpoint=checkpoint is not None)
    async with AsyncExitStack() as stack:
        simulator = given.simulator
        if simulator is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            simulator = await stack.enter_async_context(simulator_like(given.real, Path(folder)))
        listed = [] if given.all else known.known()
        found = await compare(given.real, simulator, cases, checkpoint, functools.partial(_tell, listed))
    new = known.unexplained(found, listed)
    typer.echo(f"{len(cases)} cases, {len(found)} differences, {len(found) - len(new)} of them known")
    if given.only is None:
        for entry in known.outlived(found, listed):
            typer.echo(f"Not found any more: {entry.what}")
    return 1 if new else 0


def _tell(listed: list[known.Known], case: Case, found: list[Difference]) -> None:
    new = known.unexplained(found, listed)
    typer.echo(f"{case.name}: {len(new) or ('as known' if found else 'equal')}")
    for difference in new:
        typer.echo(f"  {difference}")


main()
