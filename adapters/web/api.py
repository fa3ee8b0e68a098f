"""The JSON API."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.web.visitors import LINKED, VISITOR, Visitor
from adapters.web.wire import preview_url, queue_json, status_json, workflow_json
from bot.contract.card import Media, Preview
from bot.contract.ports import Core
from bot.contract.values import Attachment, Invocation, JobId, JobStatus, OutputRef, Started
from bot.errors import InvalidValue, MediaRejected, NoSuchJob, Stale, UnknownCommand

STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
INDEX_DIGITS = 9
OUTPUT_POLICY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
"""Outputs are strangers' files: opened by themselves they run no script, least of all as this page."""


class GenerateBody(BaseModel):
    """The body of `POST /api/v1/generate`."""

    model_config = ConfigDict(extra="forbid")

    workflow: str = Field(description="The workflow's name, as in GET /api/v1/workflows.")
    values: dict[str, Any] = Field(default_factory=dict, description="Values by parameter.")
    images: dict[str, str] = Field(default_factory=dict, description="Base64 of pictures by parameter.")
    user: str | None = Field(default=None, max_length=200, description="The person on whose behalf.")


class Api:
    """Handlers; each answers from its caller's own room."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def routes(self) -> list[web.RouteDef]:
        """Where the handlers are."""
        return [
            web.post("/api/v1/generate", self.generate),
            web.get("/api/v1/jobs/{id}", self.job),
            web.delete("/api/v1/jobs/{id}", self.cancel),
            web.get("/api/v1/jobs/{id}/events", self.events),
            web.get("/api/v1/jobs/{id}/outputs/{index}", self.output),
            web.get(LINKED + "{id}/{index}/{key}/{name}", self.linked),
            web.get("/api/v1/workflows", self.workflows),
            web.get("/api/v1/queue", self.queue),
        ]

    async def generate(self, request: web.Request) -> web.Response:
        """Queue a job; 202 with its id. The same Idempotency-Key gives the same job."""
        visitor = request[VISITOR]
        body = await _body(request)
        if body.workflow not in {command.name for command in self._core.commands() if command.workflow}:
            raise UnknownCommand(f'There is no workflow "{body.workflow}". GET /api/v1/workflows lists them.')
        actor = visitor.on_behalf_of(body.user)
        invocation = Invocation(
            event_key=event_key(visitor, actor.external_id, request.headers.get("Idempotency-Key")),
            actor=actor,
            place=visitor.place,
            command=body.workflow,
            address={"room": visitor.place.external_id, "card": uuid4().hex},
            values=body.values,
            images={name: _attachment(name, text) for name, text in body.images.items()},
        )
        answer = await self._core.invoke(invocation)
        assert isinstance(answer, Started)
        return web.json_response({"job_id": answer.job}, status=202)

    async def job(self, request: web.Request) -> web.Response:
        """How a job stands."""
        return web.json_response(status_json(await self._status(request)))

    async def cancel(self, request: web.Request) -> web.Response:
        """Ask for a job's end; 202 whether or not it is over already."""
        visitor, status = request[VISITOR], await self._status(request)
        await self._core.cancel(status.actor if visitor.program else visitor.actor, status.job)
        return web.json_response({"job_id": status.job}, status=202)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """The job's states and previews as server-sent events, until its last."""
        status = await self._status(request)
        response = web.StreamResponse(headers=STREAM)
        await response.prepare(request)
        async for event, data in self._events(request, status.job):
            await response.write(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())
        await response.write_eof()
        return response

    async def _events(self, request: web.Request, job: JobId) -> AsyncIterator[tuple[str, Any]]:
        async for news in self._core.watch(request[VISITOR].place, job):
            if isinstance(news, Preview):
                yield "preview", {"url": preview_url(news)}
            else:
                yield "status", status_json(news)

    async def output(self, request: web.Request) -> web.StreamResponse:
        """A finished output's bytes. They never change, so a browser may keep them."""
        return _file(await self._core.output(request[VISITOR].place, _ref(request)))

    async def linked(self, request: web.Request) -> web.StreamResponse:
        """The same for whoever was given its address, in a chat that could not take the file."""
        return _file(await self._core.linked(_ref(request), request.match_info["key"]))

    async def workflows(self, _request: web.Request) -> web.Response:
        """The workflows with their parameters and what may be chosen now."""
        commands = [workflow_json(command) for command in self._core.commands() if command.workflow]
        return web.json_response({"workflows": commands})

    async def queue(self, _request: web.Request) -> web.Response:
        """The queue in numbers."""
        return web.json_response(queue_json(await self._core.queue()))

    async def _status(self, request: web.Request) -> JobStatus:
        return await self._core.job(request[VISITOR].place, job_id(request))


def event_key(visitor: Visitor, user: str, key: str | None) -> str:
    """What makes a request one: the caller's key within its room and person, or a key of our own."""
    if not key:
        return f"web:{uuid4().hex}"
    try:
        key.encode()
    except UnicodeEncodeError as error:  # bytes of a header that are no UTF-8
        message = "The Idempotency-Key can't be read. Use letters and digits."
        raise InvalidValue("Idempotency-Key", message) from error
    return f"web:{visitor.place.external_id}:{user}:{key}"


def _ref(request: web.Request) -> OutputRef:
    index = read_index(request.match_info["index"])
    if index is None:
        raise Stale("There is no such picture.")
    return OutputRef(job=job_id(request), index=index)


def _file(media: Media) -> web.FileResponse:
    if not media.path.is_file():
        raise Stale("That picture is gone.")
    return web.FileResponse(
        media.path,
        headers={
            "Content-Type": media.media_type,
            "Content-Disposition": f'{_disposition(media.media_type)}; filename="{media.name}"',
            "Content-Security-Policy": OUTPUT_POLICY,
            "Cache-Control": "private, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _disposition(kind: str) -> str:
    """Whether a browser shows an output by itself, or keeps it as a file."""
    shown = kind.startswith(("image/", "video/", "audio/")) or kind == "text/plain"
    return "inline" if shown and kind != "image/svg+xml" else "attachment"


def read_index(text: str) -> int | None:
    """An output's number; None if the text is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= INDEX_DIGITS else None


def job_id(request: web.Request) -> JobId:
    """The job that a path names. Raises `NoSuchJob` for what can't be one."""
    text = request.match_info["id"]
    if len(text) > 64 or not text.isalnum():
        raise NoSuchJob
    return JobId(text)


async def _body(request: web.Request) -> GenerateBody:
    try:
        return GenerateBody.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "body"
        raise InvalidValue(field, f"{field}: {first['msg']}. /openapi.json describes the body.") from error


def _attachment(name: str, text: str) -> Attachment:
    async def read(limit: int) -> bytes:
        return decode_image(name, text, limit)

    return Attachment(name=name, read=read)


def decode_image(name: str, text: str, limit: int) -> bytes:
    """The bytes of a Base64 text. Raises `MediaRejected`."""
    if len(text) * 3 // 4 > limit + 3:
        raise MediaRejected(f"{name} is too large: at most {limit // 2**20} MB. Send a smaller one.")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MediaRejected(f"{name} is not Base64. Encode the file's bytes with Base64.") from error
