"""`workflow.toml` written: what was chosen by buttons, as its owner could have typed it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_of(file: Mapping[str, Any]) -> str:
    """The text of a file with these keys: plain ones first, then `[[models]]`, then `[parameters.NAME]`."""
    blocks = ["\n".join(_lines({k: v for k, v in file.items() if k not in ("parameters", "models")}))]
    blocks += ["\n".join(["[[models]]", *_lines(model)]) for model in file.get("models", ())]
    for name, table in file.get("parameters", {}).items():
        whole = table if isinstance(table, Mapping) else {"to": table}
        blocks.append("\n".join([f"[parameters.{_key(name)}]", *_lines(whole)]))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        if value is not None:
            yield f"{_key(name)} = {_value(value)}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _text(value)
        case Sequence():
            return f"[{', '.join(_value(each) for each in value)}]"
        case _:
            raise TypeError(f"{value!r} is nothing that the file may say")


def _text(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for a character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
