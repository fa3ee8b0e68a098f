"""What a server tells about itself, and the websocket."""

import sys
from pathlib import PurePosixPath
from typing import Any

from aiohttp import web

from simulator.machine import MACHINE
from simulator.replacements import REPLACEMENTS
from simulator.schema import CLASSES

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
    """Versions and memory; one device with the memory of a common card."""
    settings = request.app[MACHINE].settings
    system = {
        "os": sys.platform,
        "ram_total": 32 * GIBIBYTE,
        "ram_free": 24 * GIBIBYTE,
        "comfyui_version": settings.version.name,
        "required_frontend_version": "simulated",
        "installed_templates_version": "simulated",
        "required_templates_version": "simulated",
        "comfy_package_versions": [],
        "python_version": sys.version,
        "pytorch_version": "simulated",
        "embedded_python": False,
        "deploy_environment": "simulator",
        "argv": ["main.py", "--preview-method", settings.default_preview_method],
    }
    device = {
        "name": "cuda:0 Simulated (no GPU)",
        "type": "cuda",
        "index": 0,
        "vram_total": 12 * GIBIBYTE,
        "vram_free": 11 * GIBIBYTE,
        "torch_vram_total": 0,
        "torch_vram_free": 0,
    }
    return web.json_response({"system": system, "devices": [device]})


async def get_features(request: web.Request) -> web.Response:
    """What the websocket answers to feature flags, too."""
    return web.json_response(request.app[MACHINE].features)


async def get_object_info(request: web.Request) -> web.Response:
    """All node classes, or one; `{}` for an unknown one."""
    wanted = request.match_info.get("node_class")
    names = [name for name in CLASSES if wanted in (None, name)]
    machine = request.app[MACHINE]
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


async def get_models(request: web.Request) -> web.Response:
    """The names of the model folders, or the files of one."""
    catalogue = request.app[MACHINE].catalogue
    folder = request.match_info.get("folder")
    found = catalogue.model_folders() if folder is None else catalogue.models(folder)
    return web.Response(status=404) if found is None else web.json_response(found)


async def get_embeddings(request: web.Request) -> web.Response:
    """The embeddings by the names that prompts call them by."""
    names = request.app[MACHINE].catalogue.models("embeddings") or []
    return web.json_response([str(PurePosixPath(name).with_suffix("")) for name in names])


async def get_node_replacements(request: web.Request) -> web.Response:
    """What becomes of nodes of old classes."""
    return web.json_response(REPLACEMENTS)


async def get_users(request: web.Request) -> web.Response:
    """A server without accounts."""
    return web.json_response({"storage": "server", "migrated": False})


ROUTES = [
    web.get("/ws", get_socket),
    web.get("/system_stats", get_system_stats),
    web.get("/object_info", get_object_info),
    web.get("/object_info/{node_class}", get_object_info),
    web.get("/models", get_models),
    web.get("/models/{folder}", get_models),
    web.get("/embeddings", get_embeddings),
    web.get("/users", get_users),
]
FEATURES_ROUTE = web.get("/features", get_features)
REPLACEMENTS_ROUTE = web.get("/node_replacements", get_node_replacements)
