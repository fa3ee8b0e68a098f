"""What Discord sends, as JSON; and reading what it is sent."""

from __future__ import annotations

import json

from aiohttp import BodyPartReader, web

from tests.discord.limits import Json
from tests.discord.records import Asked

APPLICATION, BOT, GUILD, CHANNEL = 4711, 4711, 7, 70
TOKEN = "MTIz.abc.discord-secret"


async def read_body(request: web.Request) -> tuple[Json, dict[str, bytes]]:
    """The JSON of a message and its files by name."""
    if not request.content_type.startswith("multipart/"):
        return await request.json(), {}
    payload: Json = {}
    files: dict[str, bytes] = {}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        data = bytes(await part.read())
        if part.name == "payload_json":
            payload = json.loads(data)
        else:
            files[part.filename or ""] = data
    return payload, files


def acknowledgement(asked: Asked) -> Json:
    told: Json = {"id": str(asked.id), "type": 2}
    if asked.message is not None:
        told |= {
            "response_message_id": str(asked.message.id),
            "response_message_loading": asked.message.loading,
            "response_message_ephemeral": asked.message.ephemeral,
        }
    return {"interaction": told}


def resolved(part: Json, base: str) -> Json:
    """A component as Discord sends it back: its files have addresses now."""
    part = {**part, "id": part.get("id", 1)}
    if "components" in part:
        part["components"] = [resolved(each, base) for each in part["components"]]
    if "items" in part:
        part["items"] = [{**item, "media": media_json(item["media"]["url"], base)} for item in part["items"]]
    if "file" in part:
        name = part["file"]["url"].removeprefix("attachment://")
        part |= {"file": media_json(part["file"]["url"], base), "name": name, "size": 1}
    return part


def media_json(url: str, base: str) -> Json:
    at = f"{base}/{url.removeprefix('attachment://')}"
    return {
        "url": at,
        "proxy_url": at,
        "width": 64,
        "height": 64,
        "content_type": "image/png",
        "attachment_id": "1",
    }


def user_json(number: int) -> Json:
    return {
        "id": str(number),
        "username": f"user{number}",
        "discriminator": "0",
        "avatar": None,
        "global_name": None,
    }


def member_json(number: int) -> Json:
    return {
        "user": user_json(number), "roles": [], "joined_at": "2026-01-01T00:00:00+00:00", "deaf": False, "mute": False,
        "permissions": "0", "flags": 0, "nick": None, "avatar": None,
    }  # fmt: skip


def channel_json(number: int) -> Json:
    return {"id": str(number), "type": 0, "name": "art", "position": 0, "permission_overwrites": [], "nsfw": False,
            "guild_id": str(GUILD), "parent_id": None, "permissions": "0"}  # fmt: skip


def thread_json(number: int, parent: int) -> Json:
    """A thread, or a post of a forum: Discord makes no difference."""
    return {
        **channel_json(number), "type": 11, "parent_id": str(parent), "owner_id": "42", "message_count": 1,
        "member_count": 1, "rate_limit_per_user": 0, "flags": 0, "total_message_sent": 1,
        "thread_metadata": {"archived": False, "auto_archive_duration": 1440, "locked": False,
                            "archive_timestamp": "2026-11-21T00:00:00+00:00", "create_timestamp": None},
    }  # fmt: skip


def guild_json(number: int) -> Json:
    return {
        "id": str(number), "name": "Fox den", "icon": None, "splash": None, "discovery_splash": None, "owner_id": "1",
        "afk_channel_id": None, "afk_timeout": 0, "verification_level": 0, "default_message_notifications": 0,
        "explicit_content_filter": 0, "roles": [], "emojis": [], "features": [], "mfa_level": 0, "stickers": [],
        "application_id": None, "system_channel_id": None, "system_channel_flags": 0, "rules_channel_id": None,
        "vanity_url_code": None, "description": None, "banner": None, "premium_tier": 0, "preferred_locale": "en-GB",
        "public_updates_channel_id": None, "nsfw_level": 0, "premium_progress_bar_enabled": False,
        "channels": [channel_json(CHANNEL)], "members": [], "threads": [], "presences": [], "voice_states": [],
        "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [], "member_count": 2,
        "large": False, "unavailable": False, "joined_at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip


def large_guild_json(number: int) -> Json:
    """A busy server: 40 channels with overwrites for 25 roles, 50 emojis."""
    base = number * 10**6
    roles = [_role_json(base + n) for n in range(25)]
    overwrites = [{"id": role["id"], "type": 0, "allow": "0", "deny": "1024"} for role in roles]
    channels = [
        {**channel_json(base + 1000 + n), "name": f"channel-{n}", "permission_overwrites": overwrites}
        for n in range(40)
    ]
    emojis = [
        {"id": str(base + 2000 + n), "name": f"fox_{n}", "roles": [], "require_colons": True, "managed": False,
         "animated": False, "available": True}
        for n in range(50)
    ]  # fmt: skip
    return {**guild_json(number), "channels": channels, "roles": roles, "emojis": emojis, "member_count": 900}


def _role_json(number: int) -> Json:
    return {
        "id": str(number), "name": f"role {number}", "color": 0, "hoist": False, "icon": None, "unicode_emoji": None,
        "position": 1, "permissions": "104324673", "managed": False, "mentionable": False, "flags": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
    }  # fmt: skip
