"""Faults on demand: what real servers and the networks before them were seen to do, when a test asks."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from simulator.nodes import OUT_OF_MEMORY, NodeFailed

_LOGIN = "<!doctype html><title>Log in</title><form method=post><input type=password name=password></form>"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Target(Protocol):
    """What faults are done to."""

    def drop_sockets(self, client_id: str | None) -> None:
        """Cut the websockets of one client, or all."""

    def deafen(self) -> None:
        """Make all open websockets deaf."""

    def send_raw(self, payload: str | bytes) -> None:
        """Send a frame to all websockets."""

    def delay_messages(self, seconds: float) -> None:
        """Let all messages arrive late."""

    def hold_messages(self, *, held: bool) -> None:
        """Stop sending messages, or go on."""

    def clear_history(self) -> None:
        """Forget finished prompts."""

    async def restart(self, downtime: float) -> None:
        """Die and come back after `downtime` seconds."""

    def restart_soon(self, downtime: float) -> None:
        """The same without waiting for it."""


@dataclass(kw_only=True)
class _Rule:
    """What happens to the next `times` requests below a path."""

    prefix: str
    method: str | None
    times: int
    status: int | None = None
    body: str = ""
    content_type: str = "text/plain"
    delay: float = 0.0
    swallow: bool = False

    def fits(self, method: str, path: str) -> bool:
        if self.times <= 0 or self.method not in (None, method):
            return False
        return _is_below(path, self.prefix)


class Faults:
    """Each method starts or arms one fault; seconds for times.

    Path prefixes fit a route with and without `/api`; a `method` narrows them to, say, POST.
    """

    def __init__(self, target: Target, path_prefix: str = "") -> None:
        self.history_gap = 0.0
        self.delay = 0.0
        """Seconds that everything takes on its way through the network."""
        self.view_rate: float | None = None
        """Bytes per second of downloads."""
        self.step_seconds: float | None = None
        """How long a sampling step takes, if not as the settings say."""
        self._target = target
        self._rules: list[_Rule] = []
        self._going = asyncio.Event()
        self._going.set()
        self._oom = False
        self._forgetful = False
        self._node_error: tuple[str, str | None] | None = None
        self._failing = random.Random(0)
        self._share = 0.0
        self._cuts: list[int] = []
        self._prefix = path_prefix
        self._login: bool | None = None
        self._reversed: list[asyncio.Event] = []
        self._reverse_at = 0
        self._reverse_below = ""

    def deafen(self) -> None:
        """All sockets stay open and answer pings, but never get another message; new ones work."""
        self._target.deafen()

    def drop_sockets(self, client_id: str | None = None) -> None:
        """Cut all sockets, or those of one client, without a closing handshake."""
        self._target.drop_sockets(client_id)

    def hold_messages(self) -> None:
        """Send nobody anything more, as when some stranger's client has stopped reading; HTTP and prompts go on."""
        self._target.hold_messages(held=True)

    def release_messages(self) -> None:
        """End `hold_messages`: what was held comes now."""
        self._target.hold_messages(held=False)

    def network_delay(self, seconds: float) -> None:
        """From now on every request, every answer and every message takes so long on its way."""
        self.delay = seconds
        self._target.delay_messages(seconds)

    def fail_share(self, share: float, seed: int = 0) -> None:
        """From now on answer this share (0..1) of all requests with 500, unprocessed; 0 ends it."""
        self._share, self._failing = share, random.Random(seed)

    def cut_view(self, size: int, times: int = 1) -> None:
        """Break the connection after so many bytes of the next downloads."""
        self._cuts += [size] * times

    def slow_view(self, bytes_per_second: float | None) -> None:
        """From now on downloads come this slowly; None ends it."""
        self.view_rate = bytes_per_second

    def show_login(self, redirect: bool = True) -> None:
        """From now on answer everything with a page to log in at, as a proxy does when a session has ended.

        It comes as a 302 to /login, or in place of the answer itself with status 200.
        """
        self._login = redirect

    def hide_login(self) -> None:
        """End `show_login`."""
        self._login = None

    def reverse_answers(self, count: int, path_prefix: str = "") -> None:
        """Hold the next answers until there are `count` of them, and give the last one first."""
        self._reverse_at, self._reverse_below = count, path_prefix

    def take_cut(self) -> int | None:
        """After how many bytes this download breaks, if it does."""
        return self._cuts.pop(0) if self._cuts else None

    def fail_next(
        self,
        path_prefix: str,
        status: int,
        times: int = 1,
        method: str | None = None,
        body: str = "",
        content_type: str = "text/plain",
    ) -> None:
        """Answer the next requests with this status, unprocessed, as a proxy in front would."""
        self._rules.append(
            _Rule(
                prefix=path_prefix,
                method=method,
                times=times,
                status=status,
                body=body,
                content_type=content_type,
            )
        )

    def delay_answer(
        self, path_prefix: str, seconds: float, times: int = 1, method: str | None = None
    ) -> None:
        """Process the next requests at once but answer late; infinity never answers."""
        self._rules.append(_Rule(prefix=path_prefix, method=method, times=times, delay=seconds))

    def swallow_answer(self, path_prefix: str, times: int = 1, method: str | None = None) -> None:
        """Process the next requests, then cut the connection instead of answering."""
        self._rules.append(_Rule(prefix=path_prefix, method=method, times=times, swallow=True))

    def oom_next(self) -> None:
        """The next sampler runs out of memory at its first step."""
        self._oom = True

    def node_error_next(self, message: str, class_type: str | None = None) -> None:
        """The next node that runs (of that class, if given) raises a RuntimeError."""
        self._node_error = (message, class_type)

    def send_unknown(self) -> None:
        """Send every socket a message type, a binary event and a text that no client knows."""
        self._target.send_raw(json.dumps({"type": "custom_pack.gossip", "data": {"prompt_id": 7}}))
        self._target.send_raw(b"\x00\x00\x00\x63unknown")
        self._target.send_raw('{"type": "progress", "data": {')

    def hang(self) -> None:
        """The worker makes no more progress and does not see interrupts; HTTP goes on."""
        self._going.clear()

    def unhang(self) -> None:
        """End a hang."""
        self._going.set()

    def forget_interrupt(self) -> None:
        """The next interrupt is taken and forgotten, as one that comes just before its run begins: that resets it."""
        self._forgetful = True

    def forgets(self) -> bool:
        """Whether the interrupt that came is forgotten."""
        forgetful, self._forgetful = self._forgetful, False
        return forgetful

    def clear_history(self) -> None:
        """Forget all finished prompts, as somebody's "clear history" in the browser does."""
        self._target.clear_history()

    def delay_history(self, seconds: float) -> None:
        """From now on let this time pass between execution_success and the entry in the history."""
        self.history_gap = seconds

    def pace(self, step_seconds: float | None) -> None:
        """From now on a sampling step takes so long; None is as at the start."""
        self.step_seconds = step_seconds

    async def restart(self, downtime: float = 0.0) -> None:
        """Kill the server and start it again at the same port: only the disk survives."""
        await self._target.restart(downtime)

    def restart_soon(self, downtime: float = 0.0) -> None:
        """`restart` from within a request, which it kills."""
        self._target.restart_soon(downtime)

    async def going(self) -> None:
        """Return at once unless the worker hangs."""
        await self._going.wait()

    def before_node(self, class_type: str) -> None:
        """Raise the armed error if this node is the one it is for."""
        if self._node_error is not None and self._node_error[1] in (None, class_type):
            message, self._node_error = self._node_error[0], None
            raise NodeFailed("RuntimeError", message)

    def sampling(self) -> None:
        """Raise the armed out-of-memory error."""
        if self._oom:
            self._oom = False
            raise NodeFailed("torch.OutOfMemoryError", OUT_OF_MEMORY)

    async def on_request(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request as the first rule that fits it says."""
        path = request.path.removeprefix(self._prefix)
        if path.startswith("/simulator/"):
            return await handler(request)
        is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        if self.delay:
            await asyncio.sleep(self.delay)
        if self._login is not None:
            return self._log_in(path)
        if self._share and not is_socket and self._failing.random() < self._share:
            return web.Response(status=500, text="500 Internal Server Error\n\nServer got itself in trouble")
        response = await self._by_rule(request, path, handler)
        if self._reverse_at and _is_below(path, self._reverse_below):
            await self._in_turn(request, response)
        if self.delay and not is_socket:
            await asyncio.sleep(self.delay)
        return response

    async def _by_rule(self, request: web.Request, path: str, handler: Handler) -> web.StreamResponse:
        rule = next((rule for rule in self._rules if rule.fits(request.method, path)), None)
        if rule is None:
            return await handler(request)
        rule.times -= 1
        if rule.status is not None:
            return web.Response(status=rule.status, text=rule.body, content_type=rule.content_type)
        response = await handler(request)
        await asyncio.sleep(rule.delay)
        if rule.swallow and request.transport is not None:
            request.transport.abort()
        return response

    def _log_in(self, path: str) -> web.Response:
        if self._login and path != "/login":
            return web.Response(status=302, headers={"Location": f"{self._prefix}/login"})
        return web.Response(text=_LOGIN, content_type="text/html")

    async def _in_turn(self, request: web.Request, response: web.StreamResponse) -> None:
        """Send an answer when the one that came after it has gone; the last one starts."""
        mine = asyncio.Event()
        self._reversed.append(mine)
        if len(self._reversed) == self._reverse_at:
            self._reverse_at = 0
        else:
            await mine.wait()
        self._reversed.remove(mine)
        await response.prepare(request)
        await response.write_eof()
        if self._reversed:
            self._reversed[-1].set()


def _is_below(path: str, prefix: str) -> bool:
    """Whether a path is one of a route, with or without `/api`."""
    return path.startswith(prefix) or path.removeprefix("/api").startswith(prefix)


# The faults that POST /simulator/faults reaches by name.
BY_NAME = frozenset({
    "deafen", "drop_sockets", "fail_next", "delay_answer", "swallow_answer", "oom_next",
    "node_error_next", "send_unknown", "hang", "unhang", "clear_history", "delay_history", "restart",
    "hold_messages", "release_messages", "network_delay", "fail_share", "cut_view",
    "slow_view", "show_login", "hide_login", "reverse_answers", "pace", "forget_interrupt",
})  # fmt: skip
