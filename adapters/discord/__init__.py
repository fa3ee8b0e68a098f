"""Discord."""

from __future__ import annotations

from adapters.discord.guide import DiscordGuide
from adapters.discord.settings import read_settings
from bot.contract.ports import Guide


def guide() -> Guide:
    """What is known about setting it up."""
    return DiscordGuide(read_settings())
