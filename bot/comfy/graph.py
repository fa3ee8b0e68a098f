"""Reading a graph in ComfyUI's API format: `{node id: {"class_type", "inputs", "_meta"}}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Graph = Mapping[str, Mapping[str, Any]]


def inputs_of(graph: Graph, node: str) -> Mapping[str, Any]:
    """The inputs of a node; empty for an unknown one."""
    inputs = graph.get(node, {}).get("inputs")
    return inputs if isinstance(inputs, Mapping) else {}


def class_of(graph: Graph, node: str) -> str | None:
    """The class of a node, or None for an unknown one."""
    name = graph.get(node, {}).get("class_type")
    return name if isinstance(name, str) else None


def title_of(graph: Graph, node: str) -> str | None:
    """What its author calls the node, else its class; None for an unknown node."""
    meta = graph.get(node, {}).get("_meta")
    title = meta.get("title") if isinstance(meta, Mapping) else None
    return title if isinstance(title, str) and title.strip() else class_of(graph, node)


def link_of(value: object) -> str | None:
    """The node that an input is linked to, or None for a literal. The server reads every list as a link."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        return value[0]
    return None


def sources_of(graph: Graph, node: str) -> Iterator[tuple[str, str]]:
    """(input's name, node it is linked to) for every linked input of a node."""
    for name, value in inputs_of(graph, node).items():
        source = link_of(value)
        if source is not None and source in graph:
            yield name, source


def display_of(graph: Graph, node: str) -> str:
    """The graph's own node that a node expanded on the server (`4.0.0.2`) came from."""
    return node if node in graph else node.split(".", 1)[0]
