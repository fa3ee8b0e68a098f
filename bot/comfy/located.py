"""Where an attempt stands on a server, as its queue and its history say."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bot.comfy.graph import Graph
from bot.comfy.outputs import Output, results, saved_files
from bot.comfy.refusals import node_failure
from bot.jobs.events import Broke, Ended, Finished, Interrupted


@dataclass(frozen=True, kw_only=True, slots=True)
class Absent:
    """In neither: never arrived, deleted there, or forgotten by a restart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """In the server's queue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Executing:
    """The server works on it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Over:
    """In the history; `end` is how it ended."""

    end: Ended


Located = Absent | Waiting | Executing | Over


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """The ids of all prompts on a server, whosever they are."""

    running: frozenset[str]
    pending: frozenset[str]

    def others(self, mine: Collection[str]) -> tuple[int, int]:
        """How many run and how many wait there that are not among mine."""
        return len(self.running.difference(mine)), len(self.pending.difference(mine))


def parse_queue(body: object) -> Queue:
    """Read `/queue`: its items are `[number, prompt_id, graph, extra_data, outputs]`."""
    lists = body if isinstance(body, Mapping) else {}
    return Queue(running=_ids(lists.get("queue_running")), pending=_ids(lists.get("queue_pending")))


def parse_entry(entry: Mapping[str, Any], graph: Graph) -> Ended:
    """How a prompt ended, by its history entry.

    `status_str` is `error` for failed and interrupted ones alike; its messages tell them apart. The entry of
    either has the outputs of the nodes that had finished.
    """
    status = entry.get("status")
    messages = _messages(status.get("messages") if isinstance(status, Mapping) else None)
    if "execution_interrupted" in messages:
        return Interrupted(results=saved_files(_outputs(entry)))
    if isinstance(status, Mapping) and status.get("status_str") == "error":
        error = node_failure(messages.get("execution_error", {}), graph or _graph(entry))
        return Broke(error=error, results=saved_files(_outputs(entry)))
    return Finished(results=results(_outputs(entry)))


def _ids(items: object) -> frozenset[str]:
    rows = [row for row in items if isinstance(row, list)] if isinstance(items, list) else []
    return frozenset(row[1] for row in rows if len(row) > 1 and isinstance(row[1], str))


def _messages(items: object) -> dict[str, Mapping[str, Any]]:
    pairs = [item for item in items if isinstance(item, list)] if isinstance(items, list) else []
    return {str(pair[0]): pair[1] if isinstance(pair[1], Mapping) else {} for pair in pairs if len(pair) == 2}


def _outputs(entry: Mapping[str, Any]) -> list[Output]:
    outputs, meta = entry.get("outputs"), entry.get("meta")
    found: list[Output] = []
    for node, output in outputs.items() if isinstance(outputs, Mapping) else ():
        about = meta.get(node) if isinstance(meta, Mapping) else None
        display = about.get("display_node") if isinstance(about, Mapping) else None
        if isinstance(output, Mapping):
            found.append((display if isinstance(display, str) else node, output))
    return found


def _graph(entry: Mapping[str, Any]) -> Graph:
    row = entry.get("prompt")
    graph = row[2] if isinstance(row, list) and len(row) > 2 else None
    return graph if isinstance(graph, Mapping) else {}
