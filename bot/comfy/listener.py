"""The one websocket of a backend: kept open, read by one task that only parses and hands on.

The server keeps one registration for each client id, and loses it when an old socket with the same id closes
after a new one has opened; that new one then looks healthy and stays silent for ever. So an old socket is
closed before the next is opened, and `expect_word` finds out the deaf ones. Messages are neither repeated nor
numbered: after every connect, whoever listens must ask by HTTP what it missed.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from typing import Protocol

import aiohttp
import structlog

from bot.comfy.messages import FEATURE_FLAGS, Message, parse_binary, parse_text
from bot.comfy.timing import Timing
from bot.comfy.wire import NETWORK_ERRORS, Wire
from bot.errors import CannotConnect

log = structlog.get_logger(__name__)

OLD_ENOUGH = 30.0
"""Seconds. A server that stays silent on every connection gets a new one this often, no more."""


_STATUS = re.compile(r'\{"type":\s*"status",.{0,80}?"queue_remaining":\s*(\d{1,9})\b')


class Hearer(Protocol):
    """Who gets what the socket brings. Its methods must return at once."""

    def opened(self, connection: int) -> None:
        """A connection is open; before it, anything may have been missed."""

    def hear(self, message: Message, connection: int) -> None:
        """A message came over that connection."""

    def counted(self, remaining: int) -> None:
        """So many prompts run or wait on the server."""


class Listener:
    """Keeps the socket open while `run` runs."""

    def __init__(
        self,
        wire: Wire,
        hearer: Hearer,
        *,
        name: str,
        client_id: str,
        timing: Timing,
        on_new_client_id: Callable[[str], Awaitable[None]] | None,
        on_open: Callable[[], None],
    ) -> None:
        """`on_open` is called whenever a connection but the first is open: the server may be another one."""
        self._wire = wire
        self._hearer = hearer
        self._name = name
        self._timing = timing
        self._on_new_client_id = on_new_client_id
        self._on_open = on_open
        self.client_id = client_id
        self.connection: int | None = None
        """Which connection is open, counted from 1; None while none is."""
        self.heard_at = float("-inf")
        """When anything last came over the socket, on the event loop's clock."""
        self._count = 0
        self._opened_at = 0.0
        self._deaf = 0
        self._renew = False
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._hanging_up: asyncio.Task[bool] | None = None
        self._settled = asyncio.Event()
        self._settled.set()

    async def run(self, ready: Callable[[], Awaitable[None]]) -> None:
        """Keep a connection open until cancelled; `ready` waits until trying makes sense."""
        self._settled.clear()
        pause = self._timing.reconnect_first
        try:
            while True:
                await ready()
                heard = await self._connect_and_read()
                pause = self._timing.reconnect_first if heard else min(2 * pause, self._timing.reconnect_most)
                await asyncio.sleep(pause)
        finally:
            self._settled.set()

    async def settled(self) -> None:
        """Wait until there is a connection, or the last try to open one has failed."""
        await self._settled.wait()

    def expect_word(self, since: float, within: float | None = None) -> None:
        """A word must have come since that time, within so many seconds from now (`timing.deaf`); else the socket is
        replaced."""
        if self.connection is not None:
            loop = asyncio.get_running_loop()
            patience = self._timing.deaf if within is None else within
            loop.call_later(patience, self._check_word, self.connection, since)

    def _check_word(self, connection: int, since: float) -> None:
        if connection != self.connection or self._hanging_up is not None:
            return
        if self.heard_at >= since:
            self._deaf = 0
            return
        self._deaf += 1
        now = asyncio.get_running_loop().time()
        if self._deaf > 2 and now - self._opened_at < OLD_ENOUGH:
            return  # a new id did not help, so the server is at fault; polling does the work
        self._renew = self._deaf == 2
        log.warning("socket_deaf", backend=self._name, times=self._deaf)
        if self._socket is not None:
            self._hanging_up = asyncio.create_task(self._socket.close())

    async def _connect_and_read(self) -> bool:
        """One connection from its beginning to its end. Returns whether anything was heard over it."""
        begun = asyncio.get_running_loop().time()
        try:
            await self._take_new_client_id()
            self._socket = await self._wire.socket(self.client_id)
            await self._read(self._socket)
        except (CannotConnect, *NETWORK_ERRORS) as error:
            log.info("socket_lost", backend=self._name, reason=str(error))
        except Exception:
            log.exception("socket_failed", backend=self._name)
        finally:
            await self._close()
        return self.heard_at >= begun

    async def _take_new_client_id(self) -> None:
        if self._renew:
            self._renew = False
            self.client_id = str(uuid.uuid4())
            log.info("new_client_id", backend=self._name)
            if self._on_new_client_id is not None:
                await self._on_new_client_id(self.client_id)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        await socket.send_json(FEATURE_FLAGS)
        self._count += 1
        self.connection = self._count
        self._opened_at = asyncio.get_running_loop().time()
        self._settled.set()
        self._hearer.opened(self._count)
        if self._count > 1:
            self._on_open()
        async for frame in socket:
            self.heard_at = asyncio.get_running_loop().time()
            try:
                self._hand_on(frame, self._count)
            except Exception:
                log.exception("frame_failed", backend=self._name)

    def _hand_on(self, frame: aiohttp.WSMessage, connection: int) -> None:
        message: Message | None = None
        if frame.type is aiohttp.WSMsgType.TEXT:
            status = _STATUS.match(frame.data)
            if status is not None:
                self._hearer.counted(int(status[1]))
                return
            message = parse_text(frame.data)
        elif frame.type is aiohttp.WSMsgType.BINARY:
            message = parse_binary(frame.data)
        if message is not None:
            self._hearer.hear(message, connection)

    async def _close(self) -> None:
        """The old one must be gone before the next is opened."""
        if self.connection is None:
            self._settled.set()  # tried in vain
        else:
            self._settled.clear()  # the next try comes at once
        self.connection = None
        socket, self._socket = self._socket, None
        hanging_up, self._hanging_up = self._hanging_up, None
        if hanging_up is not None:
            await hanging_up
        if socket is not None:
            await socket.close()
