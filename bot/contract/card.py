"""The card: a whole chat message as data. Platforms draw it; `bot.cards` alone words it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """Plain words. A platform escapes them; they never carry mark-up. `made` ones are a job's result."""

    text: str
    strong: bool = False
    made: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """Words to show letter by letter: a seed, a model's name, a prompt."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Countdown:
    """A moment that is near: `at` in seconds since 1970. A platform that can count down does; others show `text`.

    The words age by themselves, so two that differ in nothing else are equal: a card is not shown again for them.
    """

    at: float
    text: str = field(compare=False)
    strong: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """Words that lead to an address."""

    text: str
    url: str
    strong: bool = False


Span = Text | Code | Countdown | Link


class ActionStyle(StrEnum):
    """How much a button asks for attention."""

    NORMAL = "normal"
    DANGER = "danger"


class Effect(StrEnum):
    """What comes of a press, for platforms that must say so before it is known."""

    NEW = "new"
    """A request of its own, with a message of its own."""
    ASIDE = "aside"
    """An answer for the presser alone."""
    HERE = "here"
    """A change of the message that has the button."""
    ASK = "ask"
    """A question: words are wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """A button. `id` is at most 64 bytes and works after any restart."""

    id: str
    label: str
    style: ActionStyle = ActionStyle.NORMAL
    effect: Effect = Effect.HERE


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """A passing picture of a job that runs: the bytes themselves, never stored."""

    data: bytes
    media_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Media:
    """A finished output. `path` is where its bytes lie; `size` is in bytes."""

    job: str
    index: int
    path: Path
    media_type: str
    name: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Film:
    """What a platform is told of a video: pixels, whole seconds, a small still of it as JPEG."""

    width: int
    height: int
    seconds: int
    still: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """One chat message.

    `state` is a job's outer state, or `note` for an answer that belongs to no job. `title` is one line,
    `body` lines of spans below it. `fraction` (0..1) asks for a bar. `alt` describes the media in words;
    `spoiler` has them hidden until somebody looks.
    """

    state: str
    title: str
    body: tuple[tuple[Span, ...], ...] = ()
    fraction: float | None = None
    preview: Preview | None = None
    media: tuple[Media, ...] = ()
    actions: tuple[Action, ...] = ()
    alt: str = ""
    spoiler: bool = False
