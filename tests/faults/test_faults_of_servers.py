"""What becomes of jobs whose ComfyUI dies, hangs, is cut off, or has something else to do."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.asking import PATIENCE_SECONDS, generate, get, ready, runs, until
from tests.comfy.conftest import txt2img
from tests.faults.page import opened
from tests.processes import Program, bot_program, running, simulator_program

LONG = "/imagine a red fox --width 64 --height 64 --steps 100"


async def _up(http: aiohttp.ClientSession, bot: Program, servers: dict[Program, bool]) -> None:
    """Wait until the bot knows which of its servers answer."""
    wanted = {each.url.removeprefix("http://"): up for each, up in servers.items()}
    async with asyncio.timeout(PATIENCE_SECONDS):
        while {
            each["name"]: each["up"] for each in (await get(http, f"{bot.url}/api/v1/queue"))["backends"]
        } != wanted:
            await asyncio.sleep(0.05)


@pytest.mark.skipif(os.name == "nt", reason="no program can be stopped and continued there")
async def test_a_server_that_dies_or_hangs_loses_its_job_to_another(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Faults 9, 11 and 12: the second attempt is told on the card; what heals late is ended there."""
    for name in ("slow", "quick"):
        (tmp_path / name).mkdir()
    slow = simulator_program(tmp_path / "slow", "--step-seconds", "0.5")
    quick = simulator_program(tmp_path / "quick", "--step-seconds", "0.01")
    bot = bot_program(tmp_path, f"{slow.url},{quick.url}")
    async with running(slow), running(bot), opened(bot.url) as page:
        await ready(http, bot.url)

        dies = await page.say(LONG)
        await until(page.browser, bot.url, dies, "running")
        await quick.start()
        await _up(http, bot, {slow: True, quick: True})
        await slow.kill()
        await page.card("Attempt 2", job=dies)
        await until(page.browser, bot.url, dies, "done")
        assert [run["outcome"] for run in await runs(http, quick.url)] == ["success"]

        os.kill(quick.pid, signal.SIGSTOP)
        await slow.start()
        await _up(http, bot, {slow: True, quick: False})
        hangs = await page.say(LONG)
        await until(page.browser, bot.url, hangs, "running")
        os.kill(quick.pid, signal.SIGCONT)
        await _up(http, bot, {slow: True, quick: True})
        os.kill(slow.pid, signal.SIGSTOP)
        await page.card("Attempt 2", job=hangs)
        done = await until(page.browser, bot.url, hangs, "done")

        os.kill(slow.pid, signal.SIGCONT)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while [run["outcome"] for run in await runs(http, slow.url)] != [None, "interrupted"]:
                await asyncio.sleep(0.05)
        assert await get(page.browser, f"{bot.url}/api/v1/jobs/{hangs}") == done
        assert len(await runs(http, quick.url)) == 2
        await quick.end()


async def test_what_the_owner_clicked_comes_first_and_is_told(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """A job waits for what others had there, and what they add later waits for the job."""
    settings = SimulatorSettings(port=0, step_seconds=0.05)
    async with Simulator(settings) as comfyui:
        bot = bot_program(tmp_path, comfyui.url)
        async with running(bot), opened(bot.url) as page:
            await ready(http, bot.url)
            before = [await _click(http, comfyui.url, seed) for seed in (1, 2)]
            job = await page.say("/imagine a red fox --width 64 --height 64 --steps 4")
            await page.card("ComfyUI is busy with 2 of its owner's own", job=job, state="queued")
            after = await _click(http, comfyui.url, 3)
            more = await generate(http, bot.url, "an owl")
            await until(page.browser, bot.url, job, "done")
            await until(http, bot.url, more, "done")
        order = [run.prompt_id for run in comfyui.runs]
        assert [order.index(each) for each in before] == [0, 1]
        assert sorted(order.index(each) for each in (*before, after)) == [0, 1, order.index(after)]
        assert order.index(after) in (2, 3)
        assert len(order) == 5


async def _click(http: aiohttp.ClientSession, comfyui: str, seed: int) -> str:
    """Queue a prompt as the owner's own browser does; it takes a while."""
    prompt_id = str(uuid4())
    body = {"prompt": txt2img(seed, steps=40), "prompt_id": prompt_id, "client_id": "the owner"}
    async with http.post(f"{comfyui}/prompt", json=body) as answer:
        assert answer.status == 200, await answer.text()
    return prompt_id
