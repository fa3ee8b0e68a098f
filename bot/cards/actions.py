"""The ids of buttons: short enough for every platform, and all that is needed after any restart."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.contract.values import JobId, OutputRef
from bot.errors import Stale

VERSION = "m1"
"""Raised when the form changes, so that old buttons are told apart from forged ones."""


class Verb(StrEnum):
    """What a button does."""

    AGAIN = "again"
    VARY = "vary"
    USE = "use"
    """Edit it: another picture from this one and words."""
    UPSCALE = "upscale"
    ANIMATE = "animate"
    DESCRIBE = "describe"
    INFO = "info"
    DELETE = "delete"
    CANCEL = "cancel"
    FETCH = "fetch"
    FILES = "files"


@dataclass(frozen=True, kw_only=True, slots=True)
class Button:
    """A verb and the output that it is about. As text it is at most 64 bytes (Telegram's bound)."""

    verb: Verb
    ref: OutputRef

    def __str__(self) -> str:
        return f"{VERSION}:{self.verb}:{self.ref.job}:{self.ref.index}"


def read_button(text: str) -> Button:
    """The button that an id stands for. Raises `Stale` for one that this version never made."""
    parts = text.split(":")
    if (
        len(text) > 64
        or len(parts) != 4
        or parts[0] != VERSION
        or not parts[3].isascii()
        or not parts[3].isdigit()
    ):
        raise Stale
    try:
        verb = Verb(parts[1])
    except ValueError as error:
        raise Stale from error
    return Button(verb=verb, ref=OutputRef(job=JobId(parts[2]), index=int(parts[3])))
