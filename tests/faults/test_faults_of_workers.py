"""What becomes of jobs whose worker is killed, or stands still, at each of the moments that matter.

Two bots share a folder. One holds the leases, the other stands by and takes over once the first shows no life.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.asking import PATIENCE_SECONDS, encoded, generate, get, ready, until
from tests.processes import Program, bot_program, running

NEVER = float("inf")


async def _once(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not happened():
            await asyncio.sleep(0.02)


def _files(folder: Path) -> int:
    """How many different contents the spool holds."""
    return sum(path.is_file() for path in (folder / "data" / "spool").glob("??/*"))


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the upload that is never answered
@pytest.mark.skipif(os.name == "nt", reason="no program can be stopped and continued there")
async def test_whoever_stands_by_goes_on_where_the_other_was_killed(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Faults 1, 2, 4 and 13: before the POST, its answer, and the download; and one that outlives its lease."""
    async with Simulator(SimulatorSettings(port=0, step_seconds=0.02)) as comfyui:
        one, other = (bot_program(tmp_path, comfyui.url) for _ in range(2))
        other.log = tmp_path / "other.log"
        async with running(one), running(other):
            await ready(http, one.url)

            comfyui.faults.delay_answer("/upload", NEVER, method="POST")
            picture = {"image": encoded(Image.new("RGB", (64, 64), "red"))}
            before_post = await generate(http, one.url, workflow="img2img", images=picture)
            await _claimed(http, one)
            await one.kill()
            await until(http, other.url, before_post, "done")
            assert len(comfyui.runs) == 1

            await one.start()
            comfyui.faults.delay_answer("/prompt", NEVER, method="POST")
            before_answer = await generate(http, other.url, "before the answer")
            await _once(lambda: len(comfyui.runs) == 2)
            await other.kill()
            await until(http, one.url, before_answer, "done")
            assert len(comfyui.runs) == 2

            await other.start()
            comfyui.faults.delay_answer("/view", NEVER)
            before_download = await generate(http, one.url, "before the download")
            await _once(lambda: [run.outcome for run in comfyui.runs] == ["success"] * 3)
            await one.kill()
            await until(http, other.url, before_download, "done")
            assert len(comfyui.runs) == 3

            await one.start()
            comfyui.faults.hang()
            outlived = await generate(http, other.url, "outlived")
            await until(http, other.url, outlived, "running")
            os.kill(other.pid, signal.SIGSTOP)
            await _once(lambda: f'"job": "{outlived}"' in one.log.read_text())
            comfyui.faults.unhang()
            done = await until(http, one.url, outlived, "done")
            os.kill(other.pid, signal.SIGCONT)
            await _once(lambda: "lease lost" in other.log.read_text())
            last = await generate(http, other.url, "both are there")
            await until(http, one.url, last, "done")
            assert await get(http, f"{other.url}/api/v1/jobs/{outlived}") == done
        assert [run.outcome for run in comfyui.runs] == ["success"] * 5


async def _claimed(http: aiohttp.ClientSession, bot: Program) -> None:
    """Wait until a job is in a backend's hand."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (await get(http, f"{bot.url}/api/v1/queue"))["running"] != 1:
            await asyncio.sleep(0.02)


async def test_killed_between_the_file_and_its_record_while_the_database_is_busy(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Faults 5 and 20: the picture is fetched again and is the same file; a lock that is held is waited for."""
    async with Simulator(SimulatorSettings(port=0, step_seconds=0.02)) as comfyui:
        bot = bot_program(tmp_path, comfyui.url)
        async with running(bot):
            await ready(http, bot.url)
            comfyui.faults.slow_view(200_000.0)
            job = await generate(http, bot.url, values={"width": 512, "height": 512})
            await _once(lambda: any("fetching" in row for row in _states(tmp_path)))
            holder = sqlite3.connect(tmp_path / "data" / "muralist.db", isolation_level=None)
            try:
                holder.execute("BEGIN IMMEDIATE")
                await _once(lambda: _files(tmp_path) == 1)
                await bot.kill()
            finally:
                holder.close()
            comfyui.faults.slow_view(None)
            await bot.start()
            await until(http, bot.url, job, "done")
            assert _files(tmp_path) == 1

            holder = sqlite3.connect(tmp_path / "data" / "muralist.db", isolation_level=None)
            try:
                holder.execute("BEGIN IMMEDIATE")
                asking = asyncio.create_task(generate(http, bot.url, "while it is busy"))
                assert not (await asyncio.wait({asking}, timeout=1.0))[0]
            finally:
                holder.close()
            await until(http, bot.url, await asking, "done")
    assert [run.outcome for run in comfyui.runs] == ["success", "success"]


def _states(folder: Path) -> list[tuple[str]]:
    with sqlite3.connect(f"file:{folder / 'data' / 'muralist.db'}?mode=ro", uri=True) as reading:
        found: list[tuple[str]] = reading.execute("SELECT state FROM job").fetchall()
    reading.close()
    return found


async def test_a_job_that_fails_everywhere_harms_no_server(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Faults 16 and 17: too little memory here means a larger card; what always fails ends after three tries."""
    small = SimulatorSettings(port=0, step_seconds=0.05, vram_gb=8.0)
    large = SimulatorSettings(port=0, step_seconds=0.05, vram_gb=48.0)
    async with Simulator(small) as one, Simulator(small) as two, Simulator(large) as three:
        servers = (one, two, three)
        bot = bot_program(tmp_path, ",".join(each.url for each in servers))
        async with running(bot):
            await ready(http, bot.url)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not all(
                    each["up"] for each in (await get(http, f"{bot.url}/api/v1/queue"))["backends"]
                ):
                    await asyncio.sleep(0.05)
            one.faults.oom_next()
            for each in (two, three):
                each.faults.hang()
            jobs = [await generate(http, bot.url, f"large {n}", user=f"{n}") for n in range(8)]
            await _once(lambda: "error" in [run.outcome for run in one.runs])
            for each in (two, three):
                each.faults.unhang()
            for job in jobs:
                await until(http, bot.url, job, "done")
            (lacked,) = [run for run in one.runs if run.outcome == "error"]
            moved = lacked.extra_data["muralist"]["job"]
            assert [run.outcome for run in three.runs if run.extra_data["muralist"]["job"] == moved] == [
                "success"
            ]

            for each in servers:
                each.faults.node_error_next("this node always breaks")
            before = [len(each.runs) for each in servers]
            async with http.post(
                f"{bot.url}/api/v1/generate",
                json={"workflow": "imagine", "values": {"prompt": "breaks", "width": 64, "height": 64}},
            ) as answer:
                breaks = (await answer.json())["job_id"]
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (status := await get(http, f"{bot.url}/api/v1/jobs/{breaks}"))["state"] != "failed":
                    await asyncio.sleep(0.05)
            assert status["error"]["code"] == "node_failed"
            assert [len(each.runs) for each in servers] == [count + 1 for count in before]
            after = [await generate(http, bot.url, f"after {n}", user=f"{n}") for n in range(3)]
            for job in after:
                await until(http, bot.url, job, "done")
            assert all(each["up"] for each in (await get(http, f"{bot.url}/api/v1/queue"))["backends"])
