"""Plain HTTP with one server: one session, one mapping of aiohttp's errors, answers checked to be JSON."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import yarl
from multidict import CIMultiDict

from bot.comfy.access import Access
from bot.comfy.address import Address
from bot.comfy.breaker import Breaker
from bot.comfy.guards import Gateway, ServerFault, by_body, by_status, stranger, wants_certificate
from bot.comfy.timing import Timing
from bot.errors import BackendError, CannotConnect

NETWORK_ERRORS = (aiohttp.ClientError, OSError, TimeoutError)
CHUNK = 64 * 1024
MOST_PAGE = 64 * 1024
"""Bytes of a page that are looked at to tell what it is."""
MOST_MESSAGE = 64 * 1024 * 1024
"""Bytes of one websocket message. Nodes that send results over the socket send whole PNG files."""

PAUSES = (0.1, 0.2, 0.4)
"""Seconds before asking again, give or take a half: servers that come back are not asked by all at once."""

T = TypeVar("T")

_CUT_OFF = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


class Hung(CannotConnect):
    """No answer in time."""


class Broken(CannotConnect):
    """The connection broke; whether the server did what was asked is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer that the server itself gave: 2xx, 400, 404 or 405."""

    status: int
    body: bytes


class Wire:
    """One server's HTTP. Every method raises `CannotConnect` if there was no usable answer.

    What fails is told to the breaker, and nothing is sent while that is open, unless it is a probe.
    """

    def __init__(self, address: Address, access: Access, timing: Timing, breaker: Breaker) -> None:
        self._address = address
        self._timing = timing
        self._breaker = breaker
        self._tls = access.tls() if address.base.scheme == "https" else None
        self._anonymous = self._tls is not None and access.client_cert is None
        """A server that wants a certificate of its clients cuts those off that have none, without a word."""
        self._proxy = access.proxy_for(address.base)
        self._opened: aiohttp.ClientSession | None = None
        self.answered_at = float("-inf")
        """When the server last answered anything, on the event loop's clock."""

    async def open(self) -> None:
        """Open the session; it belongs to the running event loop."""
        headers = CIMultiDict({"User-Agent": "Muralist"})
        headers.update(self._address.headers)
        self._opened = aiohttp.ClientSession(
            headers=headers,
            connector=aiohttp.TCPConnector(ssl=self._tls or True),
            proxy=self._proxy,
            middlewares=(self._refuse_guards,),
        )

    async def close(self) -> None:
        """Close the session and its connections."""
        if self._opened is not None:
            await self._opened.close()

    async def get_json(
        self, path: str, *, query: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Any:
        """GET a path that answers 200 and JSON."""
        answer = await self.get(path, query=query, timeout=timeout)
        if answer.status != 200:
            raise self.no_json(answer)
        return self.json_of(answer)

    async def get(
        self, path: str, *, query: Mapping[str, str] | None = None, timeout: float | None = None
    ) -> Answer:
        """GET a path; again if the server answers with an error of its own, or the connection breaks."""
        return await patiently(lambda: self._ask("GET", path, timeout, query=query))

    async def probe(
        self, path: str, *, method: str = "GET", body: object = None, timeout: float | None = None
    ) -> Answer:
        """Ask once, though the breaker be open, and briefly. What fails is for whoever probes to judge."""
        limits = self._limits(self._timing.connect if timeout is None else timeout)
        return await self._exchange(method, self._address.at(path), limits, json=body)

    async def post(self, path: str, body: object = None, *, again: bool = False) -> Answer:
        """POST a JSON body, or none; with `again` as patiently as a GET. Raises `Refused` for one too big."""
        if again:
            return await patiently(lambda: self._ask("POST", path, json=body))
        return await self._ask("POST", path, json=body)

    async def post_form(self, path: str, make: Callable[[], aiohttp.FormData]) -> Answer:
        """POST a form, made anew for each try; it may take as long as bytes flow. Raises `Refused` for one too big."""

        async def ask() -> Answer:
            with self._judged():
                return await self._exchange("POST", self._address.at(path), self._transfer(), data=make())

        return await patiently(ask)

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str]
    ) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """GET a file: its status, and its bytes as they come."""
        url = self._address.at(path).update_query(query)

        async def ask() -> aiohttp.ClientResponse:
            with self._judged():
                return await self._begin("GET", url, self._transfer())

        async with await patiently(ask) as response:
            # ComfyUI serves .html files as attachments of no type, so this would be somebody's page.
            if response.status == 200 and response.content_type == "text/html":
                raise self.stranger(f"a page for GET {path}")
            yield response.status, self._chunks(response)

    async def socket(self, client_id: str) -> aiohttp.ClientWebSocketResponse:
        """Open the websocket of a client id; the caller closes it."""
        try:
            async with asyncio.timeout(self._timing.answer):
                return await self._session.ws_connect(
                    self._address.at("/ws").update_query(clientId=client_id),
                    heartbeat=self._timing.ping,
                    max_msg_size=MOST_MESSAGE,
                    timeout=aiohttp.ClientWSTimeout(ws_close=self._timing.deaf),
                )
        except NETWORK_ERRORS as error:
            self._breaker.doubt.set()  # some proxies pass no socket on, so it is no failure by itself
            raise self._unreachable(error) from error

    def json_of(self, answer: Answer) -> Any:
        """The JSON of an answer."""
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise self.no_json(answer) from None

    def no_json(self, answer: Answer) -> CannotConnect:
        """The error for an answer that should have been JSON."""
        self._breaker.doubt.set()
        text = self._address.without_secrets(answer.body[:MOST_PAGE].decode("utf-8", "replace"))
        return by_body(answer.status, text, self._address.name)

    def stranger(self, detail: str) -> CannotConnect:
        """The error for an answer that ComfyUI would not give."""
        self._breaker.doubt.set()
        return stranger(self._address.name, detail)

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._opened is None:
            raise RuntimeError("a backend is used inside its `async with` only")
        return self._opened

    async def _ask(
        self,
        method: str,
        path: str,
        timeout: float | None = None,
        *,
        query: Mapping[str, str] | None = None,
        **given: Any,
    ) -> Answer:
        with self._judged():
            url = self._address.at(path).update_query(query or {})
            return await self._exchange(method, url, self._limits(timeout), **given)

    @contextmanager
    def _judged(self) -> Iterator[None]:
        """Tell the breaker what becomes of a request. Raises `CannotConnect` at once while that is open."""
        self._breaker.check()
        try:
            yield
        except BackendError as error:
            # A 500 is an answer of ComfyUI's own, and so is a body that is too big for it.
            if isinstance(error, CannotConnect) and (
                isinstance(error, Gateway) or not isinstance(error, ServerFault)
            ):
                self._breaker.failed(error)
            raise
        self._breaker.succeeded()

    async def _exchange(
        self, method: str, url: yarl.URL, limits: aiohttp.ClientTimeout, **given: Any
    ) -> Answer:
        async with await self._begin(method, url, limits, **given) as response:
            try:
                return Answer(status=response.status, body=await response.read())
            except NETWORK_ERRORS as error:
                raise self._unreachable(error) from error

    async def _begin(
        self, method: str, url: yarl.URL, limits: aiohttp.ClientTimeout, **given: Any
    ) -> aiohttp.ClientResponse:
        """Send a request, up to the headers of its answer."""
        try:
            response = await self._session.request(
                method, url, timeout=limits, allow_redirects=False, **given
            )
        except NETWORK_ERRORS as error:
            raise self._unreachable(error) from error
        self.answered_at = asyncio.get_running_loop().time()
        return response

    async def _refuse_guards(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Stop at answers that are not ComfyUI's, before aiohttp follows a redirect of the socket's handshake."""
        response = await handler(request)
        error = by_status(
            response.status,
            response.headers,
            request.url,
            self._address.name,
            proxied=self._proxy is not None,
        )
        if error is not None:
            response.close()
            raise error
        return response

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        try:
            async for chunk in response.content.iter_chunked(CHUNK):
                yield chunk
        except NETWORK_ERRORS as error:
            trouble = self._unreachable(error)
            self._breaker.failed(trouble)
            raise trouble from error

    def _unreachable(self, error: Exception) -> CannotConnect:
        # Not the whole of aiohttp's text: with an answer's status it repeats the URL.
        said = (
            f"{error.status} {error.message}"
            if isinstance(error, aiohttp.ClientResponseError)
            else str(error)
        )
        detail = self._address.without_secrets(f"{type(error).__name__}: {said}")
        cut_off = isinstance(error, _CUT_OFF) and not isinstance(error, _NEVER_SENT)
        if cut_off and self._anonymous and self.answered_at == float("-inf"):
            return wants_certificate(self._address.name, detail)
        return unreachable(error, self._address.name, detail)

    def _limits(self, seconds: float | None) -> aiohttp.ClientTimeout:
        total = self._timing.answer if seconds is None else seconds
        return aiohttp.ClientTimeout(total=total, sock_connect=self._timing.connect)

    def _transfer(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=None, sock_connect=self._timing.connect, sock_read=self._timing.transfer
        )


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Do what may safely be done twice; again, a few times, after a 5xx or on a new connection."""
    for pause in PAUSES:
        try:
            return await ask()
        except (ServerFault, Broken):
            await asyncio.sleep(jittered(pause))
    return await ask()


def jittered(seconds: float) -> float:
    """Half to one and a half of a pause."""
    return seconds * random.uniform(0.5, 1.5)


def unreachable(error: Exception, name: str, detail: str) -> CannotConnect:
    """The one mapping of aiohttp's and the system's network errors."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        sentence = f"The certificate of {name} can't be verified. Name who issued it in COMFYUI_CA_FILE."
        return CannotConnect(sentence, detail=detail, maybe_sent=False)
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        sentence = f"What answers at {name} speaks no https. Write http:// in its address."
        return CannotConnect(sentence, detail=detail, maybe_sent=False)
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        sentence = f"The proxy on the way to {name} does not let Muralist through. Check COMFYUI_PROXY."
        return CannotConnect(sentence, detail=detail, maybe_sent=False)
    if isinstance(error, _NEVER_SENT):
        kind = Hung if isinstance(error, TimeoutError) else CannotConnect
        return kind(
            f"ComfyUI at {name} can't be reached. Check that it runs.", detail=detail, maybe_sent=False
        )
    if isinstance(error, TimeoutError):
        return Hung(f"ComfyUI at {name} takes too long to answer.", detail=detail)
    return Broken(f"The connection to ComfyUI at {name} broke.", detail=detail)
