"""An admin's hand on a bot that runs, over its API and at the terminal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.asking import PATIENCE_SECONDS, generate, get, ready, runs, until
from tests.processes import Program, bot_program, run_command, running, simulator_program

pytestmark = pytest.mark.timeout(300)

LONG = {"steps": 60}


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[tuple[Program, Program]]:
    """Two servers that take their time."""
    folders = tmp_path / "first", tmp_path / "second"
    for folder in folders:
        folder.mkdir()
    first, second = (simulator_program(folder, "--step-seconds", "0.05") for folder in folders)
    async with running(first), running(second):
        yield first, second


async def order(http: aiohttp.ClientSession, bot: Program, name: str, **values: object) -> str:
    """A command of the admins, and the title of what it says."""
    async with http.post(f"{bot.url}/api/v1/admin/commands/{name}", json=values) as answer:
        found = await answer.json()
        assert answer.status == 200, found
        title: str = found["card"]["title"]
        return title


async def refused(http: aiohttp.ClientSession, bot: Program, name: str, **values: object) -> str:
    """One that can't be done, and why."""
    async with http.post(f"{bot.url}/api/v1/admin/commands/{name}", json=values) as answer:
        found = await answer.json()
        assert 400 <= answer.status < 500, found
        sentence: str = found["error"]["message"]
        return sentence


async def backends(http: aiohttp.ClientSession, bot: Program) -> dict[str, Any]:
    """The servers as admins see them, by name."""
    found = await get(http, f"{bot.url}/api/v1/admin/overview")
    return {each["name"]: each for each in found["backends"]}


async def memory_in_use(http: aiohttp.ClientSession, comfyui: Program) -> int:
    """Bytes of models on a server's card."""
    (device,) = (await get(http, f"{comfyui.url}/system_stats"))["devices"]
    return int(device["vram_total"] - device["vram_free"])


async def eventually(condition: Any) -> None:
    """Wait until an awaitable condition holds."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():
            await asyncio.sleep(0.1)


def later(hours: int) -> str:
    """The time of day then."""
    return time.strftime("%H:%M", time.localtime(time.time() + hours * 3600))


async def test_the_queue_is_paused_over_a_restart_and_goes_on_in_another_order(
    tmp_path: Path, slow: tuple[Program, Program], http: aiohttp.ClientSession
) -> None:
    """Nothing begins meanwhile; what was moved to the front begins first; whom is cleared waits no more."""
    bot = bot_program(tmp_path, slow[0].url)
    async with running(bot):
        await ready(http, bot.url)
        assert await order(http, bot, "pause") == "The queue is paused."
        jobs = [await generate(http, bot.url, f"fox {who}", user=who) for who in ("ann", "ann", "bob", "cid")]
        await bot.kill()
        await bot.start()
        await ready(http, bot.url)
        assert (await get(http, f"{bot.url}/api/v1/queue"))["paused"]
        code, said, _ = await run_command(tmp_path, "admin", "queue", COMFYUI_URLS=slow[0].url)
        lines = said.decode().splitlines()
        assert (code, lines[:2]) == (0, ["Queue", "4 waiting, 0 in work, paused by an admin"])
        assert sorted(lines[-4:]) == sorted(
            f"{job[:8]} {who} (web) /imagine: waits"
            for job, who in zip(jobs, ("ann", "ann", "bob", "cid"), strict=True)
        )
        assert (
            await order(http, bot, "front", id=jobs[3][:8])
            == f"Job {jobs[3][:8]} of cid goes before all others."
        )
        assert (
            await order(http, bot, "front", id=jobs[1]) == f"Job {jobs[1][:8]} of ann goes before all others."
        )
        assert await order(http, bot, "clear", person="web:user:bob") == "1 waiting job of bob cancelled."
        assert (
            await order(http, bot, "cancel-job", id=jobs[0][:6]) == f"Job {jobs[0][:8]} of ann is cancelled."
        )
        assert await runs(http, slow[0].url) == []
        assert await order(http, bot, "resume") == "The queue goes on."
        for job, state in zip(jobs, ("cancelled", "done", "cancelled", "done"), strict=True):
            await until(http, bot.url, job, state)
        made = [run["extra_data"]["muralist"]["job"] for run in await runs(http, slow[0].url)]
        assert made == [jobs[3], jobs[1]]
        assert await refused(http, bot, "front", id=jobs[1]) == "That job is over."
        assert await refused(http, bot, "imagine", prompt="fox") == (
            "There is no command of admins that is called imagine."
        )


async def test_a_gpu_goes_back_to_its_owner_and_another_server_takes_over(
    tmp_path: Path, slow: tuple[Program, Program], http: aiohttp.ClientSession
) -> None:
    """What ran is interrupted there and made elsewhere, the memory is given back; hours hold, an admin's word more."""
    first, second = (program.url.removeprefix("http://") for program in slow)
    hours = f"{second}={later(2)}-{later(3)}"
    bot = bot_program(tmp_path, slow[0].url, GPU_HOURS=hours)
    async with running(bot):
        await ready(http, bot.url)
        before = await memory_in_use(http, slow[0])
        job = await generate(http, bot.url, values=LONG)
        await until(http, bot.url, job, "running")
        await eventually(lambda: _more(memory_in_use(http, slow[0]), before))
        assert await order(http, bot, "gpu back", how="hand over") == f"{first}: yours."
        await until(http, bot.url, job, "queued")
        await eventually(lambda: _same(memory_in_use(http, slow[0]), before))
        assert [run["outcome"] for run in await runs(http, slow[0].url)] == ["interrupted"]
        assert (await backends(http, bot))[first]["hold"] == "its owner has the GPU"

        assert "can't be reached" in await refused(http, bot, "backend add", url="127.0.0.1:9")
        assert await order(http, bot, "backend add", url=slow[1].url) == f"{second} is added."
        assert await refused(http, bot, "backend add", url=slow[1].url) == f"{second} is there already."
        await eventually(lambda: _up(http, bot, second))
        assert (await backends(http, bot))[second]["hold"] == "its owner has the GPU at this hour"
        assert (await get(http, f"{bot.url}/api/v1/jobs/{job}"))["state"] == "queued"
        assert await order(http, bot, "gpu take", server=second) == f"{second}: the bot works there again."
        await until(http, bot.url, job, "done")
        assert [run["outcome"] for run in await runs(http, slow[1].url)] == ["success"]

        await bot.kill()
        await bot.start()
        await eventually(lambda: _up(http, bot, second))
        another = await generate(http, bot.url, values=LONG)
        await until(http, bot.url, another, "running")
        assert await order(http, bot, "drain", server=second) == f"{second} takes no more jobs."
        waiting = await generate(http, bot.url)
        await until(http, bot.url, another, "done")
        assert await order(http, bot, "backend remove", server=second) == f"{second} is removed."
        assert "is in COMFYUI_URLS" in await refused(http, bot, "backend remove", server=first)
        assert await order(http, bot, "gpu take", server=first) == f"{first}: the bot works there again."
        await until(http, bot.url, waiting, "done")
        assert [run["outcome"] for run in await runs(http, slow[0].url)] == ["interrupted", "success"]
        assert list(await backends(http, bot)) == [first]
        changes = (await get(http, f"{bot.url}/api/v1/admin/overview"))["changes"]
        assert [(each["what"], each["whom"]) for each in reversed(changes)] == [
            ("gpu back", first),
            ("backend add", second),
            ("gpu take", second),
            ("drain", second),
            ("backend remove", second),
            ("gpu take", first),
        ]


async def _more(found: Any, than: int) -> bool:
    return bool(await found > than)


async def _same(found: Any, to: int) -> bool:
    return bool(await found == to)


async def _up(http: aiohttp.ClientSession, bot: Program, server: str) -> bool:
    found = (await backends(http, bot)).get(server)
    return found is not None and found["up"]
