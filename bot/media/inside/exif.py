"""The few EXIF fields that matter: orientation, and the texts in which generators note what they did."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from PIL import Image

from bot.media.inside.pixels import DAMAGE

ORIENTATION: Final = 0x0112
_DETAILS: Final = 0x8769
_COMMENT: Final = 0x9286
_TEXTS: Final = {0x010E: "description", 0x010F: "make", 0x0110: "model"}


def parsed(data: bytes) -> Image.Exif:
    """The fields of an EXIF block, with or without its `Exif` mark; none if it makes no sense."""
    exif = Image.Exif()
    with suppress(*DAMAGE):
        exif.load(data if data.startswith(b"Exif\0\0") else b"Exif\0\0" + data)
    return exif


def only_orientation(data: bytes) -> bytes:
    """An EXIF block without its mark that tells how the picture is turned; nothing if it is upright."""
    turned = parsed(data).get(ORIENTATION)
    if not isinstance(turned, int) or not 2 <= turned <= 8:
        return b""
    exif = Image.Exif()
    exif[ORIENTATION] = turned
    return exif.tobytes().removeprefix(b"Exif\0\0")


def texts(data: bytes) -> Mapping[str, str]:
    """The texts by name: make, model, description, comment."""
    exif = parsed(data)
    found = {name: exif[tag] for tag, name in _TEXTS.items() if isinstance(exif.get(tag), str)}
    comment = None
    with suppress(*DAMAGE):
        comment = exif.get_ifd(_DETAILS).get(_COMMENT)
    if isinstance(comment, bytes):
        found["comment"] = _decoded(comment)
    elif isinstance(comment, str):
        found["comment"] = comment
    return found


def _decoded(comment: bytes) -> str:
    """A user comment: eight bytes name its letters; UTF-16 comes in either order, so the likelier is taken."""
    mark, text = comment[:8], comment[8:]
    if mark == b"UNICODE\0":
        ways = [text.decode(way, "replace") for way in ("utf-16-be", "utf-16-le")]
        return max(ways, key=lambda way: sum(letter.isascii() for letter in way)).strip("\0")
    if mark in (b"ASCII\0\0\0", bytes(8)):
        return text.decode("utf-8", "replace").strip("\0")
    return comment.decode("utf-8", "replace").strip("\0")
