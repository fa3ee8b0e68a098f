"""Errors of work on media besides `MediaRejected`."""

from __future__ import annotations

from bot.errors import MuralistError


class DoesNotFit(MuralistError):
    """No quality and size that is worth showing gets this file under the limit."""

    cure = (
        "Nothing is to be done: the card names the file, and has a button for the original where that can be."
    )
