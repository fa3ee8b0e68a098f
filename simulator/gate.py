"""What stands before all routes: a guard as proxies have it, and the server's own checks and wrappings."""

import base64
import ipaddress
import re
import urllib.parse

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from simulator.machine import MACHINE
from simulator.settings import SimulatorSettings

_DENIED = "<html><head><title>401 Authorization Required</title></head></html>"
_KEPT = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
_NEVER_KEPT = (".js", ".css")
_INDEX = re.compile(r"/index[^/]*\.json$")
_METHODS = "POST, GET, DELETE, PUT, OPTIONS, PATCH"


def middlewares(settings: SimulatorSettings) -> list[Middleware]:
    """The outermost first."""
    chosen: list[Middleware] = []
    if settings.basic_auth is not None or settings.token is not None:
        chosen.append(_guard)
    if settings.compress_answers:
        chosen.append(_compress)
    chosen.append(_check_origin if settings.cors_origin is None else _allow_origin)
    return [_allow_keeping, *chosen, _do_faults]


@web.middleware
async def _allow_keeping(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say how long pictures may be kept by a browser, and that scripts may not, by the end of the path."""
    response = await handler(request)
    path = request.path.lower()
    if response.prepared:
        return response
    if path.endswith(_NEVER_KEPT) or _INDEX.search(path):
        response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    elif path.endswith(_KEPT) and (response.status == 404 or response.status < 300):
        # A file that is not there is found out later, so that only answers of routes are 404 here.
        seconds = 3600 if response.status == 404 else 86400
        response.headers.setdefault(hdrs.CACHE_CONTROL, f"public, max-age={seconds}")
    return response


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send away whoever names neither the password nor the token, be it for a socket."""
    settings = request.app[MACHINE].settings
    if _proves(request, settings):
        return await handler(request)
    headers = {"WWW-Authenticate": 'Basic realm="ComfyUI"'} if settings.basic_auth is not None else {}
    return web.Response(status=401, text=_DENIED, content_type="text/html", headers=headers)


def _proves(request: web.Request, settings: SimulatorSettings) -> bool:
    said = request.headers.get(hdrs.AUTHORIZATION)
    if settings.basic_auth is not None:
        coded = base64.b64encode(settings.basic_auth.encode()).decode()
        if said == f"Basic {coded}":
            return True
    return settings.token is not None and (
        said == f"Bearer {settings.token}" or request.query.get("token") == settings.token
    )


@web.middleware
async def _compress(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    if not isinstance(response, web.Response) or not response.body:
        return response
    is_text = response.content_type in ("application/json", "text/plain")
    if is_text and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        response.enable_compression()
    return response


@web.middleware
async def _allow_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let pages of other sites in, instead of refusing them."""
    response = web.Response() if request.method == "OPTIONS" else await handler(request)
    if not response.prepared:
        response.headers["Access-Control-Allow-Origin"] = request.app[MACHINE].settings.cors_origin or "*"
        response.headers["Access-Control-Allow-Methods"] = _METHODS
        response.headers["Access-Control-Allow-Headers"] = "Content-Type, Authorization"
        response.headers["Access-Control-Allow-Credentials"] = "true"
    return response


@web.middleware
async def _check_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse browsers that were led here by another site."""
    strict = request.app[MACHINE].settings.version.refuses_cross_site
    cross_site = strict and request.headers.get("Sec-Fetch-Site") == "cross-site"
    if cross_site or _foreign_origin(request):
        return web.Response(status=403)
    return web.Response() if request.method == "OPTIONS" else await handler(request)


@web.middleware
async def _do_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await request.app[MACHINE].faults.on_request(request, handler)


def _foreign_origin(request: web.Request) -> bool:
    """Whether host and origin differ; looked at only when the host is this machine by name or number."""
    if hdrs.ORIGIN not in request.headers:
        return False
    host = urllib.parse.urlsplit(f"//{request.headers.get('Host', '').lower()}")
    origin = urllib.parse.urlsplit(request.headers.get("Origin", "").lower())
    if not host.hostname or not origin.hostname or not _is_loopback(host.hostname):
        return False
    # A port that only one of them names is not compared.
    if host.port is None or origin.port is None:
        return host.hostname != origin.hostname
    return host.netloc != origin.netloc


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
