"""The pages themselves, and what monitoring asks."""

from __future__ import annotations

from importlib.resources import files

from aiohttp import web

from adapters.web.openapi import specification
from adapters.web.visitors import VISITOR, Gate, set_session
from adapters.web.wire import BROKEN_FORM
from bot.contract.levels import Level
from bot.contract.ports import Core

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_METRICS = "text/plain; version=0.0.4; charset=utf-8"
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


class Pages:
    """Handlers of everything that is not the API."""

    def __init__(self, core: Core, gate: Gate) -> None:
        self._core = core
        self._gate = gate
        self._files = files("adapters.web") / "static"

    def routes(self) -> list[web.RouteDef]:
        """Where the handlers are."""
        return [
            web.get("/", self.chat),
            web.get("/docs", self.docs),
            web.get("/admin", self.admin),
            web.get("/login", self.login),
            web.post("/login", self.log_in),
            web.get("/static/{name}", self.static),
            web.get("/openapi.json", self.openapi),
            web.get("/healthz", self.health),
            web.get("/readyz", self.ready),
            web.get("/metrics", self.metrics),
        ]

    async def chat(self, request: web.Request) -> web.Response:
        """The chat page; a browser that comes for the first time gets its session."""
        response = self._file("index.html")
        visitor = request[VISITOR]
        if visitor.program:
            set_session(response, self._gate.new_session(), secure=_secure(request))
        return response

    async def docs(self, _request: web.Request) -> web.Response:
        """The API described for people."""
        return self._file("docs.html")

    async def admin(self, request: web.Request) -> web.Response:
        """The page for admins. It holds no data; for others it says how to become one."""
        response = self._file("admin.html")
        if await self._core.level(request[VISITOR].actor) < Level.ADMIN:
            response.set_status(403)
        return response

    async def login(self, _request: web.Request) -> web.Response:
        """Asks a browser for the token."""
        return self._file("login.html")

    async def log_in(self, request: web.Request) -> web.Response:
        """Takes the token and gives a session for it."""
        try:
            token = (await request.post()).get("token")
        except BROKEN_FORM:
            token = None
        if not isinstance(token, str) or not self._gate.is_token(token.strip()):
            raise web.HTTPSeeOther("login?wrong=1")
        response = web.Response(status=303, headers={"Location": "./"})
        set_session(response, self._gate.new_session(), secure=_secure(request))
        return response

    async def static(self, request: web.Request) -> web.Response:
        """The page's own scripts and styles."""
        return self._file(request.match_info["name"])

    def _file(self, name: str) -> web.Response:
        known = {entry.name: entry for entry in self._files.iterdir()}
        if name not in known:
            raise web.HTTPNotFound
        kind = _TYPES[name[name.rindex(".") :]]
        headers = {
            "Content-Security-Policy": _POLICY,
            "Cache-Control": "no-cache",
            # Not "no-referrer": browsers would send forms with `Origin: null`, and the login would be refused.
            "Referrer-Policy": "same-origin",
        }
        return web.Response(
            body=known[name].read_bytes(), content_type=kind, charset="utf-8", headers=headers
        )

    async def openapi(self, _request: web.Request) -> web.Response:
        """The API described for programs."""
        return web.json_response(specification(self._core.commands()))

    async def health(self, _request: web.Request) -> web.Response:
        """The process lives: its event loop turns."""
        return web.json_response({"status": "ok"})

    async def ready(self, _request: web.Request) -> web.Response:
        """A picture asked for now would be begun and shown."""
        trouble = await self._core.trouble()
        return web.json_response({"status": trouble or "ok"}, status=503 if trouble else 200)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Figures for Prometheus."""
        return web.Response(body=await self._core.metrics(), headers={"Content-Type": _METRICS})


def _secure(request: web.Request) -> bool:
    return request.secure or request.headers.get("X-Forwarded-Proto") == "https"
