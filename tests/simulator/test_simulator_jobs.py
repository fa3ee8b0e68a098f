"""What jobs tell of outputs of every kind."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.job_outputs import Summary, as_files, summary

SAVED = {"filename": "a.png", "subfolder": "s", "type": "output"}
DRAFT = {"filename": "t.png", "subfolder": "", "type": "temp"}
NOTE = {"filename": "n.txt", "subfolder": "", "type": "output"}
LATENT = {"filename": "x.latent", "subfolder": "", "type": "output"}
FILM = {"filename": "v.mp4", "subfolder": "", "type": "output", "format": "video/h264-mp4"}
MESH = {"filename": "m/x.GLB", "type": "output", "subfolder": "", "mediaType": "3d"}


@pytest.mark.parametrize(
    ("outputs", "count", "previewable", "preview"),
    [
        ({}, 0, 0, None),
        ({"9": {"images": [SAVED]}}, 1, 1, {**SAVED, "nodeId": "9", "mediaType": "images"}),
        (
            {"1": {"images": [DRAFT]}, "9": {"images": [SAVED]}},
            2,
            2,
            {**SAVED, "nodeId": "9", "mediaType": "images"},
        ),
        (
            {"9": {"images": [SAVED], "animated": [True]}},
            1,
            1,
            {**SAVED, "nodeId": "9", "mediaType": "images"},
        ),
        ({"2": {"latents": [LATENT]}}, 1, 0, None),
        (
            {"2": {"latents": [LATENT]}, "3": {"images": [DRAFT]}},
            2,
            1,
            {**DRAFT, "nodeId": "3", "mediaType": "images"},
        ),
        ({"2": {"gifs": [FILM]}}, 1, 1, {**FILM, "nodeId": "2", "mediaType": "gifs"}),
        ({"2": {"text": ["hello"]}}, 0, 0, {"content": "hello", "nodeId": "2", "mediaType": "text"}),
        (
            {"2": {"text": ["y" * 1025]}},
            0,
            0,
            {"content": "y" * 1024, "truncated": True, "nodeId": "2", "mediaType": "text"},
        ),
        ({"2": {"text": ["hello"], "files": [NOTE]}}, 1, 1, {**NOTE, "nodeId": "2", "mediaType": "files"}),
        (
            {"2": {"files": [NOTE]}, "3": {"images": [DRAFT]}},
            2,
            2,
            {**DRAFT, "nodeId": "3", "mediaType": "images"},
        ),
        ({"2": {"result": ["m/x.GLB", None, 5]}}, 1, 1, {**MESH, "nodeId": "2"}),
    ],
)
def test_which_output_stands_for_the_job(
    outputs: Any, count: int, previewable: int, preview: dict[str, Any] | None
) -> None:
    """Saved pictures before drafts, those before text files, those before bare text."""
    assert summary(outputs) == Summary(count=count, previewable=previewable, preview=preview)


def test_names_of_models_become_files() -> None:
    """Nothing else changes, but that what is nothing goes."""
    outputs = {"2": {"result": ["m/x.GLB", None, "hi"], "animated": [None], "odd": "x"}}
    assert as_files(outputs) == {"2": {"result": [MESH, "hi"], "animated": [None], "odd": "x"}}
