"""The web application of one life of the server: its routes, and what stands before all of them."""

from collections.abc import Iterable

from aiohttp import web

from simulator import (
    file_routes,
    info_routes,
    internal_routes,
    model_routes,
    prompt_routes,
    user_routes,
)
from simulator.counting import Counts
from simulator.faults import BY_NAME
from simulator.gate import middlewares
from simulator.machine import MACHINE, Machine
from simulator.versions import Version


def make_application(machine: Machine, counts: Counts) -> web.Application:
    """The whole server, below its path prefix if it has one."""
    inner = _application(machine, counts)
    prefix = machine.settings.path_prefix
    if not prefix:
        return inner
    outer = web.Application(client_max_size=machine.settings.max_upload_size)
    outer.add_subapp(prefix, inner)
    return outer


def _application(machine: Machine, counts: Counts) -> web.Application:
    """Every route of ComfyUI stands once bare and once below /api."""
    settings = machine.settings
    before = [counts.middleware, *middlewares(settings)]
    app = web.Application(client_max_size=settings.max_upload_size, middlewares=before)
    app[MACHINE] = machine
    internal = web.Application()
    internal[MACHINE] = machine
    internal.add_routes(internal_routes.ROUTES)
    app.add_subapp("/internal", internal)
    for route in _routes(settings.version):
        app.add_routes([route, web.RouteDef(route.method, f"/api{route.path}", route.handler, {})])
    app.add_routes(prompt_routes.JOB_ROUTES if settings.version.has_jobs else [])
    app.add_routes(prompt_routes.CANCEL_ROUTES if settings.version.cancels_jobs else [])
    app.add_routes(info_routes.ASSET_ROUTES if settings.version.has_assets else [])
    app.add_routes(counts.routes())
    app.add_routes([web.get("/simulator/runs", _get_runs), web.post("/simulator/faults", _post_fault)])
    # Static files below "/" as in real servers: they make 404 of unknown GETs, 405 of all the rest.
    app.add_routes([web.static("/", machine.folders.web)])
    return app


def _routes(version: Version) -> Iterable[web.RouteDef]:
    modules = (prompt_routes, file_routes, info_routes, model_routes, user_routes)
    for module in modules:
        yield from module.ROUTES
    if version.has_features:
        yield info_routes.FEATURES_ROUTE
    if version.replaces_nodes:
        yield info_routes.REPLACEMENTS_ROUTE
    if version.has_subgraphs:
        yield from info_routes.SUBGRAPH_ROUTES
    if version.has_user_tree:
        yield user_routes.TREE_ROUTE


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
