"""Every bundled workflow, from the API to its results, on a simulated ComfyUI that has all models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import av
import pytest
from PIL import Image

from bot.contract.values import ParameterSpec, ParameterType
from bot.workflow.load import load_workflows
from bot.workflow.model import Role, Workflow
from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.asking import ask, encoded, ready
from tests.processes import Program, bot_program, wait_for_job

BUNDLED = load_workflows([files("workflows")])
SMALL: dict[str, object] = {
    "prompt": "a red fox",
    "width": 128,
    "height": 64,
    "steps": 2,
    "seconds": 0.5,
    "megapixels": 0.1,
    "count": 2,
    "seed": 7,
    "scale": 1.5,
    "length": 16,
    "strength": 0.5,
    "left": 8,
    "top": 16,
    "bpm": 90,
}
"""Values other than the graphs' own; the parameters that are not here are set to what they are."""
FILMS = {"wan", "wan-5b", "ltx", "minimax-h3"}
WITH_SOUND = {"ltx", "minimax-h3"}


@pytest.fixture
async def comfyui() -> AsyncIterator[Simulator]:
    """A simulated ComfyUI with every model and every custom node that the bundled workflows name."""
    more = {
        "controlnet": ("diffusers_xl_canny_full.safetensors",),
        "clip_vision": ("CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors",),
        "ipadapter": tuple(f"ip-adapter-plus{kind}_sdxl_vit-h.safetensors" for kind in ("", "-face")),
    }
    async with Simulator(
        SimulatorSettings(port=0, step_seconds=0.0, all_models=True, custom_nodes=True, models=more)
    ) as simulator:
        yield simulator


@pytest.fixture
async def bot(tmp_path: Path, comfyui: Simulator) -> AsyncIterator[Program]:
    """The bot with nothing but what it brings."""
    program = bot_program(tmp_path, comfyui.url)
    await program.start()
    yield program
    await program.stop()


def _value(spec: ParameterSpec) -> object:
    if spec.name == "seconds":
        return max(0.5, spec.minimum or 0)
    if spec.name in SMALL:
        return SMALL[spec.name]
    return spec.default


def _values(workflow: Workflow) -> dict[str, object]:
    """A value for every parameter but pictures; choices are left to what the server has."""
    return {
        parameter.spec.name: _value(parameter.spec)
        for parameter in workflow.parameters
        if not parameter.spec.type.attached and parameter.spec.type is not ParameterType.CHOICE
    }


def _pictures(workflow: Workflow) -> dict[str, str]:
    return {
        parameter.spec.name: encoded(Image.new("RGB", (96, 64), colour))
        for parameter, colour in zip(workflow.files, ("teal", "white", "red"), strict=False)
    }


async def _made(http: aiohttp.ClientSession, bot: Program, status: dict[str, Any]) -> list[tuple[str, bytes]]:
    found = []
    for output in status["outputs"]:
        async with http.get(bot.url + output["url"]) as answer:
            found.append((answer.content_type, await answer.read()))
    return found


async def test_every_bundled_workflow_runs_to_its_results(
    http: aiohttp.ClientSession, bot: Program, comfyui: Simulator
) -> None:
    """With every parameter set, and every picture given: pictures, films, sound or words come of it."""
    await ready(http, bot.url)
    jobs = {}
    for name, workflow in BUNDLED.items():
        values = _values(workflow)
        body = {"workflow": name, "values": values, "images": _pictures(workflow)}
        async with http.post(f"{bot.url}/api/v1/generate", json=body) as answer:
            assert answer.status == 202, (name, await answer.text())
            jobs[name] = (await answer.json())["job_id"]
    for name, job in jobs.items():
        status = await wait_for_job(http, bot.url, job)
        assert status["state"] == "done", (name, status)
        made = await _made(http, bot, status)
        kinds = [kind for kind, _ in made]
        if name in FILMS:
            assert kinds == ["video/mp4"], name
            with av.open(BytesIO(made[0][1])) as film:
                assert bool(film.streams.audio) is (name in WITH_SOUND), name
        elif Role.MUSIC in BUNDLED[name].roles:
            assert kinds == ["audio/mpeg"]
        elif Role.DESCRIBE in BUNDLED[name].roles:
            assert kinds == ["text/plain"]
        else:
            assert kinds == ["image/png"] * (2 if "count" in _values(BUNDLED[name]) else 1), name


async def test_roles_are_served_by_what_the_server_has(http: aiohttp.ClientSession, bot: Program) -> None:
    """The first of the order; what is sent under a role's name is the workflow's."""
    await ready(http, bot.url)
    async with http.get(f"{bot.url}/api/v1/workflows") as answer:
        listed = [each["name"] for each in (await answer.json())["workflows"]]
    assert listed[: len(Role)] == list(Role)
    assert sorted(listed[len(Role) :]) == sorted(BUNDLED)
    status, answered = await ask(http, bot.url, workflow="imagine", values={"steps": 2})
    assert status == 202
    done = await wait_for_job(http, bot.url, answered["job_id"])
    async with http.get(bot.url + done["outputs"][0]["url"]) as answer:
        assert "z-image-" in answer.headers["Content-Disposition"]
