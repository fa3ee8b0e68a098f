"""Slash commands, made from what the core publishes."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import locale_str

from adapters.discord.order import File
from bot.contract.values import Command, ParameterSpec, ParameterType, Words

MOST_OPTIONS = MOST_CHOICES = 25
MOST_CHOICE = MOST_DESCRIPTION = 100
MOST_NAME = 32
MOST_TEXT = 6000
EXACT = 2**53
"""Whole numbers beyond that are not exact in Discord's clients; seeds are text for that reason."""

Interaction = discord.Interaction[Any]
Run = Callable[[Interaction, Command, dict[str, Any], dict[str, File]], Awaitable[None]]
"""Does a command with these values and pictures."""
Choices = Callable[[str, str], Sequence[str]]
"""What can be chosen now for a command's parameter."""

NO_NAMES: Mapping[str, str] = {}

FILES = tuple(kind for kind in ParameterType if kind.attached)
"""What is attached rather than typed."""

_UNTAKEN = re.compile(r"[^-\w]")
_PLAIN = {
    ParameterType.BOOLEAN: bool,
    ParameterType.CHOICE: str,
    **dict.fromkeys(FILES, discord.Attachment),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """A parameter, and what Discord calls it."""

    spec: ParameterSpec
    name: str


def options(
    command: Command, extras: Sequence[ParameterSpec] = ()
) -> tuple[list[Option], list[ParameterSpec]]:
    """A command's options, and the parameters that Discord has no room for: the last ones.

    The required ones come first, those that few people change last.
    """
    by_need = sorted(command.parameters, key=lambda spec: (not spec.required, spec.more))
    room = MOST_OPTIONS - len(extras)
    made: dict[str, Option] = {}
    left_out = by_need[room:]
    for spec in (*by_need[:room], *extras):
        name = published_name(spec.name)
        if name in made:
            left_out.append(spec)
        else:
            made[name] = Option(spec=spec, name=name)
    return list(made.values()), left_out


def published_name(name: str) -> str:
    """A name with nothing in it that Discord refuses in one: lower case, no spaces or dots, at most 32."""
    return _UNTAKEN.sub("-", name.lower())[:MOST_NAME] or "-"


def distinct(named: Sequence[tuple[str, Mapping[str, Words]]]) -> list[dict[str, str]]:
    """Names in other languages. One that is somebody else's there, or in English, is left out: Discord takes none."""
    english = {name for name, _ in named}
    taken: dict[str, set[str]] = {}
    found: list[dict[str, str]] = []
    for _, words in named:
        names = {language: published_name(each.name) for language, each in words.items()}
        free = {
            language: name
            for language, name in names.items()
            if name not in english and name not in taken.setdefault(language, set())
        }
        for language, name in free.items():
            taken[language].add(name)
        found.append(free)
    return found


def slash(
    command: Command,
    extras: Sequence[ParameterSpec],
    run: Run,
    choices: Choices,
    names: Mapping[str, str] = NO_NAMES,
    part: str | None = None,
) -> app_commands.Command[Any, Any, Any]:
    """A command with its options; `names` are its own in other languages, `part` is what it is called in a group."""
    by_key = {f"option_{place}": option for place, option in enumerate(options(command, extras)[0])}

    async def callback(interaction: Interaction, **given: Any) -> None:
        values, images = _sorted({by_key[key].spec.name: v for key, v in given.items() if v is not None})
        await run(interaction, command, values, images)

    callback.__signature__ = _signature(by_key)  # type: ignore[attr-defined]
    callback.__annotations__ = {}
    app_commands.rename(**_named(by_key))(callback)
    app_commands.describe(**{key: _described(option.spec) for key, option in by_key.items()})(callback)
    for key, offered in _static(by_key).items():
        app_commands.choices(**{key: offered})(callback)
    described: Any = callback
    made: app_commands.Command[Any, Any, Any] = app_commands.Command(
        name=locale_str(published_name(part or command.name), names=names),
        description=_sentence(command.description or command.title, command.words),
        callback=described,
        nsfw=command.age_restricted,
    )
    for key, option in by_key.items():
        if option.spec.type is ParameterType.CHOICE and not _is_static(option.spec):
            made.autocomplete(key)(_completion(command.name, option.spec.name, choices))
    return made


class InLanguages(app_commands.Translator):
    """Gives Discord the names and descriptions that come with each string, by its own names of languages."""

    async def translate(
        self,
        string: locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """The string in a language; None if it is the same as in English."""
        del context
        found: str | None = string.extras.get("names", {}).get(locale.value.partition("-")[0])
        return None if found == string.message else found


def matching(wanted: str, choices: Sequence[str]) -> list[str]:
    """The 25 choices that fit best what was typed so far, letters left out or swapped too."""
    typed = wanted.casefold().strip()
    usable = [choice for choice in choices if 0 < len(choice) <= MOST_CHOICE]
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


def _signature(by_key: Mapping[str, Option]) -> inspect.Signature:
    first = inspect.Parameter(
        "interaction", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=discord.Interaction
    )
    return inspect.Signature([first, *(_option(key, option.spec) for key, option in by_key.items())])


def _option(key: str, spec: ParameterSpec) -> inspect.Parameter:
    return inspect.Parameter(
        key,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=_annotation(spec),
        default=inspect.Parameter.empty if spec.required else None,
    )


def _named(by_key: Mapping[str, Option]) -> dict[str, locale_str]:
    names = distinct([(option.name, option.spec.words) for option in by_key.values()])
    return {
        key: locale_str(option.name, names=theirs)
        for (key, option), theirs in zip(by_key.items(), names, strict=True)
    }


def _sentence(text: str, words: Mapping[str, Words]) -> locale_str:
    said = {
        language: each.description[:MOST_DESCRIPTION] for language, each in words.items() if each.description
    }
    return locale_str(text[:MOST_DESCRIPTION], names=said)


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


def _described(spec: ParameterSpec) -> locale_str:
    return _sentence(spec.description or spec.title, spec.words)


def _is_static(spec: ParameterSpec) -> bool:
    """Whether all choices can be published; else they are offered while somebody types."""
    return 0 < len(spec.choices) <= MOST_CHOICES and all(0 < len(c) <= MOST_CHOICE for c in spec.choices)


def _static(by_key: Mapping[str, Option]) -> dict[str, list[app_commands.Choice[str]]]:
    return {
        key: [app_commands.Choice(name=choice, value=choice) for choice in option.spec.choices]
        for key, option in by_key.items()
        if option.spec.type is ParameterType.CHOICE and _is_static(option.spec)
    }


def _completion(command: str, parameter: str, choices: Choices) -> Any:
    async def complete(_interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        found = matching(current, choices(command, parameter))
        return [app_commands.Choice(name=choice, value=choice) for choice in found]

    return complete
