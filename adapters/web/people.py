"""Who the person at the page is, and the page for admins."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from adapters.web.api import job_id
from adapters.web.visitors import VISITOR
from adapters.web.wire import answer_json, overview_json
from bot.contract.levels import Level
from bot.contract.ports import Core
from bot.contract.values import Actor, Invocation
from bot.errors import InvalidValue, UnknownCommand


class NameBody(BaseModel):
    """The body of `PUT /api/v1/me`."""

    model_config = ConfigDict(extra="forbid")

    name: str


class People:
    """Handlers; the core decides who is an admin."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def routes(self) -> list[web.RouteDef]:
        """Where the handlers are."""
        return [
            web.get("/api/v1/me", self.me),
            web.put("/api/v1/me", self.rename),
            web.get("/api/v1/admin/overview", self.overview),
            web.delete("/api/v1/admin/jobs/{id}", self.cancel),
            web.post("/api/v1/admin/commands/{name}", self.command),
        ]

    async def me(self, request: web.Request) -> web.Response:
        """What the visitor is called, and the id to name in ADMINS."""
        actor = request[VISITOR].actor
        return web.json_response(await self._person(actor, await self._core.name_of(actor)))

    async def rename(self, request: web.Request) -> web.Response:
        """Call the visitor by a name of their choice; an empty one takes it back."""
        actor = request[VISITOR].actor
        try:
            body = NameBody.model_validate_json(await request.read())
        except ValidationError as error:
            raise InvalidValue("name", 'Send {"name": "..."} as JSON.') from error
        return web.json_response(await self._person(actor, await self._core.rename(actor, body.name)))

    async def overview(self, request: web.Request) -> web.Response:
        """How everything stands. 403 for all but admins."""
        return web.json_response(overview_json(await self._core.overview(request[VISITOR].actor)))

    async def cancel(self, request: web.Request) -> web.Response:
        """Ask for the end of anybody's job; 202 whether or not it is over already. 404 for all but admins."""
        job = job_id(request)
        await self._core.cancel(request[VISITOR].actor, job)
        return web.json_response({"job_id": job}, status=202)

    async def command(self, request: web.Request) -> web.Response:
        """Do a command of the admins with the values that the body has, as JSON; what it says. 403 for all others."""
        visitor, name = request[VISITOR], request.match_info["name"]
        if name not in {command.name for command in self._core.commands() if command.admin}:
            raise UnknownCommand(f"There is no command of admins that is called {name}.")
        invocation = Invocation(
            event_key=f"web:{uuid4().hex}",
            actor=replace(visitor.actor, name=await self._core.name_of(visitor.actor)),
            place=visitor.place,
            command=name,
            address={},
            values=await _values(request),
        )
        return web.json_response(answer_json(await self._core.invoke(invocation), uuid4().hex))

    async def _person(self, actor: Actor, name: str) -> dict[str, Any]:
        known_as = f"{actor.platform}:{actor.external_id}"
        is_admin = await self._core.level(actor) is Level.ADMIN
        return {"name": name, "id": known_as, "admin": is_admin}


async def _values(request: web.Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.read() or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidValue("body", "Send the command's values as a JSON object.")
    return found
