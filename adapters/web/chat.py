"""The page's side: its room as a stream of cards, lines that are written, buttons that are pressed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

from aiohttp import BodyPartReader, web
from pydantic import BaseModel, ValidationError

from adapters.web.api import STREAM, event_key, read_index
from adapters.web.rooms import Listener, Rooms
from adapters.web.visitors import VISITOR
from adapters.web.wire import BROKEN_FORM, answer_json, card_json, workflow_json
from bot.contract.line import read_line
from bot.contract.ports import Core
from bot.contract.values import (
    Actor,
    Attachment,
    Invocation,
    JobId,
    MessageId,
    OutputRef,
    Place,
    Press,
)
from bot.errors import InvalidValue, MediaRejected, MediaTooLarge

PING_SECONDS = 15.0
PAGE = 50
WORDS = 200
LINE_BYTES = 64 * 1024
FILES = 8
FILE_BYTES = 91 * 1024 * 1024
"""A little more than a video may have: what a picture may have is the core's to say."""
FORM_BYTES = 110 * 1024 * 1024


IMAGE = "image:"
"""What the name of a file's field begins with if it is for one parameter."""

NamedFile = tuple[str, Attachment]


class PressBody(BaseModel):
    """The body of `POST /api/v1/chat/press`."""

    action: str
    key: str | None = None


class Chat:
    """Handlers of the chat page."""

    def __init__(self, core: Core, rooms: Rooms) -> None:
        self._core = core
        self._rooms = rooms

    def routes(self) -> list[web.RouteDef]:
        """Where the handlers are."""
        return [
            web.get("/api/v1/chat", self.stream),
            web.post("/api/v1/chat", self.say),
            web.get("/api/v1/chat/cards", self.cards),
            web.post("/api/v1/chat/press", self.press),
            web.get("/api/v1/commands", self.commands),
        ]

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """The room: first every card as it stands, then each that changes."""
        place = request[VISITOR].place
        response = web.StreamResponse(headers=STREAM)
        await response.prepare(request)
        with self._rooms.listen(place.external_id) as listener:
            # What changes while the cards are read is sent after them: it may be newer than what was read.
            await _send(response, "room", await self._page(place))
            while True:
                await self._pass_on(response, listener)

    async def cards(self, request: web.Request) -> web.Response:
        """Cards of the room, the newest at the end: older than `before`, with `words` in their prompts."""
        before = request.query.get("before")
        place, words = request[VISITOR].place, request.query.get("words", "")[:WORDS]
        return web.json_response(await self._page(place, MessageId(before) if before else None, words))

    async def _page(self, place: Place, before: MessageId | None = None, words: str = "") -> dict[str, Any]:
        """Some cards, and the message before which the next older ones are; None if there are no more."""
        found = await self._core.cards(place, before=before, words=words, most=PAGE + 1)
        shown = found[-PAGE:]
        return {
            "cards": [card_json(placed.address["card"], placed.card) for placed in shown],
            "before": shown[0].message if len(found) > PAGE else None,
        }

    async def _pass_on(self, response: web.StreamResponse, listener: Listener) -> None:
        changed = await listener.take(PING_SECONDS)
        if not changed:
            await response.write(b": still here\n\n")
        for message, card in changed.items():
            if card is None:
                await _send(response, "removed", {"id": message})
            else:
                await _send(response, "card", card_json(message, card))

    async def say(self, request: web.Request) -> web.Response:
        """A line of chat as a form: `text`, `key`, perhaps `values`, `reply_job` and `reply_index`, and files.

        `values` is a JSON object that stands above what the line says. A file named `image:NAME` is for the
        parameter NAME; others fill the image parameters in order.
        """
        visitor = request[VISITOR]
        fields, files = await _form(request)
        line = read_line(fields.get("text", ""), self._core.commands())
        message = uuid4().hex
        invocation = Invocation(
            event_key=event_key(visitor, visitor.actor.external_id, fields.get("key")),
            actor=await self._named(visitor.actor),
            place=visitor.place,
            command=line.command,
            address={"room": visitor.place.external_id, "card": message},
            values={**line.values, **_values(fields)},
            images={name[len(IMAGE) :]: file for name, file in files if name.startswith(IMAGE)},
            attachments=tuple(file for name, file in files if not name.startswith(IMAGE)),
            reply_to=_reply(fields),
            spoiler=line.spoiler,
        )
        return web.json_response(answer_json(await self._core.invoke(invocation), message))

    async def press(self, request: web.Request) -> web.Response:
        """A press on a button: `{"action", "key"}`."""
        visitor, message = request[VISITOR], uuid4().hex
        action, key = await _pressed(request)
        press = Press(
            event_key=event_key(visitor, visitor.actor.external_id, key),
            actor=await self._named(visitor.actor),
            place=visitor.place,
            action=action,
            address={"room": visitor.place.external_id, "card": message},
        )
        return web.json_response(answer_json(await self._core.act(press), message))

    async def _named(self, actor: Actor) -> Actor:
        return replace(actor, name=await self._core.name_of(actor))

    async def commands(self, request: web.Request) -> web.Response:
        """Every command that the visitor may use, with its options."""
        level = await self._core.level(request[VISITOR].actor)
        shown = [command for command in self._core.commands() if level >= command.level]
        return web.json_response({"commands": [workflow_json(command) for command in shown]})


async def _send(response: web.StreamResponse, event: str, data: dict[str, Any]) -> None:
    await response.write(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())


async def _form(request: web.Request) -> tuple[dict[str, str], list[NamedFile]]:
    """The fields and named files of a multipart form, each under its cap."""
    if not request.content_type.startswith("multipart/"):
        raise InvalidValue("body", "Send the line as a form (multipart/form-data).")
    try:
        return await _parts(request)
    except BROKEN_FORM as error:
        raise InvalidValue("body", "That form can't be read. Send it again.") from error


async def _parts(request: web.Request) -> tuple[dict[str, str], list[NamedFile]]:
    fields: dict[str, str] = {}
    files: list[NamedFile] = []
    size = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            raise InvalidValue("body", "That form can't be read. Send it again.")
        if part.filename is None:
            fields[part.name] = (await _read(part, LINE_BYTES)).decode(errors="replace")
        elif len(files) < FILES:
            data = await _read(part, min(FILE_BYTES, FORM_BYTES - size))
            size += len(data)
            files.append((part.name, _attachment(part.filename, data)))
        else:
            raise MediaRejected(f"That is too many files: at most {FILES}.")
    return fields, files


async def _read(part: BodyPartReader, limit: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk():
        data += chunk
        if len(data) > limit:
            if part.filename is not None:
                raise MediaTooLarge(part.filename, limit)
            raise InvalidValue(part.name or "body", f"That line is too long: at most {limit // 1024} KB.")
    return bytes(data)


def _attachment(name: str, data: bytes) -> Attachment:
    async def read(limit: int) -> bytes:
        if len(data) > limit:
            raise MediaTooLarge(name, limit)
        return data

    return Attachment(name=name, read=read)


def _values(fields: dict[str, str]) -> dict[str, object]:
    try:
        values = json.loads(fields.get("values") or "{}")
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise InvalidValue("values", "values must be a JSON object.")
    return values


def _reply(fields: dict[str, str]) -> OutputRef | None:
    job, index = fields.get("reply_job"), fields.get("reply_index", "0")
    if not job:
        return None
    number = read_index(index)
    if number is None:
        raise InvalidValue("reply_index", "reply_index must be a whole number.")
    return OutputRef(job=JobId(job), index=number)


async def _pressed(request: web.Request) -> tuple[str, str | None]:
    try:
        body = PressBody.model_validate_json(await request.read())
    except ValidationError as error:
        raise InvalidValue("body", 'Send {"action": "...", "key": "..."} as JSON.') from error
    return body.action, body.key
