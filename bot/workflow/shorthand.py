"""What people write for short: a picture's ratio, and what it should not show. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from bot.contract.values import ParameterSpec
from bot.errors import InvalidValue
from bot.workflow.model import Workflow
from bot.workflow.values import check

RATIO, NOT = "ar", "no"
MOST_RATIO = 4.0
"""Longer than that, models draw the same thing several times."""

_RATIO = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:[:x/]\s*(\d+(?:\.\d+)?))?\s*")
_NEGATIVES = ("negative", "negative_prompt")


def written_out(workflow: Workflow, raw: Mapping[str, object]) -> dict[str, object]:
    """The values with the short ones in the parameters that they stand for. Raises `InvalidValue`.

    A workflow's own parameter of such a name goes first; one that has nothing to stand for is left as it is.
    """
    specs = {parameter.spec.name: parameter.spec for parameter in workflow.parameters}
    values = dict(raw)
    if RATIO in values and RATIO not in specs and {"width", "height"} <= specs.keys():
        ratio = _ratio(str(values.pop(RATIO)))
        values |= _sized(specs["width"], specs["height"], ratio, values)
    negative = next((name for name in _NEGATIVES if name in specs), None)
    if NOT in values and NOT not in specs and negative is not None:
        parts = [str(values[name]) for name in (negative, NOT) if values.get(name)]
        del values[NOT]
        values[negative] = ", ".join(parts)
    return values


def shorthands(workflow: Workflow) -> list[str]:
    """The short names that a workflow has use for."""
    names = {parameter.spec.name for parameter in workflow.parameters}
    ratio = [RATIO] if {"width", "height"} <= names else []
    return [*ratio, *([NOT] if names & set(_NEGATIVES) else [])]


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
