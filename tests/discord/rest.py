"""The REST API of the tests' Discord, as far as the bot uses it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from aiohttp import web

from tests.discord.limits import answered, refusal, too_fast, wrong
from tests.discord.payloads import APPLICATION, BOT, TOKEN, acknowledgement, read_body, user_json
from tests.discord.records import Asked, Message

if TYPE_CHECKING:
    from tests.discord.double import Discord

BASE = "/api/v10"


class Rest:
    """Answers requests about a world."""

    def __init__(self, world: Discord) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Where everything of it is."""
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
        url = self._world.url.replace("http", "ws") + "/gateway/"
        return answered({"url": url, "shards": self._world.shards, "session_start_limit": limit})

    async def _sync(self, request: web.Request) -> web.Response:
        self._world.commands = await request.json()
        self._world.syncs += 1
        made = [
            {
                "description": "",
                **command,
                "id": str(self._world.next_id()),
                "application_id": str(APPLICATION),
                "version": "1",
            }
            for command in self._world.commands
        ]
        return answered(made)

    async def _private(self, request: web.Request) -> web.Response:
        user = int((await request.json())["recipient_id"])
        return answered({"id": str(user * 1000), "type": 1, "recipients": [user_json(user)]})

    async def _callback(self, request: web.Request) -> web.Response:
        asked = self._world.asked.get(request.match_info["token"])
        if asked is None or time.monotonic() - asked.sent > 3:
            return refusal(404, 10062, "Unknown interaction")
        if asked.acknowledged is not None:
            return refusal(400, 40060, "Interaction has already been acknowledged.")
        payload, files = await read_body(request)
        asked.kind, asked.acknowledged = payload["type"], time.monotonic()
        asked.data = payload.get("data") or {}
        if asked.kind in (4, 5):
            made = self._world.new_message(asked.channel, asked.token)
            made.ephemeral, made.loading = bool(asked.data.get("flags", 0) & 64), asked.kind == 5
            asked.message = made
            if asked.kind == 4:
                self._world.change(made, asked.data, files)
        elif asked.kind == 6:
            asked.message = asked.source
        return answered(acknowledgement(asked))

    async def _follow_up(self, request: web.Request) -> web.Response:
        asked = self._of_token(request)
        if isinstance(asked, web.Response):
            return asked
        payload, files = await read_body(request)
        if (trouble := wrong(payload, files, self._world.file_bytes)) is not None:
            return trouble
        made = self._world.new_message(asked.channel, asked.token)
        made.ephemeral = bool(payload.get("flags", 0) & 64)
        self._world.change(made, payload, files)
        return answered(self._world.shown(made))

    async def _by_token(self, request: web.Request) -> web.Response:
        asked = self._of_token(request)
        if isinstance(asked, web.Response):
            return asked
        which = request.match_info["message"]
        message = asked.message if which == "@original" else self._world.messages.get(int(which))
        own = message is not None and (message is asked.message or message.token == asked.token)
        return await self._touch(request, message if own else None, f"hook:{asked.token}")

    async def _by_right(self, request: web.Request) -> web.Response:
        channel = int(request.match_info["channel"])
        if (trouble := self._closed(channel)) is not None:
            return trouble
        message = self._world.messages.get(int(request.match_info["message"]))
        if message is not None and message.ephemeral:
            message = None
        if message is not None and message.id in self._world.stuck:
            return refusal(429, 30046, "Maximum number of edits to messages older than 1 hour reached.")
        return await self._touch(request, message, f"edit:{channel}")

    async def _post(self, request: web.Request) -> web.Response:
        channel = int(request.match_info["channel"])
        if (trouble := self._closed(channel)) is not None:
            return trouble
        allowed, headers = self._world.buckets.take(f"post:{channel}")
        if not allowed:
            return too_fast(headers)
        payload, files = await read_body(request)
        if (trouble := wrong(payload, files, self._world.file_bytes)) is not None:
            return trouble
        made = self._world.sent_once(channel, payload.get("nonce")) or self._world.new_message(channel)
        self._world.change(made, payload, files)
        return answered(self._world.shown(made), headers=headers)

    async def _touch(self, request: web.Request, message: Message | None, bucket: str) -> web.Response:
        if message is None or message.deleted:
            return refusal(404, 10008, "Unknown Message")
        if request.method == "GET":
            return answered(self._world.shown(message))
        allowed, headers = self._world.buckets.take(f"{bucket}:{request.method}")
        if not allowed:
            return too_fast(headers)
        if request.method == "DELETE":
            message.deleted = True
            return web.Response(status=204, headers=headers)
        payload, files = await read_body(request)
        if (trouble := wrong(payload, files, self._world.file_bytes)) is not None:
            return trouble
        self._world.incoming.setdefault(bucket.removeprefix("hook:"), []).extend(files)
        await asyncio.sleep(self._world.slowness)
        self._world.change(message, payload, files)
        return answered(self._world.shown(message), headers=headers)

    async def _file(self, request: web.Request) -> web.Response:
        message = self._world.messages[int(request.match_info["message"])]
        return web.Response(body=message.files[request.match_info["name"]])

    def _of_token(self, request: web.Request) -> Asked | web.Response:
        asked = self._world.asked.get(request.match_info["token"])
        if asked is None or asked.acknowledged is None:
            return refusal(404, 10015, "Unknown Webhook")
        if time.monotonic() - asked.sent > self._world.token_seconds:
            return refusal(401, 50027, "Invalid Webhook Token")
        return asked

    def _closed(self, channel: int) -> web.Response | None:
        if channel in self._world.gone:
            return refusal(404, 10003, "Unknown Channel")
        return (
            refusal(403, self._world.closed_by, "Missing Permissions")
            if channel in self._world.closed
            else None
        )
