"""Finding pictures in messages, and reading them."""

from __future__ import annotations

from collections.abc import Iterator

from telegram import Bot, ExternalReplyInfo, InlineKeyboardMarkup, Message
from telegram.error import BadRequest, NetworkError, TelegramError

from adapters.telegram.order import File
from bot.errors import MediaGone, MediaTooLarge

MOST_BYTES = 20 * 2**20
"""A bot can't download more, but from a Bot API server of its own."""


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
    """The picture of a message, if it has one: a photo, a file that is a picture, a sticker that stands still."""
    if message.photo:
        best = max(message.photo, key=lambda size: size.width * size.height)
        yield File(name="photo.jpg", id=best.file_id, size=best.file_size or 0)
    document = message.document
    if document is not None and (document.mime_type or "").startswith("image/"):
        yield File(name=document.file_name or "picture", id=document.file_id, size=document.file_size or 0)
    sticker = message.sticker
    if sticker is not None and not sticker.is_animated and not sticker.is_video:
        yield File(name="sticker.webp", id=sticker.file_id, size=sticker.file_size or 0)


def files(message: Message | ExternalReplyInfo) -> Iterator[File]:
    """Any file of a message."""
    document, video = message.document, message.video
    if document is not None:
        yield File(name=document.file_name or "file", id=document.file_id, size=document.file_size or 0)
    elif video is not None:
        yield File(name=video.file_name or "video.mp4", id=video.file_id, size=video.file_size or 0)
    else:
        yield from pictures(message)


def buttons(message: Message) -> Iterator[str]:
    """The ids of a message's buttons."""
    if isinstance(message.reply_markup, InlineKeyboardMarkup):
        for row in message.reply_markup.inline_keyboard:
            for button in row:
                if isinstance(button.callback_data, str):
                    yield button.callback_data
