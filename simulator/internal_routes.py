"""Routes of the editor alone: below /internal, and not below /api."""

from pathlib import Path

from aiohttp import web

from simulator.machine import MACHINE


async def get_logs(request: web.Request) -> web.Response:
    """What the server printed, as one text."""
    return web.json_response(request.app[MACHINE].logbook.text())


async def get_raw_logs(request: web.Request) -> web.Response:
    """What the server printed, line by line."""
    return web.json_response(request.app[MACHINE].logbook.raw())


async def subscribe_logs(request: web.Request) -> web.Response:
    """Send new lines to a socket, or no more."""
    body = await request.json()
    request.app[MACHINE].logbook.subscribe(body["clientId"], enabled=body["enabled"])
    return web.Response()


async def get_folder_paths(request: web.Request) -> web.Response:
    """Where models lie on the server's disk."""
    machine = request.app[MACHINE]
    names = machine.catalogue.model_folders()
    return web.json_response(
        {name: [str(place) for place in machine.folders.model_places(name)] for name in names}
    )


async def get_files(request: web.Request) -> web.Response:
    """The files at the top level of input, output or temp, the newest first."""
    kind = request.match_info["kind"]
    folder = request.app[MACHINE].folders.of(kind)
    if folder is None:
        return web.json_response({"error": "Invalid directory type"}, status=400)
    files = [file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")]
    newest_first = sorted(files, key=_modified, reverse=True)
    return web.json_response([f"{file.name} [{kind}]" for file in newest_first])


def _modified(file: Path) -> float:
    return file.stat().st_mtime


ROUTES = [
    web.get("/logs", get_logs),
    web.get("/logs/raw", get_raw_logs),
    web.patch("/logs/subscribe", subscribe_logs),
    web.get("/folder_paths", get_folder_paths),
    web.get("/files/{kind}", get_files),
]
