"""What people write within a prompt: `{a|b}`, `__animal__`, `<lora:name:0.8>`. Pure; text in, text and tags out.

A backslash before one of `{ } | < > _` makes it a letter like any other. Braces without a bar are letters too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import InvalidValue
from bot.workflow.values import check, nearest

MOST_LORAS = 10
MOST_STRENGTH = 4
"""Beyond that pictures are noise; sliders need some of it, in either direction."""

MOST_DEPTH = 20
"""How often a wildcard may lead to another."""
MOST_FILLED = 500
"""Wildcards that one text may come to; with more it grows without end."""

Wildcards = Mapping[str, Sequence[str]]
"""The lines of each, by its name in lower case."""

_PIECE = re.compile(r"\\[{}|]|[{}|]|[^{}|\\]+|\\")
_WILDCARD = re.compile(r"(?<![\\\w])__(?!_)([\w./ -]{0,80}?[^\W_])__(?!\w)")
_TAG = re.compile(r"[ \t]*(?<!\\)<lora:([^<>]*)>", re.IGNORECASE)
_ESCAPED = re.compile(r"\\([{}|<>_])")
_LEFT_COMMA = re.compile(r",[ \t]*(?=,|$)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraTag:
    """A LoRA as somebody wrote its name, and how much of it goes to the model and to the text encoder."""

    name: str
    model: float = 1.0
    clip: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrase:
    """A text as the graph gets it, and the LoRAs that stood in it."""

    text: str
    loras: tuple[LoraTag, ...] = ()


class Draw:
    """Numbers that follow from a seed, the same on every machine."""

    def __init__(self, seed: int, name: str) -> None:
        self._of = f"{seed}:{name}"
        self._drawn = 0

    def one_of(self, choices: Sequence[str]) -> str:
        """The next choice."""
        self._drawn += 1
        digest = hashlib.sha256(f"{self._of}:{self._drawn}".encode()).digest()
        return choices[int.from_bytes(digest[:8]) % len(choices)]


def read_phrase(parameter: str, text: str, seed: int, wildcards: Wildcards) -> Phrase:
    """What a text stands for under a seed. Raises `InvalidValue` for an unknown wildcard or a tag that is wrong."""
    chosen = _Reader(parameter, Draw(seed, parameter), wildcards).chosen(text)
    tags = tuple(_tag(parameter, found[1]) for found in _TAG.finditer(chosen))
    if len(tags) > MOST_LORAS:
        raise InvalidValue(parameter, f"That is {len(tags)} LoRAs: at most {MOST_LORAS} are allowed.")
    if tags:
        chosen = _LEFT_COMMA.sub("", _TAG.sub("", chosen)).strip()
    return Phrase(text=_ESCAPED.sub(r"\1", chosen), loras=tags)


@dataclass(slots=True)
class _Reader:
    """Reads a text of one parameter, and the lines that wildcards bring into it."""

    parameter: str
    draw: Draw
    wildcards: Wildcards
    filled: int = 0

    def chosen(self, text: str, depth: int = 0) -> str:
        """The text without alternatives, and then without wildcards."""
        text = _choose(text, self.draw)
        if not self.wildcards:
            return text
        return _WILDCARD.sub(lambda found: self.chosen(self._line(found[1], depth), depth + 1), text)

    def _line(self, name: str, depth: int) -> str:
        self.filled += 1
        if depth >= MOST_DEPTH or self.filled > MOST_FILLED:
            raise InvalidValue(self.parameter, "Those wildcards lead to each other without end. Use others.")
        lines = self.wildcards.get(name.casefold())
        if not lines:
            near = nearest(name, self.wildcards) or list(self.wildcards)[:3]
            listed = ", ".join(f"__{each}__" for each in near)
            raise InvalidValue(
                self.parameter, f'There is no wildcard "__{name}__". The nearest that there is: {listed}.'
            )
        return self.draw.one_of(lines)


def _choose(text: str, draw: Draw) -> str:
    """One alternative of each group, the innermost first. Braces that hold one thing alone stay as they are."""
    open_groups: list[list[str]] = [[""]]
    for piece in _PIECE.findall(text):
        here = open_groups[-1]
        if piece == "{":
            open_groups.append([""])
        elif piece == "|" and len(open_groups) > 1:
            here.append("")
        elif piece == "}" and len(open_groups) > 1:
            open_groups.pop()
            one = rf"\{{{here[0]}\}}" if len(here) == 1 else draw.one_of(here).strip()
            open_groups[-1][-1] += one
        else:
            here[-1] += piece
    return "{".join("|".join(group) for group in open_groups)


def _tag(parameter: str, inside: str) -> LoraTag:
    name, *strengths = (part.strip() for part in inside.split(":"))
    if not name or len(strengths) > 2:
        raise InvalidValue(parameter, "A LoRA is written with its name and weight, as in <lora:name:0.8>.")
    weights = [_strength(parameter, name, each) for each in strengths] or [1.0]
    return LoraTag(name=name, model=weights[0], clip=weights[-1])


def _strength(parameter: str, name: str, text: str) -> float:
    spec = ParameterSpec(
        name=parameter,
        type=ParameterType.NUMBER,
        title=f"The weight of the LoRA {name}",
        minimum=-MOST_STRENGTH,
        maximum=MOST_STRENGTH,
    )
    return float(check(spec, text))
