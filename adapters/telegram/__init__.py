"""Telegram."""

from __future__ import annotations

from adapters.telegram.guide import TelegramGuide
from adapters.telegram.settings import read_settings
from bot.contract.ports import Adapter, Guide


def create() -> Adapter | None:
    """The adapter as its settings say; None without a token. Raises `ConfigError`."""
    settings = read_settings()
    if settings.telegram_token is None:
        return None
    from adapters.telegram.adapter import (
        TelegramAdapter,
    )  # its library is of weight, and most have no use for it

    return TelegramAdapter(settings, settings.telegram_token)


def guide() -> Guide:
    """What is known about setting it up."""
    return TelegramGuide(read_settings())
