"""What Telegram's errors mean for a message."""

from __future__ import annotations

from datetime import timedelta

from telegram.error import BadRequest, Forbidden, RetryAfter, TelegramError

from bot.errors import AddressGone, DeliveryError, SlowDown

UNCHANGED = "message is not modified"
NO_TEXT, NO_CAPTION = "there is no text in the message", "there is no caption in the message"
GONE = (
    "message to edit not found",
    "message can't be edited",
    "message to delete not found",
    "message can't be deleted",
    "message_id_invalid",
    "message identifier is not specified",
    "chat not found",
    "chat_write_forbidden",
    "have no rights",
    "not enough rights",
    "need administrator rights",
    "message thread not found",
    "topic_closed",
    "topic_deleted",
    "user is deactivated",
    "peer_id_invalid",
    "group chat was deactivated",
)
NO_PHOTO = ("photo_", "image_process_failed", "wrong type", "can't use file of type")
"""What Telegram says of pictures that it does not show: too long, too wide, of a kind that it does not read."""


def says(error: TelegramError, *parts: str) -> bool:
    """Whether one of these is in what Telegram says."""
    text = error.message.lower()
    return isinstance(error, BadRequest) and any(part in text for part in parts)


def translated(error: TelegramError) -> DeliveryError | TelegramError:
    """The error as delivery understands it; itself if it says nothing of the message or the pace."""
    if isinstance(error, RetryAfter):
        return SlowDown(seconds(error))
    if isinstance(error, Forbidden) or says(error, *GONE):
        return AddressGone(error.message)
    return error


def seconds(error: RetryAfter) -> float:
    """How long Telegram wants to be left alone."""
    after = error.retry_after
    return after.total_seconds() if isinstance(after, timedelta) else float(after)
