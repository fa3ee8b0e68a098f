"""Discord. Its library takes a while to load, so only those who have a token load it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.discord.guide import DiscordGuide
from adapters.discord.settings import read_settings
from bot.contract.ports import Guide

if TYPE_CHECKING:
    from adapters.discord.adapter import DiscordAdapter


def create() -> DiscordAdapter | None:
    """The adapter as its settings say; None without a token. Raises `ConfigError`."""
    settings = read_settings()
    if settings.discord_token is None:
        return None
    from adapters.discord.adapter import DiscordAdapter

    return DiscordAdapter(settings, settings.discord_token)


def guide() -> Guide:
    """What is known about setting it up."""
    return DiscordGuide(read_settings())
