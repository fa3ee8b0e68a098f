"""What is different between two versions of a workflow, in lines for people. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from bot.comfy.graph import title_of
from bot.jobs.models import Graph

MOST_VALUE = 60


def differences(old: Graph, new: Graph, old_file: str, new_file: str) -> Iterator[str]:
    """Nodes and inputs of the graph, then lines of `workflow.toml`."""
    for node in sorted(old.keys() | new.keys()):
        if node not in new:
            yield f"- {node} {title_of(old, node)}"
        elif node not in old:
            yield f"+ {node} {title_of(new, node)}"
        else:
            yield from _of_node(node, old, new)
    lines = difflib.unified_diff(old_file.splitlines(), new_file.splitlines(), lineterm="", n=0)
    yield from (line for line in lines if line[1:].strip() and not line.startswith(("---", "+++", "@@")))


def _of_node(node: str, old: Graph, new: Graph) -> Iterator[str]:
    if old[node]["class_type"] != new[node]["class_type"]:
        yield f"~ {node}: {old[node]['class_type']} is {new[node]['class_type']}"
    before, after = old[node]["inputs"], new[node]["inputs"]
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"~ {node} {title_of(new, node)}.{name}: {_short(before.get(name))} is {_short(after.get(name))}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_VALUE else f"{text[:MOST_VALUE]}…"
