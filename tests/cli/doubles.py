"""Discord's and Telegram's answers about a bot, as `setup` and `check` ask for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Json = dict[str, Any]
DISCORD_TOKEN = "MTIz.abc.discord-secret"
TELEGRAM_TOKEN = "123456:telegram-secret-ABCDEF-xyz"


@dataclass
class Discord:
    """One application, and the servers that it is in."""

    application: Json = field(
        default_factory=lambda: {"id": "4711", "flags": 1 << 19, "owner": {"id": "42", "username": "ann"}}
    )
    servers: list[Json] = field(default_factory=lambda: [{"id": "7", "name": "Fox den"}])
    without_commands: set[str] = field(default_factory=set)
    broken: int | None = None

    def routes(self) -> list[web.RouteDef]:
        """The part of the REST API."""
        return [
            web.get("/api/users/@me", self._json({"id": "4711", "username": "foxbot"})),
            web.get("/api/applications/@me", self._json(self.application)),
            web.get("/api/users/@me/guilds", self._json(self.servers)),
            web.get("/api/applications/{id}/guilds/{server}/commands", self._commands),
        ]

    def _json(self, body: Any) -> Any:
        async def answer(request: web.Request) -> web.Response:
            if self.broken is not None:
                return web.Response(status=self.broken, text="upstream connect error")
            if request.headers.get("Authorization") != f"Bot {DISCORD_TOKEN}":
                return web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)
            return web.json_response(body)

        return answer

    async def _commands(self, request: web.Request) -> web.Response:
        if request.match_info["server"] in self.without_commands:
            return web.json_response({"message": "Missing Access", "code": 50001}, status=403)
        return web.json_response([])


@dataclass
class Telegram:
    """One bot. `updates` are what people wrote to it."""

    me: Json = field(
        default_factory=lambda: {
            "id": 99,
            "is_bot": True,
            "first_name": "Fox",
            "username": "fox_bot",
            "can_join_groups": True,
            "can_read_all_group_messages": True,
        }
    )
    webhook: str = ""
    updates: list[Json] = field(default_factory=list)
    wrote: asyncio.Event = field(default_factory=asyncio.Event)
    taken: bool = False

    def routes(self) -> list[web.RouteDef]:
        """The part of the Bot API."""
        return [web.get("/bot{token}/{method}", self._answer)]

    def write(self, text: str, sender: int = 1234, name: str = "Ann") -> None:
        """Somebody writes to the bot."""
        message = {"text": text, "from": {"id": sender, "first_name": name}}
        self.updates.append({"update_id": len(self.updates) + 1, "message": message})
        self.wrote.set()

    async def _answer(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != TELEGRAM_TOKEN:
            return web.json_response(
                {"ok": False, "error_code": 401, "description": "Unauthorized"}, status=401
            )
        match request.match_info["method"]:
            case "getMe":
                return web.json_response({"ok": True, "result": self.me})
            case "getWebhookInfo":
                return web.json_response({"ok": True, "result": {"url": self.webhook}})
            case "getUpdates":
                return await self._updates(int(request.query.get("offset", 0)))
        return web.json_response({"ok": False, "error_code": 404, "description": "Not Found"}, status=404)

    async def _updates(self, offset: int) -> web.Response:
        if self.taken:
            text = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
            return web.json_response({"ok": False, "error_code": 409, "description": text}, status=409)
        self.updates = [update for update in self.updates if update["update_id"] >= offset]
        if not self.updates:
            self.wrote.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wrote.wait(), 0.2)
        return web.json_response({"ok": True, "result": self.updates})


@asynccontextmanager
async def serving(double: Discord | Telegram) -> AsyncIterator[str]:
    """Serve a double; its address."""
    app = web.Application()
    app.add_routes(double.routes())
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")
