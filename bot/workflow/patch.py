"""Binding values to a workflow, and applying a patch to a graph. Pure; text never becomes part of any JSON."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.contract.values import ParameterType
from bot.errors import InvalidValue
from bot.jobs.models import Graph, Patch, PatchValue, Setting
from bot.workflow.model import Parameter, Target, Workflow, offered
from bot.workflow.values import check, nearest

Choices = Mapping[str, tuple[str, ...]]
"""What the servers offer, by the name of a choice parameter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """Checked values by parameter, the patch that they make, and the seed if the workflow has one."""

    values: Mapping[str, PatchValue]
    patch: Patch
    seed: int | None


def bind(workflow: Workflow, raw: Mapping[str, object], choices: Choices, seed: int) -> Bound:
    """Check raw values against a workflow's parameters. `seed` is used where nobody chose one.

    Raises `InvalidValue` for the first value that can't be used, before anything else happens.
    """
    _check_names(workflow, raw)
    values: dict[str, PatchValue] = {}
    for parameter in workflow.parameters:
        value = _value(parameter, raw, choices, seed)
        if value is not None:
            values[parameter.spec.name] = value
    patch = tuple(
        Setting(node=target.node, input=target.input, value=values[parameter.spec.name])
        for parameter in workflow.parameters
        if parameter.spec.name in values
        for target in parameter.targets
    )
    return Bound(values=values, patch=patch, seed=_seed(workflow, values))


def apply(graph: Graph, patch: Patch) -> dict[str, dict[str, Any]]:
    """A new graph with the patch's values in it; the old one is left as it is."""
    patched = {node: copy.deepcopy(dict(body)) for node, body in graph.items()}
    for setting in patch:
        patched[setting.node]["inputs"][setting.input] = setting.value
    return patched


def unbind(workflow: Workflow, graph: Graph) -> dict[str, PatchValue]:
    """The values of a workflow's parameters that stand in a graph of it; what is linked there has none."""
    found = {each.spec.name: read(graph, each.targets[0]) for each in workflow.parameters}
    return {name: value for name, value in found.items() if value is not None}


def read(graph: Graph, target: Target) -> PatchValue | None:
    """The literal at an input; None for a link."""
    value = graph[target.node]["inputs"][target.input]
    return value if isinstance(value, str | int | float | bool) else None


def _check_names(workflow: Workflow, raw: Mapping[str, object]) -> None:
    known = [parameter.spec.name for parameter in workflow.parameters]
    for name in raw:
        if name not in known:
            near = nearest(name, known, 1)
            hint = f'Did you mean "{near[0]}"?' if near else f"There are: {', '.join(known)}."
            raise InvalidValue(name, f'/{workflow.name} has no option "{name}". {hint}')


def _value(parameter: Parameter, raw: Mapping[str, object], choices: Choices, seed: int) -> PatchValue | None:
    spec = offered(parameter, choices.get(parameter.spec.name))
    given = raw.get(spec.name)
    if spec.type is ParameterType.IMAGE:
        return check(spec, given) if given is not None else None
    if given is None or given == "":
        unset = seed if spec.type is ParameterType.SEED else spec.default
        given = "" if spec.required else unset
    return check(spec, given) if given is not None else None


def _seed(workflow: Workflow, values: Mapping[str, PatchValue]) -> int | None:
    for parameter in workflow.parameters:
        if parameter.spec.type is ParameterType.SEED:
            return int(values[parameter.spec.name])
    return None
