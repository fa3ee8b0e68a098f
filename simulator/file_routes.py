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

from simulator.folders import Folders, is_active_content
from simulator.machine import MACHINE

_WEIGHTS = {
    **dict.fromkeys((".safetensors", ".sft"), "application/safetensors"),
    **dict.fromkeys((".pt", ".pth"), "application/pytorch"),
    **dict.fromkeys((".ckpt", ".pkl"), "application/pickle"),
    ".gguf": "application/gguf",
}
_SLOW_STEP = 0.05  # seconds between the pieces of a slow download


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
    folder = base / query.get("subfolder", "")
    if not _normal(folder).is_relative_to(base):
        return web.Response(status=403)
    path = folder / Path(name).name
    if not path.is_file():
        return web.Response(status=404)
    if "preview" in query:
        return _previewed(path, query["preview"], query.get("channel", ""))
    if query.get("channel") in ("rgb", "a"):
        return _channel(path, query["channel"])
    machine = request.app[MACHINE]
    headers = _headers(request, path, downloads=machine.settings.version.serves_downloads)
    cut, rate = machine.faults.take_cut(), machine.faults.view_rate
    if cut is None and rate is None:
        return web.FileResponse(path, headers=headers)
    return await _troubled(request, path, headers, cut, rate)


async def _troubled(
    request: web.Request, path: Path, headers: dict[str, str], cut: int | None, rate: float | None
) -> web.StreamResponse:
    """A download that comes at `rate` bytes per second, or breaks: its length is told, and never reached."""
    data = await asyncio.to_thread(path.read_bytes)
    response = web.StreamResponse(headers={**headers, "Content-Length": str(len(data))})
    await response.prepare(request)
    sent = data[:cut]
    step = len(data) if rate is None else max(1, int(rate * _SLOW_STEP))
    for start in range(0, len(sent), step):
        await response.write(sent[start : start + step])
        await asyncio.sleep(0 if rate is None else _SLOW_STEP)
    if cut is not None and request.transport is not None:
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
        picture.save(target, compress_level=4, pnginfo=chunks)


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


def _headers(request: web.Request, path: Path, *, downloads: bool) -> dict[str, str]:
    """With `downloads`, what a browser might run is not shown by it, unless it is a picture's source."""
    content_type = _WEIGHTS.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    content_type = content_type or "application/octet-stream"
    quoted = path.name.replace("\\", "\\\\").replace('"', '\\"')
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'filename="{quoted}"',
        "Content-Type": content_type,
    }
    if downloads and is_active_content(content_type):
        headers |= {"Vary": "Sec-Fetch-Dest", "Cache-Control": "no-store"}
        if content_type != "image/svg+xml" or request.headers.get("Sec-Fetch-Dest") != "image":
            disposition = f'attachment; filename="{quoted}"'
            headers |= {"Content-Type": "application/octet-stream", "Content-Disposition": disposition}
    return headers


ROUTES = [
    web.post("/upload/image", upload_image),
    web.post("/upload/mask", upload_mask),
    web.get("/view", view),
]
