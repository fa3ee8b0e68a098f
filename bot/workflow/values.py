"""Raw values, as typed or as JSON, into checked ones. Pure; whatever is wrong is an `InvalidValue`."""

from __future__ import annotations

import difflib
import math
import unicodedata
from collections.abc import Callable, Iterable

from bot.comfy.names import plain
from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import InvalidValue
from bot.jobs.models import PatchValue

SEED_MAXIMUM = 2**64 - 1
"""ComfyUI's own bound for seeds."""

NOUNS = {
    ParameterType.IMAGE: "picture",
    ParameterType.MASK: "picture",
    ParameterType.VIDEO: "video",
    ParameterType.AUDIO: "sound",
}
"""What is attached, not typed."""

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def check(spec: ParameterSpec, raw: object) -> PatchValue:
    """The value as the graph takes it. Raises `InvalidValue` with what is wrong and what is allowed."""
    return _CHECKS[spec.type](spec, raw)


def nearest(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known words that are most like `word`."""
    by_folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), by_folded, n=most, cutoff=0.3)
    return [by_folded[name] for name in found]


def _text(spec: ParameterSpec, raw: object) -> str:
    if not isinstance(raw, str):
        raise InvalidValue(spec.name, f"{spec.title} must be text.")
    text = "".join(letter for letter in raw if _keeps(letter)).strip()
    if not text and spec.required:
        raise InvalidValue(spec.name, f"Write a {spec.title.lower()}.")
    if spec.max_length is not None and len(text) > spec.max_length:
        raise InvalidValue(
            spec.name,
            f"{spec.title} has {len(text):,} characters; at most {spec.max_length:,} are allowed. Shorten it.",
        )
    return text


def unseen(raw: object) -> int:
    """How many letters of a text are dropped because nobody can see them."""
    return 0 if not isinstance(raw, str) else sum(not _keeps(letter) for letter in raw if letter != "\r")


def _keeps(letter: str) -> bool:
    """Control characters and those that turn the reading direction around are dropped."""
    if letter in "\n\t":
        return True
    return letter not in BIDI and unicodedata.category(letter) not in ("Cc", "Cs")


def _integer(spec: ParameterSpec, raw: object) -> int:
    value = _whole(raw)
    if value is None:
        raise InvalidValue(spec.name, f"{spec.title} must be a whole number{_range(spec)}.")
    _check_range(spec, value)
    past = (value - (spec.minimum or 0)) % spec.step if spec.step else 0
    if spec.step and past:  # steps count from the minimum: a video's length may be 1, 5, 9, ...
        below = int(value - past)
        above = int(below + spec.step)
        raise InvalidValue(spec.name, f"{spec.title} can be {below} or {above}, but not {value}.")
    return value


def _whole(raw: object) -> int | None:
    match raw:
        case bool():
            return None
        case int():
            return raw
        case float() if raw.is_integer():
            return int(raw)
        case str():
            try:
                return int(raw.strip())
            except ValueError:
                return None
        case _:
            return None


def _number(spec: ParameterSpec, raw: object) -> float:
    value = math.nan
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        value = _float(raw)
    elif isinstance(raw, str):
        try:
            value = float(raw.strip())
        except ValueError:
            _point_not_comma(spec, raw.strip())
    if not math.isfinite(value):
        raise InvalidValue(spec.name, f"{spec.title} must be a number{_range(spec)}.")
    _check_range(spec, value)
    return value


def _float(raw: float) -> float:
    """JSON may hold whole numbers that no float can."""
    try:
        return float(raw)
    except OverflowError:
        return math.inf


def _point_not_comma(spec: ParameterSpec, text: str) -> None:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return
    raise InvalidValue(spec.name, f"{spec.title}: write the number with a point: {text.replace(',', '.')}.")


def _check_range(spec: ParameterSpec, value: float) -> None:
    low = spec.minimum is not None and value < spec.minimum
    high = spec.maximum is not None and value > spec.maximum
    if low or high:
        nearest_one = spec.minimum if low else spec.maximum
        raise InvalidValue(
            spec.name,
            f"{spec.title} must be a number{_range(spec)}, not {value}. The nearest is {nearest_one}.",
        )


def _range(spec: ParameterSpec) -> str:
    match spec.minimum, spec.maximum:
        case None, None:
            return ""
        case low, None:
            return f" of at least {low}"
        case None, high:
            return f" of at most {high}"
        case low, high:
            return f" from {low} to {high}"


def _boolean(spec: ParameterSpec, raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    word = str(raw).strip().casefold()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise InvalidValue(spec.name, f"{spec.title} must be yes or no.")


def _choice(spec: ParameterSpec, raw: object) -> str:
    word = str(raw).strip()
    by_folded = {_folded(name): name for name in reversed(spec.choices)}
    found = by_folded.get(_folded(word))
    if found is not None:
        return found
    if not spec.choices:
        raise InvalidValue(spec.name, f"{spec.title}: ComfyUI offers nothing to choose from.")
    near = nearest(word, spec.choices)
    if len(spec.choices) <= 6:
        listed = f"There is: {', '.join(spec.choices)}"
    elif near:
        listed = f"The nearest: {', '.join(near)}"
    else:
        listed = f"There is for instance: {', '.join(spec.choices[:3])}"
    raise InvalidValue(spec.name, f'{spec.title} "{word}" is not offered. {listed}.')


def _folded(name: str) -> str:
    return plain(name).casefold()


def _file(spec: ParameterSpec, raw: object) -> PatchValue:
    if isinstance(raw, str) and "://" in raw:
        noun = NOUNS[spec.type]
        raise InvalidValue(
            spec.name, f"{spec.title}: addresses are not allowed. Attach the {noun} itself, or reply to one."
        )
    raise InvalidValue(spec.name, f"{spec.title} is a {NOUNS[spec.type]}: attach one, or reply to one.")


_CHECKS: dict[ParameterType, Callable[[ParameterSpec, object], PatchValue]] = {
    ParameterType.TEXT: _text,
    ParameterType.INTEGER: _integer,
    ParameterType.NUMBER: _number,
    ParameterType.BOOLEAN: _boolean,
    ParameterType.CHOICE: _choice,
    ParameterType.SEED: _integer,
    **dict.fromkeys(NOUNS, _file),
}
