"""The inputs of one node: those of its class, and those that its dynamic combos and autogrow inputs bring.

A dynamic combo brings the inputs of the key that was chosen, an autogrow input those of its
template; both under names with dots, such as `format.codec` or `images.image0`. Nodes get them as
dictionaries in dictionaries, and the key of a combo as the member of its own name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.schema import AUTOGROW, DYNAMIC, Input, NodeClass


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """The flat inputs of a node by their full names.

    `paths` tells where a value belongs in the nested dictionaries (by full name, parts joined with
    dots), and `empty` which of them are dictionaries that nothing was given for.
    """

    inputs: dict[str, Input] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)


def expand(node: NodeClass, given: Mapping[str, Any]) -> Expansion:
    """The inputs that a node has when it is given these values, required ones first.

    A dynamic combo without a value, or with an unknown key, does not count as an input at all.
    """
    expansion = Expansion()
    _add(expansion, node.inputs.values(), given, "")
    ordered = sorted(expansion.inputs.items(), key=lambda member: not member[1].required)
    return replace(expansion, inputs=dict(ordered))


def nested(values: Mapping[str, Any], expansion: Expansion) -> dict[str, Any]:
    """Values by full name as a node gets them; what was not given is None, or an empty dictionary."""
    result: dict[str, Any] = {name: value for name, value in values.items() if name not in expansion.paths}
    for name, path in expansion.paths.items():
        *parents, last = path.split(".")
        place = result
        for parent in parents:
            place = place.setdefault(parent, {})
        value = values.get(name)
        place[last] = {} if value is None and name in expansion.empty else value
    return result


def _add(expansion: Expansion, inputs: Iterable[Input], given: Mapping[str, Any], prefix: str) -> None:
    for item in inputs:
        name = f"{prefix}.{item.name}" if prefix else item.name
        if item.kind == DYNAMIC:
            _add_branch(expansion, item, given, name)
        elif item.kind == AUTOGROW:
            _add_grown(expansion, item, given, name)
        else:
            expansion.inputs[name] = item
            if prefix:
                expansion.paths[name] = name


def _add_branch(expansion: Expansion, combo: Input, given: Mapping[str, Any], name: str) -> None:
    key = given.get(name)
    # A link is a list, and no key.
    if not isinstance(key, str) or key not in combo.branches:
        return
    _add(expansion, combo.branches[key], given, name)
    expansion.inputs[name] = combo
    expansion.paths[name] = f"{name}.{combo.name}"


def _add_grown(expansion: Expansion, item: Input, given: Mapping[str, Any], name: str) -> None:
    template = item.template
    assert template is not None
    grown = [f"{name}.{member}" for member in template.names]
    for number, full_name in enumerate(grown):
        required = template.input.required and number < template.minimum
        expansion.inputs[full_name] = replace(template.input, required=required)
        if full_name in given:
            expansion.paths[full_name] = full_name
    if not any(full_name in given for full_name in grown):
        expansion.paths[name] = name
        expansion.empty.add(name)
