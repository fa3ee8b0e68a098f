"""The routes that tell of the server: its parts, its models, its users, its pages."""

from __future__ import annotations

from typing import Any

from tests.real.differential.answers import Json
from tests.real.differential.case import Group
from tests.real.differential.side import Side

routes = Group("info")
SITE = {"Origin": "http://elsewhere.example"}

routes.requests(
    {
        "features": ("GET", "/features"),
        "features below api": ("GET", "/api/features"),
        "models": ("GET", "/models"),
        "models checkpoints": ("GET", "/models/checkpoints"),
        "models loras": ("GET", "/models/loras"),
        "models unknown": ("GET", "/models/RUN"),
        "embeddings": ("GET", "/embeddings"),
        "experiment models unknown": ("GET", "/experiment/models/RUN"),
        "experiment preview unknown folder": ("GET", "/experiment/models/preview/RUN/0/a.png"),
        "experiment preview missing": ("GET", "/experiment/models/preview/checkpoints/0/none.safetensors"),
        "experiment preview bad index": ("GET", "/experiment/models/preview/checkpoints/x/none.safetensors"),
        "experiment preview far index": ("GET", "/experiment/models/preview/checkpoints/99/none.safetensors"),
        "experiment preview escape": ("GET", "/experiment/models/preview/checkpoints/0/..%2F..%2Fx"),
        "node_replacements": ("GET", "/node_replacements"),
        "object_info unknown": ("GET", "/object_info/RUN"),
        "object_info LoadImage below api": ("GET", "/api/object_info/EmptyImage"),
        "i18n": ("GET", "/i18n"),
        "workflow_templates": ("GET", "/workflow_templates"),
        "global_subgraphs unknown": ("GET", "/global_subgraphs/RUN"),
        "templates missing": ("GET", "/templates/RUN.json"),
        "docs missing": ("GET", "/docs/RUN.md"),
        "users post nothing": ("POST", "/users"),
        "setting unknown": ("GET", "/settings/RUN"),
        "userdata without dir": ("GET", "/userdata"),
        "userdata missing dir": ("GET", "/userdata?dir=RUN-none"),
        "userdata escape": ("GET", "/userdata?dir=..%2F.."),
        "userdata file missing": ("GET", "/userdata/workflows%2FRUN-none.json"),
        "userdata file escape": ("GET", "/userdata/..%2F..%2Fx.json"),
        "userdata post escape": ("POST", "/userdata/..%2F..%2Fx.json", {"data": "x"}),
        "userdata delete missing": ("DELETE", "/userdata/RUN-none.json"),
        "userdata move missing": ("POST", "/userdata/RUN-none.json/move/RUN-b.json"),
        "v2 userdata missing": ("GET", "/v2/userdata?path=RUN-none"),
        "v2 userdata escape": ("GET", "/v2/userdata?path=..%2F.."),
        "internal files unknown kind": ("GET", "/internal/files/models"),
        "internal below api": ("GET", "/api/internal/folder_paths"),
        "internal subscribe nothing": ("PATCH", "/internal/logs/subscribe"),
        "assets": ("GET", "/api/assets"),
        "assets one": ("GET", "/api/assets/11111111-2222-4333-8444-555555555555"),
        "assets post": ("POST", "/api/assets"),
        "tags": ("GET", "/api/tags"),
        "openapi": ("GET", "/openapi.json"),
        "metrics": ("GET", "/metrics"),
        "health": ("GET", "/health"),
        "unknown path": ("GET", "/RUN/none"),
        "unknown path below api": ("GET", "/api/RUN"),
        "unknown picture": ("GET", "/RUN-none.png"),
        "unknown script": ("GET", "/RUN-none.js"),
        "unknown post": ("POST", "/RUN"),
        "unknown put": ("PUT", "/RUN/x"),
        "unknown delete": ("DELETE", "/RUN"),
        "unknown patch": ("PATCH", "/RUN"),
        "unknown post below api": ("POST", "/api/RUN"),
        "unknown options": ("OPTIONS", "/RUN"),
        "another site": ("GET", "/prompt", {"headers": SITE}),
        "another site posts": ("POST", "/prompt", {"headers": SITE, "json": {}}),
        "another site's socket": ("GET", "/ws", {"headers": SITE}),
        "origin null": ("GET", "/prompt", {"headers": {"Origin": "null"}}),
        "cross site": ("GET", "/prompt", {"headers": {"Sec-Fetch-Site": "cross-site"}}),
        "same site": ("GET", "/prompt", {"headers": {"Sec-Fetch-Site": "same-site"}}),
        "another host": ("GET", "/prompt", {"headers": {**SITE, "Host": "comfy.example"}}),
        "compression asked for": ("GET", "/features", {"headers": {"Accept-Encoding": "gzip"}}),
        "ws without an upgrade": ("GET", "/ws"),
    }
)


def _kinds(seen: Json) -> Json:
    """Status, headers, and only what kind of body it is: a page, a list, an object."""
    return {**seen, "body": type(seen["body"]).__name__}


for _name, _path in {
    "page": "/",
    "extensions": "/extensions",
    "global_subgraphs": "/global_subgraphs",
    "internal logs": "/internal/logs",
    "internal logs raw": "/internal/logs/raw",
    "internal folder_paths": "/internal/folder_paths",
    "internal files input": "/internal/files/input",
    "settings": "/settings",
}.items():

    async def _kind(side: Side, path: str = _path) -> Json:
        return _kinds((await side.ask("GET", path)).seen())

    routes.add(_name, _kind)


@routes
async def system_stats(side: Side) -> Json:
    """Which facts there are, and of what kind; the facts are those of a machine."""
    answer = await side.ask("GET", "/system_stats")
    found = answer.json()
    kinds = {part: {key: _kind_of(value) for key, value in found[part].items()} for part in ("system",)}
    devices = [{key: _kind_of(value) for key, value in device.items()} for device in found["devices"]]
    version = found["system"]["comfyui_version"]
    return {**answer.seen(), "body": {**kinds, "devices": devices, "version": version, "keys": list(found)}}


def _kind_of(value: Any) -> str:
    return type(value).__name__


@routes
async def experiment_models(side: Side) -> Json:
    """Kinds of models, and the files of one kind; the folders are the server's own."""
    kinds = await side.get("/experiment/models")
    files = await side.get("/experiment/models/checkpoints")
    return {
        "kinds": [[kind["name"], sorted(kind), kind["extensions"]] for kind in kinds],
        "files": [sorted(file) for file in files],
    }


@routes
async def object_info(side: Side) -> Json:
    """Every class, without the words that explain it to people; the order of inputs stands in a list of its own."""
    found: Json = await side.get("/object_info")
    return {name: _bare(info) for name, info in sorted(found.items()) if not _is_partner(info)}


def _is_partner(info: Json) -> bool:
    """Whether a class calls a paid service: --disable-api-nodes keeps those away."""
    return bool(info["category"].startswith("partner/"))


def _of_a_run(choice: Any) -> bool:
    return isinstance(choice, str) and choice.startswith("differential-")


@routes
async def object_info_of_one(side: Side) -> Any:
    """One class, whole."""
    return (await side.ask("GET", "/object_info/ImageScale")).seen()


_WORDS = {
    "tooltip",
    "description",
    "display_name",
    "search_aliases",
    "output_tooltips",
    "essentials_category",
}


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in sorted(value.items()) if key not in _WORDS}
    if isinstance(value, list):
        # A spec whose options were words alone is one without options; folders of other runs are no choices.
        return [_bare(item) for item in value if item != {} and _bare(item) != {} and not _of_a_run(item)]
    return value


@routes
async def settings_kept(side: Side) -> list[Json]:
    """A setting is written, read and overwritten."""
    steps: list[tuple[str, str, Json]] = [
        ("POST", "/settings/Differential.One", {"json": {"a": [1]}}),
        ("GET", "/settings/Differential.One", {}),
        ("POST", "/settings", {"json": {"Differential.One": None}}),
        ("GET", "/settings/Differential.One", {}),
        ("POST", "/settings/Differential.One", {"data": "junk"}),
        ("POST", "/settings", {"json": [1]}),
    ]
    return [(await side.ask(method, path, **options)).seen() for method, path, options in steps]


@routes
async def users(side: Side) -> Json:
    """One user, whose folder is there since a setting was kept."""
    await side.ask("POST", "/settings/Differential.One", json=1)
    return (await side.ask("GET", "/users")).seen()


@routes
async def userdata_kept(side: Side) -> list[Json]:
    """A file is written, listed, moved, read, protected and deleted."""
    file, moved = f"workflows%2F{side.run_name}%2Fa.json", f"workflows%2F{side.run_name}%2Fb.json"
    folder = f"workflows%2F{side.run_name}"
    steps: list[tuple[str, str]] = [
        ("POST", f"/userdata/{file}"),
        ("POST", f"/userdata/{file}?overwrite=false"),
        ("POST", f"/userdata/{file}?full_info=true"),
        ("GET", f"/userdata/{file}"),
        ("GET", f"/userdata?dir={folder}"),
        ("GET", f"/userdata?dir={folder}&full_info=true"),
        ("GET", "/userdata?dir=workflows&recurse=true&split=true"),
        ("GET", f"/v2/userdata?path={folder}"),
        ("POST", f"/userdata/{file}/move/{moved}"),
        ("GET", f"/userdata/{moved}"),
        ("DELETE", f"/userdata/{moved}"),
        ("GET", f"/userdata/{moved}"),
        ("GET", f"/userdata?dir={folder}"),
    ]
    seen = []
    for method, path in steps:
        body = {"data": '{"nodes": []}'} if method == "POST" and "move" not in path else {}
        seen.append((await side.ask(method, path, **body)).seen())
    # Other runs left folders of their own beside this one's.
    seen[6]["body"] = [parts for parts in seen[6]["body"] if parts[0] == side.run_name]
    return seen
