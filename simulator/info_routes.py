"""What a server tells about itself, and the websocket."""

import sys
from typing import Any

from aiohttp import web

from simulator.machine import MACHINE, Machine
from simulator.replacements import REPLACEMENTS
from simulator.schema import CLASSES
from simulator.settings import SimulatorSettings

GIBIBYTE = 2**30
_PAGE = (
    "<!doctype html><title>Simulated ComfyUI</title><p>This is a simulated ComfyUI: it has no editor. "
    'Its API answers as a real one does; what ran is at <a href="simulator/runs">simulator/runs</a>.'
)


async def get_page(request: web.Request) -> web.Response:
    """The page a person sees who opens the address."""
    return web.Response(text=_PAGE, content_type="text/html")


async def get_socket(request: web.Request) -> web.WebSocketResponse:
    """The websocket."""
    machine = request.app[MACHINE]
    return await machine.hub.serve(request, machine.queue.info())


async def get_system_stats(request: web.Request) -> web.Response:
    """Versions and memory; every card alike, the first one with the models in it."""
    machine = request.app[MACHINE]
    cards = [_device(index, machine) for index in range(machine.settings.gpus)]
    return web.json_response({"system": _system(machine.settings), "devices": cards})


def _system(settings: SimulatorSettings) -> dict[str, Any]:
    version = settings.version
    templates = ("required_frontend_version", "installed_templates_version", "required_templates_version")
    return {
        "os": sys.platform,
        "ram_total": 32 * GIBIBYTE,
        "ram_free": 24 * GIBIBYTE,
        "comfyui_version": version.name,
        **(dict.fromkeys(templates, "simulated") if version.tells_templates else {}),
        **({"comfy_package_versions": []} if version.tells_packages else {}),
        "python_version": sys.version,
        "pytorch_version": "simulated",
        "embedded_python": False,
        **({"deploy_environment": "local-git"} if version.tells_packages else {}),
        "argv": _flags(settings),
    }


def _flags(settings: SimulatorSettings) -> list[str]:
    """The command line of a real server with these settings."""
    flags = ["main.py", "--listen", settings.host, "--port", str(settings.port)]
    flags += ["--preview-method", settings.default_preview_method]
    flags += ["--multi-user"] if settings.multi_user else []
    flags += ["--enable-compress-response-body"] if settings.compress_answers else []
    return flags + (["--enable-cors-header", settings.cors_origin] if settings.cors_origin else [])


def _device(index: int, machine: Machine) -> dict[str, Any]:
    memory = machine.executor.memory
    free = memory.free if index == 0 else memory.total
    return {
        "name": f"cuda:{index} Simulated (no GPU)",
        "type": "cuda",
        "index": index,
        "vram_total": memory.total,
        "vram_free": free,
        "torch_vram_total": memory.total - free,
        "torch_vram_free": 0,
    }


async def get_features(request: web.Request) -> web.Response:
    """What the websocket answers to feature flags, too."""
    return web.json_response(request.app[MACHINE].features)


async def get_object_info(request: web.Request) -> web.Response:
    """All node classes, or one; `{}` for an unknown one."""
    wanted = request.match_info.get("node_class")
    machine = request.app[MACHINE]
    names = [name for name in CLASSES if wanted in (None, name) and machine.catalogue.offers(name)]
    found = {name: machine.catalogue.object_info(name) for name in names}
    if not machine.settings.version.new_combos:
        found = {name: _with_old_combos(info) for name, info in found.items()}
    return web.json_response(found)


def _with_old_combos(info: dict[str, Any]) -> dict[str, Any]:
    """Choices as the list that old versions give instead of a type."""
    groups = {
        group: {name: _old_combo(spec) for name, spec in inputs.items()} if group != "hidden" else inputs
        for group, inputs in info["input"].items()
    }
    return {**info, "input": groups}


def _old_combo(spec: list[Any]) -> list[Any]:
    if spec[0] != "COMBO" or "options" not in spec[1]:
        return spec
    options = {key: value for key, value in spec[1].items() if key not in ("options", "multiselect")}
    return [spec[1]["options"], options] if options else [spec[1]["options"]]


async def get_node_replacements(request: web.Request) -> web.Response:
    """What becomes of nodes of old classes."""
    return web.json_response(REPLACEMENTS)


async def get_nothing(request: web.Request) -> web.Response:
    """No translations, templates or subgraphs."""
    return web.json_response({})


async def get_extensions(request: web.Request) -> web.Response:
    """No scripts for an editor that is not there."""
    return web.json_response([])


async def get_subgraph(request: web.Request) -> web.Response:
    """Null, as for every subgraph that is not known."""
    return web.json_response(None)


async def refuse_assets(request: web.Request) -> web.Response:
    """The answer of a server without `--enable-assets`."""
    message = "Assets system is disabled. Start the server with --enable-assets to use this feature."
    error = {"code": "SERVICE_DISABLED", "message": message, "details": {}}
    return web.json_response({"error": error}, status=503)


ROUTES = [
    web.get("/", get_page),
    web.get("/i18n", get_nothing),
    web.get("/workflow_templates", get_nothing),
    web.get("/extensions", get_extensions),
    web.get("/ws", get_socket),
    web.get("/system_stats", get_system_stats),
    web.get("/object_info", get_object_info),
    web.get("/object_info/{node_class}", get_object_info),
]
FEATURES_ROUTE = web.get("/features", get_features)
REPLACEMENTS_ROUTE = web.get("/node_replacements", get_node_replacements)
SUBGRAPH_ROUTES = [
    web.get("/global_subgraphs", get_nothing),
    web.get("/global_subgraphs/{id}", get_subgraph),
]
ASSET_ROUTES = [
    web.get("/api/assets", refuse_assets),
    web.post("/api/assets", refuse_assets),
    web.get("/api/assets/{asset}", refuse_assets),
    web.put("/api/assets/{asset}", refuse_assets),
    web.delete("/api/assets/{asset}", refuse_assets),
    web.get("/api/tags", refuse_assets),
]
