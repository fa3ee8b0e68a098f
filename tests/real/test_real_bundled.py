"""The bundled workflows before a real ComfyUI's own judgement, named by REAL_COMFYUI_URL.

It needs the names of their models in its models folder, files without content will do: nothing is run to its end.
"""

from __future__ import annotations

import io
import os
from importlib.resources import files

import pytest
from PIL import Image

from bot.comfy.backend import ComfyBackend
from bot.jobs.models import Graph
from bot.workflow import offers
from bot.workflow.load import load_workflows
from bot.workflow.loras import Lora, offered_loras, with_loras
from bot.workflow.model import Workflow
from bot.workflow.patch import apply, bind, without
from tests.comfy.conftest import new_id
from tests.workflow.test_builder import text_to_image

URL = os.environ.get("REAL_COMFYUI_URL", "")

pytestmark = [
    pytest.mark.real_comfyui,
    pytest.mark.skipif(not URL, reason="set REAL_COMFYUI_URL to the address of a real ComfyUI"),
]

BUNDLED = load_workflows([files("workflows")])


async def _upload(backend: ComfyBackend) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "teal").save(buffer, "PNG")
    return await backend.upload("muralist-bundled.png", buffer.getvalue())


async def _accepted(backend: ComfyBackend, workflow: Workflow, picture: str, *, every: bool) -> None:
    """Patch every parameter, and post it. Raises `Refused` for what the server does not take."""
    assert backend.schemas is not None
    words = {p.spec.name: "a red fox" for p in workflow.parameters if p.spec.name == "prompt"}
    bound = bind(workflow, words, offers.choices(workflow, [backend.schemas]), 7)
    absent = [] if every else [parameter for parameter in workflow.files if not parameter.spec.required]
    left_out = {node for parameter in absent for node in parameter.without}
    graph = apply(*without(workflow.graph, bound.patch, left_out))
    for parameter in workflow.files:
        for target in parameter.targets:
            if target.node in graph:
                graph[target.node]["inputs"][target.input] = picture
    async with backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        await backend.cancel(follow.prompt_id)


async def test_the_bundled_workflows_are_accepted() -> None:
    """Each with all of its pictures, and with those alone that it must have."""
    async with ComfyBackend(URL, client_id=new_id()) as backend:
        assert await backend.probe()
        assert backend.schemas is not None
        picture = await _upload(backend)
        lacks = {name: offers.problems(workflow, backend.schemas) for name, workflow in BUNDLED.items()}
        for name, workflow in BUNDLED.items():
            for every in (True, False):
                if not lacks[name]:
                    await _accepted(backend, workflow, picture, every=every)
    lacking = {name: found[0] for name, found in lacks.items() if found}
    if lacking:
        pytest.skip(f"this server lacks what these need: {lacking}")


async def _judged(backend: ComfyBackend, graph: Graph) -> None:
    """Raises `Refused` for what the server does not take."""
    async with backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        await backend.cancel(follow.prompt_id)


async def test_loras_and_graphs_made_in_code_are_accepted() -> None:
    """A chain of two behind every bundled model that the server has, and text to image from nothing."""
    async with ComfyBackend(URL, client_id=new_id()) as backend:
        assert await backend.probe()
        assert backend.schemas is not None
        loras = [Lora(name=name, model=0.8, clip=0.5) for name in offered_loras([backend.schemas])[:1]] * 2
        able = [each for each in BUNDLED.values() if not offers.problems(each, backend.schemas)]
        diffusing = {"UNETLoader", "CheckpointLoaderSimple"}
        models = [each for each in able if diffusing & {node["class_type"] for node in each.graph.values()}]
        if not loras or not models:
            pytest.skip("this server has no LoRA, or none of the bundled models")
        for workflow in models:
            words = {p.spec.name: "a fox" for p in workflow.parameters if p.spec.name == "prompt"}
            bound = bind(workflow, words, offers.choices(workflow, [backend.schemas]), 7)
            left_out = {node for parameter in workflow.files for node in parameter.without}
            graph, patch = without(workflow.graph, bound.patch, left_out)
            chained = with_loras(workflow.name, graph, loras, backend.schemas)
            patched = apply(chained, patch)
            for parameter in workflow.files:
                for target in parameter.targets:
                    if target.node in patched:
                        patched[target.node]["inputs"][target.input] = await _upload(backend)
            assert len(chained) >= len(graph) + 2
            await _judged(backend, patched)
        checkpoints = backend.schemas.choices("CheckpointLoaderSimple", "ckpt_name") or ()
        for checkpoint in checkpoints[:1]:
            await _judged(backend, text_to_image(backend.schemas, checkpoint))
