"""What somebody asked for, in a form that outlives the process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from adapters.telegram.settings import PLATFORM
from adapters.telegram.where import Where
from bot.contract.files import IMAGE
from bot.contract.values import Actor, Attachment, Invocation, JobId, OutputRef, Place, Press


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file on Telegram's servers, by the id that this bot knows it by. `size` is in bytes, 0 if unknown.

    `sort` is how its media type begins.
    """

    name: str
    id: str
    size: int = 0
    sort: str = IMAGE

    def attachment(self, read: Read) -> Attachment:
        """As the core takes it."""
        return Attachment(name=self.name, read=lambda limit: read(self, limit))


Read = Callable[[File, int], Awaitable[bytes]]
"""Reads a file of at most so many bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A command or, if `action` is set, a press.

    `event` names the event that it came by, `key` the request that it makes: presses of one button share one.
    `home` is the chat's first id, `title` a group's name; `roles` are the asker's there. `press` is what a press is
    answered by, for some seconds.
    """

    event: str
    key: str
    user: int
    name: str
    where: Where
    home: int
    command: str = ""
    action: str | None = None
    press: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    images: Mapping[str, File] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    reply: tuple[str, int] | None = None
    spoiler: bool = False
    roles: tuple[str, ...] = ()
    title: str = ""

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
                "reply": (kept["reply"][0], kept["reply"][1]) if kept["reply"] else None,
            }
        )

    def kept(self) -> dict[str, Any]:
        """The form that is stored: JSON."""
        return {**asdict(self), "where": self.where.address(), "files": [asdict(file) for file in self.files]}

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return Actor(platform=PLATFORM, external_id=str(self.user), name=self.name, roles=self.roles)

    @property
    def place(self) -> Place:
        """The chat, all its topics together, by the id that it had when it was first met."""
        return Place(platform=PLATFORM, external_id=str(self.home), name=self.title)

    def invocation(self, read: Read) -> Invocation:
        """As the core takes a command."""
        return Invocation(
            event_key=self.key,
            actor=self.actor,
            place=self.place,
            command=self.command,
            address=self.where.address(),
            values=self.values,
            images={name: file.attachment(read) for name, file in self.images.items()},
            attachments=tuple(file.attachment(read) for file in self.files),
            reply_to=OutputRef(job=JobId(self.reply[0]), index=self.reply[1]) if self.reply else None,
            spoiler=self.spoiler,
        )

    def pressed(self, action: str) -> Press:
        """As the core takes a press."""
        return Press(
            event_key=self.key,
            actor=self.actor,
            place=self.place,
            action=action,
            address=self.where.address(),
        )
