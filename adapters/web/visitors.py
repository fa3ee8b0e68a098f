"""Who a request comes from, and whether it may come at all.

A browser has a session: a random id in a cookie, signed with WEB_TOKEN where there is one. A program sends
WEB_TOKEN as a bearer token; without a token only this machine is served, and a program needs nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from aiohttp import web
from aiohttp.typedefs import Middleware
from yarl import URL

from adapters.web.settings import WebSettings, is_loopback
from bot.contract.values import Actor, Place

COOKIE = "muralist_session"
YEAR_SECONDS = 365 * 24 * 3600
OPEN = frozenset(
    {"/login", "/healthz", "/readyz", "/static/style.css", "/static/login.js", "/static/theme.js"}
)
"""Paths that need no token."""

LINKED = "/files/"
"""Below this each path has a key of its own."""

FORWARDING = frozenset(
    {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via"}
)
"""Headers that only a proxy sends."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """Whose request it is and the room that its messages are in. `program` is true for the API's callers."""

    actor: Actor
    place: Place
    program: bool

    def on_behalf_of(self, user: str | None) -> Actor:
        """The person whom a program acts for; a browser only ever acts for its own."""
        if not self.program or not user:
            return self.actor
        return Actor(platform="web", external_id=f"user:{user}", name=user)


VISITOR = web.RequestKey("visitor", Visitor)

API = Visitor(
    actor=Actor(platform="web", external_id="api", name="API"),
    place=Place(platform="web", external_id="api"),
    program=True,
)


class Gate:
    """Lets requests in, or not."""

    def __init__(self, settings: WebSettings) -> None:
        self._token = settings.web_token

    @property
    def asks_for_token(self) -> bool:
        """Whether there is a token at all."""
        return self._token is not None

    def is_token(self, text: str) -> bool:
        """Whether this is the token; takes the same time however wrong it is."""
        return self._token is not None and hmac.compare_digest(_bytes(text), _bytes(self._token))

    def new_session(self) -> str:
        """A cookie for a new browser."""
        session = secrets.token_urlsafe(24)
        return f"{session}.{self._sign(session)}"

    def visitor(self, request: web.Request) -> Visitor | None:
        """Whose request this is; None if it has not shown that it may come.

        Without a token only this machine is served, so it is the owner's; unless a proxy says that it speaks
        for somebody else. A token makes nobody the owner: whoever may use the page has it.
        """
        found = self._known(request)
        if found is None or self._token is not None or not FORWARDING.isdisjoint(request.headers):
            return found
        return replace(found, actor=replace(found.actor, owner=True))

    def _known(self, request: web.Request) -> Visitor | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return API if self._token is None or self.is_token(token.strip()) else None
        cookie = request.cookies.get(COOKIE)
        if cookie is not None:
            session, _, signature = cookie.partition(".")
            if hmac.compare_digest(_bytes(signature), self._sign(session).encode()):
                return _browser(session)
        return API if self._token is None else None

    def _sign(self, session: str) -> str:
        """With the token as key, so that a new token ends all sessions."""
        key = hashlib.sha256(b"muralist session " + _bytes(self._token or "")).digest()
        return hmac.new(key, _bytes(session), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    """A header's text, in which bytes that are no UTF-8 came as lone surrogates."""
    return text.encode(errors="surrogatepass")


def _browser(session: str) -> Visitor:
    """The person of a session. What is stored is a hash: the database gives no session away."""
    name = hashlib.sha256(session.encode()).hexdigest()[:32]
    return Visitor(
        actor=Actor(platform="web", external_id=name, name=f"Guest {name[:4]}"),
        place=Place(platform="web", external_id=name),
        program=False,
    )


def guard(gate: Gate) -> Middleware:
    """The middleware in front of everything."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(LINKED):
            return await handler(request)
        refused = _wrong_site(request, local_only=not gate.asks_for_token)
        if refused is not None:
            return refused
        visitor = gate.visitor(request)
        if visitor is None and request.path not in OPEN:
            if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
                raise web.HTTPSeeOther(f"{'../' * (request.path.count('/') - 1)}login")
            return _error(401, "unauthorized", "Send the token: Authorization: Bearer WEB_TOKEN.")
        if visitor is not None:
            request[VISITOR] = visitor
        return await handler(request)

    return check


def _wrong_site(request: web.Request, *, local_only: bool) -> web.Response | None:
    """Refuse pages of other sites: they may not use a browser's session, nor reach this machine by a name."""
    host = _url(f"http://{request.host}").host or ""
    if local_only and not is_loopback(host):
        return _error(403, "wrong_host", "This page is served to this machine only, as http://127.0.0.1.")
    origin = request.headers.get("Origin")
    if origin is not None and _url(origin).authority != request.host:
        return _error(403, "wrong_origin", "Requests from other sites are not taken.")
    if origin is None and request.headers.get("Sec-Fetch-Site") == "cross-site" and request.method != "GET":
        return _error(403, "wrong_origin", "Requests from other sites are not taken.")
    return None


def _url(text: str) -> URL:
    """What a header names; nothing if it is no address."""
    try:
        return URL(text)
    except ValueError:
        return URL()


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def set_session(response: web.StreamResponse, value: str, *, secure: bool) -> None:
    """Give a browser its session. Without a path it is for the folder that the browser sees the page in."""
    response.set_cookie(
        COOKIE, value, max_age=YEAR_SECONDS, httponly=True, samesite="Lax", secure=secure, path=""
    )
