"""Asking the bot's API, and the simulator for faults."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import Any

import aiohttp
from PIL import Image

SMALL: dict[str, object] = {"width": 64, "height": 64, "steps": 4}

PATIENCE_SECONDS = 90
"""For a machine that has much else to do."""

Json = dict[str, Any]


async def generate(http: aiohttp.ClientSession, url: str, prompt: str = "a red fox", **more: Any) -> str:
    """Queue a small picture; `more` are further fields of the body, `values` beside the usual ones."""
    status, answer = await ask(http, url, prompt, **more)
    assert status == 202, answer
    job: str = answer["job_id"]
    return job


async def ask(
    http: aiohttp.ClientSession, url: str, prompt: str = "a red fox", *, key: str | None = None, **more: Any
) -> tuple[int, Json]:
    """POST /api/v1/generate: status and answer."""
    workflow = more.pop("workflow", "imagine")
    small = SMALL if workflow == "imagine" else {}
    body = {"workflow": workflow, "values": {"prompt": prompt, **small, **more.pop("values", {})}, **more}
    headers = {"Idempotency-Key": key} if key is not None else {}
    async with http.post(f"{url}/api/v1/generate", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def get(http: aiohttp.ClientSession, url: str) -> Json:
    """The JSON of a GET that must succeed."""
    async with http.get(url) as answer:
        assert answer.status == 200, await answer.text()
        found: Json = await answer.json()
        return found


async def ready(http: aiohttp.ClientSession, url: str) -> None:
    """Wait until the bot knows what its ComfyUI offers."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with http.get(f"{url}/readyz") as answer:
                if answer.status == 200:
                    return
            await asyncio.sleep(0.02)


async def until(http: aiohttp.ClientSession, url: str, job: str, state: str) -> Json:
    """Wait for a job's state."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (status := await get(http, f"{url}/api/v1/jobs/{job}"))["state"] != state:
            assert status["state"] in ("queued", "running"), status
            await asyncio.sleep(0.02)
    return status


async def picture(http: aiohttp.ClientSession, url: str, status: Json, index: int = 0) -> Image.Image:
    """An output of a finished job."""
    async with http.get(url + status["outputs"][index]["url"]) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
        return Image.open(io.BytesIO(await answer.read()))


def encoded(image: Image.Image) -> str:
    """A picture as Base64 of a PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


async def fault(http: aiohttp.ClientSession, comfyui: str, name: str, **arguments: Any) -> None:
    """Have the simulator do something wrong."""
    async with http.post(f"{comfyui}/simulator/faults", json={"name": name, **arguments}) as answer:
        assert answer.status == 200, await answer.text()


async def runs(http: aiohttp.ClientSession, comfyui: str) -> list[Json]:
    """What the simulator really executed."""
    async with http.get(f"{comfyui}/simulator/runs") as answer:
        found: list[Json] = await answer.json()
        return found
