"""Reading a line of chat: `/imagine a red fox --steps 30 seed=7`. Pure; every chat platform reads lines alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.contract.values import Command

_COMMAND = re.compile(r"/([A-Za-z0-9_-]+)(?:@\w+)?(?:\s+|$)")
_DASHED = re.compile(r'(?<!\S)(?:--|—)([A-Za-z][\w-]*)(?:(?:=|\s+(?!--|—))("[^"]*"|“[^”]*”|\S*))?(?=\s|$)')
_QUOTES = '"“”'


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A command's name and its raw values; an empty name if the line is plain words, which are its `prompt`."""

    command: str
    values: dict[str, object]


def read_line(text: str, commands: Sequence[Command]) -> Line:
    """Take a line apart. Options may stand anywhere; the words between them are the main text, as written.

    `--name value` is always an option, known or not, so that a mistyped one is told; `name=value` only if the
    command has that option, so that a prompt may contain an equals sign.
    """
    text = text.strip()
    start = _COMMAND.match(text)
    name, rest = ("", text) if start is None else (start[1].lower(), text[start.end() :])
    command = next((published for published in commands if published.name.lower() == name), None)
    values: dict[str, object] = {}

    def take(option: re.Match[str]) -> str:
        values[option[1].lower().replace("-", "_")] = (option[2] or "").strip(_QUOTES)
        return ""

    rest = _DASHED.sub(take, rest)
    if command is not None and command.parameters:
        known = "|".join(re.escape(parameter.name) for parameter in command.parameters)
        rest = re.sub(rf'(?<!\S)({known})=("[^"]*"|“[^”]*”|\S+)', take, rest, flags=re.IGNORECASE)
    words = re.sub(r"[ \t]{2,}", " ", rest).strip()
    if words:
        main = command.main_text.name if command is not None and command.main_text is not None else "prompt"
        option = values.get(main)  # `--prompt a red fox` names only the first word
        values[main] = f"{option} {words}" if option else words
    return Line(command=command.name if command is not None else name, values=values)
