"""What a bot's token says about its set-up on Discord, asked over REST."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import yarl

from adapters.discord.settings import DiscordSettings
from bot.contract.ports import Examined, Finding, Level
from bot.contract.values import Actor

PORTAL = "https://discord.com/developers/applications"
SECONDS = 10.0
SERVERS_LOOKED_AT = 10

PERMISSIONS = (
    (1 << 10)  # view channels
    | (1 << 11)  # send messages
    | (1 << 38)  # send messages in threads
    | (1 << 14)  # embed links
    | (1 << 15)  # attach files
    | (1 << 16)  # read message history: replies
)
"""What an invitation asks for: no more than showing cards with pictures where somebody asked for them."""

MESSAGE_CONTENT = (1 << 18) | (1 << 19)
"""Flags of an application that may read messages; the second is that of bots in fewer than 100 servers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    status: int
    body: Any


class DiscordGuide:
    """Asks Discord about a token."""

    name = "discord"
    title = "Discord"
    setting = "DISCORD_TOKEN"
    advice = f"{PORTAL} > New Application > Bot > Reset Token"

    def __init__(self, settings: DiscordSettings) -> None:
        self._settings = settings

    def token(self) -> str | None:
        """The token that is set now."""
        return self._settings.discord_token

    async def examine(self, token: str) -> Examined:
        """Whether the token works, and what its application lacks."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session:
            try:
                return await self._examine(session, token.strip())
            except (aiohttp.ClientError, TimeoutError, OSError):
                return _only("Discord does not answer. Check this machine's connection, then try again.")

    async def meet(self, token: str, word: str, seconds: float) -> Actor | None:
        """Nobody needs to write: Discord tells whose application it is."""
        del token, word, seconds
        return None

    async def _examine(self, session: aiohttp.ClientSession, token: str) -> Examined:
        if not token.isascii() or not token.isprintable() or " " in token:
            return _only(f"That is no token: it has characters that none has. Copy it again from {PORTAL}.")
        me = await self._get(session, token, "/users/@me")
        if me.status == 401:
            return _only(f"Discord does not know that token. Make a new one at {PORTAL} > Bot > Reset Token.")
        if me.status != 200:
            return _only(f"Discord answers {me.status}. Try again in a few minutes.")
        application = (await self._get(session, token, "/applications/@me")).body
        servers = await self._servers(session, token)
        findings = (
            Finding(level=Level.FINE, text=f"The token is that of {me.body.get('username')}."),
            *_of_application(application),
            *[finding async for finding in self._of_servers(session, token, application, servers)],
        )
        link = invitation(str(application["id"])) if application.get("id") else None
        return Examined(findings=findings, link=link, owner=_owner(application))

    async def _servers(self, session: aiohttp.ClientSession, token: str) -> list[dict[str, Any]]:
        answer = await self._get(session, token, "/users/@me/guilds")
        return answer.body if isinstance(answer.body, list) else []

    async def _of_servers(
        self,
        session: aiohttp.ClientSession,
        token: str,
        application: dict[str, Any],
        servers: list[dict[str, Any]],
    ) -> Any:
        if not servers:
            text = "The bot is in no server yet. Open the invitation and choose one; it works in direct messages too."
            yield Finding(level=Level.NOTE, text=text)
            return
        for server in servers[:SERVERS_LOOKED_AT]:
            path = f"/applications/{application.get('id')}/guilds/{server.get('id')}/commands"
            if (await self._get(session, token, path)).status == 403:
                yield Finding(
                    level=Level.PROBLEM,
                    text=f'In the server "{server.get("name")}" the bot may make no commands: it was invited '
                    "without the scope applications.commands. Open the invitation again for that server.",
                )
        yield Finding(level=Level.FINE, text=f"It is in {len(servers)} server{'s' * (len(servers) != 1)}.")

    async def _get(self, session: aiohttp.ClientSession, token: str, path: str) -> _Answer:
        url = yarl.URL(self._settings.discord_api_base.rstrip("/") + path)
        async with session.get(url, headers={"Authorization": f"Bot {token}"}) as response:
            try:
                body = json.loads(await response.read())
            except ValueError:
                body = {}
            return _Answer(status=response.status, body=body)


def _only(text: str) -> Examined:
    return Examined(findings=(Finding(level=Level.PROBLEM, text=text),))


def _of_application(application: dict[str, Any]) -> Iterator[Finding]:
    if application.get("interactions_endpoint_url"):
        text = (
            "Its commands are sent to another program (an Interactions Endpoint URL is set). "
            f"Empty that field at {PORTAL} > General Information."
        )
        yield Finding(level=Level.PROBLEM, text=text)
    if not int(application.get("flags") or 0) & MESSAGE_CONTENT:
        text = (
            "It may not read messages, so a reply in plain words must mention the bot. To allow it: "
            f"{PORTAL} > Bot > Message Content Intent."
        )
        yield Finding(level=Level.NOTE, text=text)
    if application.get("bot_require_code_grant"):
        text = (
            f"Its invitations need a code grant, which nobody here answers. Turn that off at {PORTAL} > Bot."
        )
        yield Finding(level=Level.PROBLEM, text=text)


def invitation(application: str) -> str:
    """The address that brings a bot into a server."""
    query = {
        "client_id": application,
        "scope": "bot applications.commands",
        "permissions": str(PERMISSIONS),
    }
    return str(yarl.URL("https://discord.com/oauth2/authorize").with_query(query))


def _owner(application: dict[str, Any]) -> Actor | None:
    """Whose application it is; of a team's, the team's owner."""
    team = application.get("team")
    if isinstance(team, dict):
        found = team.get("owner_user_id")
        return Actor(platform="discord", external_id=str(found), name="the team's owner") if found else None
    owner = application.get("owner")
    if not isinstance(owner, dict) or not owner.get("id"):
        return None
    return Actor(platform="discord", external_id=str(owner["id"]), name=str(owner.get("username") or "you"))
