"""Uploads and downloads."""

import asyncio
import hashlib
import json
import mimetypes
import os
from io import BytesIO
from pathlib import Path
from typing import Any

from aiohttp import web
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from simulator.folders import Folders
from simulator.machine import MACHINE

# Kinds that a browser might execute; servers hand them out as downloads only.
_ACTIVE = frozenset({"text/html", "text/javascript", "application/javascript", "text/css", "image/svg+xml"})


async def upload_image(request: web.Request) -> web.Response:
    """Keep a file of any type under its own name, or the next free one if that holds other bytes."""
    form = await request.post()
    place = _upload_place(request.app[MACHINE].folders, form)
    if place is None:
        return web.Response(status=400)
    folder, name, data = place
    name, is_new = _free_name(folder, name, data, overwrite=form.get("overwrite") in ("true", "1"))
    if is_new:
        (folder / name).write_bytes(data)
    return _uploaded(form, name)


async def upload_mask(request: web.Request) -> web.Response:
    """Put the upload's alpha into a copy of `original_ref`; write nothing, but say 200, when that is missing."""
    form = await request.post()
    folders = request.app[MACHINE].folders
    place = _upload_place(folders, form)
    if place is None:
        return web.Response(status=400)
    folder, name, data = place
    name, is_new = _free_name(folder, name, data, overwrite=form.get("overwrite") in ("true", "1"))
    if is_new:
        original = json.loads(str(form["original_ref"]))
        plain, base = folders.annotated(original["filename"])
        base = base or folders.of(original.get("type", "output")) or folders.root / "nowhere"
        source = _normal(base / original.get("subfolder", "") / plain)
        if source.is_relative_to(base) and source.is_file():
            _put_alpha(source, data, folder / name)
    return _uploaded(form, name)


async def view(request: web.Request) -> web.StreamResponse:
    """A file as it is, or re-encoded at full size for `preview` and `channel`."""
    query = request.query
    if "filename" not in query:
        return web.Response(status=404)
    folders = request.app[MACHINE].folders
    name, base = folders.annotated(query["filename"])
    base = base or folders.of(query.get("type", "output"))
    if not name or name.startswith("/") or ".." in name or base is None:
        return web.Response(status=400)
    folder = _normal(base / query.get("subfolder", ""))
    if not folder.is_relative_to(base):
        return web.Response(status=403)
    path = folder / Path(name).name
    if not path.is_file():
        return web.Response(status=404)
    if "preview" in query:
        return _previewed(path, query["preview"], query.get("channel", ""))
    if query.get("channel") in ("rgb", "a"):
        return _channel(path, query["channel"])
    cut = request.app[MACHINE].faults.take_cut()
    return _whole(path) if cut is None else await _cut_off(request, path, cut)


async def _cut_off(request: web.Request, path: Path, size: int) -> web.StreamResponse:
    """A download that breaks: its length is told, and never reached."""
    data = await asyncio.to_thread(path.read_bytes)
    response = web.StreamResponse(headers={"Content-Length": str(len(data))})
    await response.prepare(request)
    await response.write(data[:size])
    if request.transport is not None:
        request.transport.close()  # after what was written has gone out
    return response


def _upload_place(folders: Folders, form: Any) -> tuple[Path, str, bytes] | None:
    """The folder, the name and the bytes of an upload; None for one that is refused with 400.

    Raises KeyError for an unknown type and AttributeError for a field that is not a file: both are
    a 500 in real servers.
    """
    base = {kind: folders.of(kind) for kind in ("input", "temp", "output")}[form.get("type", "input")]
    upload = form.get("image")
    if base is None or not upload or not upload.file or not upload.filename:
        return None
    folder = _normal(base / form.get("subfolder", ""))
    if not _normal(folder / upload.filename).is_relative_to(base):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return folder, upload.filename, upload.file.read()


def _normal(path: Path) -> Path:
    """Without `..`, but unlike `resolve` with links as they are."""
    return Path(os.path.normpath(path))


def _free_name(folder: Path, name: str, data: bytes, *, overwrite: bool) -> tuple[str, bool]:
    """The name to save under, and whether there is anything to save."""
    suffix = Path(name).suffix
    stem = name.removesuffix(suffix)
    free, count = name, 0
    while not overwrite and (folder / free).exists():
        if hashlib.sha256((folder / free).read_bytes()).digest() == hashlib.sha256(data).digest():
            return free, False
        count += 1
        free = f"{stem} ({count}){suffix}"
    return free, True


def _uploaded(form: Any, name: str) -> web.Response:
    answer = {"name": name, "subfolder": form.get("subfolder", ""), "type": form.get("type", "input")}
    return web.json_response(answer)


def _put_alpha(source: Path, mask: bytes, target: Path) -> None:
    with Image.open(source) as original, Image.open(BytesIO(mask)) as painted:
        chunks = PngInfo()
        for key, text in getattr(original, "text", {}).items():
            chunks.add_text(key, text)
        picture = original.convert("RGBA")
        picture.putalpha(painted.convert("RGBA").getchannel("A"))
        picture.save(target, pnginfo=chunks)


def _previewed(path: Path, wanted: str, channel: str) -> web.Response:
    """Raises UnidentifiedImageError for a file that is no picture: status 500, as seen."""
    kind, *_, quality = wanted.split(";") if ";" in wanted else (wanted, "90")
    kind = kind if kind in ("webp", "jpeg") and "a" not in channel else "webp"
    buffer = BytesIO()
    with Image.open(path) as picture:
        flat = picture.convert("RGB") if kind == "jpeg" or channel == "rgb" else picture
        flat.save(buffer, format=kind, quality=int(quality) if quality.isdigit() else 90)
    return _encoded(path, buffer, f"image/{kind}")


def _channel(path: Path, channel: str) -> web.Response:
    buffer = BytesIO()
    with Image.open(path) as picture:
        if channel == "rgb":
            picture.convert("RGB").save(buffer, format="PNG")
        else:
            alpha = picture.getchannel("A") if picture.mode == "RGBA" else Image.new("L", picture.size, 255)
            shape = Image.new("RGBA", picture.size)
            shape.putalpha(alpha)
            shape.save(buffer, format="PNG")
    return _encoded(path, buffer, "image/png")


def _encoded(path: Path, buffer: BytesIO, content_type: str) -> web.Response:
    headers = {"Content-Disposition": f'filename="{path.name}"'}
    return web.Response(body=buffer.getvalue(), content_type=content_type, headers=headers)


def _whole(path: Path) -> web.FileResponse:
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    quoted = path.name.replace("\\", "\\\\").replace('"', '\\"')
    disposition = f'filename="{quoted}"'
    if content_type in _ACTIVE or content_type.endswith("xml"):
        content_type, disposition = "application/octet-stream", f"attachment; {disposition}"
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": disposition,
        "Content-Type": content_type,
    }
    return web.FileResponse(path, headers=headers)


ROUTES = [
    web.post("/upload/image", upload_image),
    web.post("/upload/mask", upload_mask),
    web.get("/view", view),
]
