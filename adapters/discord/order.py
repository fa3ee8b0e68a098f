"""What somebody asked for, in a form that outlives the process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from adapters.discord.where import Where
from bot.contract.files import IMAGE
from bot.contract.values import Actor, Attachment, Invocation, JobId, OutputRef, Place, Press

PLATFORM = "discord"

Read = Callable[[str, str, int], Awaitable[bytes]]
"""Reads a file: its name, its address, at most how many bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file on Discord's servers. Its address is signed and good for some hours; `sort` is how its type begins."""

    name: str
    url: str
    sort: str = IMAGE

    def attachment(self, read: Read) -> Attachment:
        """As the core takes it."""
        return Attachment(name=self.name, read=lambda limit: read(self.name, self.url, limit))


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A command or, if `action` is set, a press that makes something new.

    `event` names the event that it came by, `key` the request that it makes: events may share one. `private`: the
    answer is for the asker alone. `roles` are the asker's, `within` what the place is part of, `channel` its name.
    """

    event: str
    key: str
    user: int
    name: str
    place: int
    where: Where
    command: str = ""
    action: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    images: Mapping[str, File] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    reply: tuple[str, int] | None = None
    spoiler: bool = False
    private: bool = False
    roles: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    channel: str = ""
    for_adults: bool = False

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """From the form that is stored."""
        return cls(
            **{
                **kept,
                "where": Where.of(kept["where"]),
                "images": {name: File(**file) for name, file in kept["images"].items()},
                "files": tuple(File(**file) for file in kept["files"]),
                "roles": tuple(kept.get("roles", ())),
                "within": tuple(kept.get("within", ())),
                "reply": (kept["reply"][0], kept["reply"][1]) if kept["reply"] else None,
            }
        )

    def kept(self) -> dict[str, Any]:
        """The form that is stored: JSON."""
        return {**asdict(self), "where": self.where.address()}

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return Actor(platform=PLATFORM, external_id=str(self.user), name=self.name, roles=self.roles)

    @property
    def ground(self) -> Place:
        """Where they ask, with what Discord says of it."""
        return replace(
            place_of(self.place), within=self.within, name=self.channel, age_restricted=self.for_adults
        )

    def invocation(self, read: Read) -> Invocation:
        """As the core takes a command."""
        return Invocation(
            event_key=self.key,
            actor=self.actor,
            place=self.ground,
            command=self.command,
            address=self.where.address(),
            values=self.values,
            images={name: file.attachment(read) for name, file in self.images.items()},
            attachments=tuple(file.attachment(read) for file in self.files),
            reply_to=OutputRef(job=JobId(self.reply[0]), index=self.reply[1]) if self.reply else None,
            transient=not self.where.lasting,
            spoiler=self.spoiler,
        )

    def press(self, action: str) -> Press:
        """As the core takes a press."""
        return Press(
            event_key=self.key,
            actor=self.actor,
            place=self.ground,
            action=action,
            address=self.where.address(),
            transient=not self.where.lasting,
        )


def place_of(channel: int) -> Place:
    """A channel, thread or conversation."""
    return Place(platform=PLATFORM, external_id=str(channel))
