"""Where two observations differ."""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.real.differential.answers import Samples

ABSENT = "(absent)"
TOLERANCE = 1
"""By how much a decoded pixel or sound value may be off: real servers count in floats and cut off."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One place of one case; `path` has dots between keys and indexes."""

    case: str
    path: str
    real: str
    simulated: str

    def __str__(self) -> str:
        return f"{self.case}: {self.path}\n    real      {self.real}\n    simulated {self.simulated}"


def differences(case: str, real: Any, simulated: Any) -> list[Difference]:
    """All places where what the simulator did is not what the real server did."""
    return [
        Difference(case=case, path=path.lstrip(".") or ".", real=first, simulated=second)
        for path, first, second in _walk("", real, simulated)
    ]


Found = Iterator[tuple[str, str, str]]


def _walk(path: str, real: Any, simulated: Any) -> Found:
    if isinstance(real, Samples) and isinstance(simulated, Samples):
        yield from _samples(path, real, simulated)
    elif isinstance(real, dict) and isinstance(simulated, dict):
        yield from _dicts(path, real, simulated)
    elif isinstance(real, list | tuple) and isinstance(simulated, list | tuple):
        yield from _lists(path, list(real), list(simulated))
    elif type(real) is not type(simulated) or (real != simulated and not _both_nan(real, simulated)):
        yield path, _shown(real), _shown(simulated)


def _both_nan(real: Any, simulated: Any) -> bool:
    return isinstance(real, float) and math.isnan(real) and math.isnan(simulated)


def _samples(path: str, real: Samples, simulated: Samples) -> Found:
    if real.shape != simulated.shape:
        yield f"{path}.shape", str(real.shape), str(simulated.shape)
        return
    if real.data == simulated.data:
        return
    far = [abs(one - other) for one, other in zip(real.data, simulated.data, strict=True)]
    if max(far) > TOLERANCE:
        off = sum(distance > TOLERANCE for distance in far)
        where = next(index for index, distance in enumerate(far) if distance > TOLERANCE)
        said = f"{off} of {len(far)} values are off, by up to {max(far)}, first at {where}"
        around = slice(where, where + 8)
        yield f"{path}.values", str(list(real.data[around])), f"{list(simulated.data[around])}: {said}"


def _dicts(path: str, real: dict[str, Any], simulated: dict[str, Any]) -> Found:
    for key in [*real, *(key for key in simulated if key not in real)]:
        if key not in simulated:
            yield f"{path}.{key}", _shown(real[key]), ABSENT
        elif key not in real:
            yield f"{path}.{key}", ABSENT, _shown(simulated[key])
        else:
            yield from _walk(f"{path}.{key}", real[key], simulated[key])
    if list(real) != list(simulated) and set(real) == set(simulated):
        yield f"{path}.order of keys", ", ".join(real), ", ".join(simulated)


def _lists(path: str, real: list[Any], simulated: list[Any]) -> Found:
    """Lists are laid beside each other, so that one item more does not make all after it differ."""
    sides = [[repr(_key(item)) for item in side] for side in (real, simulated)]
    for kind, low, high, low2, high2 in difflib.SequenceMatcher(
        a=sides[0], b=sides[1], autojunk=False
    ).get_opcodes():
        if kind == "equal" or high - low == high2 - low2:
            for index, index2 in zip(range(low, high), range(low2, high2), strict=True):
                yield from _walk(f"{path}.{index}", real[index], simulated[index2])
        else:
            for index in range(low, high):
                yield f"{path}.{index}", _shown(real[index]), ABSENT
            for index in range(low2, high2):
                yield f"{path}.{index}", ABSENT, _shown(simulated[index])


def _key(value: Any) -> Any:
    """A value without what may be off a little, to align lists by."""
    if isinstance(value, Samples):
        return value.shape
    if isinstance(value, dict):
        return {key: _key(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_key(item) for item in value]
    return value


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 300 else f"{text[:297]}..."
