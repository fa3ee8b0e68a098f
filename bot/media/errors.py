"""Errors of work on media besides `MediaRejected`."""

from __future__ import annotations

from bot.errors import MuralistError


class DoesNotFit(MuralistError):
    """No quality and size that is worth showing gets this file under the limit."""
