"""Reading a line of chat: `/imagine a red fox --steps 30 seed=7`. Pure; every chat platform reads lines alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.contract.values import Command, Extra, ParameterType

_COMMAND = re.compile(r"/([A-Za-z0-9_-]+)(?:@\w+)?(?:\s+|$)")
_QUOTED = r'"[^"]*"|“[^”]*”'
_DASHED = re.compile(
    rf"(?<!\S)(?:--|—)(?P<name>[A-Za-z][\w-]*)"
    rf"(?:(?P<by>=|\s+(?!--|—))(?P<value>{_QUOTED}|\S+,(?:\s+\S+,)*\s+(?!--|—)\S+|\S*))?(?=\s|$)"
)
_QUOTES = '"“”'
_LISTS = ("no",)
"""Options whose value may be several words with commas between them."""

_NO = frozenset({"no", "false", "off", "0"})
_YES_OR_NO = _NO | {"yes", "true", "on", "1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A command's name and its raw values; an empty name if the line is plain words, which are its `prompt`.

    `spoiler`: the pictures are to be hidden until somebody looks.
    """

    command: str
    values: dict[str, object]
    spoiler: bool = False


def read_line(text: str, commands: Sequence[Command]) -> Line:
    """Take a line apart. Options may stand anywhere; the words between them are the main text, as written.

    `--name value` is always an option, known or not, so that a mistyped one is told; `name=value` only if the
    command has that option, so that a prompt may contain an equals sign. An option that is on or off needs no
    value: `--spoiler a red fox` takes no word away.
    """
    text = text.strip()
    name, rest = _named(text, commands)
    command = next((published for published in commands if published.name.lower() == name), None)
    values: dict[str, object] = {}
    flags = _flags(command)

    def take(option: re.Match[str]) -> str:
        name, value = option["name"].lower().replace("-", "_"), option["value"] or ""
        kept, left = value, ""
        if option["by"] != "=" and name in flags and value.lower().strip(_QUOTES) not in _YES_OR_NO:
            kept, left = "yes", value
        elif name not in _LISTS and not value.startswith(tuple(_QUOTES)):
            kept = (value.split(maxsplit=1) or [""])[0]
            left = value[len(kept) :]
        values[name] = kept.strip(_QUOTES)
        return left

    rest = _DASHED.sub(take, rest)
    if command is not None:
        known = "|".join(re.escape(known) for known in (*_names(command), *Extra))
        rest = re.sub(
            rf"(?<!\S)(?P<name>{known})(?P<by>=)(?P<value>{_QUOTED}|\S+)", take, rest, flags=re.IGNORECASE
        )
    words = re.sub(r"[ \t]{2,}", " ", rest).strip()
    if words:
        main = command.main_text.name if command is not None and command.main_text is not None else "prompt"
        option = values.get(main)  # `--prompt a red fox` names only the first word
        values[main] = f"{option} {words}" if option else words
    hidden = Extra.SPOILER not in _names(command) and str(values.pop(Extra.SPOILER, "no")).lower() not in _NO
    return Line(command=command.name if command is not None else name, values=values, spoiler=hidden)


def _named(text: str, commands: Sequence[Command]) -> tuple[str, str]:
    """The command's name and what follows it. One of two words may be joined by `-` or `_`, as menus have it."""
    start = _COMMAND.match(text)
    if start is None:
        return "", text
    first, rest = start[1].lower(), text[start.end() :]
    second = (rest.split(maxsplit=1) or [""])[0]
    for name in (command.name.lower() for command in commands if " " in command.name):
        if f"{first} {second.lower()}" == name:
            return name, rest[len(second) :].lstrip()
        if first in (name.replace(" ", "_"), name.replace(" ", "-")):
            return name, rest
    return first, rest


def _names(command: Command | None) -> list[str]:
    return [] if command is None else [parameter.name for parameter in command.parameters]


def _flags(command: Command | None) -> set[str]:
    """Options that are on or off: the command's own, and those of every platform."""
    parameters = () if command is None else command.parameters
    own = {p.name for p in parameters if p.type is ParameterType.BOOLEAN}
    return own | (set(Extra) - set(_names(command)))
