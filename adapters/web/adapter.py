"""The web adapter: one server for the page and the API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog
from aiohttp import web

from adapters.web.api import Api
from adapters.web.chat import Chat
from adapters.web.pages import Pages
from adapters.web.people import People
from adapters.web.rooms import Rooms
from adapters.web.settings import WebSettings
from adapters.web.visitors import Gate, Handler, guard
from bot.contract.card import Card
from bot.contract.ports import Core, Limits
from bot.contract.values import Address
from bot.errors import (
    ConfigError,
    MediaRejected,
    NoBackend,
    NoRoom,
    NoSuchJob,
    NotAllowed,
    NotOffered,
    Stale,
    TooMuch,
    UnknownCommand,
    UserError,
)

log = structlog.get_logger(__name__)

BODY_BYTES = 64 * 1024 * 1024
CLOSE_SECONDS = 1.0

_STATUS: Mapping[type[UserError], int] = {
    NoSuchJob: 404,
    UnknownCommand: 404,
    Stale: 410,
    NotAllowed: 403,
    TooMuch: 429,
    NoBackend: 503,
    NotOffered: 503,
    MediaRejected: 415,
    NoRoom: 507,
}


class WebAdapter:
    """Serves the page and the API; a message is a card of a room that open pages are told of."""

    name = "web"
    limits = Limits(edit_seconds=0.1, media_per_message=16, previews=True, shared=True)

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        self._rooms = Rooms()
        self._url = ""
        self._opened = asyncio.Event()

    async def opened(self) -> str:
        """Wait until the page is served."""
        await self._opened.wait()
        return f"Open {self._url}"

    async def run(self, core: Core) -> None:
        """Serve until cancelled. Raises `ConfigError` if the address is taken."""
        runner = web.AppRunner(
            self._application(core), shutdown_timeout=CLOSE_SECONDS, handler_cancellation=True
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._settings.web_host, self._settings.web_port)
            await self._start(site)
            self._url = f"http://{_host(self._settings.web_host)}:{runner.addresses[0][1]}"
            self._opened.set()
            log.info("the page is served", url=self._url)
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    def turn(self, address: Address, *, final: bool, left: float | None = None) -> float:
        """There is always one."""
        del address, final, left
        return 0.0

    def shared(self, address: Address) -> None:
        """Each has edits of its own."""
        del address

    async def show(self, address: Address, card: Card) -> None:
        """Tell whoever looks at the room; pages that are opened later read the card from the core."""
        self._rooms.tell(address["room"], address["card"], card)

    async def remove(self, address: Address) -> None:
        """Take the card out of open pages."""
        self._rooms.tell(address["room"], address["card"], None)

    async def _start(self, site: web.TCPSite) -> None:
        try:
            await site.start()
        except OSError as error:
            reason = (error.strerror or "").rpartition(": ")[2]  # asyncio says the address first
            raise ConfigError(
                f"The page can't be served at {self._settings.web_host}:{self._settings.web_port} "
                f"({reason}). Stop what uses that port, or set WEB_PORT to another."
            ) from error

    def _application(self, core: Core) -> web.Application:
        gate = Gate(self._settings)
        application = web.Application(middlewares=[errors, guard(gate)], client_max_size=BODY_BYTES)
        for part in (Api(core), Chat(core, self._rooms), People(core), Pages(core, gate)):
            application.add_routes(part.routes())
        return application


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error as JSON with a sentence; what is nobody's fault but ours is logged and said to be that."""
    try:
        return await handler(request)
    except UserError as error:
        headers = {"Retry-After": "5"} if isinstance(error, NoBackend) else {}
        return _error(_STATUS.get(type(error), 400), error.code, str(error), headers)
    except web.HTTPRequestEntityTooLarge:
        return _error(413, "too_large", f"That is too much: at most {BODY_BYTES // 2**20} MB at once.")
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code = "not_found" if error.status == 404 else "bad_request"
        allowed = error.headers.get("Allow")
        headers = {} if allowed is None else {"Allow": allowed}
        return _error(error.status, code, f"{error.reason}.", headers)
    except ConnectionResetError:
        raise  # the browser went away in the middle of an answer
    except Exception:  # an adapter's callback: logged, and the server goes on
        log.exception("request failed", method=request.method, path=request.path)
        return _error(500, "internal", "Something went wrong here. Try again; the log says more.")


def _error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status, headers=headers)


def _host(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 compared, not bound: this is what to open in a browser
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
