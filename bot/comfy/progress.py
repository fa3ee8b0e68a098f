"""How far a run is, over its whole graph: pure, fed with messages in the order in which they came."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bot.comfy.graph import Graph, class_of, display_of, inputs_of, link_of, sources_of, title_of
from bot.comfy.messages import NodeState
from bot.jobs.events import Progress

LIGHT = 0.2
"""Weight of a node that is no sampler, against 1 for a sampling step."""
LOADER = 2.0
DECODE = 1.0
USUAL_STEPS = 20.0
BUSY_MOST = 20.0
"""A node that turns out to have a bar (tiles, tokens) weighs as many steps as it counts, at most so many."""
ALMOST = 0.99
"""The end alone is 1, and `Finished` says that."""
MOST_HOPS = 6


class ProgressTracker:
    """Computes a fraction (0..0.99) of the whole graph that never goes back.

    Samplers weigh as many as their steps, loaders a little, the rest next to nothing. With `outputs`, the
    nodes that save or show something, only what leads to those counts; without, every node. Nodes that the
    server has cached, and what only they need, do not count at all.
    """

    def __init__(self, graph: Graph, *, outputs: Collection[str] = ()) -> None:
        self._graph = graph
        self._roots = tuple(outputs) or _sinks(graph)
        self._cached: frozenset[str] = frozenset()
        self._samplers = _samplers(graph)
        self._weights = self._weigh()
        self._done: dict[str, float] = {}
        self._current: str | None = None
        self._highest = 0.0

    def cached(self, nodes: Iterable[str]) -> None:
        """These nodes will not run."""
        self._cached |= {display_of(self._graph, node) for node in nodes}
        self._weights = self._weigh()

    def executing(self, node: str) -> None:
        """A node begins, so the one before it is done. Only for servers that send no reports."""
        display = display_of(self._graph, node)
        if self._current is not None and self._current != display:
            self._done[self._current] = 1.0
        self._current = display

    def stepped(self, node: str | None, value: float, most: float) -> None:
        """One node's bar. Only for servers that send no reports."""
        display = self._current if node is None else display_of(self._graph, node)
        if display is not None and most > 0:
            self._busy(display, most)
            self._done[display] = max(self._done.get(display, 0.0), min(value / most, 1.0))

    def reported(self, states: Iterable[NodeState]) -> None:
        """A report of all nodes begun so far."""
        expanded: dict[str, int] = {}
        for state in states:
            display = state.display if state.display in self._graph else display_of(self._graph, state.node)
            if state.running:
                self._current = display
            if state.node == display:
                self._done[display] = self._part(state)
            elif not state.running:
                expanded[display] = expanded.get(display, 0) + 1
        for display, count in expanded.items():
            # How many nodes it will expand to is not known: the bar nears its end without reaching it.
            self._done[display] = max(self._done.get(display, 0.0), count / (count + 2))

    def progress(self) -> Progress:
        """How far it is now, and the title of the node that runs."""
        whole = sum(self._weights.values())
        done = sum(weight * self._done.get(node, 0.0) for node, weight in self._weights.items())
        if whole > 0:
            self._highest = max(self._highest, min(done / whole, ALMOST))
        node = None if self._current is None else title_of(self._graph, self._current)
        return Progress(fraction=round(self._highest, 4), node=node)

    def _part(self, state: NodeState) -> float:
        if not state.running:
            return 1.0
        if state.most <= 0:
            return 0.0
        self._busy(state.display, state.most)
        return min(state.value / state.most, 1.0)

    def _busy(self, node: str, most: float) -> None:
        if node in self._weights and node not in self._samplers:
            self._weights[node] = max(self._weights[node], min(most, BUSY_MOST) if most > 1 else 0.0)

    def _weigh(self) -> dict[str, float]:
        return {node: self._weight(node) for node in _needed(self._graph, self._roots, self._cached)}

    def _weight(self, node: str) -> float:
        name = class_of(self._graph, node) or ""
        if node in self._samplers:
            return self._samplers[node]
        if "Loader" in name:
            return LOADER
        return DECODE if "Decode" in name else LIGHT


def _sinks(graph: Graph) -> tuple[str, ...]:
    used = {source for node in graph for _, source in sources_of(graph, node)}
    return tuple(node for node in graph if node not in used)


def _needed(graph: Graph, roots: Iterable[str], cached: Collection[str]) -> list[str]:
    """The nodes that will run: up from the roots, stopping at what is cached."""
    found: dict[str, None] = {}
    waiting = [node for node in roots if node in graph]
    while waiting:
        node = waiting.pop()
        if node not in found and node not in cached:
            found[node] = None
            waiting.extend(source for _, source in sources_of(graph, node))
    return list(found)


def _samplers(graph: Graph) -> dict[str, float]:
    """Sampler -> its steps. What only computes sigmas for a sampler has `steps` too, but takes no time."""
    schedulers = {source for node in graph for name, source in sources_of(graph, node) if name == "sigmas"}
    found = {}
    for node in graph:
        inputs = inputs_of(graph, node)
        if node in schedulers:
            continue
        if link_of(inputs.get("sigmas")) is not None or "steps" in inputs or "end_at_step" in inputs:
            found[node] = _steps(graph, node)
    return found


def _steps(graph: Graph, node: str) -> float:
    inputs = inputs_of(graph, node)
    sigmas = link_of(inputs.get("sigmas"))
    if sigmas is not None:
        return _steps_of_sigmas(graph, sigmas)
    steps = _literal(graph, inputs.get("steps")) or USUAL_STEPS
    first = _literal(graph, inputs.get("start_at_step")) or 0.0
    last = _literal(graph, inputs.get("end_at_step"))
    return max(1.0, min(steps, steps if last is None else last) - first)


def _steps_of_sigmas(graph: Graph, node: str) -> float:
    for _ in range(MOST_HOPS):
        inputs = inputs_of(graph, node)
        steps = _literal(graph, inputs.get("steps"))
        if steps is not None:
            return max(1.0, steps)
        sigmas = inputs.get("sigmas")
        if isinstance(sigmas, str):  # ManualSigmas: one number more than there are steps
            return max(1.0, len(sigmas.replace(",", " ").split()) - 1.0)
        source = link_of(sigmas)
        if source is None:
            break
        node = source
    return USUAL_STEPS


def _literal(graph: Graph, value: object) -> float | None:
    """A number, also when it comes through a node that only holds one."""
    for _ in range(MOST_HOPS):
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        source = link_of(value)
        if source is None:
            return None
        value = inputs_of(graph, source).get("value")
    return None
