"""A process that is told to stop begins nothing more, and leaves nothing half done."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import aiohttp
import pytest

from bot.jobs.states import State
from bot.store.store import open_store
from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.asking import PATIENCE_SECONDS, fault, generate, get, ready, runs, until
from tests.builders import sqlite_url
from tests.processes import Program, bot_program, running, simulator_program


async def _stopping(http: aiohttp.ClientSession, bot: Program) -> None:
    """Wait until it says that it stops."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with http.get(f"{bot.url}/readyz") as answer:
                if (answer.status, await answer.json()) == (503, {"status": "stopping"}):
                    return
            await asyncio.sleep(0.01)


async def _taken_over(bot: Program, job: str) -> None:
    """Wait until it says that it has in hand what it had before."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any("job taken over" in said and job in said for said in bot.log.read_text().splitlines()):
            await asyncio.sleep(0.01)


async def _states(folder: Path) -> dict[State, int]:
    async with open_store(sqlite_url(folder / "data")) as store:
        waiting, in_hand = await store.messages.totals()
        return {**await store.messages.ended(), State.QUEUED: waiting, State.RUNNING: in_hand}


@pytest.mark.skipif(os.name == "nt", reason="a test can't send the signals there that a console sends")
async def test_what_runs_is_finished_and_what_takes_too_long_is_handed_over(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Fault 25: SIGTERM drains, Ctrl-C hands over after STOP_SECONDS, a second one at once; no run is made twice."""
    comfyui = simulator_program(tmp_path, "--step-seconds", "0.05")
    bot = bot_program(tmp_path, comfyui.url, STOP_SECONDS="60")
    async with running(comfyui), running(bot):
        await ready(http, bot.url)
        await fault(http, comfyui.url, "hang")
        jobs = [await generate(http, bot.url, f"fox {number}") for number in range(4)]
        await until(http, bot.url, jobs[0], "running")
        while len(await runs(http, comfyui.url)) < 1:
            await asyncio.sleep(0.02)
        os.kill(bot.pid, signal.SIGTERM)
        await _stopping(http, bot)
        late = await generate(http, bot.url, "taken though it stops")
        await fault(http, comfyui.url, "unhang")
        assert await bot.stopped() == 0
        found = await _states(tmp_path)
        assert found[State.RUNNING] == 0
        assert 1 <= found[State.DONE] <= 2
        assert found[State.DONE] + found[State.QUEUED] == 5

        await fault(http, comfyui.url, "hang")
        bot.environment["STOP_SECONDS"] = "0.2"
        await bot.start()
        await ready(http, bot.url)
        await until(http, bot.url, jobs[2], "running")
        os.kill(bot.pid, signal.SIGINT)
        assert await bot.stopped() == 0
        assert (await _states(tmp_path))[State.RUNNING] >= 1

        bot.environment["STOP_SECONDS"] = "600"
        await bot.start()
        await ready(http, bot.url)
        await _taken_over(bot, jobs[2])
        os.kill(bot.pid, signal.SIGTERM)
        await _stopping(http, bot)
        os.kill(bot.pid, signal.SIGTERM)
        assert await bot.stopped() == 0

        await fault(http, comfyui.url, "unhang")
        await bot.start()
        for job in (*jobs, late):
            await until(http, bot.url, job, "done")
        told = [run["extra_data"]["muralist"]["job"] for run in await runs(http, comfyui.url)]
        assert sorted(told) == sorted([*jobs, late])


SECRETS = {
    "COMFYUI_TOKEN": "comfy-9f8e7d6c5b4a3f2e1d",
    "WEB_TOKEN": "page-1a2b3c4d5e6f7a8b9c",
    "TELEGRAM_TOKEN": "123456789:telegram-0f1e2d3c4b5a69788796a5b4c3",
    "DISCORD_TOKEN": "MTIzNDU2Nzg5MDEyMzQ1Njc4.discord.c0ffeec0ffeec0ffeec0ffee",
}

PASSWORD = "pa55word-of-mine"


async def test_logs_are_lines_for_programs_with_ids_and_without_secrets(tmp_path: Path) -> None:
    """Whatever fails: a server that refuses a login, platforms that can't be reached, a job that breaks."""
    unreachable = {"TELEGRAM_API_BASE": "http://127.0.0.1:9", "DISCORD_API_BASE": "http://127.0.0.1:9"}
    settings = SimulatorSettings(port=0, step_seconds=0.0, token=SECRETS["COMFYUI_TOKEN"])
    async with Simulator(settings) as comfyui:
        with_login = comfyui.url.replace("//", f"//me:{PASSWORD}@") + "/other"
        bot = bot_program(tmp_path, f"{comfyui.url},{with_login}", **SECRETS, **unreachable)
        headers = {"Authorization": f"Bearer {SECRETS['WEB_TOKEN']}"}
        async with running(bot), aiohttp.ClientSession(headers=headers) as program:
            await ready(program, bot.url)
            comfyui.faults.node_error_next(f"broke at /root {SECRETS['COMFYUI_TOKEN']}")
            job = await generate(program, bot.url)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (await get(program, f"{bot.url}/api/v1/jobs/{job}"))["state"] != "failed":
                    await asyncio.sleep(0.05)
            assert await bot.stop() == 0
    written = bot.log.read_text()
    assert [name for name, secret in {**SECRETS, "login": PASSWORD}.items() if secret in written] == []
    lines = [json.loads(line) for line in written.splitlines()]
    assert {"job failed", "job ended"} <= {line["event"] for line in lines if line.get("job") == job}
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
