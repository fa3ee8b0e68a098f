"""One of the two servers, and what can be asked of it."""

from __future__ import annotations

import asyncio
import json
import struct
import uuid
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from tests.real.differential.answers import Answer, Json, file_seen, picture_seen

PATIENCE = 60.0
"""Seconds until a wait for a message counts as in vain."""
FLAGS = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
LAST_WORDS = ("execution_success", "execution_error", "execution_interrupted")


class Socket:
    """One websocket; `frames` holds all that came and was not taken yet."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, client_id: str) -> None:
        self.ws = ws
        self.client_id = client_id
        self.frames: list[Json] = []

    async def until(self, event: str, **data: Any) -> Json:
        """The next message of this type whose data has these values. Raises TimeoutError, ConnectionError."""
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = await self._next()
                if frame["type"] == event and all(frame["data"].get(key) == data[key] for key in data):
                    return frame

    async def finished(self, prompt_id: str) -> list[Json]:
        """Take all frames up to the very last one of a prompt."""
        await self.until("executing", node=None, prompt_id=prompt_id)
        return self.taken()

    async def idle(self) -> list[Json]:
        """Take all frames up to the status that says that nothing runs or waits."""
        await self.until("status", status={"exec_info": {"queue_remaining": 0}})
        return self.taken()

    async def settled(self) -> list[Json]:
        """Take what the server sent until it answered a ping: frames and pongs keep their order."""
        await self.ws.ping(b"settled")
        async with asyncio.timeout(PATIENCE):
            while (await self._next())["type"] != "pong":
                pass
        return [frame for frame in self.taken() if frame["type"] != "pong"]

    def taken(self) -> list[Json]:
        """The frames so far, which are then forgotten."""
        frames, self.frames = self.frames, []
        return frames

    async def _next(self) -> Json:
        message = await self.ws.receive()
        match message.type:
            case aiohttp.WSMsgType.TEXT:
                self.frames.append(json.loads(message.data))
            case aiohttp.WSMsgType.BINARY:
                self.frames.append(_binary(message.data))
            case aiohttp.WSMsgType.PONG:
                self.frames.append({"type": "pong", "data": {}})
            case aiohttp.WSMsgType.PING:
                await self.ws.pong(message.data)
                return await self._next()
            case _:
                raise ConnectionError(message.type.name)
        return self.frames[-1]


class Side:
    """One server while its `async with` block runs.

    `run` names this run, `run_name` the case that is acted out: everything that is written stands in a
    folder of that name, so that files are counted from 1. `checkpoint` is the one to sample with, None
    where the real server has none.
    """

    def __init__(self, url: str, run: str, checkpoint: str | None) -> None:
        self.url = url.rstrip("/")
        self.run_name = run
        self._run = run
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []
        self.checkpoint = checkpoint
        self._flushes = 0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        self.session = await self._stack.enter_async_context(
            aiohttp.ClientSession(timeout=timeout, auto_decompress=True)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.begin(-1)
        await self._stack.aclose()

    async def begin(self, number: int) -> None:
        """Give the next case a folder of its own, and close the sockets of the one before."""
        self.run_name = f"{self._run}-{number}"
        sockets, self._sockets = self._sockets, []
        await asyncio.gather(*(ws.close() for ws in sockets))

    async def ask(self, method: str, path: str, **options: Any) -> Answer:
        """Send a request; the path is taken as it is, with its escapes."""
        url = URL(self.url + path, encoded=True)
        async with self.session.request(method, url, allow_redirects=False, **options) as response:
            return Answer(status=response.status, headers=response.headers, data=await response.read())

    async def get(self, path: str) -> Any:
        """The JSON body of a GET."""
        return (await self.ask("GET", path)).json()

    async def connect(self, client_id: str | None = None, *, flags: bool = True) -> Socket:
        """A socket after its first status and the answer to its flags, with those frames taken."""
        socket = await self.open(client_id or str(uuid.uuid4()))
        await socket.until("status", sid=socket.client_id)
        if flags:
            await socket.ws.send_json(FLAGS)
            await socket.until("feature_flags")
        socket.taken()
        return socket

    async def open(self, client_id: str) -> Socket:
        """A socket whose first frames are still to come."""
        url = URL(f"{self.url}/ws").with_query(clientId=client_id)
        ws = await self.session.ws_connect(url, autoping=False, max_msg_size=0)
        self._sockets.append(ws)
        return Socket(ws, client_id)

    async def queue(self, graph: Json, **body: Any) -> str:
        """The id of an accepted prompt. Raises RuntimeError for a refused one."""
        answer = await self.ask("POST", "/prompt", json={"prompt": graph, **body})
        if answer.status != 200:
            raise RuntimeError(f"refused: {answer.data.decode()}")
        return str(answer.json()["prompt_id"])

    async def run(self, graph: Json, socket: Socket | None = None, **body: Any) -> Json:
        """Run a graph to its end: the answer, every message, the history and job entries, the files."""
        own = socket or await self.connect()
        asked = {"prompt": graph, "client_id": own.client_id, **body}
        answer = await self.ask("POST", "/prompt", json=asked)
        if answer.status != 200:
            return {"answer": answer.seen()}
        prompt_id = answer.json()["prompt_id"]
        messages = await own.finished(prompt_id)
        return {
            "answer": {**answer.seen(), "body": unnumbered(answer.json())},
            "messages": messages,
            **await self.record(prompt_id),
        }

    async def record(self, prompt_id: str) -> Json:
        """What history and jobs say of a prompt, and the files it left."""
        history = await self.get(f"/history/{prompt_id}")
        job = (await self.ask("GET", f"/api/jobs/{prompt_id}")).seen()["body"]
        files = [await self._file(file) for file in _files(history.get(prompt_id, {}).get("outputs", {}))]
        entries = {key: {**entry, "prompt": _settled(entry["prompt"])} for key, entry in history.items()}
        return {"history": entries, "job": unnumbered(job) if isinstance(job, dict) else job, "files": files}

    async def upload(self, name: str, data: bytes, *, subfolder: str | None = None) -> str:
        """Put a file into this run's folder, and its name for a node."""
        folder = self.run_name if subfolder is None else subfolder
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("image", data, filename=name, content_type="application/octet-stream")
        form.add_field("subfolder", folder)
        form.add_field("overwrite", "true")
        answer = (await self.ask("POST", "/upload/image", data=form)).json()
        return f"{answer['subfolder']}/{answer['name']}"

    async def flush(self) -> None:
        """Leave nothing behind that runs or waits, and no cache: that holds the latest prompt only."""
        await self.ask("POST", "/queue", json={"clear": True})
        await self.ask("POST", "/interrupt")
        socket = await self.connect()
        self._flushes += 1
        tiny = {"width": 1, "height": 1, "batch_size": 1, "color": self._flushes}
        graph = {
            "flush": {"class_type": "EmptyImage", "inputs": tiny},
            "end": {"class_type": "PreviewImage", "inputs": {"images": ["flush", 0]}},
        }
        await socket.finished(await self.queue(graph, client_id=socket.client_id))
        await socket.ws.close()

    async def _file(self, file: Json) -> Json:
        query = "&".join(f"{key}={_quoted(str(file[key]))}" for key in ("filename", "subfolder", "type"))
        answer = await self.ask("GET", f"/view?{query}")
        content = file_seen(file["filename"], answer.data) if answer.status == 200 else answer.status
        return {"name": file["filename"], "content": content}


def unnumbered(entry: Json) -> Json:
    """An answer or job without its place in line, which counts all prompts since the start."""
    counted = ("number", "priority")
    return {key: f"<{type(item).__name__}>" if key in counted else item for key, item in entry.items()}


def _settled(item: list[Any]) -> list[Any]:
    """A queue item without its number; its outputs stand in a set on real servers, thus in no order."""
    number, *rest, outputs = item
    return [f"<{type(number).__name__}>", *rest, sorted(outputs)]


def _files(outputs: Json) -> list[Json]:
    return [
        file
        for shown in outputs.values()
        for entries in shown.values()
        if isinstance(entries, list)
        for file in entries
        if isinstance(file, dict) and "filename" in file
    ]


def _quoted(text: str) -> str:
    return str(URL.build(path="/", query={"q": text}).raw_query_string.removeprefix("q="))


def _binary(data: bytes) -> Json:
    """A binary frame: its event, its head, and what the picture in it is."""
    event = struct.unpack(">I", data[:4])[0]
    if event == 1:
        kind = struct.unpack(">I", data[4:8])[0]
        return {"type": "binary", "data": {"event": 1, "kind": kind, "picture": picture_seen(data[8:])}}
    if event in (3, 4):
        length = struct.unpack(">I", data[4:8])[0]
        head, rest = data[8 : 8 + length].decode(), data[8 + length :]
        shown = rest.decode() if event == 3 else picture_seen(rest)
        told = head if event == 3 else json.loads(head)
        return {"type": "binary", "data": {"event": event, "head": told, "picture": shown}}
    return {"type": "binary", "data": {"event": event, "bytes": len(data)}}
