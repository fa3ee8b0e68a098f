"""Discord."""

from __future__ import annotations

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.guide import DiscordGuide
from adapters.discord.settings import read_settings
from bot.contract.ports import Guide


def create() -> DiscordAdapter | None:
    """The adapter as its settings say; None without a token. Raises `ConfigError`."""
    settings = read_settings()
    return None if settings.discord_token is None else DiscordAdapter(settings, settings.discord_token)


def guide() -> Guide:
    """What is known about setting it up."""
    return DiscordGuide(read_settings())
