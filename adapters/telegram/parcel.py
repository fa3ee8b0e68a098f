"""What of a card's outputs its message shows, and what follows in answers to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from telegram import (
    InputFile,
    InputMediaAnimation,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
)

from bot.contract.card import Card, Film, Media
from bot.contract.ports import Core

MOST_PHOTO = 10 * 2**20
MOST_FILE = 50 * 2**20
MOST_LOCAL_FILE = 2000 * 2**20
ROOM = 64 * 1024
"""Bytes of a request that are not the file's."""

InputMedia = InputMediaPhoto | InputMediaVideo | InputMediaAnimation | InputMediaAudio | InputMediaDocument


class Kind(StrEnum):
    """How Telegram shows a file."""

    PHOTO = "photo"
    VIDEO = "video"
    ANIMATION = "animation"
    AUDIO = "audio"
    DOCUMENT = "document"


KINDS = {
    "image/png": Kind.PHOTO,
    "image/jpeg": Kind.PHOTO,
    "image/webp": Kind.PHOTO,
    "image/gif": Kind.ANIMATION,
    "video/mp4": Kind.VIDEO,
    "audio/mpeg": Kind.AUDIO,
    "audio/mp4": Kind.AUDIO,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A file and how it is shown."""

    kind: Kind
    data: bytes
    name: str
    spoiler: bool = False
    film: Film | None = None

    @property
    def of_film(self) -> dict[str, Any]:
        """What Telegram is told of a video: without it, its apps guess the shape and show no time."""
        if self.film is None:
            return {}
        return {
            "width": self.film.width,
            "height": self.film.height,
            "duration": self.film.seconds,
            "thumbnail": InputFile(self.film.still, filename="still.jpg", attach=True),
        }

    def as_document(self) -> Shown:
        """The same as a file that Telegram leaves as it is."""
        return Shown(kind=Kind.DOCUMENT, data=self.data, name=self.name)

    def media(self, caption: str | None) -> InputMedia:
        """As Telegram takes it."""
        file = InputFile(self.data, filename=self.name, attach=True)
        mode = "HTML" if caption else None
        match self.kind:
            case Kind.PHOTO:
                return InputMediaPhoto(file, caption=caption, parse_mode=mode, has_spoiler=self.spoiler)
            case Kind.VIDEO:
                return InputMediaVideo(
                    file,
                    caption=caption,
                    parse_mode=mode,
                    has_spoiler=self.spoiler,
                    supports_streaming=True,
                    **self.of_film,
                )
            case Kind.ANIMATION:
                return InputMediaAnimation(file, caption=caption, parse_mode=mode, has_spoiler=self.spoiler)
            case Kind.AUDIO:
                return InputMediaAudio(file, caption=caption, parse_mode=mode)
            case Kind.DOCUMENT:
                return InputMediaDocument(
                    file, caption=caption, parse_mode=mode, disable_content_type_detection=True
                )


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """`first` is in the card's message, each of `more` in an answer to it; `left_out` is too large for either."""

    first: Shown | None = None
    more: tuple[Media, ...] = ()
    left_out: tuple[Media, ...] = ()


async def pack(core: Core, card: Card, most: int) -> Parcel:
    """What becomes of a card's outputs: several pictures are one sheet of them, files may have `most` bytes."""
    if not card.media:
        return Parcel(first=_preview(card))
    seen = [media for media in card.media if media.media_type.startswith(("image/", "video/"))]
    others = [media for media in card.media if media not in seen]
    if len(seen) > 1:
        sheet = await core.sheet(seen, MOST_PHOTO - ROOM)
        first = None if sheet is None else await read(sheet, Kind.PHOTO, spoiler=card.spoiler)
        left: list[Media] = [*others] if first is not None else [*seen[1:], *others]
        if first is not None:
            return await _packed(core, first, left, most)
    main = seen[0] if seen else others[0]
    rest = [media for media in card.media if media is not main]
    fitting = await core.fit(main, most_of(main, most))
    if fitting is None:
        return await _packed(core, None, rest, most, (main,))
    kind = KINDS.get(fitting.media_type, Kind.DOCUMENT)
    shown = await read(fitting, kind, spoiler=card.spoiler)
    if kind is Kind.VIDEO:
        shown = replace(shown, film=await core.film(fitting))
    return await _packed(core, shown, rest, most)


async def read(media: Media, kind: Kind, *, spoiler: bool = False) -> Shown:
    """A file as it is shown."""
    data = await asyncio.to_thread(media.path.read_bytes)
    return Shown(kind=kind, data=data, name=media.name, spoiler=spoiler)


def most_of(media: Media, most: int) -> int:
    """How many bytes an output may have where it is shown."""
    return MOST_PHOTO - ROOM if KINDS.get(media.media_type) is Kind.PHOTO else most


async def _packed(
    core: Core, first: Shown | None, rest: Sequence[Media], most: int, left_out: tuple[Media, ...] = ()
) -> Parcel:
    fitted = [(media, await core.fit(media, most)) for media in rest]
    return Parcel(
        first=first,
        more=tuple(fitting for _, fitting in fitted if fitting is not None),
        left_out=(*left_out, *(media for media, fitting in fitted if fitting is None)),
    )


def _preview(card: Card) -> Shown | None:
    if card.preview is None:
        return None
    return Shown(kind=Kind.PHOTO, data=card.preview.data, name="preview.jpg", spoiler=card.spoiler)
