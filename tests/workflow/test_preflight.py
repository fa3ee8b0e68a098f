"""A patched graph held against what a server has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.comfy.schemas import NodeSchemas
from bot.workflow.load import load_workflow
from bot.workflow.patch import apply, bind
from bot.workflow.preflight import Misfit, by_parameter, misfits

GRAPH = """{
    "1": {"class_type": "UNETLoader", "inputs": {"unet_name": "fox.safetensors"}},
    "2": {"class_type": "VAELoader", "inputs": {"vae_name": "ae.safetensors"}},
    "3": {"class_type": "Wan", "inputs": {"length": 81, "width": 64, "model": ["1", 0], "start": ["4", 0]}},
    "4": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    "5": {"class_type": "KSampler", "inputs": {"sampler_name": "euler", "steps": 4}}
}"""
TOML = """
title = "Fox"
description = "Foxes"
[[models]]
name = "ae.safetensors"
url = "https://example.org/ae"
folder = "vae"
size = "319.8 MB"
instead = ["ae-fp8.safetensors"]
[parameters]
width = "3.width"
seconds = { to = "3.length", fps = 16, frame_step = 4, maximum = 100.0 }
model = "1.unet_name"
sampler = "5.sampler_name"
"""


def _schemas(**changes: Any) -> NodeSchemas:
    inputs: dict[str, dict[str, Any] | None] = {
        "UNETLoader": {"unet_name": [["fox.safetensors"]]},
        "VAELoader": {"vae_name": [["flux/ae-fp8.safetensors"]]},
        "Wan": {"length": ["INT", {"min": 1, "max": 161}], "width": ["INT", {"min": 16, "max": 1024}]},
        "LoadImage": {"image": [["b.png"], {"image_upload": True}]},
        "KSampler": {"sampler_name": ["COMBO", {"options": ["euler", "heun"]}], "steps": ["INT", {"min": 1}]},
        **changes,
    }
    return NodeSchemas(
        {name: {"input": {"required": body}} for name, body in inputs.items() if body is not None}
    )


@pytest.mark.parametrize(
    ("values", "changes", "told"),
    [
        ({}, {}, []),
        (
            {"width": 2048},
            {},
            [("Width can't be 2048 with what ComfyUI has; the nearest that can be is 1024.", "width")],
        ),
        (
            {"seconds": 60},
            {},
            [("Seconds can't be 60.1 with what ComfyUI has; the nearest that can be is 10.1.", "seconds")],
        ),
        (
            {"sampler": "hein"},
            {},
            [('ComfyUI has no Sampler "hein". The nearest that it has is heun.', "sampler")],
        ),
        ({}, {"Wan": None}, [('ComfyUI lacks the node "Wan".', None)]),
        (
            {},
            {"VAELoader": {"vae_name": [["other.safetensors"]]}},
            [
                (
                    'ComfyUI has no vae_name "ae.safetensors". '
                    "Download https://example.org/ae (319.8 MB) into models/vae.",
                    None,
                )
            ],
        ),
        (
            {},
            {"UNETLoader": {"unet_name": [[]]}},
            [('ComfyUI has no Model "fox.safetensors". It has none at all.', "model")],
        ),
    ],
)
def test_what_keeps_a_server_from_a_graph_is_told(
    tmp_path: Path, values: dict[str, object], changes: dict[str, Any], told: list[tuple[str, str | None]]
) -> None:
    """With the nearest value that it takes, or with what is missing; files that do as well are not missing."""
    (tmp_path / "graph.json").write_text(GRAPH)
    (tmp_path / "workflow.toml").write_text(TOML)
    workflow = load_workflow(tmp_path)
    choices = {"model": ("fox.safetensors",), "sampler": ("euler", "heun", "hein")}
    graph = apply(workflow.graph, bind(workflow, values, choices, 7).patch)
    assert list(misfits(workflow, graph, _schemas(**changes))) == [
        Misfit(sentence=sentence, parameter=parameter) for sentence, parameter in told
    ]


def test_one_server_that_can_is_enough() -> None:
    """Else what a person can put right is told before what only the owner can."""
    node, value = Misfit(sentence="no node"), Misfit(sentence="too wide", parameter="width")
    assert by_parameter({}) is None
    assert by_parameter({"a": [node], "b": []}) is None
    assert by_parameter({"a": [node], "b": [node, value]}) == value
    assert by_parameter({"a": [node]}) == node
