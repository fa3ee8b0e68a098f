"""The text that A1111 and its kin write into pictures, and others have taken over from them:

a red fox in snow
Negative prompt: blurry
Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x768, Model: "a, b"
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_NEGATIVE: Final = "Negative prompt:"
_PAIR: Final = re.compile(r"\s*([A-Za-z][\w \-/.]*):\s*(.*)", re.S)
_OPEN, _CLOSE = "{[(", "}])"


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameters:
    """What a picture was made with. Names of settings are as written: `Steps`, `CFG scale`, `Size`."""

    prompt: str
    negative: str
    settings: Mapping[str, str]


def parse_parameters(text: str) -> Parameters | None:
    """Read the text; None if it is not written that way."""
    lines = text.replace("\r\n", "\n").strip().split("\n")
    settings = _settings(lines[-1])
    if settings:
        lines.pop()
    negative_at = next((n for n, line in enumerate(lines) if line.startswith(_NEGATIVE)), len(lines))
    if not settings and negative_at == len(lines):
        return None
    prompt = "\n".join(lines[:negative_at]).strip()
    negative = "\n".join(lines[negative_at:]).removeprefix(_NEGATIVE).strip()
    return Parameters(prompt=prompt, negative=negative, settings=settings)


def _settings(line: str) -> dict[str, str]:
    """The last line, if it is one of settings: a prompt may have colons too, but hardly begins with Steps."""
    pairs = [found for part in _parts(line) if (found := _PAIR.fullmatch(part))]
    if not line.lstrip().startswith("Steps:") and len(pairs) < 3:
        return {}
    return {pair[1].strip(): _plain(pair[2].strip()) for pair in pairs}


def _parts(line: str) -> Iterator[str]:
    """What commas part, except in quotes and brackets."""
    start = depth = 0
    quoted = False
    previous = ""
    for at, letter in enumerate(line):
        if letter == '"' and previous != "\\":
            quoted = not quoted
        elif not quoted and letter in _OPEN:
            depth += 1
        elif not quoted and letter in _CLOSE:
            depth = max(0, depth - 1)
        elif letter == "," and not quoted and not depth:
            yield line[start:at]
            start = at + 1
        previous = letter
    yield line[start:]


def _plain(value: str) -> str:
    """A quoted value as it was meant."""
    if value.startswith('"'):
        try:
            return str(json.loads(value))
        except ValueError:
            return value.strip('"')
    return value
