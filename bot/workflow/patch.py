"""Binding values to a workflow, and applying a patch to a graph. Pure; text never becomes part of any JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import InvalidValue
from bot.jobs.models import Graph, Patch, PatchValue, Setting
from bot.workflow.model import Parameter, Target, Workflow, offered
from bot.workflow.phrase import LoraTag
from bot.workflow.phrasing import phrased
from bot.workflow.shorthand import STYLE, shorthands, style_in, written_out
from bot.workflow.values import check, nearest, unseen
from bot.workflow.vocabulary import NO_WORDS, Vocabulary

Choices = Mapping[str, tuple[str, ...]]
"""What the servers offer, by the name of a choice parameter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """Checked values by parameter, the patch that they make, and the seed if the workflow has one.

    `texts` are those that the graph gets in another form than they were written in, and `loras` what was named in
    them. `unseen` letters were left out, for nobody can see them.
    """

    values: Mapping[str, PatchValue]
    patch: Patch
    seed: int | None
    texts: Mapping[str, str] = field(default_factory=dict)
    loras: tuple[LoraTag, ...] = ()
    unseen: int = 0


def bind(
    workflow: Workflow,
    raw: Mapping[str, object],
    choices: Choices,
    seed: int,
    *,
    command: str | None = None,
    words: Vocabulary = NO_WORDS,
) -> Bound:
    """Check raw values against a workflow's parameters. `seed` is used where nobody chose one.

    `command` is how the workflow was called, if not by its name; `words` are the owner's. Raises `InvalidValue` for
    the first value that can't be used, before anything else happens.
    """
    raw = written_out(workflow, raw)
    style = style_in(workflow, raw, words.styles)
    raw = {name: value for name, value in raw.items() if name != STYLE} if style is not None else raw
    _check_names(workflow, raw, command or workflow.name, words)
    values: dict[str, PatchValue] = {}
    for parameter in workflow.parameters:
        value = _value(parameter, raw, choices, seed)
        if value is not None:
            values[parameter.spec.name] = value
    drawn = _seed(workflow, values)
    made = phrased(workflow, raw, values, words, style=style, seed=seed if drawn is None else drawn)
    sent = {**values, **made.texts}
    patch = tuple(
        Setting(node=target.node, input=target.input, value=_as_sent(parameter, sent[parameter.spec.name]))
        for parameter in workflow.parameters
        if parameter.spec.name in sent
        for target in parameter.targets
    )
    return Bound(
        values=values if style is None else {**values, STYLE: style},
        patch=patch,
        seed=drawn,
        texts=made.texts,
        loras=made.loras,
        unseen=sum(unseen(value) for value in raw.values()),
    )


def without(graph: Graph, patch: Patch, nodes: Collection[str]) -> tuple[Graph, Patch]:
    """A graph and its patch without some nodes, and without every input that was linked to one of them."""
    if not nodes:
        return graph, patch
    kept = {
        node: {**body, "inputs": {k: v for k, v in body["inputs"].items() if not _is_link(v, nodes)}}
        for node, body in graph.items()
        if node not in nodes
    }
    return kept, tuple(setting for setting in patch if setting.node not in nodes)


def apply(graph: Graph, patch: Patch) -> dict[str, Mapping[str, Any]]:
    """A new graph with the patch's values in it; the old one is left as it is, and shares what is the same."""
    patched = dict(graph)
    for setting in patch:
        body = patched[setting.node]
        patched[setting.node] = {**body, "inputs": {**body["inputs"], setting.input: setting.value}}
    return patched


def unbind(workflow: Workflow, graph: Graph) -> dict[str, PatchValue]:
    """The values of a workflow's parameters that stand in a graph of it; what is linked there has none."""
    there = [each for each in workflow.parameters if each.targets[0].node in graph]
    found = {each.spec.name: _as_asked(each, read(graph, each.targets[0])) for each in there}
    return {name: value for name, value in found.items() if value is not None}


def read(graph: Graph, target: Target) -> PatchValue | None:
    """The literal at an input; None for a link."""
    value = graph[target.node]["inputs"][target.input]
    return value if isinstance(value, str | int | float | bool) else None


def _is_link(value: object, nodes: Collection[str]) -> bool:
    return isinstance(value, list) and len(value) == 2 and value[0] in nodes


def _as_sent(parameter: Parameter, value: PatchValue) -> PatchValue:
    """Seconds as the frames that the graph counts."""
    return value if parameter.frames is None else parameter.frames.of(float(value))


def _as_asked(parameter: Parameter, value: PatchValue | None) -> PatchValue | None:
    """Frames as the seconds that people ask for."""
    if parameter.frames is None or value is None:
        return value
    return round(float(value) / parameter.frames.fps, 1)


def _check_names(workflow: Workflow, raw: Mapping[str, object], command: str, words: Vocabulary) -> None:
    known = [parameter.spec.name for parameter in workflow.parameters]
    for name in raw:
        if name not in known:
            near = nearest(name, [*known, *shorthands(workflow, words.styles)], 1)
            hint = f'Did you mean "{near[0]}"?' if near else f"There are: {', '.join(known)}."
            raise InvalidValue(name, f'/{command} has no option "{name}". {hint}')


def _value(parameter: Parameter, raw: Mapping[str, object], choices: Choices, seed: int) -> PatchValue | None:
    spec = offered(parameter, choices.get(parameter.spec.name))
    given = raw.get(spec.name)
    if spec.type.attached:
        return check(spec, given) if given is not None else None
    if given is None or given == "":
        unset = _drawn(spec, seed) if spec.type is ParameterType.SEED else spec.default
        given = "" if spec.required else unset
    return check(spec, given) if given is not None else None


def _drawn(spec: ParameterSpec, seed: int) -> int:
    """A seed that was drawn, within what the node takes: some take 31 bits."""
    return seed if spec.maximum is None else seed % (int(spec.maximum) + 1)


def _seed(workflow: Workflow, values: Mapping[str, PatchValue]) -> int | None:
    for parameter in workflow.parameters:
        if parameter.spec.type is ParameterType.SEED:
            return int(values[parameter.spec.name])
    return None
