"""What the editor keeps on the server for its users: settings, and files such as saved workflows."""

import asyncio
import functools
import json
import mimetypes
import os
import re
import shutil
import urllib.parse
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from simulator.folders import is_active_content
from simulator.machine import MACHINE, Machine

Json = dict[str, Any]
_SETTINGS = "comfy.settings.json"


class Outside(Exception):
    """A path that leads out of the user's folder."""


class _Refused(Exception):
    """An answer without a body, with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _or_refused(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except _Refused as refused:
            return web.Response(status=refused.status)

    return answer


async def get_users(request: web.Request) -> web.Response:
    """Who has an account; on a server without accounts, whether anything was ever kept."""
    machine = request.app[MACHINE]
    if machine.settings.multi_user:
        return web.json_response({"storage": "server", "users": _users(machine)})
    return web.json_response({"storage": "server", "migrated": _home(request).exists()})


async def post_user(request: web.Request) -> web.Response:
    """Open an account; the answer is the id that the header `comfy-user` wants."""
    machine = request.app[MACHINE]
    name = (await request.json())["username"]
    users = _users(machine)
    if name in users.values():
        return web.json_response({"error": "Duplicate username."}, status=400)
    if not name.strip():
        return web.json_response({"error": "username not provided"}, status=400)
    user_id = f"{re.sub('[^a-zA-Z0-9-_]+', '-', name.strip())}_{uuid.uuid4()}"
    machine.folders.users.mkdir(parents=True, exist_ok=True)
    (machine.folders.users / "users.json").write_text(
        json.dumps({**users, user_id: name.strip()}), encoding="utf-8"
    )
    return web.json_response(user_id)


async def get_settings(request: web.Request) -> web.Response:
    """All settings of the editor, or one; null for one that was never made."""
    settings = _settings(request)
    wanted = request.match_info.get("id")
    return web.json_response(settings if wanted is None else settings.get(wanted))


async def post_settings(request: web.Request) -> web.Response:
    """Change some settings, or one."""
    settings = _settings(request)
    said = await request.json()
    wanted = request.match_info.get("id")
    changed = {**settings, **(said if wanted is None else {wanted: said})}
    _path(request, _SETTINGS).write_text(json.dumps(changed, indent=4), encoding="utf-8")
    return web.Response()


async def list_files(request: web.Request) -> web.Response:
    """The files in one folder: names, names in parts, or what is known of each."""
    query = request.query
    if not query.get("dir"):
        return web.Response(status=400, text="Directory not provided")
    try:
        folder = _path(request, query["dir"])
    except Outside:
        return web.Response(status=403, text="Invalid directory")
    if not folder.exists():
        return web.Response(status=404, text="Directory not found")
    told = _telling(folder, full=_is_true(query.get("full_info")), split=_is_true(query.get("split")))
    found = folder.glob("**/*" if _is_true(query.get("recurse")) else "*")
    # Names with a dot in front are hidden from patterns in real servers.
    shown = (file for file in found if not any(p.startswith(".") for p in file.relative_to(folder).parts))
    return web.json_response([told(file) for file in shown if file.is_file()])


async def list_tree(request: web.Request) -> web.Response:
    """Everything below a folder, folders first."""
    try:
        home = _home(request)
        wanted = urllib.parse.unquote(request.query.get("path", ""))
        folder = _path(request, wanted, making=False) if wanted else home
    except KeyError:
        return web.Response(status=403, text="Invalid user specified in request")
    except Outside:
        return web.Response(status=400, text="Invalid path requested")
    if not folder.exists():
        if folder == home:
            return web.json_response([])
        return web.Response(status=404, text="Requested path not found")
    if not folder.is_dir():
        return web.Response(status=400, text="Requested path is not a directory")
    found = [_entry(path, home) for path in folder.rglob("*")]
    return web.json_response(
        sorted(found, key=lambda entry: (entry["type"] != "directory", entry["name"].lower()))
    )


async def get_file(request: web.Request) -> web.StreamResponse:
    """A file, always as a download but for the style sheet."""
    path = _existing(request)
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    disposition = "attachment"
    if path == _home(request) / "user.css":
        disposition = "inline"
    elif is_active_content(content_type):
        content_type = "application/octet-stream"
    headers = {
        "Content-Type": content_type,
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": disposition,
    }
    return web.FileResponse(path, headers=headers)


async def post_file(request: web.Request) -> web.Response:
    """Keep the body as a file."""
    path = _inside(request, "file")
    if _keeps(request, path):
        return web.Response(status=409, text="File already exists")
    body = await request.read()
    try:
        await asyncio.to_thread(path.write_bytes, body)
    except OSError:
        reason = 'Invalid filename. Please avoid special characters like :\\/*?"<>|'
        return web.Response(status=400, reason=reason)
    return _kept(request, path)


async def delete_file(request: web.Request) -> web.Response:
    """Delete a file."""
    _existing(request).unlink()
    return web.Response(status=204)


async def move_file(request: web.Request) -> web.Response:
    """Give a file another place or name."""
    source, target = _existing(request), _inside(request, "dest")
    if _keeps(request, target):
        return web.Response(status=409, text="File already exists")
    shutil.move(source, target)
    return _kept(request, target)


def _users(machine: Machine) -> dict[str, str]:
    """Names by id."""
    if not machine.settings.multi_user:
        return {"default": "default"}
    file = machine.folders.users / "users.json"
    found: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return found


def _home(request: web.Request) -> Path:
    """The folder of whoever asks. Raises KeyError for a user without an account."""
    machine = request.app[MACHINE]
    user = request.headers.get("comfy-user", "default") if machine.settings.multi_user else "default"
    if user not in _users(machine):
        raise KeyError(f"Unknown user: {user}")
    return machine.folders.users / user


def _path(request: web.Request, name: str, *, making: bool = True) -> Path:
    """Where a file of the user lies, or would; `making` its folder. Raises KeyError, and Outside."""
    home = _home(request)
    path = Path(os.path.normpath(home / urllib.parse.unquote(name)))
    if not path.is_relative_to(home):
        raise Outside(name)
    if making:
        path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _inside(request: web.Request, part: str) -> Path:
    try:
        return _path(request, request.match_info[part])
    except Outside:
        raise _Refused(403) from None


def _existing(request: web.Request) -> Path:
    path = _inside(request, "file")
    if not path.exists():
        raise _Refused(404)
    return path


def _settings(request: web.Request) -> Json:
    try:
        file = _path(request, _SETTINGS)
    except KeyError:
        raise web.HTTPUnauthorized from None
    try:
        found: Json = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except ValueError:
        return {}
    return found


def _keeps(request: web.Request, path: Path) -> bool:
    """Whether a file is there already that must not be written over."""
    return request.query.get("overwrite") == "false" and path.exists()


def _kept(request: web.Request, path: Path) -> web.Response:
    told = _telling(_home(request), full=_is_true(request.query.get("full_info")), split=False)
    return web.json_response(told(path))


def _telling(folder: Path, *, full: bool, split: bool) -> Callable[[Path], Any]:
    def told(file: Path) -> Any:
        name = file.relative_to(folder).as_posix()
        if full:
            about = file.stat()
            times = {"modified": int(about.st_mtime * 1000), "created": int(about.st_ctime * 1000)}
            return {"path": name, "size": about.st_size, **times}
        return [name, *name.split("/")] if split else name

    return told


def _entry(path: Path, home: Path) -> Json:
    entry = {"name": path.name, "path": path.relative_to(home).as_posix()}
    if path.is_dir():
        return {**entry, "type": "directory"}
    about = path.stat()
    return {**entry, "type": "file", "size": about.st_size, "modified": about.st_mtime}


def _is_true(value: str | None) -> bool:
    return (value or "").lower() == "true"


ROUTES = [
    web.get("/users", get_users),
    web.post("/users", post_user),
    web.get("/settings", get_settings),
    web.get("/settings/{id}", get_settings),
    web.post("/settings", post_settings),
    web.post("/settings/{id}", post_settings),
    web.get("/userdata", list_files),
    web.get("/userdata/{file}", _or_refused(get_file)),
    web.post("/userdata/{file}", _or_refused(post_file)),
    web.delete("/userdata/{file}", _or_refused(delete_file)),
    web.post("/userdata/{file}/move/{dest}", _or_refused(move_file)),
]
TREE_ROUTE = web.get("/v2/userdata", list_tree)
