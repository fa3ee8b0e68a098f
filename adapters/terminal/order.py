"""What somebody asked for at the terminal."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.contract.values import Actor, Attachment, Place
from bot.errors import MediaRejected

STDOUT = Path("-")


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A command, its raw values, the pictures to start from, and where to put what comes out."""

    command: str
    values: Mapping[str, object]
    images: tuple[Path, ...]
    output: Path | None

    @property
    def actor(self) -> Actor:
        """The person at the terminal."""
        user = getpass.getuser()
        return Actor(platform="terminal", external_id=user, name=user)

    @property
    def place(self) -> Place:
        """Their terminal."""
        return Place(platform="terminal", external_id=self.actor.external_id)

    def attachments(self) -> tuple[Attachment, ...]:
        """The pictures, to be read when they are needed."""
        return tuple(Attachment(name=path.name, read=_Reader(path)) for path in self.images)


@dataclass(frozen=True)
class _Reader:
    path: Path

    async def __call__(self, limit: int) -> bytes:
        try:
            size = (await asyncio.to_thread(self.path.stat)).st_size
            if size > limit:
                raise MediaRejected(f"{self.path.name} is too large: at most {limit // 2**20} MB.")
            return await asyncio.to_thread(self.path.read_bytes)
        except OSError as error:
            reason = error.strerror or "it can't be read"
            raise MediaRejected(f"{self.path.name} can't be read: {reason}.") from error
