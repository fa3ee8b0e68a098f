"""What the conversations ask of a platform: to write, to look, to press."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from PIL import Image

SMALL = "--width 64 --height 64 --steps 4"
SECONDS = 90.0
"""How long is waited for anything: long enough for a machine that has much else to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file that somebody sends along."""

    name: str
    data: bytes = field(repr=False)
    kind: str = "image/png"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A card as a person sees it; `handle` is the platform's own name for it."""

    words: str
    pictures: tuple[bytes, ...]
    buttons: tuple[str, ...]
    handle: Any

    @property
    def picture(self) -> Image.Image:
        """The first picture."""
        return Image.open(io.BytesIO(self.pictures[0]))


class Chat(Protocol):
    """One platform with the bot on it. What `ask` and `press` answer is for the other methods alone.

    `asks`: what a command lacks is asked for instead of told.
    """

    name: str
    asks: bool

    async def ask(
        self, line: str, *, by: str = "ann", to: Shown | None = None, files: Sequence[File] = ()
    ) -> Any:
        """Somebody writes a line, perhaps in reply to a card or with files."""

    async def press(self, shown: Shown, label: str, by: str = "ann") -> Any:
        """Somebody presses a button."""

    async def forge(self, shown: Shown, action: str, by: str = "ann") -> Any:
        """Somebody presses a button that is not there, of an id of their own making."""

    async def card(self, asked: Any, button: str) -> Shown:
        """The card that answers, once it has this button."""

    async def told(self, asked: Any) -> str:
        """What is said instead of a card."""

    async def again(self, shown: Shown, words: str) -> Shown:
        """A card once it has these words."""

    async def turned(self, shown: Shown, pressed: Any, words: str) -> Shown:
        """A card that belongs to no job once a press has made it another, with these words."""

    async def fill(self, pressed: Any, value: str, by: str = "ann") -> Any:
        """Somebody fills in the one field that a press has asked for."""

    async def files(self, asked: Any) -> tuple[bytes, ...]:
        """The files that are answered with, pictures or not."""

    async def restart(self) -> None:
        """Kill the bot and start it again."""

    async def appoint(self) -> None:
        """Make ann the one admin, and start the bot again."""


def png(colour: str = "red", size: int = 64) -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, "PNG")
    return buffer.getvalue()
