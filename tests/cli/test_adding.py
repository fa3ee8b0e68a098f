"""`muralist workflow`: what ComfyUI ran becomes a command, also of a bot that is running already."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.asking import get, ready
from tests.contracts.owners_run import run_once
from tests.processes import Program, run_command

pytestmark = pytest.mark.timeout(300)


async def test_a_run_becomes_a_command_everywhere(
    tmp_path: Path, simulated: Program, served: Program, http: aiohttp.ClientSession
) -> None:
    """Added in one process, offered by another, run by a third, and written into files."""
    await ready(http, served.url)
    await run_once(http, simulated.url)

    async def muralist(*arguments: str) -> str:
        code, out, said = await run_command(tmp_path, *arguments, COMFYUI_URLS=simulated.url)
        assert code == 0, said
        return out.decode()

    assert "old-oak an old oak in fog" in await muralist("workflow", "add")
    told = await muralist(
        *(
            "workflow",
            "add",
            "--run",
            "1",
            "--name",
            "oak",
            "--hide",
            "steps",
            "--rename",
            "strictness=rigour",
        )
    )
    assert "  /oak It serves /imagine" in told
    assert "  rigour number 0 to 100" in told
    async with asyncio.timeout(60):
        while "oak" not in [
            each["name"] for each in (await get(http, f"{served.url}/api/v1/workflows"))["workflows"]
        ]:
            await asyncio.sleep(0.2)
    assert "oak             Oak (version 1)" in await muralist("workflow", "list")
    made = await muralist("imagine", "a young oak", "--workflow", "oak", "--set", "rigour=3", "-o", "oak.png")
    assert (tmp_path / "oak.png").read_bytes().startswith(b"\x89PNG"), made
    await muralist("workflow", "export", "oak", "--into", "out")
    assert sorted(path.name for path in (tmp_path / "out" / "oak").iterdir()) == [
        "graph.json",
        "workflow.json",
        "workflow.toml",
    ]
    await muralist("workflow", "disable", "oak")
    assert "(switched off)" in await muralist("workflow", "list")
