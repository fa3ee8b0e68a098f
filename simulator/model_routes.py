"""Which model files there are: names that the settings make up, and files that lie on the disk."""

import json
import posixpath
import struct
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

from aiohttp import web

from simulator.machine import MACHINE

_WEIGHTS = [".bin", ".ckpt", ".pkl", ".pt", ".pt2", ".pth", ".safetensors", ".sft"]
_MOST_HEAD_BYTES = 1024 * 1024
_EXTENSIONS: dict[str, list[str]] = {"diffusers": ["folder"], "datasets": [], "classifiers": [""]}


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
            "folders": [str(place) for place in machine.folders.model_places(name)],
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
    name, folder = request.query.get("filename", ""), request.match_info["folder"]
    machine = request.app[MACHINE]
    names = machine.catalogue.models(folder) or []
    file = machine.folders.model_file(folder, name) if folder in machine.catalogue.model_folders() else None
    if file is not None and name.endswith(".safetensors"):
        told = _head(file)
        return _missing() if told is None else web.json_response(told)
    if not name.endswith(".safetensors") or name not in names:
        return _missing()
    return web.json_response({"format": "pt", "title": PurePosixPath(name).stem})


def _head(file: Path) -> Any:
    """The metadata of a safetensors file; None if it has none, or more than is read. What is damaged raises."""
    with file.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        if length > _MOST_HEAD_BYTES:
            return None
        return json.loads(opened.read(length)).get("__metadata__")


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
