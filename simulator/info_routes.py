"""What a server tells about itself, and the websocket."""

import sys

from aiohttp import web

from simulator.machine import MACHINE
from simulator.schema import CLASSES, Shelf

GIBIBYTE = 2**30
MODEL_KINDS = [
    "checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision",
    "style_models", "embeddings", "diffusers", "vae_approx", "controlnet", "gligen", "upscale_models",
    "latent_upscale_models", "custom_nodes", "hypernetworks", "photomaker", "classifiers",
    "model_patches", "audio_encoders",
]  # fmt: skip
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
        "comfyui_version": settings.version,
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
    catalogue = request.app[MACHINE].catalogue
    return web.json_response({name: catalogue.object_info(name) for name in names})


async def get_models(request: web.Request) -> web.Response:
    """The kinds of model folders, or the files of one kind."""
    folder = request.match_info.get("folder")
    if folder is None:
        return web.json_response(MODEL_KINDS)
    if folder not in MODEL_KINDS:
        return web.Response(status=404)
    stocked = folder in (Shelf.CHECKPOINTS, Shelf.VAES, Shelf.LORAS)
    return web.json_response(request.app[MACHINE].catalogue.shelf(Shelf(folder)) if stocked else [])


async def get_embeddings(request: web.Request) -> web.Response:
    """No embeddings."""
    return web.json_response([])


async def get_users(request: web.Request) -> web.Response:
    """A server without accounts."""
    return web.json_response({"storage": "server", "migrated": False})


ROUTES = [
    web.get("/ws", get_socket),
    web.get("/system_stats", get_system_stats),
    web.get("/features", get_features),
    web.get("/object_info", get_object_info),
    web.get("/object_info/{node_class}", get_object_info),
    web.get("/models", get_models),
    web.get("/models/{folder}", get_models),
    web.get("/embeddings", get_embeddings),
    web.get("/users", get_users),
]
