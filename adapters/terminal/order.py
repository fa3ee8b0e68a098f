"""What somebody asked for at the terminal."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bot.contract.values import Actor, Attachment, Invocation, Place
from bot.errors import MediaRejected, MediaTooLarge

STDOUT = Path("-")


def person() -> Actor:
    """The person at the terminal, whose own settings and database these are."""
    user = getpass.getuser()
    return Actor(platform="terminal", external_id=user, name=user, owner=True)


def terminal() -> Place:
    """Their terminal; all of a person's are one."""
    return Place(platform="terminal", external_id=person().external_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A command, its raw values, the files to start from, and where to put what comes out.

    Each of `files` has the option that it is for before it, or "" if it is for whichever takes it. `preview`: it is
    drawn while it is made, where the terminal can.
    """

    command: str
    values: Mapping[str, object]
    files: tuple[tuple[str, Path], ...]
    output: Path | None
    preview: bool = True

    @property
    def actor(self) -> Actor:
        """The person at the terminal."""
        return person()

    @property
    def place(self) -> Place:
        """Their terminal."""
        return terminal()

    def invocation(self) -> Invocation:
        """It as the core takes it, once."""
        return Invocation(
            event_key=f"terminal:{uuid4().hex}",
            actor=self.actor,
            place=self.place,
            command=self.command,
            address={},
            values=self.values,
            images={name: _attachment(path) for name, path in self.files if name},
            attachments=tuple(_attachment(path) for name, path in self.files if not name),
        )


def _attachment(path: Path) -> Attachment:
    return Attachment(name=path.name, read=_Reader(path))


@dataclass(frozen=True)
class _Reader:
    path: Path

    async def __call__(self, limit: int) -> bytes:
        try:
            size = (await asyncio.to_thread(self.path.stat)).st_size
            if size > limit:
                raise MediaTooLarge(self.path.name, limit)
            return await asyncio.to_thread(self.path.read_bytes)
        except OSError as error:
            reason = error.strerror or "it can't be read"
            raise MediaRejected(f"{self.path.name} can't be read: {reason}.") from error
