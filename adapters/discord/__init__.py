"""Discord."""

from __future__ import annotations

from adapters.discord.guide import DiscordGuide
from adapters.discord.settings import read_settings
from bot.contract.ports import Adapter, Guide


def create() -> Adapter | None:
    """The adapter as its settings say; None without a token. Raises `ConfigError`."""
    settings = read_settings()
    if settings.discord_token is None:
        return None
    from adapters.discord.adapter import (
        DiscordAdapter,
    )  # its library is of weight, and most have no use for it

    return DiscordAdapter(settings, settings.discord_token)


def guide() -> Guide:
    """What is known about setting it up."""
    return DiscordGuide(read_settings())
