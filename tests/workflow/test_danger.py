"""Nodes that reach files, addresses or code are told from those that make pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.comfy.schemas import NodeSchemas
from bot.workflow.danger import ADDRESSES, CODE, PATHS, dangers, refusal

SHARED = Path(__file__).parents[2] / ".." / "shared" / "graphs"


def _class(module: str, **inputs: Any) -> dict[str, Any]:
    return {"python_module": module, "input": {"required": inputs}}


SCHEMAS = NodeSchemas(
    {
        "CLIPTextEncode": _class("nodes", text=["STRING", {"multiline": True}]),
        "SaveImage": _class("nodes", filename_prefix=["STRING", {}]),
        "StringConstant": _class("comfy_extras.nodes_string", value=["STRING", {}]),
        "ClipSaver": _class("custom_nodes.clips", output_path=["STRING", {}]),
        "ModelChooser": _class("custom_nodes.clips", model_path=[["a.safetensors"], {}]),
        "Painter": _class(
            "custom_nodes.paint", words=["STRING", {"multiline": True}], strength=["FLOAT", {}]
        ),
        "Fetcher": _class("custom_nodes.net", source=["STRING", {}]),
        "RunPythonSnippet": _class("custom_nodes.code", text=["STRING", {}]),
    }
)


@pytest.mark.parametrize(
    ("class_type", "inputs", "reaches"),
    [
        ("CLIPTextEncode", {"text": "/home/me/fox.png or https://example.org"}, None),
        ("SaveImage", {"filename_prefix": "foxes/red"}, None),
        ("SaveImage", {"filename_prefix": "../../etc/cron.d/fox"}, PATHS),
        ("StringConstant", {"value": "/etc/passwd"}, PATHS),
        ("StringConstant", {"value": "C:\\Users\\me\\secret.txt"}, PATHS),
        ("StringConstant", {"value": "1/2 or 3/4"}, None),
        ("StringConstant", {"value": "http://169.254.169.254/latest"}, ADDRESSES),
        ("ClipSaver", {"output_path": ""}, PATHS),
        ("ModelChooser", {"model_path": "a.safetensors"}, None),
        ("Painter", {"words": "a path in a wood", "strength": 1.0}, None),
        ("Fetcher", {"source": "https://example.org/a.png"}, ADDRESSES),
        ("RunPythonSnippet", {"text": "1"}, CODE),
        ("VHS_LoadVideoPath", {"video": "a.mp4"}, PATHS),
        ("LoadImageFromURL", {}, ADDRESSES),
        ("NobodyKnows", {"script": "print(1)"}, CODE),
        ("NobodyKnows", {"script": ["4", 0], "steps": 3}, None),
    ],
)
def test_what_a_node_reaches(class_type: str, inputs: dict[str, Any], reaches: str | None) -> None:
    """By its class, the names of its inputs, and what stands in them; links carry what other nodes say."""
    graph = {"7": {"class_type": class_type, "inputs": inputs}}
    assert [danger.reaches for danger in dangers(graph, SCHEMAS)] == ([] if reaches is None else [reaches])
    assert list(dangers(graph, SCHEMAS, allowed=[class_type])) == []


def test_the_node_is_named_as_its_author_named_it() -> None:
    """And its class, which the owner can allow."""
    graph = {"7": {"class_type": "ClipSaver", "inputs": {"output_path": "a"}, "_meta": {"title": "Keep it"}}}
    assert [refusal(danger) for danger in dangers(graph, SCHEMAS)] == [
        'The node "Keep it" (ClipSaver) reaches files by their path on the server, so whoever uses the workflow '
        "could, too. The owner can allow it with ALLOW_NODES=ClipSaver."
    ]


def test_real_workflows_are_let_through() -> None:
    """Graphs that ComfyUI itself hands out, with the classes of a real server."""
    if not SHARED.is_dir():
        pytest.skip("The graphs are not here.")
    schemas = NodeSchemas(json.loads((SHARED / "object_info.json").read_text()))
    refused = {}
    for path in sorted((SHARED / "api").glob("*.json")):
        found = json.loads(path.read_text())
        graph = found["graph"]
        told = [f"{each.class_type}: {each.reaches}" for each in dangers(graph, schemas)]
        if told:
            refused[path.stem] = told
    assert refused == {}
