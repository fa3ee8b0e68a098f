"""Telegram."""

from __future__ import annotations

from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.guide import TelegramGuide
from adapters.telegram.settings import read_settings
from bot.contract.ports import Guide


def create() -> TelegramAdapter | None:
    """The adapter as its settings say; None without a token. Raises `ConfigError`."""
    settings = read_settings()
    return None if settings.telegram_token is None else TelegramAdapter(settings, settings.telegram_token)


def guide() -> Guide:
    """What is known about setting it up."""
    return TelegramGuide(read_settings())
