"""Work of all manners, for a process of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from bot.errors import MediaRejected
from bot.media.errors import DoesNotFit


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What came in."""

    path: str
    number: float
    words: list[str]
    secret: str | None


def look(path: Path, number: float, *, words: list[str]) -> Seen:
    """Arrives whole; the path as a path, the environment without secrets."""
    return Seen(path=path.name, number=number, words=words, secret=os.environ.get("SECRET_TOKEN"))


def chatter() -> None:
    """A library that prints."""
    os.write(1, b"not an answer")


def refuse() -> None:
    """A file that is no good."""
    raise MediaRejected("Send another.")


def overflow() -> None:
    """A file that can't be made small enough."""
    raise DoesNotFit("at 10 bytes")


def fail() -> None:
    """An error of ours."""
    raise KeyError("nobody thought of that")


def crash() -> None:
    """A decoder that goes down."""
    os.abort()


def eat() -> None:
    """A decoder that wants all memory."""
    eaten = []
    while True:
        eaten.append(bytearray(2**24))


def hang(note: Path) -> None:
    """A decoder that does not come back; leaves its process id."""
    note.write_text(str(os.getpid()))
    while True:
        pass
