"""The sockets of the server: who is registered under which client id, and one loop that sends.

Faithful to two faults of real servers. Registration is by id alone, so when an old socket ends, it
takes the registration of a newer one with the same id along; and sending is one socket after the
other from one task, so one reader that stops holds up all of them.
"""

import asyncio
import json
import logging
import struct
import uuid
from collections.abc import Mapping
from typing import Any

from aiohttp import WSMsgType, web

log = logging.getLogger(__name__)

PREVIEW = 1
TEXT = 3
PREVIEW_WITH_METADATA = 4
IMAGE_KINDS = {"image/jpeg": 1, "image/png": 2}


class Hub:
    """All sockets of one server; `client_id` and `last_node` tell whose prompt runs, and where it is."""

    def __init__(self, features: Mapping[str, Any] | None) -> None:
        """`features` is None for versions that know of none: no answer to flags, no reports of progress."""
        self.client_id: object = None
        self.last_node: str | None = None
        self._features = features
        self._registered: dict[str, web.WebSocketResponse] = {}
        self._flags: dict[str, Mapping[str, Any]] = {}
        self._open: dict[web.WebSocketResponse, asyncio.Transport | None] = {}
        self._outgoing: asyncio.Queue[tuple[float, str | bytes, object]] = asyncio.Queue()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.delay = 0.0
        """Seconds that a message is on its way."""

    def post(self, event: str, data: Mapping[str, Any], client_id: object = None) -> None:
        """Queue a message for one client; None is everybody. Nobody there means it is lost."""
        if event == "progress_state" and self._features is None:
            return
        self._put(_message(event, data), client_id)

    def post_preview(self, image: bytes, client_id: object, image_type: str = "image/jpeg") -> None:
        """Queue a picture in the old form, which does not say whose it is."""
        self._put(struct.pack(">II", PREVIEW, IMAGE_KINDS[image_type]) + image, client_id)

    def post_preview_of(
        self, metadata: Mapping[str, Any], image: bytes, client_id: object, image_type: str = "image/jpeg"
    ) -> None:
        """Queue a picture with its metadata."""
        head = json.dumps({**metadata, "image_type": image_type}).encode()
        frame = struct.pack(">II", PREVIEW_WITH_METADATA, len(head)) + head + image
        self._put(frame, client_id)

    def post_text(self, node_id: str, text: str, client_id: object) -> None:
        """Queue a line of text that is shown at a node."""
        name = node_id.encode()
        frame = struct.pack(">II", TEXT, len(name)) + name + text.encode()
        self._put(frame, client_id)

    def post_raw(self, payload: str | bytes) -> None:
        """Queue any frame for everybody."""
        self._put(payload, None)

    def wants_metadata(self, client_id: object) -> bool:
        """Whether that client's connection asked for previews with metadata."""
        flags = self._flags.get(client_id) if isinstance(client_id, str) else None
        return flags is not None and flags.get("supports_preview_metadata") is True

    def has(self, client_id: str) -> bool:
        """Whether a socket is registered under this id."""
        return client_id in self._registered

    async def publish(self) -> None:
        """Send what is queued, one frame to one socket at a time, until cancelled."""
        while True:
            due, payload, client_id = await self._outgoing.get()
            if self.delay:
                await asyncio.sleep(due - asyncio.get_running_loop().time())
            await self._flowing.wait()
            await self._send(payload, client_id)

    async def serve(self, request: web.Request, queue_info: Mapping[str, Any]) -> web.WebSocketResponse:
        """Own one socket from its handshake to its end."""
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        sid = request.query.get("clientId", "") or uuid.uuid4().hex
        if self.delay:
            await asyncio.sleep(self.delay)
        self._open[ws] = request.transport
        self._registered[sid] = ws
        self._flags[sid] = {}
        try:
            await self._send(_message("status", {"status": queue_info, "sid": sid}), sid)
            if self.client_id == sid and self.last_node is not None:
                await self._send(_message("executing", {"node": self.last_node}), sid)
            await self._listen(ws, sid)
        finally:
            # By id, not by socket: this is the fault described above.
            self._registered.pop(sid, None)
            self._flags.pop(sid, None)
            del self._open[ws]
        return ws

    def deafen(self) -> None:
        """Forget all registrations: open sockets stay open and answer pings, but hear nothing more."""
        self._registered.clear()
        self._flags.clear()

    def hold(self, *, held: bool) -> None:
        """Stop sending, or go on."""
        if held:
            self._flowing.clear()
        else:
            self._flowing.set()

    def drop(self, client_id: str | None) -> None:
        """Cut the sockets of a client, or all, without a closing handshake."""
        ours = None if client_id is None else self._registered.get(client_id)
        for ws, transport in self._open.items():
            if transport is not None and (client_id is None or ws is ours):
                transport.abort()

    def _put(self, payload: str | bytes, client_id: object) -> None:
        due = asyncio.get_running_loop().time() + self.delay
        self._outgoing.put_nowait((due, payload, client_id))

    async def _listen(self, ws: web.WebSocketResponse, sid: str) -> None:
        first = True
        async for message in ws:
            if message.type is not WSMsgType.TEXT or not first:
                continue
            await asyncio.sleep(2 * self.delay)  # there, and the answer back
            try:
                said = json.loads(message.data)
            except json.JSONDecodeError:
                log.debug("Client %s sent text that is not JSON", sid)
                continue
            # Only the first JSON object of a connection counts; other JSON does not use the turn up.
            if not isinstance(said, dict):
                continue
            first = False
            if self._features is not None and said.get("type") == "feature_flags" and sid in self._flags:
                flags = said.get("data")
                self._flags[sid] = flags if isinstance(flags, dict) else {}
                await self._send(_message("feature_flags", self._features), sid)

    async def _send(self, payload: str | bytes, client_id: object) -> None:
        if client_id is None:
            targets = list(self._registered.values())
        else:
            ws = self._registered.get(client_id) if isinstance(client_id, str) else None
            targets = [] if ws is None else [ws]
        for target in targets:
            try:
                if isinstance(payload, str):
                    await target.send_str(payload)
                else:
                    await target.send_bytes(payload)
            except ConnectionError as error:
                log.debug("A socket was gone: %s", error)


def _message(event: str, data: Mapping[str, Any]) -> str:
    return json.dumps({"type": event, "data": data})
