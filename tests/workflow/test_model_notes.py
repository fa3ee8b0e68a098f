"""Notes about models, in a workflow's UI format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.comfy.models import ModelNote, file_name, is_model, note_of, where_to_get
from bot.errors import ConfigError
from bot.workflow.load import load_workflow
from bot.workflow.model_notes import read_model_notes

NOTE = """## Model Links

- [A page of no model](https://example.org/page)

**diffusion models**
- [flow.safetensors](https://example.org/flow.safetensors) (15.93 GB)

**text_encoders**\uff1a
- [words.gguf](https://example.org/words.gguf)
"""
UI = {
    "nodes": [
        {"type": "MarkdownNote", "widgets_values": [NOTE]},
        {"type": "KSampler", "widgets_values": ["[no.ckpt](https://example.org/no)"], "properties": None},
        7,
    ],
    "definitions": {
        "subgraphs": [
            {
                "nodes": [
                    {
                        "type": "UNETLoader",
                        "properties": {
                            "models": [
                                {
                                    "name": "flow.safetensors",
                                    "url": "https://a/flow",
                                    "directory": "diffusion_models",
                                },
                                {"name": "sub/vae.pt", "url": "https://a/vae"},
                                {"name": "no link"},
                            ]
                        },
                    }
                ]
            }
        ]
    },
}
FLOW = ModelNote(name="flow.safetensors", url="https://a/flow", folder="diffusion_models", size="15.93 GB")


def test_lists_and_notes_together() -> None:
    """The loaders' own list counts first; a note adds the size."""
    assert read_model_notes(UI) == {
        "flow.safetensors": FLOW,
        "vae.pt": ModelNote(name="sub/vae.pt", url="https://a/vae"),
        "words.gguf": ModelNote(
            name="words.gguf", url="https://example.org/words.gguf", folder="text_encoders"
        ),
    }


@pytest.mark.parametrize(
    "ui", [None, [], {}, {"nodes": 7, "definitions": []}, {"definitions": {"subgraphs": 7}}]
)
def test_what_is_no_workflow_has_no_notes(ui: object) -> None:
    """And breaks nothing."""
    assert read_model_notes(ui) == {}


def test_names_of_models() -> None:
    """By their ending; folders are parted by either slash."""
    assert [is_model(value) for value in ("a.safetensors", "b\\c.CKPT", "euler", "a.png", 7, None)] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
    assert [file_name(name) for name in ("a.pt", "x/a.pt", "x\\y\\a.pt")] == ["a.pt"] * 3


def _folder(path: Path, toml: str = "") -> Path:
    folder = path / "flow"
    folder.mkdir()
    graph = {
        "1": {
            "class_type": "UNETLoader",
            "inputs": {"unet_name": "sub\\flow.safetensors"},
            "_meta": {"title": "Load"},
        },
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 0]}},
    }
    (folder / "graph.json").write_text(json.dumps(graph))
    (folder / "workflow.toml").write_text(
        f'title = "Flow"\ndescription = ""\n{toml}\n[parameters.prompt]\ntype = "text"\nto = ["2.text"]'
    )
    (folder / "workflow.json").write_text(json.dumps(UI))
    return folder


def test_the_notes_go_into_the_graph(tmp_path: Path) -> None:
    """Into the nodes that name those models, beside what `_meta` had."""
    graph = load_workflow(_folder(tmp_path)).graph
    assert graph["1"]["_meta"] == {
        "title": "Load",
        "models": [
            {
                "name": "flow.safetensors",
                "url": "https://a/flow",
                "folder": "diffusion_models",
                "size": "15.93 GB",
            }
        ],
    }
    assert "_meta" not in graph["2"]
    assert note_of(graph, "1", "other/flow.safetensors") == FLOW
    assert (note_of(graph, "1", "other.safetensors"), note_of(graph, "9", "flow.safetensors")) == (None, None)


def test_the_owners_word_counts_first(tmp_path: Path) -> None:
    """What workflow.toml says replaces what the author wrote."""
    own = '[[models]]\nname = "flow.safetensors"\nurl = "https://mine/flow"'
    note = note_of(load_workflow(_folder(tmp_path, own)).graph, "1", "flow.safetensors")
    assert note == ModelNote(name="flow.safetensors", url="https://mine/flow")


def test_a_broken_workflow_json_is_named(tmp_path: Path) -> None:
    """At the start, with what to do."""
    folder = _folder(tmp_path)
    (folder / "workflow.json").write_text("{")
    with pytest.raises(ConfigError, match=r"flow/workflow.json is not JSON: .* Save the workflow again."):
        load_workflow(folder)


def test_where_to_get_a_model() -> None:
    """With what is known of link, folder and size."""
    assert where_to_get(FLOW) == "Download https://a/flow (15.93 GB) into models/diffusion_models."
    bare = ModelNote(name="a.pt", url="https://a")
    assert where_to_get(bare) == "Download https://a."
    assert where_to_get(None) == "Put it into ComfyUI's models folder, or choose another."
