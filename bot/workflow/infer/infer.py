"""From a bare graph to its parameters and what it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.comfy.graph import Graph
from bot.comfy.schemas import NodeSchemas
from bot.workflow.infer.build import build
from bot.workflow.infer.collect import Collector, collector
from bot.workflow.infer.group import Group, groups
from bot.workflow.infer.interface import Interface
from bot.workflow.infer.meanings import Meaning
from bot.workflow.infer.naming import MEDIA
from bot.workflow.infer.role import position, role_of
from bot.workflow.infer.view import View
from bot.workflow.model import Parameter, Role

MOST_SHOWN = 8
"""Parameters that stand before 'more'."""
MOST_PROMPTS = 2
"""Prompts that a person fills in; more of them stand at the end."""
MOST = 25
"""Parameters of a command in all: as many as every platform takes."""

_SHOWN = (
    Meaning.PROMPT, Meaning.LYRICS, *MEDIA, Meaning.OBJECT, Meaning.WIDTH, Meaning.HEIGHT, Meaning.ASPECT_RATIO,
    Meaning.MEGAPIXELS, Meaning.RESOLUTION, Meaning.SECONDS, Meaning.LENGTH, Meaning.NEGATIVE, Meaning.SEED,
    Meaning.STEPS, Meaning.CFG,
)  # fmt: skip
_LABELLED_SHOWN = (Meaning.SWITCH, Meaning.CHOICE, Meaning.NUMBER, Meaning.TEXT, Meaning.DENOISE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inferred:
    """What was found out about a graph. `meanings` are those of the parameters, in their order.

    `masked` are the names of pictures whose transparency is used as a mask.
    """

    parameters: tuple[Parameter, ...]
    meanings: tuple[Meaning, ...]
    masked: tuple[str, ...]
    role: Role | None


def infer(graph: Graph, schemas: NodeSchemas, interface: Interface = Interface()) -> Inferred:  # noqa: B008 - frozen
    """The parameters that people may set in a graph: those that most people set come first."""
    reader = collector(View(graph=graph, schemas=schemas), interface)
    found = groups(reader)
    role = role_of(reader.view, {group.meaning for group in found})
    many = sum(group.meaning is Meaning.PROMPT for group in found) > MOST_PROMPTS
    ranked = sorted(found, key=lambda group: _rank(interface, group, many))
    made: list[tuple[Group, Parameter]] = []
    for group in ranked:
        parameter = _made(reader, group, found, [each.spec.name for _, each in made])
        if parameter is not None:
            made.append((group, parameter))
    kept = _parted(interface, made, role)[:MOST]
    return Inferred(
        parameters=tuple(parameter for _, parameter in kept),
        meanings=tuple(group.meaning for group, _ in kept),
        masked=tuple(each.spec.name for group, each in kept if any(one.masked for one in group.findings)),
        role=role,
    )


def _made(reader: Collector, group: Group, found: Sequence[Group], taken: Sequence[str]) -> Parameter | None:
    alone = sum(each.meaning is group.meaning for each in found) == 1
    return build(reader, group, alone=alone, taken=taken)


def _rank(interface: Interface, group: Group, many: bool) -> tuple[int, int, bool]:
    """The inputs of the author's app, then what people set, then what the author labelled, then the rest.

    With `many` prompts, they are what makes the workflow, and nobody writes them all anew.
    """
    place = position(interface.chosen, group.targets)
    if place is not None:
        return (0, place, False)
    order = list(Meaning).index(group.meaning)
    if group.meaning in _SHOWN and not (many and group.meaning is Meaning.PROMPT):
        return (1, order, group.label is None)
    return (2 if group.label and group.meaning in _LABELLED_SHOWN else 3, order, group.label is None)


def _parted(
    interface: Interface, made: list[tuple[Group, Parameter]], role: Role | None
) -> list[tuple[Group, Parameter]]:
    """The few that people set, and the rest behind 'more'; what must be given is never there."""
    required = _main_prompt(interface, made, role)
    placed: list[tuple[Group, Parameter]] = []
    for group, parameter in made:
        spec = parameter.spec
        if group is required:
            spec = replace(spec, required=True, default=None)
        shown = spec.required or _is_shown(interface, group)
        placed.append((group, replace(parameter, spec=replace(spec, more=not shown))))
    few = [each for each in placed if not each[1].spec.more]
    last = [each for each in few if not each[1].spec.required][max(0, MOST_SHOWN - _needed(few)) :]
    demoted = [(group, replace(each, spec=replace(each.spec, more=True))) for group, each in last]
    behind = [each for each in placed if each[1].spec.more]
    return [*(each for each in few if each not in last), *demoted, *behind]


def _needed(few: list[tuple[Group, Parameter]]) -> int:
    return sum(parameter.spec.required for _, parameter in few)


def _is_shown(interface: Interface, group: Group) -> bool:
    if interface.chosen:
        return position(interface.chosen, group.targets) is not None
    return group.meaning in _SHOWN or (group.label is not None and group.meaning in _LABELLED_SHOWN)


def _main_prompt(
    interface: Interface, made: list[tuple[Group, Parameter]], role: Role | None
) -> Group | None:
    """The prompt that a command can't do without: the only one, unless its author made an app without it."""
    prompts = [group for group, _ in made if group.meaning is Meaning.PROMPT]
    if len(prompts) != 1 or role in (Role.UPSCALE, Role.DESCRIBE):
        return None
    if not any(parameter.spec.default for group, parameter in made if group is prompts[0]):
        return None  # a text that its author left empty is for those who want more
    left_out = interface.chosen and position(interface.chosen, prompts[0].targets) is None
    return None if left_out else prompts[0]
