"""What Discord says of whoever asks, and of where: roles, servers, channels for adults."""

from __future__ import annotations

from typing import Any

import discord


def roles_of(user: discord.abc.User | discord.Member) -> tuple[str, ...]:
    """A member's roles, as the setting LEVELS names them; none outside of a server."""
    if not isinstance(user, discord.Member):
        return ()
    return tuple(f"discord-role:{role.id}" for role in user.roles)


def within(channel: Any, guild: int | None) -> tuple[str, ...]:
    """What a channel is part of, the nearest first: a thread's channel, its category, the server."""
    thread = channel.parent_id if isinstance(channel, discord.Thread) else None
    around = (thread, _category(channel), guild)
    return tuple(str(each) for each in around if each is not None)


def name_of(channel: Any) -> str:
    """What people call a channel; nothing for a conversation of two."""
    name = getattr(channel, "name", None)
    return f"#{name}" if isinstance(name, str) and name else ""


def for_adults(channel: Any) -> bool:
    """Whether a channel is age-restricted; a thread is what its channel is."""
    asked = getattr(channel, "is_nsfw", None)
    return asked is not None and bool(asked())


def _category(channel: Any) -> int | None:
    try:
        found = channel.category_id
    except (
        AttributeError,
        discord.ClientException,
    ):  # no server's channel, or a thread whose channel is unknown
        return None
    return found if isinstance(found, int) else None
