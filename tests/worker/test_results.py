"""Results of every kind, from the owner's own workflows to what the API hands out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import av
import pytest
from PIL import Image

from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.asking import generate, ready
from tests.processes import Program, bot_program, wait_for_job

Graph = dict[str, dict[str, Any]]


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """A node of a graph."""
    return {"class_type": class_type, "inputs": inputs}


PICTURE = {
    "1": node("EmptyImage", width=64, height=48, batch_size=1, color=255),
    "2": node("PrimitiveString", value="a red fox"),
}
FRAMES = node("EmptyImage", width=64, height=48, batch_size=8, color=255)
SAVED = node("SaveImage", images=["1", 0], filename_prefix="made")
WORKFLOWS: dict[str, Graph] = {
    "words": {**PICTURE, "3": node("PreviewAny", source=["2", 0])},
    "film": {
        **PICTURE,
        "3": FRAMES,
        "4": node("EmptyAudio", duration=1.0, sample_rate=44100, channels=2),
        "5": node("CreateVideo", images=["3", 0], fps=8.0, audio=["4", 0]),
        "6": node("SaveVideo", video=["5", 0], filename_prefix="film", format="auto", codec="auto"),
    },
    "several": {
        **PICTURE,
        "3": node("EmptyAudio", duration=1.0, sample_rate=44100, channels=2),
        "4": SAVED,
        "5": node("SaveAudio", audio=["3", 0], filename_prefix="sound"),
        "6": node("PreviewImage", images=["1", 0]),
        "7": node("PreviewAny", source=["2", 0]),
    },
    "shown": {**PICTURE, "3": node("PreviewImage", images=["1", 0])},
    "sent": {**PICTURE, "3": node("SaveImageWebsocket", images=["1", 0])},
    "partly": {
        **PICTURE,
        "3": SAVED,
        "4": node("TrialSleep", image=["1", 0], seconds=0.2, steps=2, preview=False, nonce=1),
        "5": node("TrialBoom", image=["4", 0], kind="runtime", nonce=1),
        "6": node("SaveImage", images=["5", 0], filename_prefix="never"),
    },
    "blocked": {
        **PICTURE,
        "3": node("TrialBlock", image=["1", 0], message="too dark"),
        "4": node("SaveImage", images=["3", 0], filename_prefix="never"),
    },
}


def write(folder: Path) -> None:
    """The owner's workflows, each with the words as its one parameter."""
    for name, graph in WORKFLOWS.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "graph.json").write_text(json.dumps(graph))
        (folder / name / "workflow.toml").write_text(
            f'title = "{name}"\ndescription = ""\n[parameters.prompt]\ntype = "text"\nto = ["2.value"]'
        )


@pytest.fixture
async def comfyui() -> AsyncIterator[Simulator]:
    """A simulated ComfyUI with nodes that fail and block."""
    async with Simulator(SimulatorSettings(port=0, trial_nodes=True)) as simulator:
        yield simulator


@pytest.fixture
async def bot(tmp_path: Path, comfyui: Simulator) -> AsyncIterator[Program]:
    """The bot with those workflows."""
    write(tmp_path / "workflows")
    program = bot_program(tmp_path, comfyui.url, WORKFLOWS_DIR=str(tmp_path / "workflows"))
    await program.start()
    yield program
    await program.stop()


async def made(
    http: aiohttp.ClientSession, bot: Program, workflow: str
) -> tuple[dict[str, Any], list[bytes]]:
    """A job's last status without the addresses of its outputs, and their bytes."""
    await ready(http, bot.url)
    job = await generate(http, bot.url, workflow=workflow)
    status = await wait_for_job(http, bot.url, job)
    found = []
    for output in status["outputs"]:
        async with http.get(bot.url + output.pop("url")) as answer:
            assert (answer.status, answer.content_type) == (200, output["media_type"])
            found.append(await answer.read())
    return status, found


def done(*kinds: str) -> dict[str, Any]:
    """The status of a job with these results."""
    return {"state": "done", "fraction": 1.0, "outputs": [{"media_type": kind} for kind in kinds]}


async def test_words(bot: Program, http: aiohttp.ClientSession) -> None:
    """What a node says is the result where nothing is saved."""
    assert await made(http, bot, "words") == (done("text/plain"), [b"a red fox"])


async def test_a_film_with_sound(bot: Program, http: aiohttp.ClientSession) -> None:
    """It is a film by what it holds, its sound is there, and the workflow is not in it any more."""
    status, (data,) = await made(http, bot, "film")
    assert status == done("video/mp4")
    with av.open(BytesIO(data), "r") as film:
        assert (len(film.streams.video), len(film.streams.audio)) == (1, 1)
        assert len(list(film.decode(video=0))) == 8
        assert "prompt" not in film.metadata
    assert b"class_type" not in data


async def test_several_results_of_several_kinds(bot: Program, http: aiohttp.ClientSession) -> None:
    """What was saved, in the order of the nodes; drafts and words about them are left out."""
    status, (picture, sound) = await made(http, bot, "several")
    assert status == done("image/png", "audio/flac")
    assert Image.open(BytesIO(picture)).info == {}
    assert (sound[:4], b"class_type" in sound) == (b"fLaC", False)


async def test_what_is_only_shown(bot: Program, http: aiohttp.ClientSession) -> None:
    """It is all there is."""
    status, (picture,) = await made(http, bot, "shown")
    assert status == done("image/png")
    assert Image.open(BytesIO(picture)).size == (64, 48)


async def test_what_is_only_sent(bot: Program, http: aiohttp.ClientSession) -> None:
    """It came over the socket, and no file of it exists there."""
    status, (picture,) = await made(http, bot, "sent")
    assert status == done("image/png")
    assert Image.open(BytesIO(picture)).getpixel((0, 0)) == (0, 0, 255)


async def test_what_was_made_before_a_failure(bot: Program, http: aiohttp.ClientSession) -> None:
    """It is kept beside the error."""
    status, (picture,) = await made(http, bot, "partly")
    assert (status["state"], status["outputs"]) == ("failed", [{"media_type": "image/png"}])
    assert status["error"] == {
        "code": "node_failed",
        "message": 'The node "TrialBoom" failed: boom from the test node',
    }
    assert Image.open(BytesIO(picture)).size == (64, 48)


async def test_what_was_kept_back(bot: Program, http: aiohttp.ClientSession) -> None:
    """A run without results says why."""
    status, found = await made(http, bot, "blocked")
    assert (status["state"], found) == ("failed", [])
    assert status["error"] == {
        "code": "no_output",
        "message": "The workflow kept its result back: Execution Blocked: too dark",
    }


async def test_the_owner_may_keep_workflows_in_files(
    tmp_path: Path, comfyui: Simulator, http: aiohttp.ClientSession
) -> None:
    """Then the picture can be dropped into ComfyUI."""
    write(tmp_path / "workflows")
    own = {"WORKFLOWS_DIR": str(tmp_path / "workflows"), "EMBEDDED_WORKFLOWS": "keep"}
    bot = bot_program(tmp_path, comfyui.url, **own)
    await bot.start()
    try:
        _, (picture, _) = await made(http, bot, "several")
    finally:
        await bot.stop()
    assert set(json.loads(Image.open(BytesIO(picture)).info["prompt"])) >= {"1", "4"}
