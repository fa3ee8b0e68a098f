"""Parameters as `workflow.toml` declares them. Whatever is wrong is a `ConfigError` that names file, line and node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import ConfigError, InvalidValue
from bot.jobs.models import Graph
from bot.workflow.families import FAMILIES, OTHER
from bot.workflow.model import Frames, Parameter, Target
from bot.workflow.patch import read
from bot.workflow.tables import ParameterTable
from bot.workflow.values import NOUNS, SEED_MAXIMUM, check

_CHANGEABLE = (
    "title", "description", "required", "default", "minimum", "maximum", "step", "max_length", "more",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where something is declared."""

    workflow: str
    parameter: str
    line: int | None

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line}"
        return f"{self.workflow}/workflow.toml{line}, parameter {self.parameter}"


def declared(
    where: Place, graph: Graph, table: ParameterTable, base: Mapping[Target, Parameter]
) -> Parameter:
    """A parameter that is bound to inputs. What the file does not say of it is as it is inferred (`base`)."""
    targets = targets_of(where, graph, table)
    inferred = base.get(targets[0])
    if table.type is None and inferred is not None:
        same = replace(inferred, targets=targets, spec=_renamed(inferred.spec, where.parameter))
        return adjusted(where, same, table)
    if table.type is None:
        raise ConfigError(f"{where}: {targets[0]} is nothing that is known, so the parameter needs a type.")
    spec = _spec(where, graph, table, ParameterType(table.type), targets[0])
    _check_default(where, targets[0], spec)
    return Parameter(
        spec=spec,
        targets=targets,
        fallback=table.fallback is not None,
        families=_families(where, table.families),
        frames=_frames(table),
        without=_without(where, graph, table, targets),
    )


def adjusted(where: Place, parameter: Parameter, table: ParameterTable) -> Parameter:
    """An inferred parameter with what the file says of it."""
    said = table.model_fields_set
    changes: dict[str, Any] = {name: getattr(table, name) for name in _CHANGEABLE if name in said}
    if "choices" in said:
        changes["choices"] = tuple(table.choices)
    spec = replace(parameter.spec, **changes)
    if spec.required and "default" not in said and spec.type not in NOUNS:
        spec = replace(spec, default=None)
    if "required" in said and not spec.required and spec.type in NOUNS:
        parameter = replace(parameter, without=tuple(dict.fromkeys(each.node for each in parameter.targets)))
    _check_default(where, parameter.targets[0], spec)
    return replace(
        parameter,
        spec=spec,
        fallback=parameter.fallback if table.fallback is None else True,
        families=_families(where, table.families) or parameter.families,
    )


def targets_of(where: Place, graph: Graph, table: ParameterTable) -> tuple[Target, ...]:
    """The inputs that a table names."""
    return tuple(_target(where, graph, text) for text in table.to or ())


def _renamed(spec: ParameterSpec, name: str) -> ParameterSpec:
    return replace(spec, name=name, title=_title(name))


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _spec(
    where: Place, graph: Graph, table: ParameterTable, kind: ParameterType, target: Target
) -> ParameterSpec:
    default = table.default
    if default is None and table.fps is not None:
        default = _seconds(where, graph, target, table.fps)
    if default is None and not table.required and kind not in (ParameterType.SEED, *NOUNS):
        default = _literal(where, graph, target)
    return ParameterSpec(
        name=where.parameter,
        type=kind,
        title=table.title or _title(where.parameter),
        description=table.description,
        required=table.required,
        default=default,
        minimum=0 if kind is ParameterType.SEED else table.minimum,
        maximum=SEED_MAXIMUM if kind is ParameterType.SEED else table.maximum,
        step=table.step,
        max_length=table.max_length,
        choices=tuple(table.choices),
        more=table.more,
    )


def _frames(table: ParameterTable) -> Frames | None:
    if table.fps is None:
        return None
    return Frames(fps=table.fps, step=table.frame_step, first=table.frame_first)


def _families(where: Place, names: Sequence[str]) -> tuple[str, ...]:
    known = (*(title for title, _ in FAMILIES), OTHER)
    for name in names:
        if name not in known:
            raise ConfigError(f'{where}: there is no family "{name}". There are: {", ".join(known)}.')
    return tuple(names)


def _without(where: Place, graph: Graph, table: ParameterTable, targets: Sequence[Target]) -> tuple[str, ...]:
    """A picture that is not given goes with the node that would load it."""
    if table.type not in ("image", "mask", "video", "audio") or table.required:
        return ()
    for node in table.without:
        if node not in graph:
            raise ConfigError(f'{where}: there is no node "{node}" in graph.json (without).')
    return tuple(table.without) or tuple(dict.fromkeys(target.node for target in targets))


def _seconds(where: Place, graph: Graph, target: Target, fps: float) -> float:
    """The graph's own length, in seconds."""
    frames = _literal(where, graph, target)
    if isinstance(frames, str):
        raise ConfigError(f"{where}: {target} is no number of frames.")
    return round(frames / fps, 1)


def _check_default(where: Place, target: Target, spec: ParameterSpec) -> None:
    """A default that nobody could ask for is a wrong binding. What servers offer to choose from is not known yet."""
    if spec.default is None or (spec.type is ParameterType.CHOICE and not spec.choices):
        return
    try:
        check(spec, spec.default)
    except InvalidValue as error:
        raise ConfigError(f"{where}: its default for {target} can't be used. {error}") from error


def _target(where: Place, graph: Graph, text: str) -> Target:
    """`NODE.INPUT`; a node's id has no dot in an exported file, an input's name may have some."""
    node, _, name = text.partition(".")
    if node not in graph:
        raise ConfigError(f'{where}: there is no node "{node}" in graph.json (to = "{text}").')
    if name not in graph[node]["inputs"]:
        class_type = graph[node]["class_type"]
        known = ", ".join(graph[node]["inputs"])
        raise ConfigError(f'{where}: node {node} ({class_type}) has no input "{name}". It has: {known}.')
    return Target(node=node, input=name)


def _literal(where: Place, graph: Graph, target: Target) -> str | int | float | bool:
    """What the graph itself has there: the default if the file names none."""
    value = read(graph, target)
    if value is None:
        raise ConfigError(f"{where}: {target} is a link in graph.json, so the parameter needs a default.")
    return value
