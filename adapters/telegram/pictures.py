"""Finding pictures, videos and sounds in messages, and reading them."""

from __future__ import annotations

from collections.abc import Iterator
from mimetypes import guess_extension, guess_type

from telegram import (
    Audio,
    Bot,
    Document,
    ExternalReplyInfo,
    InlineKeyboardMarkup,
    Message,
    Video,
    VideoNote,
    Voice,
)
from telegram.error import BadRequest, NetworkError, TelegramError

from adapters.telegram.order import File
from bot.contract.files import ANY, IMAGE, sort_of
from bot.errors import MediaGone, MediaTooLarge

MOST_BYTES = 20 * 2**20
"""A bot can't download more, but from a Bot API server of its own."""

_ENDINGS = {"audio/ogg": ".ogg", "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "video/mp4": ".mp4"}
"""What Telegram has most, for what a system's own list may call otherwise."""


class Reader:
    """Reads files from Telegram."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def read(self, file: File, limit: int) -> bytes:
        """The bytes of a file. Raises `MediaRejected` if there are more than `limit`, or none can be had."""
        most = limit if self._bot.local_mode else min(limit, MOST_BYTES)
        if file.size > most:
            raise MediaTooLarge(file.name, most)
        try:
            found = await self._bot.get_file(file.id)
            if (found.file_size or 0) > most:
                raise MediaTooLarge(file.name, most)
            return bytes(await found.download_as_bytearray())
        except BadRequest as error:
            if "too big" in error.message.lower():
                raise MediaTooLarge(file.name, most) from error
            raise MediaGone(file.name) from error
        except (NetworkError, TelegramError) as error:
            raise MediaGone(file.name) from error


def pictures(message: Message | ExternalReplyInfo) -> Iterator[File]:
    """The file of a message, if it has one: a picture, a video, a sound, or a sticker that stands still."""
    if message.photo:
        best = max(message.photo, key=lambda size: size.width * size.height)
        yield File(name="photo.jpg", id=best.file_id, size=best.file_size or 0)
    for clip in (message.video, message.video_note, message.audio, message.voice):
        if clip is not None:
            usual = "video/mp4" if isinstance(clip, Video | VideoNote) else "audio/ogg"
            yield _file(clip, getattr(clip, "mime_type", None) or usual)
    document = message.document
    if document is not None and sort_of(document.mime_type or "") is not None:
        yield _file(document, document.mime_type or "")
    sticker = message.sticker
    if sticker is not None and not sticker.is_animated and not sticker.is_video:
        yield File(name="sticker.webp", id=sticker.file_id, size=sticker.file_size or 0)


def _file(found: Video | VideoNote | Audio | Voice | Document, media_type: str) -> File:
    """A file whose name tells what it is; Telegram's "GIFs" are videos, and documents too."""
    sort = sort_of(media_type) or IMAGE
    name = getattr(found, "file_name", None) or ("picture" if sort == IMAGE else sort)
    if sort != IMAGE and sort_of(guess_type(name)[0] or "") != sort:
        name += _ENDINGS.get(media_type, guess_extension(media_type) or "")
    return File(name=name, id=found.file_id, size=found.file_size or 0, sort=sort)


def files(message: Message | ExternalReplyInfo) -> Iterator[File]:
    """Any file of a message."""
    found = tuple(pictures(message))
    document = message.document
    if not found and document is not None:
        name = document.file_name or "file"
        found = (File(name=name, id=document.file_id, size=document.file_size or 0, sort=ANY),)
    yield from found


def buttons(message: Message) -> Iterator[str]:
    """The ids of a message's buttons."""
    if isinstance(message.reply_markup, InlineKeyboardMarkup):
        for row in message.reply_markup.inline_keyboard:
            for button in row:
                if isinstance(button.callback_data, str):
                    yield button.callback_data
