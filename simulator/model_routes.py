"""Which model files there are. They are names only: nothing of them lies on the disk."""

import posixpath
import zlib
from pathlib import PurePosixPath

from aiohttp import web

from simulator.folders import Folders
from simulator.machine import MACHINE

_WEIGHTS = [".bin", ".ckpt", ".pkl", ".pt", ".pt2", ".pth", ".safetensors", ".sft"]
_EXTENSIONS: dict[str, list[str]] = {"diffusers": ["folder"], "datasets": [], "classifiers": [""]}
# Folders that are not called as the models in them, and those that nodes save models to.
_PLACES = {
    "text_encoders": ["models/text_encoders", "models/clip", "output/clip"],
    "diffusion_models": ["models/unet", "models/diffusion_models", "output/diffusion_models"],
    "controlnet": ["models/controlnet", "models/t2i_adapter"],
    "custom_nodes": ["custom_nodes"],
    "datasets": ["datasets"],
    **{name: [f"models/{name}", f"output/{name}"] for name in ("checkpoints", "loras", "vae")},
}


def folder_paths(folders: Folders, name: str) -> list[str]:
    """Where models of a kind would lie."""
    return [str(folders.root / place) for place in _PLACES.get(name, [f"models/{name}"])]


async def get_models(request: web.Request) -> web.Response:
    """The names of the model folders, or the files of one."""
    catalogue = request.app[MACHINE].catalogue
    folder = request.match_info.get("folder")
    found = catalogue.model_folders() if folder is None else catalogue.models(folder)
    return _missing() if found is None else web.json_response(found)


async def get_embeddings(request: web.Request) -> web.Response:
    """The embeddings by the names that prompts call them by."""
    names = request.app[MACHINE].catalogue.models("embeddings") or []
    return web.json_response([str(PurePosixPath(name).with_suffix("")) for name in names])


async def get_folders(request: web.Request) -> web.Response:
    """The model folders with their paths and the kinds of files in them."""
    machine = request.app[MACHINE]
    shown = [name for name in machine.catalogue.model_folders() if name not in ("configs", "custom_nodes")]
    about = [
        {
            "name": name,
            "folders": folder_paths(machine.folders, name),
            "extensions": _EXTENSIONS.get(name, _WEIGHTS),
        }
        for name in shown
    ]
    return web.json_response(about)


async def get_folder(request: web.Request) -> web.Response:
    """The files of one folder with sizes and times."""
    machine = request.app[MACHINE]
    names = machine.catalogue.models(request.match_info["folder"])
    if names is None:
        return _missing()
    times = {"modified": machine.started, "created": machine.started}
    return web.json_response([{"name": name, "pathIndex": 0, **times, "size": _size(name)} for name in names])


async def get_preview(request: web.Request) -> web.Response:
    """404, because no model here has a picture; junk is refused first."""
    machine = request.app[MACHINE]
    folder, place = request.match_info["folder"], request.match_info["place"]
    if machine.catalogue.models(folder) is None:
        return _missing()
    file = request.match_info["file"]
    if not file or not place.lstrip("-").isdecimal():
        return web.Response(status=400)
    # One folder of each kind, and nothing outside it.
    outside = int(place) == 0 and posixpath.normpath(f"/folder/{file}").split("/")[1] != "folder"
    return web.Response(status=403) if outside else _missing()


async def get_metadata(request: web.Request) -> web.Response:
    """What the head of a safetensors file says about it."""
    name = request.query.get("filename", "")
    names = request.app[MACHINE].catalogue.models(request.match_info["folder"]) or []
    if not name.endswith(".safetensors") or name not in names:
        return _missing()
    return web.json_response({"format": "pt", "title": PurePosixPath(name).stem})


def _size(name: str) -> int:
    """Bytes, made up from the name: between one and seven GB, and always the same."""
    return 10**9 + zlib.crc32(name.encode()) * 6 // 4


def _missing() -> web.Response:
    return web.Response(status=404)


ROUTES = [
    web.get("/models", get_models),
    web.get("/models/{folder}", get_models),
    web.get("/embeddings", get_embeddings),
    web.get("/view_metadata/{folder}", get_metadata),
    web.get("/experiment/models", get_folders),
    web.get("/experiment/models/{folder}", get_folder),
    web.get("/experiment/models/preview/{folder}/{place}/{file:.*}", get_preview),
]
