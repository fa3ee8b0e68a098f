"""What Discord's errors mean for a message."""

from __future__ import annotations

import discord

from bot.errors import AddressGone, DeliveryError, SlowDown

UNKNOWN_WEBHOOK, BAD_TOKEN = 10015, 50027
OLD_MESSAGE = 30046
"""Too many edits of a message older than an hour."""
OLD_MESSAGE_SECONDS = 60.0
UNSAID_SECONDS = 5.0
GONE = (401, 403, 404)
UNKNOWN_TOKEN_SECONDS = 60.0
"""How long the bot's own token is left unused once Discord does not know it: such answers add up to a ban."""
TOO_LARGE = 40005


class TooLarge(DeliveryError):
    """The files of a message are more than Discord takes here, whatever it had said."""


def is_spent(error: discord.HTTPException) -> bool:
    """Whether an interaction's token is good no longer, rather than the message."""
    return error.code in (UNKNOWN_WEBHOOK, BAD_TOKEN) or is_unknown_token(error)


def is_unknown_token(error: discord.HTTPException) -> bool:
    """Whether it is the bot's own token that Discord does not know: nothing is wrong with the message."""
    return error.status == 401 and error.code == 0


def translated(error: discord.HTTPException) -> DeliveryError | discord.HTTPException:
    """The error as delivery understands it; itself if it says nothing of the message or the pace."""
    if error.code == OLD_MESSAGE:
        return SlowDown(OLD_MESSAGE_SECONDS)
    if error.status == 429:
        return SlowDown(_retry_after(error))
    if is_unknown_token(error):
        return SlowDown(UNKNOWN_TOKEN_SECONDS)
    if error.status == 413 or error.code == TOO_LARGE:
        return TooLarge(error.text)
    if error.status in GONE:
        return AddressGone(f"{error.status} {error.code} {error.text}")
    return error


def _retry_after(error: discord.HTTPException) -> float:
    try:
        return float(error.response.headers.get("Retry-After", UNSAID_SECONDS))
    except ValueError:
        return UNSAID_SECONDS
