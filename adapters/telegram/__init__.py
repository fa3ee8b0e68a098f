"""Telegram. Its library takes a while to load, so only those who have a token load it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.telegram.guide import TelegramGuide
from adapters.telegram.settings import read_settings
from bot.contract.ports import Guide

if TYPE_CHECKING:
    from adapters.telegram.adapter import TelegramAdapter


def create() -> TelegramAdapter | None:
    """The adapter as its settings say; None without a token. Raises `ConfigError`."""
    settings = read_settings()
    if settings.telegram_token is None:
        return None
    from adapters.telegram.adapter import TelegramAdapter

    return TelegramAdapter(settings, settings.telegram_token)


def guide() -> Guide:
    """What is known about setting it up."""
    return TelegramGuide(read_settings())
