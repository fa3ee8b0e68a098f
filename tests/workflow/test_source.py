"""What somebody hands over is recognised for what it is."""

from __future__ import annotations

import json

import pytest

from bot.errors import MediaRejected
from bot.workflow.source import WAYS, Source, read_source, shape, source_of, suggested_name
from tests.builders import GRAPH

UI = {"nodes": [{"id": 6, "type": "CLIPTextEncode"}], "links": [], "version": 0.4}


def test_a_graph_is_taken_without_what_is_no_graph() -> None:
    """ComfyUI writes more into its files than it runs."""
    noted = {node: {**body, "is_changed": ["x"], "_meta": {"title": "A"}} for node, body in GRAPH.items()}
    kept = {node: {**body, "_meta": {"title": "A"}} for node, body in GRAPH.items()}
    assert read_source(json.dumps(noted)) == Source(graph=kept, ui=None)
    assert source_of(GRAPH, UI) == Source(graph=GRAPH, ui=UI)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (json.dumps(UI), f"That is the workflow as ComfyUI draws it, which no server runs. {WAYS}"),
        ("{}", f"There is no workflow in that file. {WAYS}"),
        ('{"6": {"class_type": "A"}}', f"There is no workflow in that file. {WAYS}"),
        ("[1, 2]", f"There is no workflow in that file. {WAYS}"),
        ('{"6": ', f"That file is not a workflow that can be read. {WAYS}"),
        ("[" * 100_000, f"That file is not a workflow that can be read. {WAYS}"),
    ],
)
def test_what_no_server_runs_is_refused(text: str, sentence: str) -> None:
    """With the ways that work."""
    with pytest.raises(MediaRejected) as refused:
        read_source(text)
    assert str(refused.value) == sentence


def test_a_file_with_the_drawing_alone_is_refused() -> None:
    """Some nodes write only that into their pictures."""
    with pytest.raises(MediaRejected, match="as ComfyUI draws it"):
        source_of(None, UI)


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        ({"filename_prefix": "posters/Summer_Fair"}, "summer-fair"),
        ({"filename_prefix": "ComfyUI", "ckpt_name": "xl\\dreamShaper_8.safetensors"}, "dreamshaper-8"),
        ({"filename_prefix": "%date:yyyy%/a", "unet_name": "flux1-dev.safetensors"}, "a"),
        ({"filename_prefix": "2024", "unet_name": "z_image_turbo_bf16.safetensors"}, "z-image-turbo-bf16"),
        ({"filename_prefix": "ComfyUI"}, "workflow"),
    ],
)
def test_a_name_is_suggested(inputs: dict[str, str], name: str) -> None:
    """What its author saves results as, else the model."""
    assert suggested_name({"1": {"class_type": "Any", "inputs": inputs}}) == name


def test_runs_that_differ_in_values_alone_are_alike() -> None:
    """A link is no value."""
    other = {**GRAPH, "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox"}}}
    relinked = {**GRAPH, "3": {"class_type": "KSampler", "inputs": {"positive": ["6", 1]}}}
    assert shape(other) == shape(GRAPH)
    assert shape(relinked) != shape(GRAPH)
