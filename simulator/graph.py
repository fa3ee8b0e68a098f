"""In which order the nodes of a graph run, and by what they are recognised as run before.

The order is the one that real servers show: upwards from the outputs, the last input first; of the
nodes that are ready, an output or a partner's node goes first, then one that feeds an output, then
one that feeds such a node.
"""

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from simulator.expansion import expand
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


def lazy_inputs(node: Json) -> set[str]:
    """The inputs that a node may do without, and asks for itself when it needs them."""
    known = expand(CLASSES[node["class_type"]], node["inputs"]).inputs
    return {name for name, item in known.items() if item.options.get("lazy")}


def signatures(
    graph: Json, changed: Callable[[str, Json], str], found: dict[str, str] | None = None
) -> dict[str, str]:
    """A digest for every node of class, inputs and all that stands above it, but not of ids.

    `changed` adds what the inputs do not show, such as a file's content. `found` holds those of nodes
    that the graph is a part of.
    """
    found = {} if found is None else dict(found)
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
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=_digest).encode()).hexdigest()


def _digest(value: Any) -> str:
    """Nodes of an expanded graph may be given values that are no JSON."""
    return str(getattr(value, "digest", value))


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
    """The nodes still to run; those that are `done` already count as such unless they are outputs.

    `graph` may grow while it is walked, and nodes may come to need others.
    """

    def __init__(
        self, graph: Mapping[str, Json], outputs: Iterable[str], done: Callable[[str], bool]
    ) -> None:
        self._graph = graph
        self._done = done
        self._missing: dict[str, int] = {}  # by node that waits, how many others it waits for
        self._below: dict[str, dict[str, None]] = {}  # by node, those that wait for it
        for output in outputs:
            self.add(output)

    def add(self, node_id: str) -> None:
        """Run a node, too, and before it what it takes its inputs from; lazy inputs may never be asked for."""
        stack, found = [node_id], []
        while stack:
            current = stack.pop()
            if current in self._missing:
                continue
            self._missing[current] = 0
            self._below.setdefault(current, {})
            node = self._graph[current]
            lazy = lazy_inputs(node)
            for name, value in _inputs(node).items():
                if is_link(value) and name not in lazy and not self._done(value[0]):
                    stack.append(value[0])
                    found.append((current, value[0]))
        for below, source in found:
            self._wait(below, source)

    def need(self, node_id: str, source: str) -> None:
        """Let a node that is about to run wait for another one first."""
        if not self._done(source):
            self.add(source)
            self._wait(node_id, source)

    def next(self) -> str | None:
        """The node to run now, or None when all have run."""
        if not self._missing:
            return None
        ready = [node_id for node_id, missing in self._missing.items() if not missing]
        for distance in range(3):
            for node_id in ready:
                if self._feeds_output(node_id, distance):
                    return node_id
        return ready[0]

    def finish(self, node_id: str) -> None:
        """Count a node as done."""
        del self._missing[node_id]
        for below in self._below.pop(node_id):
            self._missing[below] -= 1

    def _wait(self, node_id: str, source: str) -> None:
        if node_id not in self._below[source]:
            self._below[source][node_id] = None
            self._missing[node_id] += 1

    def _feeds_output(self, node_id: str, distance: int) -> bool:
        if distance == 0:
            node = CLASSES[self._graph[node_id]["class_type"]]
            return node.is_output or (node.is_api and not self._missing[node_id])
        return any(self._feeds_output(below, distance - 1) for below in self._below[node_id])
