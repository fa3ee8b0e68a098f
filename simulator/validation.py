"""What a server checks before it accepts a graph, and the words it refuses with.

Types, messages and details are those that a 0.33.0 server was seen to answer. A graph is accepted
when at least one of its output nodes is sound; what belongs only to the others is dropped.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.schema import CLASSES, Catalogue

Json = dict[str, Any]
LONG_LIST = 20  # choices; longer lists are not repeated in an error
_CASTS: dict[str, Callable[[Any], Any]] = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`error` is None for an accepted graph; `node_errors` may tell of dropped parts even then."""

    error: Json | None
    outputs: list[str] = field(default_factory=list)
    node_errors: Json = field(default_factory=dict)


def validate(graph: Any, targets: Any, catalogue: Catalogue) -> Verdict:
    """Check a graph and cast its values in place.

    `targets` are the output nodes to run, or None for all. Raises whatever a graph provokes that is
    not a mapping of nodes: such a request ends as status 500, as on a real server.
    """
    outputs = []
    for node_id in graph:
        problem = _unknown_class(node_id, graph[node_id])
        if problem:
            return Verdict(error=problem)
        wanted = targets is None or node_id in targets
        if wanted and CLASSES[graph[node_id]["class_type"]].is_output:
            outputs.append(node_id)
    if not outputs:
        return Verdict(error=_error("prompt_no_outputs", "Prompt has no outputs", ""))
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
    error = _error("prompt_outputs_failed_validation", "Prompt outputs failed validation", details)
    return Verdict(error=error, node_errors=node_errors)


def _unknown_class(node_id: str, node: Any) -> Json | None:
    class_type = None
    if "class_type" in node:
        class_type = node["class_type"]
    if class_type in CLASSES:
        return None
    title = node.get("_meta", {}).get("title", class_type)
    if class_type is None:
        name = title or f"ID #{node_id}"
        message = (
            f"Node '{name}' has no class_type. The workflow may be corrupted or a custom node is missing."
        )
    else:
        message = f"Node '{title}' not found. The custom node may not be installed."
    info = {"node_id": node_id, "class_type": class_type, "node_title": title}
    return _error("missing_node_type", message, f"Node ID '#{node_id}'", info)


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
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            about = {"exception_type": type(error).__qualname__, "traceback": _traceback(error)}
            message = "Exception when validating node"
            problem = _error("exception_during_validation", message, str(error), about)
            self.findings[node_id] = _Finding(sound=False, errors=[problem])
            return False

    def _check(self, node_id: str) -> bool:
        if node_id in self.findings:
            return self.findings[node_id].sound
        if node_id in self._path:
            self._blame_cycle(node_id)
            return False
        given = self._graph[node_id]["inputs"]
        class_type = self._graph[node_id]["class_type"]
        errors: list[Json] = []
        sound = True
        for name, config in self._catalogue.inputs(class_type).items():
            if name not in given:
                info = {"input_name": name}
                errors.append(_error("required_input_missing", "Required input is missing", name, info))
            elif isinstance(given[name], list):
                problem, upstream = self._check_link(node_id, name, config, given[name])
                errors += [problem] if problem else []
                sound = sound and upstream
            else:
                errors += self._check_value(class_type, name, config, given)
        errors += self._check_file(class_type, given)
        # A cycle found further up may have put a finding here already.
        earlier = self.findings.get(node_id, _Finding(sound=True, errors=[]))
        finding = _Finding(
            sound=earlier.sound and sound and not errors,
            errors=earlier.errors + [error for error in errors if error not in earlier.errors],
        )
        self.findings[node_id] = finding
        return finding.sound

    def _check_link(self, node_id: str, name: str, config: Any, link: list[Any]) -> tuple[Json | None, bool]:
        """The problem with the link itself, and whether what it leads to is sound."""
        info: Json = {"input_name": name, "input_config": config}
        if len(link) != 2:
            message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
            return _error("bad_linked_input", message, name, {**info, "received_value": link}), True
        source, slot = link
        received = CLASSES[self._graph[source]["class_type"]].outputs[slot]
        if received != config[0]:
            details = f"{name}, received_type({received}) mismatch input_type({config[0]})"
            message = "Return type mismatch between linked nodes"
            about = {**info, "received_type": received, "linked_node": link}
            return _error("return_type_mismatch", message, details, about), True
        self._path.append(node_id)
        try:
            return None, self._check(source)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            about = {
                **info,
                "exception_message": str(error),
                "exception_type": type(error).__qualname__,
                "traceback": _traceback(error),
                "linked_node": link,
            }
            message = "Exception when validating inner node"
            problem = _error("exception_during_inner_validation", message, str(error), about)
            self.findings[source] = _Finding(sound=False, errors=[problem])
            return None, False
        finally:
            self._path.pop()

    def _check_value(self, class_type: str, name: str, config: Any, given: Json) -> list[Json]:
        kind, _ = config
        value = given[name]
        info: Json = {"input_name": name, "input_config": config}
        try:
            if isinstance(value, dict) and "__value__" in value:
                value = given[name] = value["__value__"]
            if isinstance(kind, str) and kind in _CASTS:
                value = given[name] = _CASTS[kind](value)
        except (TypeError, ValueError, OverflowError) as error:
            message = f"Failed to convert an input value to a {kind} value"
            about = {**info, "received_value": value, "exception_message": str(error)}
            return [_error("invalid_input_type", message, f"{name}, {value}, {error}", about)]
        if class_type == "LoadImage":
            return []  # its own check stands in for the list
        return self._check_range(name, config, value, {**info, "received_value": value})

    def _check_range(self, name: str, config: Any, value: Any, info: Json) -> list[Json]:
        kind, options = config
        if "min" in options and value < options["min"]:
            message = f"Value {value} smaller than min of {options['min']}"
            return [_error("value_smaller_than_min", message, name, info)]
        if "max" in options and value > options["max"]:
            message = f"Value {value} bigger than max of {options['max']}"
            return [_error("value_bigger_than_max", message, name, info)]
        if not isinstance(kind, list) or value in kind:
            return []
        shown = str(kind)
        if len(kind) > LONG_LIST:
            shown, info = f"(list of length {len(kind)})", {**info, "input_config": None}
        return [_error("value_not_in_list", "Value not in list", f"{name}: {value!r} not in {shown}", info)]

    def _check_file(self, class_type: str, given: Json) -> list[Json]:
        if class_type != "LoadImage":
            return []
        if "image" not in given:
            # The class's check runs all the same, without its argument, and that fails in a real server.
            raise TypeError("LoadImage.VALIDATE_INPUTS() missing 1 required positional argument: 'image'")
        name = given["image"]
        if isinstance(name, list) or self._catalogue.folders.input_file(name) is not None:
            return []
        details = f"image - Invalid image file: {name}"
        message = "Custom validation failed for node"
        return [_error("custom_validation_failed", message, details, {"input_name": "image"})]

    def _blame_cycle(self, node_id: str) -> None:
        path = [*self._path[self._path.index(node_id) :], node_id]
        members = list(dict.fromkeys(path))
        details = " -> ".join(f"{member} ({self._graph[member]['class_type']})" for member in path)
        for member in members:
            info = {"node_id": member, "cycle_nodes": members}
            error = _error("dependency_cycle", "Dependency cycle detected", details, info)
            self.findings[member] = _Finding(sound=False, errors=[error])


def _error(kind: str, message: str, details: str, extra_info: Json | None = None) -> Json:
    return {"type": kind, "message": message, "details": details, "extra_info": extra_info or {}}


def _traceback(error: Exception) -> list[str]:
    return traceback.format_tb(error.__traceback__)
