"""Graphs made in code: what a server would refuse is told before it is asked, and the rest runs."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from bot.comfy.schemas import NodeSchemas
from bot.errors import GraphError
from bot.jobs.events import Finished, RemoteFile
from bot.jobs.models import Graph
from bot.workflow.builder import GraphBuilder, Value
from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.comfy.conftest import run_graph, running
from tests.workflow.simulated import object_info

SETTINGS = SimulatorSettings(port=0, step_seconds=0.0, checkpoints=("base.safetensors",))
SCHEMAS = NodeSchemas(object_info(checkpoints=SETTINGS.checkpoints))
SAMPLING: dict[str, Value] = {
    "seed": 7, "steps": 4, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
}  # fmt: skip


def text_to_image(schemas: NodeSchemas, checkpoint: str) -> Graph:
    """The classic graph, from nothing."""
    build = GraphBuilder(schemas)
    loader = build.add("CheckpointLoaderSimple", {"ckpt_name": checkpoint})
    words = build.add("CLIPTextEncode", {"text": "a red fox", "clip": loader["CLIP"]}, title="Prompt")
    unwanted = build.add("CLIPTextEncode", {"text": "", "clip": loader["CLIP"]})
    size = build.add("EmptyLatentImage", {"width": 64, "height": 96, "batch_size": 1})
    sampler = build.add(
        "KSampler",
        {
            **SAMPLING,
            "model": loader["MODEL"],
            "positive": words[0],
            "negative": unwanted[0],
            "latent_image": size["LATENT"],
        },
    )
    picture = build.add("VAEDecode", {"samples": sampler[0], "vae": loader["VAE"]})
    build.add("SaveImage", {"images": picture["IMAGE"], "filename_prefix": "built"}, wanted_id="save")
    return build.graph()


async def test_text_to_image_from_nothing_runs() -> None:
    """As large as was said."""
    async with Simulator(SETTINGS) as simulator, running(simulator.url) as backend:
        assert backend.schemas is not None
        graph = text_to_image(backend.schemas, "base.safetensors")
        assert graph["2"] == {
            "class_type": "CLIPTextEncode",
            "inputs": {"text": "a red fox", "clip": ["1", 1]},
            "_meta": {"title": "Prompt"},
        }
        end = await run_graph(backend, {node: dict(body) for node, body in graph.items()})
        assert isinstance(end, Finished)
        (file,) = end.results
        assert isinstance(file, RemoteFile)
        assert file.node == "save"
        async with backend.fetch(file) as chunks:
            data = b"".join([chunk async for chunk in chunks])
    assert Image.open(io.BytesIO(data)).size == (64, 96)


@pytest.mark.parametrize(
    ("class_type", "inputs", "told"),
    [
        ("Nothing", {}, 'The server has no node "Nothing".'),
        ("CheckpointLoaderSimple", {}, 'CheckpointLoaderSimple needs the input "ckpt_name".'),
        ("CheckpointLoaderSimple", {"ckpt_name": "x"}, "CheckpointLoaderSimple.ckpt_name does not offer 'x'."),
        ("EmptyLatentImage", {"width": 8}, "needs the input"),
        ("EmptyLatentImage", {"width": 8, "height": 64, "batch_size": 1}, "width must be at least 16, not 8."),
        ("EmptyLatentImage", {"width": 2**20, "height": 64, "batch_size": 1}, "width must be at most 16384"),
        ("EmptyLatentImage", {"width": 64.5, "height": 64, "batch_size": 1}, "width takes INT, not 64.5."),
        ("EmptyLatentImage", {"width": True, "height": 64, "batch_size": 1}, "width takes INT, not True."),
        ("EmptyLatentImage", {"width": "64", "height": 64, "batch_size": 1}, "width takes INT, not '64'."),
        ("EmptyLatentImage", {"width": 64, "height": 64, "batch_size": 1, "depth": 1}, 'no input "depth".'),
        ("VAEDecode", {"samples": "x", "vae": "y"}, "VAEDecode.samples takes LATENT, not 'x'."),
    ],
)  # fmt: skip
def test_a_node_that_would_be_refused_is_told(class_type: str, inputs: dict[str, Any], told: str) -> None:
    """Before it is in the graph."""
    build = GraphBuilder(SCHEMAS)
    with pytest.raises(GraphError) as raised:
        build.add(class_type, inputs)
    assert told in str(raised.value)
    with pytest.raises(GraphError, match="no node that saves or shows"):
        build.graph()


def test_links_are_of_the_type_that_is_taken() -> None:
    """An output is named by its place, its name or its type, if that is one alone."""
    build = GraphBuilder(SCHEMAS)
    loader = build.add("CheckpointLoaderSimple", {"ckpt_name": "base.safetensors"})
    assert loader["MODEL"] == loader[0]
    with pytest.raises(GraphError, match=r"CLIPTextEncode\.clip takes CLIP, not MODEL"):
        build.add("CLIPTextEncode", {"text": "", "clip": loader["MODEL"]})
    for which in ("IMAGE", 3):
        with pytest.raises(GraphError, match=r"has no one output .* It has: MODEL, CLIP, VAE"):
            loader[which]
    with pytest.raises(GraphError, match="CLIP can't take the place of MODEL"):
        build.relink(loader["MODEL"], loader["CLIP"])


def test_surgery_leaves_the_original_alone() -> None:
    """Ids are found that are free; every taker of the old takes the new, but those that are told not to."""
    graph = text_to_image(SCHEMAS, "base.safetensors")
    build = GraphBuilder(SCHEMAS, graph)
    vae = build.node("1")["VAE"]
    other = build.add("CheckpointLoaderSimple", {"ckpt_name": "base.safetensors"}, wanted_id="1")
    assert other.id == "11"
    build.relink(vae, other["VAE"])
    build.relink(build.node("1")["CLIP"], other["CLIP"], but=["2"])
    changed = build.graph()
    assert changed["6"]["inputs"]["vae"] == ["11", 2]
    assert (changed["2"]["inputs"]["clip"], changed["3"]["inputs"]["clip"]) == (["1", 1], ["11", 1])
    assert graph == text_to_image(SCHEMAS, "base.safetensors")
