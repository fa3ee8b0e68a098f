"""A Discord over real sockets: its REST API and its gateway, as far as the bot uses them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from tests.discord.limits import Buckets, Json, answered, refusal, too_fast, wrong
from tests.discord.payloads import (
    APPLICATION,
    BOT,
    CHANNEL,
    GUILD,
    TOKEN,
    acknowledgement,
    channel_json,
    guild_json,
    member_json,
    read_body,
    resolved,
    user_json,
)
from tests.discord.records import Asked, Message

BASE = "/api/v10"


class Discord:
    """The world: one server with channels, one bot, whoever writes."""

    def __init__(self, *, shards: int = 1, guilds: int = 1) -> None:
        self.shards = shards
        self.guilds = guilds
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
        self.gone: set[int] = set()
        self.stuck: set[int] = set()
        self.identified: list[Json] = []
        self.begun: dict[str, int] = {}
        self.incoming: dict[str, list[str]] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._number = 10**17
        self.url = ""
        self._sequence = 0
        self.connected = asyncio.Event()

    @property
    def api(self) -> str:
        """Where its REST API is."""
        return self.url + BASE

    # What people do

    async def slash(self, name: str, user: int = 42, channel: int = CHANNEL, **options: Any) -> Asked:
        """Somebody uses a slash command; `self.carried` if they brought the bot along themselves."""
        kinds = {str: 3, int: 4, bool: 5, float: 10}
        given = [{"name": key, "type": kinds[type(value)], "value": value} for key, value in options.items()]
        data = {"id": "900", "name": name, "type": 1, "options": given}
        return await self._interact(2, data, user, channel)

    async def press(self, message: Message, label: str, user: int = 42) -> Asked:
        """Somebody presses a button."""
        data = {"component_type": 2, "custom_id": message.buttons[label], "id": 1}
        return await self._interact(3, data, user, message.channel, source=message)

    async def write(self, text: str, user: int = 42, reply_to: Message | None = None, **more: Any) -> int:
        """Somebody writes a message that mentions the bot."""
        made = self._message(CHANNEL)
        payload = {**self._shown(made), "author": user_json(user), "content": f"<@{BOT}> {text}", **more}
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
            payload["referenced_message"] = self._shown(reply_to)
        await self._send("MESSAGE_CREATE", payload)
        return made.id

    async def until(self, condition: Callable[[], Any], seconds: float = 60.0) -> Any:
        """Wait for something to be true of this world."""
        async with asyncio.timeout(seconds):
            while not (found := condition()):
                await asyncio.sleep(0.01)
        return found

    def uploading(self, asked: Asked, name: str) -> bool:
        """Whether a file of such a name has arrived for an interaction's message."""
        return any(name in file for file in self.incoming.get(asked.token, ()))

    # REST

    def routes(self) -> list[web.RouteDef]:
        """Where everything is."""
        hook = f"{BASE}/webhooks/{{application}}/{{token}}"
        place = f"{BASE}/channels/{{channel}}/messages"
        return [
            web.get(f"{BASE}/users/@me", self._me),
            web.get(f"{BASE}/oauth2/applications/@me", self._application),
            web.get(f"{BASE}/gateway/bot", self._where),
            web.put(f"{BASE}/applications/{{id}}/commands", self._sync),
            web.post(f"{BASE}/users/@me/channels", self._private),
            web.post(f"{BASE}/interactions/{{id}}/{{token}}/callback", self._callback),
            web.post(hook, self._follow_up),
            web.route("*", hook + "/messages/{message}", self._by_token),
            web.post(place, self._post),
            web.route("*", place + "/{message}", self._by_right),
            web.get("/attachments/{channel}/{message}/{name}", self._file),
            web.get("/gateway/", self._gateway),
        ]

    async def _me(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            return refusal(401, 0, "401: Unauthorized")
        return answered({**user_json(BOT), "bot": True})

    async def _application(self, _request: web.Request) -> web.Response:
        found = {
            "id": str(APPLICATION),
            "name": "foxbot",
            "description": "",
            "icon": None,
            "bot_public": True,
        }
        more = {
            "bot_require_code_grant": False,
            "verify_key": "",
            "flags": 0,
            "owner": user_json(1),
            "team": None,
        }
        return answered({**found, **more, "summary": "", "rpc_origins": []})

    async def _where(self, _request: web.Request) -> web.Response:
        limit = {"total": 1000, "remaining": 999, "reset_after": 1, "max_concurrency": 1}
        url = self.url.replace("http", "ws") + "/gateway/"
        return answered({"url": url, "shards": self.shards, "session_start_limit": limit})

    async def _sync(self, request: web.Request) -> web.Response:
        self.commands = await request.json()
        self.syncs += 1
        made = [
            {
                "description": "",
                **command,
                "id": str(self._next()),
                "application_id": str(APPLICATION),
                "version": "1",
            }
            for command in self.commands
        ]
        return answered(made)

    async def _private(self, request: web.Request) -> web.Response:
        user = int((await request.json())["recipient_id"])
        return answered({"id": str(user * 1000), "type": 1, "recipients": [user_json(user)]})

    async def _callback(self, request: web.Request) -> web.Response:
        asked = self.asked.get(request.match_info["token"])
        if asked is None or time.monotonic() - asked.sent > 3:
            return refusal(404, 10062, "Unknown interaction")
        if asked.acknowledged is not None:
            return refusal(400, 40060, "Interaction has already been acknowledged.")
        payload, files = await read_body(request)
        asked.kind, asked.acknowledged = payload["type"], time.monotonic()
        asked.data = payload.get("data") or {}
        if asked.kind in (4, 5):
            made = self._message(asked.channel, asked.token)
            made.ephemeral, made.loading = bool(asked.data.get("flags", 0) & 64), asked.kind == 5
            asked.message = made
            if asked.kind == 4:
                self._change(made, asked.data, files)
        elif asked.kind == 6:
            asked.message = asked.source
        return answered(acknowledgement(asked))

    async def _follow_up(self, request: web.Request) -> web.Response:
        asked = self._of_token(request)
        if isinstance(asked, web.Response):
            return asked
        payload, files = await read_body(request)
        if (trouble := wrong(payload, files)) is not None:
            return trouble
        made = self._message(asked.channel, asked.token)
        made.ephemeral = bool(payload.get("flags", 0) & 64)
        self._change(made, payload, files)
        return answered(self._shown(made))

    async def _by_token(self, request: web.Request) -> web.Response:
        asked = self._of_token(request)
        if isinstance(asked, web.Response):
            return asked
        which = request.match_info["message"]
        message = asked.message if which == "@original" else self.messages.get(int(which))
        own = message is not None and (message is asked.message or message.token == asked.token)
        return await self._touch(request, message if own else None, f"hook:{asked.token}")

    async def _by_right(self, request: web.Request) -> web.Response:
        channel = int(request.match_info["channel"])
        if (trouble := self._closed(channel)) is not None:
            return trouble
        message = self.messages.get(int(request.match_info["message"]))
        if message is not None and message.ephemeral:
            message = None
        if message is not None and message.id in self.stuck:
            return refusal(429, 30046, "Maximum number of edits to messages older than 1 hour reached.")
        return await self._touch(request, message, f"edit:{channel}")

    async def _post(self, request: web.Request) -> web.Response:
        channel = int(request.match_info["channel"])
        if (trouble := self._closed(channel)) is not None:
            return trouble
        allowed, headers = self.buckets.take(f"post:{channel}")
        if not allowed:
            return too_fast(headers)
        payload, files = await read_body(request)
        if (trouble := wrong(payload, files)) is not None:
            return trouble
        made = self._once(channel, payload.get("nonce")) or self._message(channel)
        self._change(made, payload, files)
        return answered(self._shown(made), headers=headers)

    async def _touch(self, request: web.Request, message: Message | None, bucket: str) -> web.Response:
        if message is None or message.deleted:
            return refusal(404, 10008, "Unknown Message")
        if request.method == "GET":
            return answered(self._shown(message))
        allowed, headers = self.buckets.take(f"{bucket}:{request.method}")
        if not allowed:
            return too_fast(headers)
        if request.method == "DELETE":
            message.deleted = True
            return web.Response(status=204, headers=headers)
        payload, files = await read_body(request)
        if (trouble := wrong(payload, files)) is not None:
            return trouble
        self.incoming.setdefault(bucket.removeprefix("hook:"), []).extend(files)
        await asyncio.sleep(self.slowness)
        self._change(message, payload, files)
        return answered(self._shown(message), headers=headers)

    async def _file(self, request: web.Request) -> web.Response:
        message = self.messages[int(request.match_info["message"])]
        return web.Response(body=message.files[request.match_info["name"]])

    def _of_token(self, request: web.Request) -> Asked | web.Response:
        asked = self.asked.get(request.match_info["token"])
        if asked is None or asked.acknowledged is None:
            return refusal(404, 10015, "Unknown Webhook")
        if time.monotonic() - asked.sent > self.token_seconds:
            return refusal(401, 50027, "Invalid Webhook Token")
        return asked

    def _closed(self, channel: int) -> web.Response | None:
        if channel in self.gone:
            return refusal(404, 10003, "Unknown Channel")
        return refusal(403, 50013, "Missing Permissions") if channel in self.closed else None

    # Messages

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _message(self, channel: int, token: str | None = None) -> Message:
        made = Message(id=self._next(), channel=channel, token=token)
        self.messages[made.id] = made
        return made

    def _once(self, channel: int, nonce: str | None) -> Message | None:
        """The message that was already made under this nonce."""
        every = self.messages.values()
        return next(
            (m for m in every if nonce and m.channel == channel and m.payload.get("nonce") == nonce), None
        )

    def _change(self, message: Message, payload: Json, files: dict[str, bytes]) -> None:
        message.payload = {**message.payload, **payload}
        message.loading = False
        if files or "attachments" in payload:
            message.files = files
        message.history.append((time.monotonic(), payload))

    def _shown(self, message: Message) -> Json:
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

    # Gateway

    async def _interact(
        self, kind: int, data: Json, user: int, channel: int, source: Message | None = None
    ) -> Asked:
        number = self._next()
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
            "guild_id": str(GUILD), "channel_id": str(channel), "channel": channel_json(channel),
            "member": member_json(user),
            "data": data, "locale": "en-GB", "guild_locale": "en-GB", "entitlements": [], "app_permissions": "0",
            "authorizing_integration_owners": {"1": str(user)} if self.carried else {"0": str(GUILD)},
            "context": 0, "attachment_size_limit": 10 * 2**20,
        }  # fmt: skip
        if source is not None:
            payload["message"] = self._shown(source)
        await self._send("INTERACTION_CREATE", payload)
        return asked

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 41250}, "s": None, "t": None})
        try:
            async for received in socket:
                if received.type is WSMsgType.TEXT:
                    await self._received(socket, json.loads(received.data))
        finally:
            self._sockets.discard(socket)
            if not self._sockets:
                self.connected.clear()
        return socket

    async def _received(self, socket: web.WebSocketResponse, said: Json) -> None:
        match said["op"]:
            case 1:
                await socket.send_json({"op": 11, "d": None, "s": None, "t": None})
            case 2 if said["d"]["intents"] & self.refused_intents:
                await socket.close(code=4014, message=b"Disallowed intent(s).")
            case 2:
                self.identified.append(said["d"])
                shard = said["d"]["shard"][0]
                ours = [GUILD + n for n in range(self.guilds) if n % self.shards == shard]
                await self._send("READY", self._ready(shard, ours), socket)
                for number in ours:
                    await self._send("GUILD_CREATE", guild_json(number), socket)
                if shard == 0:  # the only one whose server people write in
                    self._sockets.add(socket)
                    self.connected.set()
            case 6:
                await socket.send_json({"op": 9, "d": False, "s": None, "t": None})

    def _ready(self, shard: int, guilds: list[int]) -> Json:
        url = self.url.replace("http", "ws") + "/gateway/"
        return {
            "v": 10, "user": {**user_json(BOT), "bot": True},
            "guilds": [{"id": str(number), "unavailable": True} for number in guilds],
            "session_id": "s", "resume_gateway_url": url, "application": {"id": str(APPLICATION), "flags": 0},
            "private_channels": [], "shard": [shard, self.shards],
        }  # fmt: skip

    async def _send(self, event: str, data: Json, socket: web.WebSocketResponse | None = None) -> None:
        self._sequence += 1
        for each in [socket] if socket is not None else list(self._sockets):
            await each.send_json({"op": 0, "t": event, "s": self._sequence, "d": data})


@web.middleware
async def _recorded(request: web.Request, handler: Any) -> web.StreamResponse:
    discord = request.app[_WORLD]
    if "/webhooks/" in request.path:
        discord.begun[request.method] = discord.begun.get(request.method, 0) + 1
    answer: web.StreamResponse = await handler(request)
    discord.requests.append((request.method, request.path, answer.status))
    return answer


_WORLD = web.AppKey("world", Discord)


@asynccontextmanager
async def serving(discord: Discord) -> AsyncIterator[None]:
    """Serve it."""
    app = web.Application(middlewares=[_recorded], client_max_size=64 * 2**20)
    app[_WORLD] = discord
    app.add_routes(discord.routes())
    async with TestServer(app) as server:
        discord.url = str(server.make_url("")).rstrip("/")
        yield
