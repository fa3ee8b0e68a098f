"""A Telegram over HTTP: the Bot API, people and chats, one bot."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.telegram.limits import TOKEN, Pace
from tests.telegram.people import ANN, BOT, GROUP, private
from tests.telegram.records import Shown
from tests.telegram.updates import Updates
from tests.telegram.wire import Json, Refused, checked, checker, read

MOST_DOWNLOAD = 20 * 2**20
WAIT_SECONDS = 90
"""For a machine that has much else to do; below the limit of a whole test."""

COUNTED = re.compile(r"send(?!ChatAction)|editMessage|deleteMessage")
FILES = {
    "sendPhoto": "photo",
    "sendVideo": "video",
    "sendAnimation": "animation",
    "sendAudio": "audio",
    "sendDocument": "document",
}


@dataclass
class Telegram:
    """Everything that Telegram knows. `violations` are requests that it would have refused."""

    pace: Pace | None = None
    me: Json = field(default_factory=lambda: dict(BOT))
    messages: dict[tuple[int, int], Shown] = field(default_factory=dict)
    deleted: list[tuple[int, int]] = field(default_factory=list)
    answers: list[Json] = field(default_factory=list)
    menus: list[Json] = field(default_factory=list)
    calls: list[tuple[str, Json, int]] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    faults: dict[str, list[Refused]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    administrators: dict[int, list[Json]] = field(default_factory=dict)
    url: str = ""

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self._changed = asyncio.Condition()
        self.updates = Updates(self._changed)
        self._moved: dict[int, int] = {}
        self._theirs: dict[tuple[int, int], Json] = {}

    async def write(self, text: str = "", by: Json = ANN, chat: Json | None = None, **more: Any) -> Json:
        """Somebody writes. `reply` is a message, of theirs or of the bot's; with a photo, words are its caption."""
        message: Json = {
            "message_id": next(self._ids),
            "date": int(time.time()),
            "chat": chat or private(by),
            "from": by,
            **self._reply(more.pop("reply", None)),
            **more,
        }
        if text:
            message["caption" if {"photo", "document", "sticker"} & more.keys() else "text"] = text
        self._theirs[message["chat"]["id"], message["message_id"]] = message
        await self.updates.deliver({"message": message})
        return message

    async def press(self, shown: Shown, label: str, by: Json = ANN, data: str | None = None) -> str:
        """Somebody presses a button."""
        press = f"{next(self._ids)}00"
        query = {
            "id": press,
            "from": by,
            "chat_instance": "1",
            "message": self._seen(shown),
            "data": data or shown.buttons[label],
        }
        await self.updates.deliver({"callback_query": query})
        return press

    async def move(self, group: Json) -> Json:
        """A group becomes a supergroup, and none of its messages can be reached any more."""
        new = {"id": -1000000000000 + group["id"], "type": "supergroup", "title": group["title"]}
        self._moved[group["id"]] = new["id"]
        await self.write(chat=group, migrate_to_chat_id=new["id"])
        await self.write(chat=new, migrate_from_chat_id=group["id"])
        return new

    async def again(self, message: Json) -> None:
        """Deliver a message once more, as after a lost confirmation."""
        await self.updates.deliver({"message": message})

    def photo(self, data: bytes) -> Json:
        """A photo's fields, in two sizes."""
        sizes = [("small", 90), ("large", 1280)]
        for name, _ in sizes:
            self.files[f"{name}{len(data)}"] = data
        return {
            "photo": [
                {
                    "file_id": f"{name}{len(data)}",
                    "file_unique_id": f"u{name}",
                    "width": width,
                    "height": width,
                    "file_size": len(data),
                }
                for name, width in sizes
            ]
        }

    def document(self, data: bytes, name: str = "fox.png", mime: str = "image/png", size: int = 0) -> Json:
        """A file's fields."""
        self.files[name] = data
        return {
            "document": {
                "file_id": name,
                "file_unique_id": f"u{name}",
                "file_name": name,
                "mime_type": mime,
                "file_size": size or len(data),
            }
        }

    def of(self, chat: int) -> list[Shown]:
        """The bot's messages in a chat."""
        return [shown for (where, _), shown in sorted(self.messages.items()) if where == chat]

    def rested(self, press: str) -> bool:
        """Whether a press was answered."""
        return press in [answer["callback_query_id"] for answer in self.answers]

    def replying(self, message: Json) -> list[Shown]:
        """The bot's answers to a message."""
        return [
            shown
            for shown in self.of(message["chat"]["id"])
            if shown.raw.get("reply", None) == message["message_id"]
        ]

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until something holds, looked at after every request."""
        async with asyncio.timeout(WAIT_SECONDS), self._changed:
            await self._changed.wait_for(condition)

    async def card(self, message: Json, button: str = "Again") -> Shown:
        """The first answer to a message, once it has this button."""
        await self.until(lambda: self.replying(message) and button in self.replying(message)[0].buttons)
        return self.replying(message)[0]

    async def answer(self, message: Json) -> Shown:
        """The first answer to a message."""
        await self.until(lambda: self.replying(message))
        return self.replying(message)[0]

    def routes(self) -> list[web.RouteDef]:
        """The Bot API."""
        return [
            web.get(f"/file/bot{TOKEN}/{{file}}", self._download),
            web.route("*", "/bot{token}/{method}", self._call),
        ]

    async def _call(self, request: web.Request) -> web.Response:
        name = request.match_info["method"]
        if request.match_info["token"] != TOKEN:
            return _failed(Refused(401, "Unauthorized"))
        self.begun.append(name)
        async with self._changed:
            self._changed.notify_all()
        given, files = await read(request)
        try:
            result = await self._result(name, given, files)
        except Refused as error:
            if error.ours:
                self.violations.append(f"{name}: {error}")
            response, status = _failed(error), error.status
        else:
            response, status = web.json_response({"ok": True, "result": result}), 200
        self.calls.append((name, given, status))
        async with self._changed:
            self._changed.notify_all()
        return response

    async def _result(self, name: str, given: Json, files: dict[str, bytes]) -> Any:
        values = checked(name, given, files)
        if self.faults.get(name):
            raise self.faults[name].pop(0)
        moved = self._moved.get(int(values.get("chat_id") or 0))
        if moved is not None:
            text = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refused(400, text, ours=False, migrate_to_chat_id=moved)
        if self.pace is not None and COUNTED.match(name):
            wait = self.pace.wait(int(values["chat_id"]))
            if wait:
                raise Refused(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        if name == "getUpdates":
            return await self.updates.get(values)
        if name == "sendMessage" or name in FILES:
            return self._send(name, values, files)
        if name in ("editMessageText", "editMessageCaption", "editMessageMedia"):
            return self._edit(name, values, files)
        simple: dict[str, Callable[[Json], Any]] = {
            "getMe": lambda _: self.me,
            "deleteWebhook": lambda _: self.updates.hook({}),
            "setWebhook": self.updates.hook,
            "getWebhookInfo": lambda _: {"url": self.updates.webhook.get("url", "")},
            "setMyCommands": self._kept(self.menus),
            "answerCallbackQuery": self._kept(self.answers),
            "getChatAdministrators": lambda values: self.administrators[int(values["chat_id"])],
            "getFile": lambda values: self._get_file(values["file_id"]),
            "deleteMessage": self._delete,
        }
        if name not in simple:
            raise Refused(404, "Not Found")
        return simple[name](values)

    def _kept(self, where: list[Json]) -> Callable[[Json], bool]:
        def keep(values: Json) -> bool:
            where.append(values)
            return True

        return keep

    def _get_file(self, file: str) -> Json:
        if file not in self.files:
            raise Refused(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        data = self.files[file]
        if len(data) > MOST_DOWNLOAD:
            raise Refused(400, "Bad Request: file is too big", ours=False)
        return {"file_id": file, "file_unique_id": f"u{file}", "file_size": len(data), "file_path": file}

    async def _download(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["file"]])

    def _send(self, name: str, values: Json, files: dict[str, bytes]) -> Json:
        kind = FILES.get(name, "text")
        number = next(self._ids)
        shown = Shown(id=number, chat=int(values["chat_id"]), raw={"thread": None}, kinds=[])
        shown.raw["reply"] = (values.get("reply_parameters") or {}).get("message_id")
        shown.raw["thread"] = values.get("message_thread_id")
        shown.raw["markup"] = values.get("reply_markup")
        self.messages[shown.chat, number] = shown
        self._change(shown, values, values.get("text") or values.get("caption") or "")
        if kind != "text":
            shown.data, shown.spoiler = files[kind], bool(values.get("has_spoiler"))
            self.files[f"file{number}"] = files[kind]
        shown.kinds.append(kind)
        return self._seen(shown)

    def _edit(self, name: str, values: Json, files: dict[str, bytes]) -> Json:
        shown = self.messages.get((int(values["chat_id"]), int(values["message_id"])))
        if shown is None:
            raise Refused(400, "Bad Request: message to edit not found", ours=False)
        kind, words = shown.kinds[-1], values.get("text") or values.get("caption") or ""
        if name == "editMessageText" and kind != "text":
            raise Refused(400, "Bad Request: there is no text in the message to edit", ours=False)
        if name == "editMessageCaption" and kind == "text":
            raise Refused(400, "Bad Request: there is no caption in the message to edit", ours=False)
        if name == "editMessageMedia":
            media = shown.raw["media"] = values["media"]
            if "thumbnail" in media:
                shown.thumbnail = files[media["thumbnail"].removeprefix("attach://")]
            words, kind = media.get("caption", ""), media["type"]
            shown.data = files[media["media"].removeprefix("attach://")]
            shown.spoiler = bool(media.get("has_spoiler"))
            self.files[f"file{shown.id}"] = shown.data
        elif (words, values.get("reply_markup", {})) == (shown.html, shown.raw.get("reply_markup", {})):
            raise Refused(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly the "
                "same as a current content and reply markup of the message",
                ours=False,
            )
        shown.kinds.append(kind)
        self._change(shown, values, words)
        return self._seen(shown)

    def _change(self, shown: Shown, values: Json, words: str) -> None:
        shown.raw["html"] = words
        markup = values.get("reply_markup") or {}
        shown.raw["reply_markup"] = markup if "inline_keyboard" in markup else {}
        shown.history.append(shown.words)

    def _delete(self, values: Json) -> bool:
        key = int(values["chat_id"]), int(values["message_id"])
        if self.messages.pop(key, None) is None:
            raise Refused(400, "Bad Request: message to delete not found", ours=False)
        self.deleted.append(key)
        return True

    def _seen(self, shown: Shown) -> Json:
        """A message of the bot's as the Bot API tells it."""
        kind = "supergroup" if shown.chat < 0 else "private"
        chat = GROUP if shown.chat == GROUP["id"] else {"id": shown.chat, "type": kind, "title": "?"}
        message: Json = {"message_id": shown.id, "date": int(time.time()), "chat": chat, "from": self.me}
        if shown.raw.get("reply_markup"):
            message["reply_markup"] = shown.raw["reply_markup"]
        if shown.raw.get("thread"):
            message |= {"message_thread_id": shown.raw["thread"], "is_topic_message": True}
        if shown.kinds and shown.kinds[-1] == "photo":
            size = {"file_id": f"file{shown.id}", "file_unique_id": f"u{shown.id}", "width": 64, "height": 64}
            return {**message, "photo": [size], "caption": shown.words}
        if shown.kinds and shown.kinds[-1] == "document":
            file = {"file_id": f"file{shown.id}", "file_unique_id": f"u{shown.id}", "mime_type": "image/png"}
            return {**message, "document": file}
        return {**message, "text": shown.words or "?"}

    def _reply(self, to: Shown | Json | None) -> Json:
        if to is None:
            return {}
        return {"reply_to_message": self._seen(to) if isinstance(to, Shown) else to}


def _failed(error: Refused) -> web.Response:
    body: Json = {"ok": False, "error_code": error.status, "description": str(error)}
    if error.parameters:
        body["parameters"] = error.parameters
    return web.json_response(body, status=error.status)


@asynccontextmanager
async def serving(world: Telegram) -> AsyncIterator[None]:
    """Serve it; its address is in the world."""
    checker()
    app = web.Application(client_max_size=100 * 2**20)
    app.add_routes(world.routes())
    async with TestServer(app) as server:
        world.url = str(server.make_url("")).rstrip("/")
        yield
