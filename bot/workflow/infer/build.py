"""Parameters with their types, bounds, choices and help, as the servers' schemas say them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.comfy.inputs import InputSpec, as_number
from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import InvalidValue
from bot.workflow.infer.collect import Collector
from bot.workflow.infer.group import Group
from bot.workflow.infer.meanings import Meaning, is_maker
from bot.workflow.infer.naming import name_of, title_for
from bot.workflow.infer.view import View
from bot.workflow.model import Parameter, Target
from bot.workflow.values import SEED_MAXIMUM, check

TEXT_LENGTH = 4000
"""Characters; more where the graph's own text has more."""
FARTHEST = 2**53
"""Bounds beyond that are none."""

TYPES: Mapping[Meaning, ParameterType] = {
    **dict.fromkeys(
        (Meaning.PROMPT, Meaning.NEGATIVE, Meaning.LYRICS, Meaning.OBJECT, Meaning.TEXT, Meaning.SYSTEM),
        ParameterType.TEXT,
    ),
    Meaning.SEED: ParameterType.SEED,
    Meaning.IMAGE: ParameterType.IMAGE,
    Meaning.MASK: ParameterType.MASK,
    Meaning.VIDEO: ParameterType.VIDEO,
    Meaning.AUDIO: ParameterType.AUDIO,
}

HELP: Mapping[Meaning, str] = {
    Meaning.PROMPT: "What the result shows",
    Meaning.LYRICS: "The words that are sung",
    Meaning.NEGATIVE: "What it should not show",
    Meaning.OBJECT: "What to look for",
    Meaning.WIDTH: "In pixels",
    Meaning.HEIGHT: "In pixels",
    Meaning.SECONDS: "In seconds",
    Meaning.LENGTH: "In frames",
    Meaning.FPS: "Frames a second",
    Meaning.SEED: "The same seed and values give the same result",
    Meaning.STEPS: "Sampling steps: more is slower and finer",
    Meaning.CFG: "How closely to follow the prompt",
    Meaning.DENOISE: "How much may change: 0 nothing, 1 all",
    Meaning.COUNT: "How many",
    Meaning.IMAGE: "A picture to start from",
    Meaning.MASK: "White where something may change",
    Meaning.VIDEO: "A video to start from",
    Meaning.AUDIO: "A sound to start from",
}
"""What people read; for anything else it is what ComfyUI says."""

MASKED = "A picture to start from: where it is transparent, something may change"

_AT_LEAST_ONE = (Meaning.WIDTH, Meaning.HEIGHT, Meaning.LENGTH, Meaning.SECONDS, Meaning.STEPS, Meaning.FPS)
_OPTION = re.compile(r"option\d+")


def build(collector: Collector, group: Group, *, alone: bool, taken: Sequence[str]) -> Parameter | None:
    """The parameter of a group; None for a choice that nobody can make."""
    name = name_of(collector, group, alone, taken)
    view, target = collector.view, group.first.target
    kind = _type(view, group)
    spec = ParameterSpec(
        name=name,
        type=kind,
        title=title_for(group, name),
        description=_help(view, group),
        default=_default(view, group),
    )
    match kind:
        case ParameterType.TEXT:
            spec = replace(spec, max_length=_room(spec.default))
        case ParameterType.INTEGER | ParameterType.NUMBER:
            spec = _bounded(view, group, spec)
        case ParameterType.SEED:
            spec = replace(spec, default=None, minimum=0, maximum=_seed_maximum(view, group))
        case ParameterType.CHOICE:
            choices = _choices(view, target)
            if len(choices) == 1:
                return None
            spec = replace(spec, choices=choices)
        case ParameterType.BOOLEAN:
            spec = replace(spec, default=spec.default if isinstance(spec.default, bool) else None)
        case _:
            spec = replace(spec, default=None, required=bool(view.value(target)))
    return Parameter(spec=_sound(spec), targets=group.targets)


def _help(view: View, group: Group) -> str:
    """Our own words for what everybody knows; what a service says about its own prompt says more."""
    theirs = view.spec(group.first.used).help or view.spec(group.first.target).help
    ours = HELP.get(group.meaning, "")
    if any(finding.masked for finding in group.findings):
        return MASKED
    if group.meaning is Meaning.PROMPT and is_maker(view, group.first.used.node):
        return theirs or ours
    return ours or theirs


def _type(view: View, group: Group) -> ParameterType:
    known = TYPES.get(group.meaning)
    if known is not None:
        return known
    kinds = view.spec(group.first.target).kinds
    if "COMBO" in kinds:
        return ParameterType.CHOICE
    if kinds == {"BOOLEAN"}:
        return ParameterType.BOOLEAN
    if "STRING" in kinds:
        return ParameterType.TEXT
    return ParameterType.INTEGER if "FLOAT" not in kinds else ParameterType.NUMBER


def _default(view: View, group: Group) -> str | int | float | bool | None:
    """What the graph has; nothing where its inputs differ, so that they stay as they are."""
    values = [view.value(target) for target in group.targets]
    first = values[0]
    same = all(value == first for value in values)
    if same and "COMBO" in view.spec(group.first.target).kinds and isinstance(first, int | float):
        return str(first)
    return first if same and isinstance(first, str | int | float | bool) else None


def _room(default: object) -> int:
    length = len(default) if isinstance(default, str) else 0
    return max(TEXT_LENGTH, -(-length // 1000) * 1000)


def _bounded(view: View, group: Group, spec: ParameterSpec) -> ParameterSpec:
    """The bounds of the inputs that the value arrives at, and of the one that it stands at.

    A value that is computed with before it arrives has no more of these than the greatest: ComfyUI checks no bounds
    of what it computes, and something must be too much.
    """
    exact = [finding.used for finding in group.findings if finding.origin.direct]
    specs = [view.spec(target) for target in dict.fromkeys((*group.targets, *exact))]
    ends = [view.spec(finding.used) for finding in group.findings]
    lows = [low for each in specs if (low := _near(each.number("min"))) is not None]
    highs = [high for each in (*specs, *ends) if (high := _near(each.number("max"))) is not None]
    steps = [step for each in specs if (step := each.number("step")) is not None and step > 1]
    low = max(lows, default=None)
    if group.meaning in _AT_LEAST_ONE:
        low = max(low or 0, 1)
    whole = spec.type is ParameterType.INTEGER
    return replace(
        spec, minimum=low, maximum=min(highs, default=None), step=max(steps, default=None) if whole else None
    )


def _near(bound: int | float | None) -> int | float | None:
    return bound if bound is not None and abs(bound) < FARTHEST else None


def _seed_maximum(view: View, group: Group) -> int:
    limits = [view.spec(target).number("max") for target in (*group.targets, group.first.used)]
    return min(
        SEED_MAXIMUM, *(int(limit) for limit in limits if limit is not None and limit > 0), SEED_MAXIMUM
    )


def _choices(view: View, target: Target) -> tuple[str, ...]:
    """Fixed choices; none where the servers are asked each time. One is none to choose from."""
    spec = view.spec(target)
    given = view.inputs(target.node)
    if spec.branches is not None:
        return _possible(spec, target, given)
    if spec.choices:
        return () if len(spec.choices) > 1 else spec.choices
    own = tuple(str(value) for name, value in given.items() if _OPTION.fullmatch(name) and value)
    indexed = any(use.index > 0 for use in view.uses.get(target.node, ()))
    return own if own and not indexed else ("",)


def _possible(spec: InputSpec, target: Target, given: Mapping[str, object]) -> tuple[str, ...]:
    """Of a dynamic combo, the choices whose own inputs the graph has."""
    here = {name[len(target.input) + 1 :] for name in given if name.startswith(f"{target.input}.")}
    return tuple(key for key, needed in (spec.branches or {}).items() if needed <= here)


def _sound(spec: ParameterSpec) -> ParameterSpec:
    """A graph may hold what its nodes would not take: such a default gives way, and a step that it is not on."""
    if spec.default is None or spec.type is ParameterType.CHOICE:
        return spec
    value = as_number(spec.default)
    wider = replace(spec, step=None)
    if value is not None:
        wider = replace(wider, minimum=_least(spec.minimum, value), maximum=_most(spec.maximum, value))
    for each in (spec, replace(spec, step=None), wider):
        try:
            check(each, each.default)
        except InvalidValue:
            continue
        return each
    return replace(spec, default=None)


def _least(bound: float | None, value: float) -> float | None:
    return None if bound is None else min(bound, value)


def _most(bound: float | None, value: float) -> float | None:
    return None if bound is None else max(bound, value)
