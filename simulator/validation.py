"""What a server checks before it accepts a graph, and the words it refuses with.

Types, messages and details are those that a 0.33.0 server was seen to answer. A graph is accepted
when at least one of its output nodes is sound; what belongs only to the others is dropped.
"""

import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.expansion import Expansion, expand
from simulator.graph import is_link
from simulator.own_checks import OWN_CHECKS
from simulator.replacements import replace_nodes
from simulator.schema import CLASSES, Catalogue
from simulator.values import Config, check_value, fits, problem

Json = dict[str, Any]
# What a check raises for a graph that is no graph; a real server answers with the exception.
BROKEN = (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`error` is None for an accepted graph; `node_errors` may tell of dropped parts even then."""

    error: Json | None
    outputs: list[str] = field(default_factory=list)
    node_errors: Json = field(default_factory=dict)


def validate(graph: Any, targets: Any, catalogue: Catalogue, *, replacing: bool = True) -> Verdict:
    """Check a graph; replace old classes and cast values in place.

    `targets` are the output nodes to run, or None for all. Raises whatever a graph provokes that is
    not a mapping of nodes: such a request ends as status 500, as on a real server.
    """
    if replacing:
        replace_nodes(graph)
    outputs = []
    for node_id in graph:
        unknown = _unknown_class(node_id, graph[node_id], catalogue)
        if unknown:
            return Verdict(error=unknown)
        wanted = targets is None or node_id in targets
        if wanted and CLASSES[graph[node_id]["class_type"]].is_output:
            outputs.append(node_id)
    if not outputs:
        return Verdict(error=problem("prompt_no_outputs", "Prompt has no outputs", ""))
    # A real server keeps the outputs in a set, so that their order changes from start to start;
    # reversed is as good as any, and nobody may rely on the order of the graph.
    return _judge(graph, outputs[::-1], catalogue)


def _judge(graph: Json, outputs: list[str], catalogue: Catalogue) -> Verdict:
    walk = _Walk(graph, catalogue)
    good: list[str] = []
    reasons: list[Json] = []
    node_errors: Json = {}
    for output in outputs:
        if walk.check_output(output):
            good.append(output)
            continue
        reasons += walk.findings[output].errors
        for node_id, finding in walk.findings.items():
            if finding.errors and not finding.sound:
                entry = {
                    "errors": finding.errors,
                    "dependent_outputs": [],
                    "class_type": graph[node_id]["class_type"],
                }
                node_errors.setdefault(node_id, entry)["dependent_outputs"].append(output)
    if good:
        return Verdict(error=None, outputs=good, node_errors=node_errors)
    details = "\n".join(f"{reason['message']}: {reason['details']}" for reason in reasons)
    error = problem("prompt_outputs_failed_validation", "Prompt outputs failed validation", details)
    return Verdict(error=error, node_errors=node_errors)


def _unknown_class(node_id: str, node: Any, catalogue: Catalogue) -> Json | None:
    if "class_type" not in node:
        class_type = None
        title = node.get("_meta", {}).get("title")
        name = title or f"ID #{node_id}"
        message = (
            f"Node '{name}' has no class_type. The workflow may be corrupted or a custom node is missing."
        )
    else:
        class_type = node["class_type"]
        if catalogue.offers(class_type):
            return None
        title = node.get("_meta", {}).get("title", class_type)
        message = f"Node '{title}' not found. The custom node may not be installed."
    info = {"node_id": node_id, "class_type": class_type, "node_title": title}
    return problem("missing_node_type", message, f"Node ID '#{node_id}'", info)


@dataclass(frozen=True, kw_only=True)
class _Finding:
    """`sound` is False without errors of its own when a node further up has them."""

    sound: bool
    errors: list[Json]


class _Walk:
    """One walk up from the outputs; every node is checked once."""

    def __init__(self, graph: Json, catalogue: Catalogue) -> None:
        self.findings: dict[str, _Finding] = {}
        self._graph = graph
        self._catalogue = catalogue
        self._path: list[str] = []

    def check_output(self, node_id: str) -> bool:
        """Check an output node and all above it."""
        try:
            return self._check(node_id)
        except BROKEN as error:
            about = {"exception_type": type(error).__qualname__, "traceback": _traceback(error)}
            message = "Exception when validating node"
            found = problem("exception_during_validation", message, str(error), about)
            self.findings[node_id] = _Finding(sound=False, errors=[found])
            return False

    def _check(self, node_id: str) -> bool:
        if node_id in self.findings:
            return self.findings[node_id].sound
        if node_id in self._path:
            self._blame_cycle(node_id)
            return False
        given = self._graph[node_id]["inputs"]
        class_type = self._graph[node_id]["class_type"]
        expansion = expand(CLASSES[class_type], given)
        errors, sound = self._check_inputs(node_id, class_type, expansion, given)
        errors += self._check_itself(class_type, expansion, given)
        # A cycle found further up may have put a finding here already.
        earlier = self.findings.get(node_id, _Finding(sound=True, errors=[]))
        finding = _Finding(
            sound=earlier.sound and sound and not errors,
            errors=earlier.errors + [error for error in errors if error not in earlier.errors],
        )
        self.findings[node_id] = finding
        return finding.sound

    def _check_inputs(
        self, node_id: str, class_type: str, expansion: Expansion, given: Json
    ) -> tuple[list[Json], bool]:
        """The node's own errors, and whether all that its links lead to is sound."""
        own = OWN_CHECKS.get(class_type)
        errors: list[Json | None] = []
        sound = True
        for name, item in expansion.inputs.items():
            config = self._catalogue.config(item)
            if name not in given:
                # Inside of a dynamic input only the last part of the name is shown.
                details = name.split(".")[-1] if expansion.paths else name
                if item.required:
                    info = {"input_name": name}
                    errors.append(
                        problem("required_input_missing", "Required input is missing", details, info)
                    )
            elif isinstance(given[name], list):
                found, upstream = self._check_link(node_id, name, config, given[name])
                errors.append(found)
                sound = sound and upstream
            else:
                only_type = own is not None and own.covers(name)
                errors.append(check_value(name, config, given, only_type=only_type))
        return [error for error in errors if error], sound

    def _check_link(
        self, node_id: str, name: str, config: Config, link: list[Any]
    ) -> tuple[Json | None, bool]:
        """The problem with the link itself, and whether what it leads to is sound."""
        info: Json = {"input_name": name, "input_config": config}
        if len(link) != 2:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            return problem("bad_linked_input", message, name, {**info, "received_value": link}), True
        source, slot = link
        received = self._output_type(source, slot)
        if not fits(received, config[0]):
            details = f"{name}, received_type({received}) mismatch input_type({config[0]})"
            message = "Return type mismatch between linked nodes"
            about = {**info, "received_type": received, "linked_node": link}
            return problem("return_type_mismatch", message, details, about), True
        self._path.append(node_id)
        try:
            return None, self._check(source)
        except BROKEN as error:
            about = {
                **info,
                "exception_message": str(error),
                "exception_type": type(error).__qualname__,
                "traceback": _traceback(error),
                "linked_node": link,
            }
            message = "Exception when validating inner node"
            found = problem("exception_during_inner_validation", message, str(error), about)
            self.findings[source] = _Finding(sound=False, errors=[found])
            return None, False
        finally:
            self._path.pop()

    def _output_type(self, source: Any, slot: Any) -> str:
        node = CLASSES[self._graph[source]["class_type"]]
        # Real classes keep them in a list or a tuple, and the words of an IndexError tell which.
        outputs = list(node.outputs) if node.newer else node.outputs
        kind: str = outputs[slot]
        return kind

    def _check_itself(self, class_type: str, expansion: Expansion, given: Json) -> Iterator[Json]:
        """The errors of a class's own check: the same for every input that it reads."""
        own = OWN_CHECKS.get(class_type)
        if own is None:
            return
        read = {
            name: None if is_link(value) else value
            for name, value in given.items()
            if name in expansion.inputs and own.covers(name)
        }
        reason = own.judge(self._catalogue.folders, read)
        message = "Custom validation failed for node"
        for name in read if reason is not None else ():
            yield problem("custom_validation_failed", message, f"{name} - {reason}", {"input_name": name})

    def _blame_cycle(self, node_id: str) -> None:
        path = [*self._path[self._path.index(node_id) :], node_id]
        members = list(dict.fromkeys(path))
        details = " -> ".join(f"{member} ({self._graph[member]['class_type']})" for member in path)
        for member in members:
            info = {"node_id": member, "cycle_nodes": members}
            error = problem("dependency_cycle", "Dependency cycle detected", details, info)
            self.findings[member] = _Finding(sound=False, errors=[error])


def _traceback(error: Exception) -> list[str]:
    return traceback.format_tb(error.__traceback__)
