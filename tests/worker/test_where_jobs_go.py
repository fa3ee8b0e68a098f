"""Jobs go only to the servers that can run them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import aiohttp

from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.asking import SMALL, ask, fault, ready
from tests.processes import bot_program, running, wait_for_job


async def _all_known(http: aiohttp.ClientSession, url: str, name: str) -> None:
    """Wait until a workflow is offered that only one of the servers can run."""
    async with asyncio.timeout(60):
        while True:
            async with http.get(f"{url}/api/v1/workflows") as answer:
                listed = [each["name"] for each in (await answer.json())["workflows"]]
            if name in listed and "wan" not in listed:
                return
            await asyncio.sleep(0.05)


async def test_each_server_gets_what_it_has_the_models_for(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """However long the line: one has the one model, the other the other."""
    models = {
        "diffusion_models": ("z_image_turbo_bf16.safetensors",),
        "text_encoders": ("qwen_3_4b.safetensors",),
        "vae": ("ae.safetensors",),
    }
    one = SimulatorSettings(port=0, step_seconds=0.0)
    other = SimulatorSettings(port=0, step_seconds=0.0, checkpoints=(), models=models)
    async with Simulator(one) as sdxl, Simulator(other) as z_image:
        bot = bot_program(tmp_path, f"{sdxl.url},{z_image.url}")
        await bot.start()
        try:
            await ready(http, bot.url)
            await _all_known(http, bot.url, "z-image")
            jobs = []
            for number in range(8):
                name = ("sdxl", "z-image")[number % 2]
                values = {"steps": 2, "width": 64, "height": 64}
                status, answer = await ask(http, bot.url, workflow=name, values=values)
                assert status == 202, answer
                jobs.append(answer["job_id"])
            states = [(await wait_for_job(http, bot.url, job))["state"] for job in jobs]
        finally:
            await bot.stop()
        assert states == ["done"] * 8
        assert [run.outcome for run in (*sdxl.runs, *z_image.runs)] == ["success"] * 8
        assert (len(sdxl.runs), len(z_image.runs)) == (4, 4)


async def test_a_server_that_gains_a_model_gets_the_jobs_that_waited_for_it_elsewhere(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """Put there while they wait: those that only the other could run go on without it."""
    loras = ("fox.safetensors",)
    bare = SimulatorSettings(port=0, step_seconds=0.0)
    async with Simulator(replace(bare, loras=loras)) as rich, Simulator(bare) as poor:
        async with running(bot_program(tmp_path, f"{rich.url},{poor.url}")) as bot:
            await ready(http, bot.url)
            await fault(http, rich.url, "hang")
            jobs = []
            for _ in range(4):
                status, answer = await ask(http, bot.url, "a fox <lora:fox:1>", workflow="sdxl", values=SMALL)
                assert status == 202, answer
                jobs.append(answer["job_id"])
            assert poor.runs == []
            poor.settings = replace(poor.settings, loras=loras)
            await poor.restart()
            async with asyncio.timeout(60):
                while len([run for run in poor.runs if run.outcome == "success"]) < 2:
                    await asyncio.sleep(0.05)
            await fault(http, rich.url, "unhang")
            states = [(await wait_for_job(http, bot.url, job))["state"] for job in jobs]
        assert states == ["done"] * 4
        assert (len(poor.runs), len(rich.runs)) == (2, 2)
