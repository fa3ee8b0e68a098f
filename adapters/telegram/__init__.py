"""Telegram."""

from __future__ import annotations

from adapters.telegram.guide import TelegramGuide
from adapters.telegram.settings import read_settings
from bot.contract.ports import Guide


def guide() -> Guide:
    """What is known about setting it up."""
    return TelegramGuide(read_settings())
