"""The web application of one life of the server: its routes, and what stands before all of them."""

import ipaddress
import urllib.parse

from aiohttp import web

from simulator import file_routes, info_routes, prompt_routes
from simulator.faults import BY_NAME, Handler
from simulator.machine import MACHINE, Machine
from simulator.versions import Version


def make_application(machine: Machine) -> web.Application:
    """Every route of ComfyUI stands once bare and once below /api."""
    app = web.Application(
        client_max_size=machine.settings.max_upload_size, middlewares=[_check_origin, _do_faults]
    )
    app[MACHINE] = machine
    version = machine.settings.version
    for route in [*prompt_routes.ROUTES, *file_routes.ROUTES, *info_routes.ROUTES, *_newer(version)]:
        app.add_routes([route, web.RouteDef(route.method, f"/api{route.path}", route.handler, {})])
    app.add_routes(prompt_routes.JOB_ROUTES if version.has_jobs else [])
    app.add_routes(prompt_routes.CANCEL_ROUTES if version.cancels_jobs else [])
    app.add_routes([web.get("/simulator/runs", _get_runs), web.post("/simulator/faults", _post_fault)])
    # Real servers serve static files below "/": that makes 404 of unknown GETs, 405 of all the rest.
    app.add_routes([web.get("/", info_routes.get_page), web.get("/{path:.*}", _not_found)])
    return app


def _newer(version: Version) -> list[web.RouteDef]:
    """Routes that not every version has."""
    features = [info_routes.FEATURES_ROUTE] if version.has_features else []
    return features + ([info_routes.REPLACEMENTS_ROUTE] if version.replaces_nodes else [])


@web.middleware
async def _check_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse browsers that were led here by another site."""
    if request.headers.get("Sec-Fetch-Site") == "cross-site" or _foreign_origin(request):
        return web.Response(status=403)
    return web.Response() if request.method == "OPTIONS" else await handler(request)


@web.middleware
async def _do_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    return await request.app[MACHINE].faults.on_request(request, handler)


def _foreign_origin(request: web.Request) -> bool:
    """Whether host and origin differ; looked at only when the host is this machine by name or number."""
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


async def _not_found(request: web.Request) -> web.Response:
    return web.Response(status=404, content_type="application/octet-stream")


async def _get_runs(request: web.Request) -> web.Response:
    return web.json_response(request.app[MACHINE].runs.listing())


async def _post_fault(request: web.Request) -> web.StreamResponse:
    """Do the fault that the body names, with the rest of the body as its arguments."""
    arguments = await request.json()
    name = arguments.pop("name", None)
    if name not in BY_NAME:
        return web.json_response({"error": f"Faults are: {', '.join(sorted(BY_NAME))}."}, status=400)
    faults = request.app[MACHINE].faults
    if name == "restart":
        return await _answer_and_restart(request, **arguments)
    try:
        getattr(faults, name)(**arguments)
    except TypeError as error:
        return web.json_response({"error": str(error)}, status=400)
    return web.json_response({"done": name})


async def _answer_and_restart(request: web.Request, downtime: float = 0.0) -> web.StreamResponse:
    response = web.json_response({"done": "restart"})
    await response.prepare(request)
    await response.write_eof()
    request.app[MACHINE].faults.restart_soon(downtime)
    return response
