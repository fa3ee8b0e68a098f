"""What a server has run lately, for those who want one of it as a workflow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.comfy.graph import Graph, class_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """A run that succeeded: its graph, the form that its author sees if the server was told it, when it ended.

    `ended` is in seconds since 1970.
    """

    prompt_id: str
    graph: Graph
    ui: Mapping[str, Any] | None = None
    ended: float | None = None


def parse_past(history: object) -> list[Past]:
    """Read `/history`, the newest first; without failed runs, and without those that Muralist asked for."""
    entries = history.items() if isinstance(history, Mapping) else ()
    found = [past for prompt_id, entry in entries for past in _of_entry(str(prompt_id), entry)]
    return found[::-1]


def _of_entry(prompt_id: str, entry: object) -> Iterator[Past]:
    """An entry's `prompt` is `[number, prompt_id, graph, extra_data, outputs]`."""
    status = entry.get("status") if isinstance(entry, Mapping) else None
    row = entry.get("prompt") if isinstance(entry, Mapping) else None
    match row:
        case [_, _, dict() as graph, dict() as extra, *_] if "muralist" not in extra and _whole(graph):
            if isinstance(status, Mapping) and status.get("status_str") == "success":
                yield Past(prompt_id=prompt_id, graph=graph, ui=_ui(extra), ended=_ended(status))


def _whole(graph: Mapping[str, Any]) -> bool:
    return bool(graph) and all(
        class_of(graph, node) and isinstance(graph[node].get("inputs"), Mapping) for node in graph
    )


def _ui(extra: Mapping[str, Any]) -> Mapping[str, Any] | None:
    about = extra.get("extra_pnginfo")
    workflow = about.get("workflow") if isinstance(about, Mapping) else None
    return workflow if isinstance(workflow, Mapping) else None


def _ended(status: Mapping[str, Any]) -> float | None:
    """Of the last of its messages, which are `[event, data]`."""
    for message in reversed(status.get("messages") or []):
        match message:
            case [_, {"timestamp": int() | float() as milliseconds}]:
                return milliseconds / 1000
    return None
