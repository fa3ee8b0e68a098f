"""A graph that was only exported and put into the folder: a command on every server that can run it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from tests.asking import ask, encoded, get, ready, until
from tests.media.clips import make_video
from tests.processes import Program, bot_program
from tests.workflow.nodes import graph

SAMPLE = {
    "model": ("4", 0), "seed": 5, "steps": 3, "cfg": 7.5, "sampler_name": "euler", "scheduler": "normal",
    "positive": ("6", 0), "negative": ("7", 0), "latent_image": ("5", 0), "denoise": 1.0,
}  # fmt: skip
POSTER = graph(
    **{
        "4": ("CheckpointLoaderSimple", {"ckpt_name": "sd_xl_base_1.0.safetensors"}),
        "5": ("EmptyLatentImage", {"width": 64, "height": 64, "batch_size": 1}),
        "6": ("CLIPTextEncode", {"text": "a red fox", "clip": ("4", 1)}),
        "7": ("CLIPTextEncode", {"text": "blurry", "clip": ("4", 1)}),
        "3": ("KSampler", SAMPLE),
        "8": ("VAEDecode", {"samples": ("3", 0), "vae": ("4", 2)}),
        "9": ("SaveImage", {"images": ("8", 0), "filename_prefix": "x"}),
    }
)
CUT = graph(
    **{
        "1": ("LoadVideo", {"file": "a.mp4"}),
        "2": (
            "Video Slice",
            {"video": ("1", 0), "start_time": 0.0, "duration": 1.0, "strict_duration": False},
        ),
        "3": (
            "SaveVideo",
            {
                "video": ("2", 0),
                "filename_prefix": "x",
                "format": "auto",
                "format.codec": "auto",
                "codec": "auto",
            },
        ),
    }
)


@pytest.fixture
async def bot(tmp_path: Path, simulated: Program) -> AsyncIterator[Program]:
    """The bot with two graphs that nobody described."""
    program = bot_program(tmp_path, simulated.url)
    folder = Path(program.environment["DATA_DIR"]) / "workflows"
    folder.mkdir(parents=True)
    (folder / "Poster.json").write_text(json.dumps(POSTER), encoding="utf-8")
    (folder / "cut").mkdir()
    (folder / "cut" / "graph.json").write_text(json.dumps(CUT), encoding="utf-8")
    await program.start()
    yield program
    await program.stop()


async def _commands(http: aiohttp.ClientSession, url: str) -> dict[str, list[str]]:
    found: dict[str, Any] = await get(http, f"{url}/api/v1/workflows")
    return {
        each["name"]: [parameter["name"] for parameter in each["parameters"]] for each in found["workflows"]
    }


async def test_a_bare_graph_runs_with_what_a_person_sets(http: aiohttp.ClientSession, bot: Program) -> None:
    """Published once ComfyUI has told what it has; a size comes out as it was asked for."""
    await ready(http, bot.url)
    assert (await _commands(http, bot.url))["poster"][:7] == [
        *("prompt", "width", "height", "negative", "seed", "steps", "cfg"),
    ]
    values = {"width": 128, "height": 64, "steps": 2}
    status, answer = await ask(http, bot.url, workflow="poster", values=values)
    assert status == 202, answer
    done = await until(http, bot.url, answer["job_id"], "done")
    async with http.get(bot.url + done["outputs"][0]["url"]) as picture:
        body = await picture.read()
    assert body[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(body[16:20]) == 128


async def test_a_video_is_checked_and_goes_along(
    http: aiohttp.ClientSession, bot: Program, tmp_path: Path
) -> None:
    """As the file that the graph loads; a picture in its place is told."""
    await ready(http, bot.url)
    assert (await _commands(http, bot.url))["cut"][0] == "video"
    film = base64.b64encode(make_video(tmp_path / "a.mp4").read_bytes()).decode()
    body = {"workflow": "cut", "values": {}, "images": {"video": film}}
    async with http.post(f"{bot.url}/api/v1/generate", json=body) as answer:
        assert answer.status == 202, await answer.text()
        job = (await answer.json())["job_id"]
    done = await until(http, bot.url, job, "done")
    assert [output["media_type"] for output in done["outputs"]] == ["video/mp4"]
    wrong = body | {"images": {"video": encoded(Image.new("RGB", (8, 8)))}}
    async with http.post(f"{bot.url}/api/v1/generate", json=wrong) as answer:
        assert answer.status in (400, 415, 422)
        assert "video" in (await answer.json())["error"]["message"]


async def test_what_was_known_is_known_again(
    http: aiohttp.ClientSession, bot: Program, simulated: Program
) -> None:
    """After a restart, while no ComfyUI answers."""
    await ready(http, bot.url)
    before = await _commands(http, bot.url)
    await bot.kill()
    await simulated.kill()
    await bot.start()
    assert {
        name: found for name, found in (await _commands(http, bot.url)).items() if name in ("poster", "cut")
    } == {name: before[name] for name in ("poster", "cut")}
