"""What comes in from a platform, and what the core answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType

from bot.contract.card import Card, Media
from bot.contract.levels import Level

JobId = NewType("JobId", str)
RequestId = NewType("RequestId", str)
MessageId = NewType("MessageId", str)
AccountId = NewType("AccountId", str)

Address = Mapping[str, Any]
"""Where a message lives, in the adapter's own JSON; it outlives the process."""


class JobState(StrEnum):
    """A job's state as the outside sees it."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing changes any more."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who asks. `external_id` is the platform's own stable id of the person, never a name or a secret.

    `owner` is true where the platform vouches that this is whoever runs the bot. `roles` are what the platform
    says of them in that place, as the setting LEVELS names them: `discord-role:123`, `telegram-administrator`.
    """

    platform: str
    external_id: str
    name: str
    owner: bool = False
    roles: tuple[str, ...] = field(default=(), compare=False)

    @property
    def known_as(self) -> str:
        """Platform and id, as settings name a person."""
        return f"{self.platform}:{self.external_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where it is asked: a channel, a chat, a page's session. Jobs of one place are not seen from another.

    `within` are the ids of what it is part of, the nearest first: a thread's channel, a channel's server. `name` is
    what people call it; `age_restricted` says that its platform lets adults alone in.
    """

    platform: str
    external_id: str
    within: tuple[str, ...] = field(default=(), compare=False)
    name: str = field(default="", compare=False)
    age_restricted: bool = field(default=False, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A file that came with a command.

    `read(limit)` returns the bytes, or raises `MediaRejected` if there are more than `limit` of them.
    """

    name: str
    read: Callable[[int], Awaitable[bytes]]


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputRef:
    """One output of a job, counted from 0."""

    job: JobId
    index: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """One use of a command.

    `event_key` is unique for the platform's event: the same key twice is one request. `values` are raw, as
    typed or as JSON; the core checks them. `images` are attachments by parameter; `attachments` those that
    name none and fill the image parameters in order. `address` is the message that will show the card;
    `transient` if it expires and only a press on its card renews it. `spoiler` has the pictures hidden.
    """

    event_key: str
    actor: Actor
    place: Place
    command: str
    address: Address
    values: Mapping[str, object] = field(default_factory=dict)
    images: Mapping[str, Attachment] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    reply_to: OutputRef | None = None
    transient: bool = False
    spoiler: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Press:
    """A press on one of a card's buttons.

    `address` is for the message that a new request would show in, `transient` as for an `Invocation`. `renewed`
    is the address of the message with the button, where a press makes that good again.
    """

    event_key: str
    actor: Actor
    place: Place
    action: str
    address: Address
    transient: bool = False
    renewed: Address | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A request was accepted; `existing` if the same event had already made it.

    `address` is where it is shown; None once that message was taken away.
    """

    request: RequestId
    job: JobId
    message: MessageId
    address: Address | None
    existing: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """An answer for the asker alone; nothing was queued."""

    card: Card


@dataclass(frozen=True, kw_only=True, slots=True)
class Turned:
    """The message with the button shows this card from now on; nothing was queued."""

    card: Card


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """The platform should let the person fill in `command`, as a reply to `reply_to` if there is one.

    `values` are given already; `about` is the parameter that is asked for, without it what the command still needs.
    """

    command: str
    reply_to: OutputRef | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    about: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """Noted; the message itself will show what comes of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """The outputs of a job as they were made, for the asker to have; nothing was queued."""

    media: tuple[Media, ...]


Answer = Started | Said | Turned | Ask | Accepted | Files


class ParameterType(StrEnum):
    """What kind of value a parameter takes."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    SEED = "seed"
    IMAGE = "image"
    MASK = "mask"
    VIDEO = "video"
    AUDIO = "audio"
    FILE = "file"
    """Any file; no workflow takes one."""

    @property
    def attached(self) -> bool:
        """Whether it is a file that is attached, not a value that is typed."""
        return self.sort is not None

    @property
    def sort(self) -> str | None:
        """The sort of file, as media types begin, or `file` for any; None for what is typed."""
        return _SORTS.get(self)


_SORTS: Mapping[ParameterType, str] = {
    ParameterType.IMAGE: "image",
    ParameterType.MASK: "image",
    ParameterType.VIDEO: "video",
    ParameterType.AUDIO: "audio",
    ParameterType.FILE: "file",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What something is called and how it is described in another language; no description: as in English."""

    name: str
    description: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterSpec:
    """One option of a command, as a platform publishes it. Bounds are inclusive; None is "no bound".

    `more` is set for what few people ever change: a platform with room for a few options shows it last.
    `words` are by language: `de`, `fr`.
    """

    name: str
    type: ParameterType
    title: str
    description: str = ""
    required: bool = False
    default: str | int | float | bool | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    step: int | float | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    more: bool = False
    words: Mapping[str, Words] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A command as every platform publishes it. `level` is the least that it takes; `words` by language.

    A name of two words is one of several that belong together: a platform may show them as one command with parts.
    `age_restricted`: it is for places that let adults alone in.
    """

    name: str
    title: str
    description: str
    parameters: tuple[ParameterSpec, ...] = ()
    workflow: bool = False
    level: Level = Level.GUEST
    age_restricted: bool = False
    words: Mapping[str, Words] = field(default_factory=dict)

    @property
    def admin(self) -> bool:
        """Whether it is for those who look after the others."""
        return self.level >= Level.MODERATOR

    @property
    def main_text(self) -> ParameterSpec | None:
        """The parameter that plain words after the command go to: the first text one."""
        return next((p for p in self.parameters if p.type is ParameterType.TEXT), None)

    @property
    def takes_any_file(self) -> bool:
        """Whether something else than a picture may be attached, of whatever kind."""
        return any(parameter.type is ParameterType.FILE for parameter in self.parameters)


class Extra(StrEnum):
    """Options of a command that the platform itself carries out, where it can."""

    PRIVATE = "private"
    SPOILER = "spoiler"


@dataclass(frozen=True, kw_only=True, slots=True)
class Menu:
    """Something to do with any picture in a chat, for platforms whose messages have menus.

    It uses one of `commands` on the picture; without any it asks what is known of it. `words` are by language.
    """

    name: str
    title: str
    commands: tuple[Command, ...] = ()
    words: Mapping[str, Words] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Why a job failed: a stable code and a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class JobStatus:
    """A job as its owner may see it. `fraction` is 0..1; `position` counts from 1 among those who wait.

    `remarks` are sentences on how the words were read, and `read` the texts that became others, by parameter.
    """

    job: JobId
    message: MessageId
    actor: Actor
    state: JobState
    fraction: float
    position: int | None = None
    node: str | None = None
    outputs: tuple[Media, ...] = ()
    error: Trouble | None = None
    remarks: tuple[str, ...] = ()
    read: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class BackendStatus:
    """A ComfyUI server as everybody may see it. `hold` says in a few words why it takes no jobs now."""

    name: str
    up: bool
    version: str | None
    running: int
    hold: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueStatus:
    """The queue in numbers. `paused`: an admin has nothing begun that waits."""

    waiting: int
    running: int
    backends: tuple[BackendStatus, ...]
    paused: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedCard:
    """A message of a place and what it shows now. `revision` grows with every change of what it shows."""

    message: MessageId
    address: Address
    card: Card
