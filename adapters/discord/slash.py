"""Slash commands, made from what the core publishes."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import discord
from discord import app_commands

from adapters.discord.order import File
from bot.contract.values import Command, ParameterSpec, ParameterType

MOST_OPTIONS = MOST_CHOICES = 25
MOST_CHOICE = MOST_DESCRIPTION = 100
MOST_TEXT = 6000
EXACT = 2**53
"""Whole numbers beyond that are not exact in Discord's clients; seeds are text for that reason."""

Interaction = discord.Interaction[Any]
Run = Callable[[Interaction, Command, dict[str, Any], dict[str, File]], Awaitable[None]]
"""Does a command with these values and pictures."""
Choices = Callable[[str, str], Sequence[str]]
"""What can be chosen now for a command's parameter."""

_PLAIN = {
    ParameterType.BOOLEAN: bool,
    ParameterType.IMAGE: discord.Attachment,
    ParameterType.CHOICE: str,
}


def slash(
    command: Command, extras: Sequence[ParameterSpec], run: Run, choices: Choices
) -> app_commands.Command[Any, Any, Any]:
    """A command with its options: the required ones first, at most 25."""
    specs = sorted((*command.parameters, *extras), key=lambda spec: not spec.required)[:MOST_OPTIONS]
    names = {spec.name.lower(): spec.name for spec in specs}

    async def callback(interaction: Interaction, **given: Any) -> None:
        values, images = _sorted({names[name]: value for name, value in given.items() if value is not None})
        await run(interaction, command, values, images)

    callback.__signature__ = _signature(specs)  # type: ignore[attr-defined]
    callback.__annotations__ = {}
    app_commands.describe(**{spec.name.lower(): _described(spec) for spec in specs})(callback)
    for name, offered in _static(specs).items():
        app_commands.choices(**{name: offered})(callback)
    described: Any = callback
    made: app_commands.Command[Any, Any, Any] = app_commands.Command(
        name=command.name.lower(),
        description=(command.description or command.title)[:MOST_DESCRIPTION],
        callback=described,
    )
    for spec in specs:
        if spec.type is ParameterType.CHOICE and not _is_static(spec):
            made.autocomplete(spec.name.lower())(_completion(command.name, spec.name, choices))
    return made


def matching(wanted: str, choices: Sequence[str]) -> list[str]:
    """The 25 choices that fit best what was typed so far, letters left out or swapped too."""
    typed = wanted.casefold().strip()
    usable = [choice for choice in choices if len(choice) <= MOST_CHOICE]
    ranked = sorted((_rank(typed, choice.casefold()), place) for place, choice in enumerate(usable))
    surest = ranked[0][0][0] if ranked else 5
    worst = 3 if surest <= 3 else 4  # what only looks alike is a guess, for when nothing fits
    return [usable[place] for rank, place in ranked if rank[0] <= worst][:MOST_CHOICES]


def _rank(typed: str, choice: str) -> tuple[int, float]:
    """The less the better; from 5 on it does not fit."""
    if not typed or choice.startswith(typed):
        return 0, 0.0
    found = choice.find(typed)
    if found > 0:
        return (1, 0.0) if not choice[found - 1].isalnum() else (2, float(found))
    if _in_order(typed, choice):
        return 3, float(len(choice))
    likeness = difflib.SequenceMatcher(None, typed, choice[: len(typed) + 2]).ratio()
    return (4, 1 - likeness) if likeness >= 0.6 else (5, 0.0)


def _in_order(letters: str, word: str) -> bool:
    """Whether the letters come in the word in this order."""
    rest = iter(word)
    return all(letter in rest for letter in letters)


def _sorted(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, File]]:
    images = {
        name: File(name=value.filename, url=value.url)
        for name, value in given.items()
        if isinstance(value, discord.Attachment)
    }
    return {name: value for name, value in given.items() if name not in images}, images


def _signature(specs: Sequence[ParameterSpec]) -> inspect.Signature:
    first = inspect.Parameter(
        "interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=discord.Interaction
    )
    return inspect.Signature([first, *(_option(spec) for spec in specs)])


def _option(spec: ParameterSpec) -> inspect.Parameter:
    return inspect.Parameter(
        spec.name.lower(),
        inspect.Parameter.KEYWORD_ONLY,
        annotation=_annotation(spec),
        default=inspect.Parameter.empty if spec.required else None,
    )


def _annotation(spec: ParameterSpec) -> Any:
    bounded: Any = app_commands.Range
    match spec.type:
        case ParameterType.INTEGER:
            low = max(-EXACT, int(spec.minimum)) if spec.minimum is not None else -EXACT
            high = min(EXACT, int(spec.maximum)) if spec.maximum is not None else EXACT
            return bounded[int, low, high]
        case ParameterType.NUMBER:
            if spec.minimum is None and spec.maximum is None:
                return float
            return bounded[float, _float(spec.minimum), _float(spec.maximum)]
        case ParameterType.TEXT:
            return bounded[str, 1, min(spec.max_length or MOST_TEXT, MOST_TEXT)]
        case ParameterType.SEED:
            return str
        case kind:
            return _PLAIN[kind]


def _float(bound: float | None) -> float | None:
    return None if bound is None else float(bound)


def _described(spec: ParameterSpec) -> str:
    return (spec.description or spec.title)[:MOST_DESCRIPTION]


def _is_static(spec: ParameterSpec) -> bool:
    """Whether all choices can be published; else they are offered while somebody types."""
    return 0 < len(spec.choices) <= MOST_CHOICES and all(len(c) <= MOST_CHOICE for c in spec.choices)


def _static(specs: Sequence[ParameterSpec]) -> dict[str, list[app_commands.Choice[str]]]:
    return {
        spec.name.lower(): [app_commands.Choice(name=choice, value=choice) for choice in spec.choices]
        for spec in specs
        if spec.type is ParameterType.CHOICE and _is_static(spec)
    }


def _completion(command: str, parameter: str, choices: Choices) -> Any:
    async def complete(_interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        found = matching(current, choices(command, parameter))
        return [app_commands.Choice(name=choice, value=choice) for choice in found]

    return complete
