"""The main job on a real ComfyUI, named by REAL_COMFYUI_URL. It needs no model, but uses one where there is one."""

from __future__ import annotations

import asyncio
import base64
import io
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest
from PIL import Image, ImageChops

from tests.processes import Program, bot_program, wait_for_job

URL = os.environ.get("REAL_COMFYUI_URL")
CHECKPOINT = os.environ.get("REAL_COMFYUI_CHECKPOINT")
"""A checkpoint to use instead of the first: a small one is quicker on a CPU."""

OWN_WORKFLOWS = Path(__file__).parent / "workflows"

pytestmark = [
    pytest.mark.real_comfyui,
    pytest.mark.skipif(URL is None, reason="set REAL_COMFYUI_URL to the address of a real ComfyUI"),
]


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Program]:
    """The bot on the real server, with a workflow that needs no model."""
    assert URL is not None
    program = bot_program(tmp_path, URL, WORKFLOWS_DIR=str(OWN_WORKFLOWS))
    await program.start()
    yield program
    await program.stop()


async def test_a_picture_is_uploaded_scaled_inverted_and_comes_back(
    bot: Program, http: aiohttp.ClientSession
) -> None:
    """Every pixel is what the graph makes of the upload."""
    colours = [(10, 20, 30), (200, 100, 50)]
    source = Image.new("RGB", (2, 1))
    source.putdata(colours)
    values = {"width": 8, "height": 4}

    job = await _generate(http, bot, "invert", values, {"image": _base64(source)})
    status = await wait_for_job(http, bot.url, job)

    assert status["state"] == "done", status
    made = await _fetch(http, bot, status["outputs"][0]["url"])
    assert made.size == (8, 4)
    expected = Image.new("RGB", (2, 1))
    expected.putdata([(255 - red, 255 - green, 255 - blue) for red, green, blue in colours])
    difference = ImageChops.difference(made.convert("RGB"), expected.resize((8, 4), Image.Resampling.NEAREST))
    assert max(difference.tobytes()) <= 1  # ComfyUI counts in floats and cuts off


async def test_words_become_a_picture_and_that_picture_another(
    bot: Program, http: aiohttp.ClientSession
) -> None:
    """txt2img and img2img with the first checkpoint that the server has."""
    await _need_checkpoint(http)
    small = {"prompt": "a red fox", "width": 64, "height": 64, "steps": 3}

    first = await wait_for_job(http, bot.url, await _generate(http, bot, "imagine", {**small, "seed": 7}, {}))
    assert (first["state"], len(first["outputs"])) == ("done", 1), first
    made = await _fetch(http, bot, first["outputs"][0]["url"])
    assert made.size == (64, 64)

    values = {"prompt": "at night", "steps": 2, "denoise": 0.5}
    second = await wait_for_job(
        http, bot.url, await _generate(http, bot, "img2img", values, {"image": _base64(made)})
    )
    assert (second["state"], len(second["outputs"])) == ("done", 1), second


async def test_a_running_and_a_waiting_job_are_cancelled_on_the_server(
    bot: Program, http: aiohttp.ClientSession
) -> None:
    """Cancelling reaches the server: both end long before they could have been finished."""
    await _need_checkpoint(http)
    long = {"prompt": "a slow one", "width": 256, "height": 256, "steps": 100}
    jobs = [await _generate(http, bot, "imagine", long, {}) for _ in range(2)]
    async with asyncio.timeout(100):
        while (await _job(http, bot, jobs[0]))["state"] != "running":
            await asyncio.sleep(0.1)
    for job in reversed(jobs):
        async with http.delete(f"{bot.url}/api/v1/jobs/{job}") as answer:
            assert answer.status == 202

    states = [(await wait_for_job(http, bot.url, job))["state"] for job in jobs]

    assert states == ["cancelled", "cancelled"]
    async with http.get(f"{URL}/queue") as answer:
        assert await answer.json() == {"queue_running": [], "queue_pending": []}


async def test_a_bot_killed_in_mid_run_goes_on_without_a_second_run(
    bot: Program, http: aiohttp.ClientSession
) -> None:
    """One that runs and one that waits on the server are both taken up; the server ran each once."""
    await _need_checkpoint(http)
    long = {"prompt": "a slow one", "width": 128, "height": 128, "steps": 60}
    jobs = [await _generate(http, bot, "imagine", long, {}) for _ in range(3)]
    async with asyncio.timeout(100):
        while (await _job(http, bot, jobs[0]))["state"] != "running":
            await asyncio.sleep(0.1)
    await bot.kill()
    await bot.start()

    states = [(await wait_for_job(http, bot.url, job))["state"] for job in jobs]

    assert states == ["done"] * 3
    async with http.get(f"{URL}/history") as answer:
        tags = [entry["prompt"][3].get("muralist", {}) for entry in (await answer.json()).values()]
    assert [tags.count({"job": job, "attempt": 1}) for job in jobs] == [1, 1, 1]


async def test_what_the_server_lacks_is_told_in_a_sentence(bot: Program, http: aiohttp.ClientSession) -> None:
    """A model that is not there is refused before anything is queued."""
    await _need_checkpoint(http)
    body = {"workflow": "imagine", "values": {"prompt": "x", "model": "no-such-model.safetensors"}}
    async with http.post(f"{bot.url}/api/v1/generate", json=body) as answer:
        error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (400, "invalid_value")
    assert error["message"].startswith('Model "no-such-model.safetensors" is not offered. There is: ')


async def _need_checkpoint(http: aiohttp.ClientSession) -> None:
    async with http.get(f"{URL}/models/checkpoints") as answer:
        if not await answer.json():
            pytest.skip("that ComfyUI has no checkpoint")


async def _generate(
    http: aiohttp.ClientSession,
    bot: Program,
    workflow: str,
    values: Mapping[str, object],
    images: Mapping[str, str],
) -> str:
    if "prompt" in values and CHECKPOINT is not None:
        values = {**values, "model": CHECKPOINT}
    body = {"workflow": workflow, "values": values, "images": images}
    async with http.post(f"{bot.url}/api/v1/generate", json=body) as answer:
        assert answer.status == 202, await answer.text()
        job: str = (await answer.json())["job_id"]
        return job


async def _job(http: aiohttp.ClientSession, bot: Program, job: str) -> dict[str, object]:
    async with http.get(f"{bot.url}/api/v1/jobs/{job}") as answer:
        status: dict[str, object] = await answer.json()
        return status


async def _fetch(http: aiohttp.ClientSession, bot: Program, url: str) -> Image.Image:
    async with http.get(bot.url + url) as answer:
        assert answer.status == 200
        return Image.open(io.BytesIO(await answer.read()))


def _base64(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
