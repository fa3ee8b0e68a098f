"""What people write for short: a picture's ratio, what it should not show, and a style of the owner's. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import InvalidValue
from bot.workflow.model import Workflow
from bot.workflow.values import check

RATIO, NOT, STYLE = "ar", "no", "style"
MOST_RATIO = 4.0
"""Longer than that, models draw the same thing several times."""

RATIOS = (
    "1:1", "5:4", "4:3", "3:2", "16:10", "16:9", "2:1", "21:9", "4:5", "3:4", "2:3", "10:16", "9:16", "1:2", "9:21",
)  # fmt: skip
"""What is offered; any other within bounds may be typed."""

_RATIO = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:[:x/]\s*(\d+(?:\.\d+)?))?\s*")
_NEGATIVES = ("negative", "negative_prompt")
_SPECS = {
    RATIO: ParameterSpec(
        name=RATIO,
        type=ParameterType.CHOICE,
        title="Ratio",
        description="Width to height, instead of both",
        choices=RATIOS,
    ),
    NOT: ParameterSpec(
        name=NOT,
        type=ParameterType.TEXT,
        title="Not",
        description="What it should not show, beside what is usual",
        max_length=4000,
        more=True,
    ),
    STYLE: ParameterSpec(
        name=STYLE,
        type=ParameterType.CHOICE,
        title="Style",
        description="A manner that the owner has put into words",
    ),
}


def written_out(workflow: Workflow, raw: Mapping[str, object]) -> dict[str, object]:
    """The values with the short ones in the parameters that they stand for. Raises `InvalidValue`.

    A workflow's own parameter of such a name goes first; one that has nothing to stand for is left as it is.
    """
    specs = {parameter.spec.name: parameter.spec for parameter in workflow.parameters}
    values = {name: value for name, value in raw.items() if value is not None or name not in _SPECS}
    if RATIO in values and RATIO not in specs and {"width", "height"} <= specs.keys():
        ratio = _ratio(str(values.pop(RATIO)))
        values |= _sized(specs["width"], specs["height"], ratio, values)
    negative = negative_of(workflow)
    if NOT in values and NOT not in specs and negative is not None:
        parts = [str(values[name]) for name in (negative, NOT) if values.get(name)]
        del values[NOT]
        values[negative] = ", ".join(parts)
    return values


def shorthands(workflow: Workflow, styles: Collection[str] = ()) -> list[str]:
    """The short names that a workflow has use for."""
    names = {parameter.spec.name for parameter in workflow.parameters}
    useful = {
        RATIO: {"width", "height"} <= names,
        STYLE: bool(styles) and main_text_of(workflow) is not None,
        NOT: negative_of(workflow) is not None,
    }
    return [name for name, use in useful.items() if use and name not in names]


def short_specs(workflow: Workflow, styles: Collection[str] = ()) -> tuple[ParameterSpec, ...]:
    """The same as options of the workflow's command."""
    return tuple(
        replace(_SPECS[name], choices=tuple(styles)) if name == STYLE else _SPECS[name]
        for name in shorthands(workflow, styles)
    )


def style_in(workflow: Workflow, raw: Mapping[str, object], styles: Collection[str]) -> str | None:
    """The style that is asked for, if that is what the name stands for. Raises `InvalidValue` for an unknown one."""
    wanted = raw.get(STYLE)
    if wanted in (None, "") or STYLE not in shorthands(workflow, styles):
        return None
    return str(check(replace(_SPECS[STYLE], choices=tuple(styles)), wanted))


def main_text_of(workflow: Workflow) -> str | None:
    """The parameter that plain words are for."""
    return next((p.spec.name for p in workflow.parameters if p.spec.type is ParameterType.TEXT), None)


def negative_of(workflow: Workflow) -> str | None:
    """The parameter for what a picture should not show."""
    names = {parameter.spec.name for parameter in workflow.parameters}
    return next((name for name in _NEGATIVES if name in names), None)


def _ratio(text: str) -> float:
    """Width by height."""
    found = _RATIO.fullmatch(text)
    sides = (float(found[1]), float(found[2] or 1)) if found is not None else (0.0, 0.0)
    if not all(sides):
        raise InvalidValue(RATIO, f'A ratio is width:height, as in --ar 3:2, but not "{text}".')
    ratio = sides[0] / sides[1]
    if not 1 / MOST_RATIO <= ratio <= MOST_RATIO:
        raise InvalidValue(
            RATIO, f"A picture can be at most {MOST_RATIO:g}:1 or 1:{MOST_RATIO:g}, not {text}."
        )
    return ratio


def _sized(
    width: ParameterSpec, height: ParameterSpec, ratio: float, given: Mapping[str, object]
) -> dict[str, object]:
    """Width and height of that ratio: of the side that was given, or of the workflow's own number of pixels."""
    match given.get("width"), given.get("height"):
        case None, None:
            return _of_pixels(width, height, ratio)
        case side, None:
            return {"height": _stepped(height, float(check(width, side)) / ratio)}
        case None, side:
            return {"width": _stepped(width, float(check(height, side)) * ratio)}
        case _:
            raise InvalidValue(RATIO, "Write --ar, or width and height, but not all three.")


def _of_pixels(width: ParameterSpec, height: ParameterSpec, ratio: float) -> dict[str, object]:
    """As many pixels as the workflow makes by itself, fewer where a side would be too long."""
    pixels = float(width.default or 0) * float(height.default or 0)
    wide = min(math.sqrt(pixels * ratio), width.maximum or math.inf, (height.maximum or math.inf) * ratio)
    return {"width": _stepped(width, wide), "height": _stepped(height, wide / ratio)}


def _stepped(spec: ParameterSpec, value: float) -> int:
    """The nearest value that the parameter takes; its steps count from its minimum."""
    low, step = int(spec.minimum or 0), int(spec.step or 1)
    most = math.inf if spec.maximum is None else low + (int(spec.maximum) - low) // step * step
    return int(min(max(low, low + round((value - low) / step) * step), most))
