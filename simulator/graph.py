"""In which order the nodes of a graph run, and by what they are recognised as run before.

The order is the one that real servers show: upwards from the outputs, the last input first; of the
nodes that are ready, an output goes first, then one that feeds an output, then one that feeds such
a node.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from simulator.schema import CLASSES

Json = dict[str, Any]


def links(node: Json) -> list[str]:
    """The nodes that a node takes its inputs from, in the order of its inputs."""
    return [value[0] for value in _inputs(node).values() if is_link(value)]


def is_link(value: Any) -> bool:
    """Whether an input's value is `[node id, slot]`."""
    if not isinstance(value, list) or len(value) != 2:
        return False
    return isinstance(value[0], str) and isinstance(value[1], int | float)


def signatures(graph: Json, changed: Callable[[str, Json], str]) -> dict[str, str]:
    """A digest for every node of class, inputs and all that stands above it, but not of ids.

    `changed` adds what the inputs do not show, such as a file's content.
    """
    found: dict[str, str] = {}
    for start in graph:
        for node_id in _parents_first(graph, start):
            if node_id not in found:
                found[node_id] = _signature(graph[node_id], found, changed)
    return found


def _signature(node: Json, found: dict[str, str], changed: Callable[[str, Json], str]) -> str:
    inputs = []
    for name, value in sorted(_inputs(node).items()):
        if is_link(value):
            # A source that is missing or below its own target never matches anything.
            inputs.append([name, "from", found.get(value[0]) or uuid.uuid4().hex, value[1]])
        else:
            inputs.append([name, value])
    whole = [node["class_type"], changed(node["class_type"], _inputs(node)), inputs]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _parents_first(graph: Json, start: str) -> Iterator[str]:
    stack, seen = [(start, False)], set()
    while stack:
        node_id, complete = stack.pop()
        if complete:
            yield node_id
        elif node_id in graph and node_id not in seen:
            seen.add(node_id)
            stack.append((node_id, True))
            stack += [(source, False) for source in links(graph[node_id])]


def _inputs(node: Json) -> Json:
    # Parts of a graph that no output needs are never validated: they may lack their inputs.
    inputs = node.get("inputs")
    return inputs if isinstance(inputs, dict) else {}


class Order:
    """The nodes still to run; those in `cached` count as done unless they are outputs themselves."""

    def __init__(self, graph: Json, outputs: Iterable[str], cached: Collection[str]) -> None:
        self._graph = graph
        self._waiting: dict[str, set[str]] = {}
        for output in outputs:
            stack = [output]
            while stack:
                node_id = stack.pop()
                if node_id in self._waiting:
                    continue
                needed = [source for source in links(graph[node_id]) if source not in cached]
                self._waiting[node_id] = set(needed)
                stack += needed

    def __iter__(self) -> Iterator[str]:
        """Yield node after node; each counts as done when the next one is asked for."""
        while self._waiting:
            node_id = self._next()
            yield node_id
            del self._waiting[node_id]
            for needed in self._waiting.values():
                needed.discard(node_id)

    def _next(self) -> str:
        ready = [node_id for node_id, needed in self._waiting.items() if not needed]
        for distance in range(3):
            for node_id in ready:
                if self._feeds_output(node_id, distance):
                    return node_id
        return ready[0]

    def _feeds_output(self, node_id: str, distance: int) -> bool:
        if distance == 0:
            return CLASSES[self._graph[node_id]["class_type"]].is_output
        below = [other for other, needed in self._waiting.items() if node_id in needed]
        return any(self._feeds_output(other, distance - 1) for other in below)
