"""A workflow that somebody hands over: recognised as what ComfyUI runs, or refused with what to do instead. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from bot.comfy.models import file_name, is_model
from bot.errors import MediaRejected
from bot.jobs.models import Graph
from bot.workflow.infer.naming import slug

WAYS = (
    "Export it with Workflow > Export (API) and send that file; or run it once in ComfyUI and choose it from "
    "/workflow add; or send a picture that it made, as a file."
)
MOST_NAME = 32
"""Letters of a command's name that every platform takes."""

_KEPT = ("class_type", "inputs", "_meta")
_USUAL_PREFIXES = frozenset({"comfyui", "img", "image", "output", "video", "audio", "save", "result", "temp"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A graph in API format, and the form of it that its author sees, if that is known."""

    graph: Graph
    ui: Mapping[str, Any] | None = None


def read_source(text: str) -> Source:
    """The graph of a JSON file. Raises `MediaRejected` for what no server runs."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MediaRejected(f"That file is not a workflow that can be read. {WAYS}") from error
    return source_of(found)


def source_of(prompt: object, ui: object = None) -> Source:
    """The same of what was read already: ComfyUI's two forms of one workflow. Raises `MediaRejected`."""
    if is_ui(prompt) or (prompt is None and is_ui(ui)):
        raise MediaRejected(f"That is the workflow as ComfyUI draws it, which no server runs. {WAYS}")
    if not isinstance(prompt, Mapping) or not prompt or not all(map(_is_node, prompt.values())):
        raise MediaRejected(f"There is no workflow in that file. {WAYS}")
    graph = {str(node): {key: body[key] for key in _KEPT if key in body} for node, body in prompt.items()}
    return Source(graph=graph, ui=ui if isinstance(ui, Mapping) and is_ui(ui) else None)


def is_ui(value: object) -> bool:
    """Whether this is a workflow in the format that ComfyUI's "Save" writes."""
    return isinstance(value, Mapping) and isinstance(value.get("nodes"), list) and "links" in value


def suggested_name(graph: Graph) -> str:
    """What its author saves results as, else what it is made with."""
    for name in (*_prefixes(graph), *_models(graph)):
        made = slug(name).replace("_", "-").strip("-")[:MOST_NAME].strip("-")
        if re.fullmatch(r"[a-z][a-z0-9-]*", made):
            return made
    return "workflow"


def shape(graph: Graph) -> str:
    """What two graphs share that differ in nothing but values: their nodes and links."""
    rows = [
        [node, body["class_type"], sorted((k, v) for k, v in body["inputs"].items() if isinstance(v, list))]
        for node, body in sorted(graph.items())
    ]
    return json.dumps(rows, default=str)


def _prefixes(graph: Graph) -> Iterator[str]:
    for body in graph.values():
        prefix = body["inputs"].get("filename_prefix")
        name = PurePosixPath(prefix.replace("\\", "/")).name if isinstance(prefix, str) else ""
        if name and "%" not in name and name.casefold() not in _USUAL_PREFIXES:
            yield name


def _models(graph: Graph) -> Iterator[str]:
    """The largest thing that is loaded is what people call the workflow by."""
    names = ("ckpt_name", "unet_name", "model_name", "model")
    for wanted in names:
        for body in graph.values():
            value = body["inputs"].get(wanted)
            if isinstance(value, str) and is_model(value):
                yield PurePosixPath(file_name(value)).stem


def _is_node(node: Any) -> bool:
    return (
        isinstance(node, Mapping)
        and isinstance(node.get("class_type"), str)
        and isinstance(node.get("inputs"), Mapping)
    )
