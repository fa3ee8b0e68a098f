"""Parameters that most workflows have: a file that names one of these need only say where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MOST_WORDS = 4000

USUAL: Mapping[str, Mapping[str, Any]] = {
    "prompt": {
        "type": "text",
        "description": "What the picture shows",
        "required": True,
        "max_length": _MOST_WORDS,
    },
    "negative": {"type": "text", "description": "What it should not show", "max_length": _MOST_WORDS},
    "image": {
        "type": "image",
        "title": "Picture",
        "description": "The picture to start from",
        "required": True,
    },
    "image2": {"type": "image", "title": "Picture 2", "description": "Called image 2 in the prompt"},
    "image3": {"type": "image", "title": "Picture 3", "description": "Called image 3 in the prompt"},
    "mask": {
        "type": "mask",
        "description": "A picture that is white where something is to change, and black elsewhere",
        "required": True,
    },
    "width": {"type": "integer", "description": "In pixels", "minimum": 64, "maximum": 2048, "step": 16},
    "height": {"type": "integer", "description": "In pixels", "minimum": 64, "maximum": 2048, "step": 16},
    "megapixels": {
        "type": "number",
        "description": "How large, in millions of pixels",
        "minimum": 0.1,
        "maximum": 2.0,
    },
    "seconds": {"type": "number", "description": "How long it is", "minimum": 0.5, "maximum": 10.0},
    "steps": {
        "type": "integer",
        "description": "Sampling steps: more is slower and finer",
        "minimum": 1,
        "maximum": 100,
    },
    "cfg": {
        "type": "number",
        "title": "CFG",
        "description": "How closely to follow the prompt",
        "minimum": 1.0,
        "maximum": 30.0,
    },
    "guidance": {
        "type": "number",
        "description": "How closely to follow the prompt",
        "minimum": 0.0,
        "maximum": 30.0,
    },
    "denoise": {
        "type": "number",
        "description": "How much may change: 0 nothing, 1 all",
        "minimum": 0.01,
        "maximum": 1.0,
    },
    "seed": {"type": "seed", "description": "The same seed and values give the same picture"},
    "count": {"type": "integer", "description": "How many pictures", "minimum": 1, "maximum": 4},
    "model": {"type": "choice", "description": "The model", "fallback": "first"},
    "sampler": {"type": "choice"},
    "scheduler": {"type": "choice"},
}
"""By name, what `[parameters.NAME]` says."""


def with_usual(name: str, table: object) -> object:
    """A parameter as its file has it, with what is usual for its name unless it states a type of its own.

    What is not bound has nothing usual: it only changes what is inferred.
    """
    entry = {"to": table} if isinstance(table, str | list) else table
    if not isinstance(entry, Mapping):
        return table
    merged = dict(entry) if "type" in entry or "to" not in entry else {**USUAL.get(name, {}), **entry}
    return {**merged, "to": [merged["to"]]} if isinstance(merged.get("to"), str) else merged
