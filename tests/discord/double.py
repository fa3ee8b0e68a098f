"""A Discord over real sockets: its REST API and its gateway, as far as the bot uses them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.discord.gateway import Gateway
from tests.discord.limits import FILE_BYTES, Buckets, Json, refusal
from tests.discord.payloads import (
    APPLICATION,
    BOT,
    CHANNEL,
    GUILD,
    channel_json,
    guild_json,
    member_json,
    resolved,
    thread_json,
    user_json,
)
from tests.discord.records import Asked, Message
from tests.discord.rest import BASE, Rest


class Discord:
    """The world: one server with channels, one bot, whoever writes."""

    def __init__(
        self, *, shards: int = 1, guilds: int = 1, guild: Callable[[int], Json] = guild_json
    ) -> None:
        self.shards = shards
        self.guilds = guilds
        self.guild = guild
        self.messages: dict[int, Message] = {}
        self.asked: dict[str, Asked] = {}
        self.commands: list[Json] = []
        self.syncs = 0
        self.requests: list[tuple[str, str, int]] = []
        self.buckets = Buckets()
        self.token_seconds = 15 * 60.0
        self.slowness = 0.03
        self.carried = False
        self.refused_intents = 0
        self.closed: set[int] = set()
        self.closed_by = 50013
        self.gone: set[int] = set()
        self.stuck: set[int] = set()
        self.posts: set[int] = set()
        self.identified: list[Json] = []
        self.begun: dict[str, int] = {}
        self.incoming: dict[str, list[str]] = {}
        self.token_known = True
        self.resumed: list[Json] = []
        self._number = 10**17
        self.url = ""
        self.file_bytes = self.told_bytes = FILE_BYTES
        self.connected = asyncio.Event()
        self.gateway = Gateway(self)

    @property
    def api(self) -> str:
        """Where its REST API is."""
        return self.url + BASE

    # What people do

    async def slash(self, name: str, user: int = 42, channel: int = CHANNEL, **options: Any) -> Asked:
        """Somebody uses a slash command; `self.carried` if they brought the bot along themselves."""
        return await self.use(name, options, user, channel)

    async def use(self, name: str, options: dict[str, Any], user: int = 42, channel: int = CHANNEL) -> Asked:
        """The same, with options whose names are no names of Python's."""
        return await self._use(name, given(options), user, channel)

    async def slash_in_group(self, group: str, name: str, user: int = 42) -> Asked:
        """Somebody uses a command of a group."""
        return await self._use(group, [{"name": name, "type": 1, "options": []}], user, CHANNEL)

    async def press(self, message: Message, label: str, user: int = 42) -> Asked:
        """Somebody presses a button."""
        return await self.press_id(message, message.buttons[label], user)

    async def press_id(self, message: Message, custom_id: str, user: int = 42) -> Asked:
        """Somebody presses a button of this id; one that the message does not have is put there before."""
        data = {"component_type": 2, "custom_id": custom_id, "id": 1}
        extra = [] if custom_id in message.buttons.values() else [_button_row(custom_id)]
        return await self._interact(3, data, user, message.channel, source=message, extra=extra)

    async def submit(self, pressed: Asked, value: str, user: int = 42) -> Asked:
        """Somebody sends back the form of one field that a press has opened."""
        (field,) = [part["component"] for part in pressed.data["components"]]
        sent = {"type": field["type"], "id": 2, "custom_id": field["custom_id"], "value": value}
        data = {
            "custom_id": pressed.data["custom_id"],
            "components": [{"type": 18, "id": 1, "component": sent}],
        }
        return await self._interact(5, data, user, pressed.channel, source=pressed.source)

    async def write(self, text: str, user: int = 42, reply_to: Message | None = None, **more: Any) -> int:
        """Somebody writes a message that mentions the bot."""
        made = self.new_message(CHANNEL)
        payload = {**self.shown(made), "author": user_json(user), "content": f"<@{BOT}> {text}", **more}
        payload |= {
            "mentions": [{**user_json(BOT), "bot": True}],
            "member": member_json(user),
            "guild_id": str(GUILD),
        }
        if reply_to is not None:
            payload["type"] = 19
            payload["message_reference"] = {
                "message_id": str(reply_to.id),
                "channel_id": str(reply_to.channel),
            }
            payload["referenced_message"] = self.shown(reply_to)
        await self.gateway.send("MESSAGE_CREATE", payload)
        return made.id

    async def until(self, condition: Callable[[], Any], seconds: float = 120.0) -> Any:
        """Wait for something to be true of this world."""
        async with asyncio.timeout(seconds):
            while not (found := condition()):
                await asyncio.sleep(0.01)
        return found

    def uploading(self, asked: Asked, name: str) -> bool:
        """Whether a file of such a name has arrived for an interaction's message."""
        return any(name in file for file in self.incoming.get(asked.token, ()))

    # What there is

    def next_id(self) -> int:
        """An id that nothing has yet."""
        self._number += 1
        return self._number

    def new_message(self, channel: int, token: str | None = None) -> Message:
        """A message of the bot's, or of whoever writes."""
        made = Message(id=self.next_id(), channel=channel, token=token)
        self.messages[made.id] = made
        return made

    def sent_once(self, channel: int, nonce: str | None) -> Message | None:
        """The message that was already made under this nonce."""
        every = self.messages.values()
        return next(
            (m for m in every if nonce and m.channel == channel and m.payload.get("nonce") == nonce), None
        )

    def change(self, message: Message, payload: Json, files: dict[str, bytes]) -> None:
        """Have a message show something else."""
        message.payload = {**message.payload, **payload}
        message.loading = False
        if files or "attachments" in payload:
            message.files = files
        message.history.append((time.monotonic(), payload))

    def shown(self, message: Message) -> Json:
        """As Discord tells of it."""
        base = f"{self.url}/attachments/{message.channel}/{message.id}"
        attachments = [
            {
                "id": str(n),
                "filename": name,
                "size": len(data),
                "url": f"{base}/{name}",
                "proxy_url": f"{base}/{name}",
                "content_type": "image/png",
            }
            for n, (name, data) in enumerate(message.files.items(), 1)
        ]
        return {
            "id": str(message.id), "channel_id": str(message.channel), "author": {**user_json(BOT), "bot": True},
            "content": "", "timestamp": "2026-11-21T00:00:00+00:00", "edited_timestamp": None, "tts": False,
            "mention_everyone": False, "mentions": [], "mention_roles": [], "attachments": attachments, "embeds": [],
            "pinned": False, "type": 0, "flags": (1 << 15) | (64 if message.ephemeral else 0),
            "components": [resolved(part, base) for part in message.payload.get("components") or ()],
        }  # fmt: skip

    def _channel(self, number: int) -> Json:
        return thread_json(number, CHANNEL) if number in self.posts else channel_json(number)

    async def _use(self, name: str, options: list[Json], user: int, channel: int) -> Asked:
        return await self._interact(
            2, {"id": "900", "name": name, "type": 1, "options": options}, user, channel
        )

    async def _interact(
        self,
        kind: int,
        data: Json,
        user: int,
        channel: int,
        source: Message | None = None,
        extra: Sequence[Json] = (),
    ) -> Asked:
        number = self.next_id()
        asked = Asked(
            id=number,
            token=f"token-{number}",
            channel=channel,
            user=user,
            sent=time.monotonic(),
            source=source,
        )
        self.asked[asked.token] = asked
        payload = {
            "id": str(number), "application_id": str(APPLICATION), "type": kind, "token": asked.token, "version": 1,
            "guild_id": str(GUILD), "channel_id": str(channel), "channel": self._channel(channel),
            "member": member_json(user),
            "data": data, "locale": "en-GB", "guild_locale": "en-GB", "entitlements": [], "app_permissions": "0",
            "authorizing_integration_owners": {"1": str(user)} if self.carried else {"0": str(GUILD)},
            "context": 0, "attachment_size_limit": self.told_bytes,
        }  # fmt: skip
        if source is not None:
            shown = self.shown(source)
            payload["message"] = {**shown, "components": [*shown.get("components", []), *extra]}
        await self.gateway.send("INTERACTION_CREATE", payload)
        return asked


def given(options: dict[str, Any]) -> list[Json]:
    """Options as Discord sends them."""
    kinds = {str: 3, int: 4, bool: 5, float: 10}
    return [{"name": key, "type": kinds[type(value)], "value": value} for key, value in options.items()]


@web.middleware
async def _recorded(request: web.Request, handler: Any) -> web.StreamResponse:
    discord = request.app[_WORLD]
    if "/webhooks/" in request.path:
        discord.begun[request.method] = discord.begun.get(request.method, 0) + 1
    if not discord.token_known and request.headers.get("Authorization", "").startswith("Bot "):
        handler = _unknown
    answer: web.StreamResponse = await handler(request)
    discord.requests.append((request.method, request.path, answer.status))
    return answer


async def _unknown(_request: web.Request) -> web.Response:
    return refusal(401, 0, "401: Unauthorized")


_WORLD = web.AppKey("world", Discord)


@asynccontextmanager
async def serving(discord: Discord) -> AsyncIterator[None]:
    """Serve it."""
    app = web.Application(middlewares=[_recorded], client_max_size=64 * 2**20)
    app[_WORLD] = discord
    app.add_routes([*Rest(discord).routes(), web.get("/gateway/", discord.gateway.serve)])
    async with TestServer(app) as server:
        discord.url = str(server.make_url("")).rstrip("/")
        yield


def _button_row(custom_id: str) -> Json:
    """A row with one button."""
    button = {"type": 2, "style": 2, "label": "Stale", "custom_id": custom_id, "id": 901}
    return {"type": 1, "id": 900, "components": [button]}
