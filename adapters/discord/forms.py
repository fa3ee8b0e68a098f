"""Forms: what a command still needs, asked for in a modal. Half-asked commands outlive the process."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import discord
from discord import ui

from adapters.discord.order import File
from bot.contract.files import lacking
from bot.contract.values import Command, ParameterSpec, ParameterType

FORM = "form:"
KEPT_SECONDS = 24 * 3600.0
"""A form that was never sent back is forgotten after that."""

MOST_FIELDS = 5
MOST_CHOICES = 25
MOST_LABEL, MOST_PLACEHOLDER, MOST_TITLE, MOST_WORDS = 45, 100, 45, 4000
COMMAND = "command"
"""The field that asks which command; no parameter of a workflow is asked for beside it under this name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Half:
    """A command that somebody began: which it may be, the pictures that it has, what it replies to.

    `values` are those that it has; `about` is the parameter that is asked for, if it is one alone.
    """

    commands: tuple[str, ...]
    files: tuple[File, ...] = ()
    reply: tuple[str, int] | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    about: str | None = None

    def kept(self) -> dict[str, Any]:
        """The form that is stored: JSON."""
        return {
            "commands": self.commands,
            "files": [asdict(file) for file in self.files],
            "reply": self.reply,
            "values": dict(self.values),
            "at": time.time(),
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Half:
        """From the form that is stored."""
        reply = kept["reply"]
        return cls(
            commands=tuple(kept["commands"]),
            files=tuple(File(**file) for file in kept["files"]),
            reply=(reply[0], reply[1]) if reply else None,
            values=kept.get("values", {}),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """What came back: the chosen command if that was asked, words by parameter, files by parameter."""

    command: str | None
    values: Mapping[str, str]
    images: Mapping[str, File]


def missing(command: Command, half: Half) -> list[ParameterSpec]:
    """What a command still needs beside the files of `half`, and the words that it is mainly about.

    A half that is about one parameter needs that alone.
    """
    if half.about is not None:
        return [spec for spec in command.parameters if spec.name == half.about]
    files = lacking(command, half.files, (), reply=half.reply is not None)
    return [
        spec
        for spec in command.parameters
        if spec.name in files
        or (not spec.type.attached and spec.required and spec.default is None)
        or spec is command.main_text
    ]


def modal(key: str, title: str, commands: Sequence[Command], half: Half) -> ui.Modal:
    """A form for one of these commands. With several, only what the first needs can be asked."""
    form = ui.Modal(title=title[:MOST_TITLE], custom_id=FORM + key)
    for label in [*_labels(commands, half)][:MOST_FIELDS]:
        form.add_item(label)
    form.stop()  # it is answered by its id, after any restart
    return form


def filled(data: Mapping[str, Any]) -> Filled:
    """Read what was sent back."""
    attachments = data.get("resolved", {}).get("attachments", {})
    command, values, images = None, {}, {}
    for answer in _fields(data["components"]):
        name = answer["custom_id"]
        if name == COMMAND and "values" in answer:
            command = answer["values"][0]
        elif answer["type"] == discord.ComponentType.file_upload.value:
            for which in answer.get("values", [])[:1]:
                sent = attachments[which]
                images[name] = File(name=sent["filename"], url=sent["url"])
        elif value := answer.get("value") or next(iter(answer.get("values", ())), None):
            values[name] = value
    return Filled(command=command, values=values, images=images)


def _labels(commands: Sequence[Command], half: Half) -> Iterator[ui.Label[Any]]:
    if len(commands) > 1:
        options = [
            discord.SelectOption(
                label=command.title[:100],
                value=command.name,
                description=command.description[:100] or None,
                default=command is commands[0],
            )
            for command in commands[:MOST_CHOICES]
        ]
        yield ui.Label(text="/", component=ui.Select(custom_id=COMMAND, options=options))
    for spec in missing(commands[0], half):
        yield ui.Label(
            text=spec.title[:MOST_LABEL],
            description=spec.description[:MOST_PLACEHOLDER] or None,
            component=_field(spec, required=spec.required and len(commands) == 1),
        )


def _field(spec: ParameterSpec, *, required: bool) -> ui.Item[Any]:
    if spec.type.attached:
        return ui.FileUpload(custom_id=spec.name, required=required)
    if 0 < len(spec.choices) <= MOST_CHOICES:
        options = [discord.SelectOption(label=choice[:100], value=choice[:100]) for choice in spec.choices]
        return ui.Select(custom_id=spec.name, options=options, required=required)
    long = spec.type is ParameterType.TEXT
    return ui.TextInput(
        custom_id=spec.name,
        style=discord.TextStyle.paragraph if long else discord.TextStyle.short,
        required=required,
        max_length=min(spec.max_length or MOST_WORDS, MOST_WORDS),
    )


def _fields(components: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The inputs of a form: each in a label, or in a row as older clients send them."""
    for component in components:
        if "component" in component:
            yield component["component"]
        yield from component.get("components", ())
