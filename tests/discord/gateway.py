"""The gateway of the tests' Discord: sessions that end with their sockets, or are taken up again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from tests.discord.limits import Json
from tests.discord.payloads import APPLICATION, BOT, GUILD, user_json

if TYPE_CHECKING:
    from tests.discord.double import Discord

HELLO, INVALID, ACKNOWLEDGED = 10, 9, 11


@dataclass
class Session:
    """What one connection of the bot has been told, in order: it may ask for what it missed."""

    id: str
    shard: int
    socket: web.WebSocketResponse | None
    told: list[Json] = field(default_factory=list)


class Gateway:
    """Tells the bot what happens. Only the first shard's server has people who write."""

    def __init__(self, world: Discord) -> None:
        self._world = world
        self._sessions: dict[str, Session] = {}

    async def send(self, event: str, data: Json) -> None:
        """Something happened: whoever is connected is told now, whoever takes up a session is told then."""
        for session in list(self._sessions.values()):
            if session.shard == 0:
                await self._tell(session, event, data)

    async def drop(self, code: int = 4000, *, forgotten: bool = False) -> None:
        """Close every connection; `forgotten` sessions can't be taken up again."""
        sockets = [session.socket for session in self._sessions.values() if session.socket is not None]
        for session in self._sessions.values():
            session.socket = None
        if forgotten:
            self._sessions.clear()
        self._world.connected.clear()
        for socket in sockets:
            await socket.close(code=code)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await _say(socket, HELLO, {"heartbeat_interval": 41250})
        try:
            async for received in socket:
                if received.type is WSMsgType.TEXT:
                    await self._received(socket, json.loads(received.data))
        finally:
            self._ended(socket)
        return socket

    def _ended(self, socket: web.WebSocketResponse) -> None:
        for session in self._sessions.values():
            if session.socket is socket:
                session.socket = None
                if session.shard == 0:
                    self._world.connected.clear()

    async def _received(self, socket: web.WebSocketResponse, said: Json) -> None:
        match said["op"]:
            case 1:
                await _say(socket, ACKNOWLEDGED, None)
            case 2 if said["d"]["intents"] & self._world.refused_intents:
                await socket.close(code=4014, message=b"Disallowed intent(s).")
            case 2:
                self._world.identified.append(said["d"])
                await self._begin(socket, said["d"]["shard"][0])
            case 6:
                await self._resume(socket, said["d"])

    async def _begin(self, socket: web.WebSocketResponse, shard: int) -> None:
        for known in [each for each in self._sessions.values() if each.shard == shard]:
            del self._sessions[known.id]
        session = Session(id=f"session-{len(self._world.identified)}", shard=shard, socket=socket)
        world = self._world
        ours = [GUILD + n for n in range(world.guilds) if n % world.shards == shard]
        await self._tell(session, "READY", self._ready(session, ours))
        for number in ours:
            await self._tell(session, "GUILD_CREATE", world.guild(number))
        self._sessions[session.id] = session
        if shard == 0:
            world.connected.set()

    async def _resume(self, socket: web.WebSocketResponse, said: Json) -> None:
        session = self._sessions.get(said["session_id"])
        if session is None:
            await _say(socket, INVALID, False)
            return
        self._world.resumed.append(said)
        session.socket = socket
        for missed in session.told[said["seq"] :]:
            await socket.send_json(missed)
        await self._tell(session, "RESUMED", {})
        if session.shard == 0:
            self._world.connected.set()

    def _ready(self, session: Session, guilds: list[int]) -> Json:
        url = self._world.url.replace("http", "ws") + "/gateway/"
        return {
            "v": 10, "user": {**user_json(BOT), "bot": True},
            "guilds": [{"id": str(number), "unavailable": True} for number in guilds],
            "session_id": session.id, "resume_gateway_url": url,
            "application": {"id": str(APPLICATION), "flags": 0},
            "private_channels": [], "shard": [session.shard, self._world.shards],
        }  # fmt: skip

    async def _tell(self, session: Session, event: str, data: Json) -> None:
        payload = {"op": 0, "t": event, "s": len(session.told) + 1, "d": data}
        session.told.append(payload)
        if session.socket is not None and not session.socket.closed:
            await session.socket.send_json(payload)


async def _say(socket: web.WebSocketResponse, op: int, data: object) -> None:
    await socket.send_json({"op": op, "d": data, "s": None, "t": None})
