"""Plain HTTP with one server: one session, one mapping of aiohttp's errors, answers checked to be JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import yarl

from bot.comfy.address import Address
from bot.comfy.timing import Timing
from bot.errors import BackendError, CannotConnect, Refused

NETWORK_ERRORS = (aiohttp.ClientError, OSError, TimeoutError)
CHUNK = 64 * 1024
MOST_MESSAGE = 64 * 1024 * 1024
"""Bytes of one websocket message. Nodes that send results over the socket send whole PNG files."""

PAUSES = (0.1, 0.2, 0.4)
"""Seconds before asking again what a server answered with an error of its own."""

T = TypeVar("T")

_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class ServerFault(CannotConnect):
    """A 5xx. The server is there; whether it did what was asked is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer that the server itself gave: 2xx, 400, 404 or 405."""

    status: int
    body: bytes


class Wire:
    """One server's HTTP. Every method raises `CannotConnect` if there was no usable answer."""

    def __init__(self, address: Address, timing: Timing, *, on_trouble: Callable[[], None]) -> None:
        self._address = address
        self._timing = timing
        self._on_trouble = on_trouble
        self._opened: aiohttp.ClientSession | None = None
        self.answered_at = float("-inf")
        """When the server last answered anything, on the event loop's clock."""

    async def open(self) -> None:
        """Open the session; it belongs to the running event loop."""
        self._opened = aiohttp.ClientSession(headers={"User-Agent": "Muralist", **self._address.headers})

    async def close(self) -> None:
        """Close the session and its connections."""
        if self._opened is not None:
            await self._opened.close()

    async def get_json(self, path: str, *, timeout: float | None = None) -> Any:
        """GET a path that answers 200 and JSON."""
        answer = await self.get(path, timeout=timeout)
        if answer.status != 200:
            raise self.stranger(f"{answer.status} for GET {path}")
        return self.json_of(answer)

    async def get(self, path: str, *, timeout: float | None = None) -> Answer:
        """GET a path; again if the server answers with an error of its own."""
        return await patiently(lambda: self._exchange("GET", path, self._limits(timeout)))

    async def post(self, path: str, body: object = None) -> Answer:
        """POST a JSON body, or none. Raises `Refused` for one over the server's limit."""
        return await self._exchange("POST", path, self._limits(None), json=body)

    async def post_form(self, path: str, form: aiohttp.FormData) -> Answer:
        """POST a form; it may take as long as bytes flow. Raises `Refused` for one over the server's limit."""
        return await self._exchange("POST", path, self._transfer(), data=form)

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str]
    ) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """GET a file: its status, and its bytes as they come."""
        url = self._address.at(path).update_query(query)
        async with await patiently(lambda: self._begin("GET", url, self._transfer())) as response:
            # ComfyUI serves .html files as attachments of no type, so this would be somebody's page.
            if response.status == 200 and response.content_type == "text/html":
                raise self.stranger(f"a page for GET {path}")
            yield response.status, self._chunks(response)

    async def socket(self, client_id: str) -> aiohttp.ClientWebSocketResponse:
        """Open the websocket of a client id; the caller closes it."""
        try:
            return await self._session.ws_connect(
                self._address.at("/ws").update_query(clientId=client_id),
                heartbeat=self._timing.ping,
                max_msg_size=MOST_MESSAGE,
                timeout=aiohttp.ClientWSTimeout(ws_close=self._timing.deaf),
            )
        except NETWORK_ERRORS as error:
            raise self._trouble(error) from error

    def json_of(self, answer: Answer) -> Any:
        """The JSON of an answer."""
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise self.stranger(f"{answer.status}, no JSON: {answer.body[:80]!r}") from None

    def stranger(self, detail: str) -> CannotConnect:
        """The error for an answer that ComfyUI would not give."""
        return CannotConnect(
            f"Something else than ComfyUI answers at {self._address.name}. Check the address.", detail=detail
        )

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            raise RuntimeError("a backend is used inside its `async with` only")
        return self._opened

    async def _exchange(self, method: str, path: str, limits: aiohttp.ClientTimeout, **given: Any) -> Answer:
        async with await self._begin(method, self._address.at(path), limits, **given) as response:
            try:
                return Answer(status=response.status, body=await response.read())
            except NETWORK_ERRORS as error:
                raise self._trouble(error) from error

    async def _begin(
        self, method: str, url: yarl.URL, limits: aiohttp.ClientTimeout, **given: Any
    ) -> aiohttp.ClientResponse:
        """Send a request, up to the headers of its answer."""
        try:
            response = await self._session.request(
                method, url, timeout=limits, allow_redirects=False, **given
            )
        except NETWORK_ERRORS as error:
            raise self._trouble(error) from error
        self.answered_at = asyncio.get_running_loop().time()
        unusable = _unusable(response.status, self._address.name)
        if unusable is not None:
            response.close()
            raise unusable
        return response

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        try:
            async for chunk in response.content.iter_chunked(CHUNK):
                yield chunk
        except NETWORK_ERRORS as error:
            raise self._trouble(error) from error

    def _trouble(self, error: Exception) -> CannotConnect:
        self._on_trouble()
        return unreachable(error, self._address.name)

    def _limits(self, seconds: float | None) -> aiohttp.ClientTimeout:
        total = self._timing.answer if seconds is None else seconds
        return aiohttp.ClientTimeout(total=total, sock_connect=self._timing.connect)

    def _transfer(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=None, sock_connect=self._timing.connect, sock_read=self._timing.transfer
        )


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Do what may safely be done twice; again, a few times, if the server answers with a 5xx."""
    for pause in PAUSES:
        try:
            return await ask()
        except ServerFault:
            await asyncio.sleep(pause)
    return await ask()


def unreachable(error: Exception, name: str) -> CannotConnect:
    """The one mapping of aiohttp's and the system's network errors."""
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, _NEVER_SENT):
        return CannotConnect(
            f"ComfyUI at {name} can't be reached. Check that it runs.", detail=detail, maybe_sent=False
        )
    if isinstance(error, TimeoutError):
        return CannotConnect(f"ComfyUI at {name} takes too long to answer.", detail=detail)
    return CannotConnect(f"The connection to ComfyUI at {name} broke.", detail=detail)


def _unusable(status: int, name: str) -> BackendError | None:
    """The error that a status alone tells of; None for one that the server's own routes answer with."""
    detail = f"status {status}"
    if status in (401, 403) or 300 <= status < 400:
        sentence = f"What answers at {name} asks for a login. Put it into ComfyUI's address."
        return CannotConnect(sentence, detail=detail, maybe_sent=False)
    if status == 413:
        return Refused("That is too big for ComfyUI. Send something smaller.", detail=detail)
    if status == 504:
        return CannotConnect(f"ComfyUI at {name} takes too long to answer.", detail=detail)
    if status >= 500:
        return ServerFault(f"ComfyUI at {name} is in trouble. Its console says more.", detail=detail)
    return None
