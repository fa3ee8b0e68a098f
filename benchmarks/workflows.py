"""The graphs that are run, as workflow folders: the floor posts them, Muralist loads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Graph = dict[str, dict[str, Any]]

SIDE = 64
"""Pixels. Small, so that the simulated server's drawing does not hide what the client does."""

_TOML = """\
title = "Benchmark"
description = "A graph that clients are compared by"

[parameters.prompt]
type = "text"
to = ["{text}"]
required = true

[parameters.seed]
type = "integer"
to = ["{seed}"]
minimum = 0
maximum = 16777215
"""

_STEPS = """
[parameters.steps]
type = "integer"
to = ["{steps}"]
minimum = 1
maximum = 100
"""

BRANCH = 30
"""Nodes one after another in a wide graph."""

LARGE = 3072
"""Pixels of a picture of more than 1 MB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A graph; `seed`, `text` and `steps` are the node and the input that differ from job to job, as `NODE.INPUT`."""

    graph: Graph
    seed: str
    text: str
    steps: str | None = None

    def seeded(self, seed: int) -> Graph:
        """The graph with a seed of its own."""
        node, name = self.seed.split(".")
        inputs = {**self.graph[node]["inputs"], name: seed}
        return {**self.graph, node: {**self.graph[node], "inputs": inputs}}


def recipes() -> Mapping[str, Recipe]:
    """By the workflow's name. `flat` does not sample at all: its run is a millisecond."""
    return {
        "seven": Recipe(graph=_sampling(steps=20), seed="3.seed", text="6.text"),
        "batch": Recipe(graph=_sampling(steps=20, batch=4), seed="3.seed", text="6.text"),
        "large": Recipe(graph=_sampling(steps=20, side=LARGE), seed="3.seed", text="6.text", steps="3.steps"),
        "sixty": Recipe(graph=_sampling(steps=30, inverted=53), seed="3.seed", text="6.text"),
        "thousand": Recipe(graph=_wide(1000), seed="3.seed", text="6.text"),
        "flat": Recipe(graph=_flat(), seed="1.color", text="2.filename_prefix"),
    }


def write_workflows(folder: Path) -> None:
    """Write all of them as Muralist's owners do."""
    for name, recipe in recipes().items():
        (folder / name).mkdir(parents=True)
        (folder / name / "graph.json").write_text(json.dumps(recipe.graph), encoding="utf-8")
        text = _TOML.format(text=recipe.text, seed=recipe.seed)
        if recipe.steps is not None:
            text += _STEPS.format(steps=recipe.steps)
        (folder / name / "workflow.toml").write_text(text, encoding="utf-8")


def _sampling(*, steps: int, batch: int = 1, inverted: int = 0, side: int = SIDE) -> Graph:
    """From words to pictures in 7 nodes, with a chain of so many more between decoding and saving."""
    sampling = {"seed": 0, "steps": steps, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal"}
    wires = {"model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}
    chain = {
        str(100 + number): _node("ImageInvert", image=[str(99 + number) if number else "8", 0])
        for number in range(inverted)
    }
    return {
        "3": _node("KSampler", **sampling, denoise=1.0, **wires),
        "4": _node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "5": _node("EmptyLatentImage", width=side, height=side, batch_size=batch),
        "6": _node("CLIPTextEncode", text="a red fox in snow", clip=["4", 1]),
        "7": _node("CLIPTextEncode", text="", clip=["4", 1]),
        "8": _node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        **chain,
        "9": _node("SaveImage", filename_prefix="benchmark", images=[next(reversed(chain), "8"), 0]),
    }


def _wide(nodes: int) -> Graph:
    """Sampling, then branches that are not deeper than a server can look, blended into one picture."""
    graph = _sampling(steps=20)
    saving = graph.pop("9")
    last: list[Any] = ["8", 0]
    while len(graph) + BRANCH + 2 <= nodes:
        tip: list[Any] = ["8", 0]
        for _ in range(BRANCH):
            graph[str(100 + len(graph))] = _node("ImageInvert", image=tip)
            tip = [str(99 + len(graph)), 0]
        blended = {"image1": last, "image2": tip, "blend_factor": 0.5, "blend_mode": "normal"}
        graph[str(100 + len(graph))] = _node("ImageBlend", **blended)
        last = [str(99 + len(graph)), 0]
    while len(graph) + 1 < nodes:
        graph[str(100 + len(graph))] = _node("ImageInvert", image=last)
        last = [str(99 + len(graph)), 0]
    return {**graph, "9": {**saving, "inputs": {**saving["inputs"], "images": last}}}


def _flat() -> Graph:
    return {
        "1": _node("EmptyImage", width=SIDE, height=SIDE, batch_size=1, color=0),
        "2": _node("SaveImage", filename_prefix="benchmark", images=["1", 0]),
    }


def _node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}
