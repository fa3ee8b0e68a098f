"""Routes around the prompts, with the answers that a real server was seen to give."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import aiohttp
import pytest

from simulator.versions import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.conftest import Client, Json, Start

    Graph = Callable[..., Json]

TEXT = "text/plain; charset=utf-8"
JSON = "application/json; charset=utf-8"
BYTES = "application/octet-stream"
BROKEN = "500 Internal Server Error\n\nServer got itself in trouble"
METHOD = "405: Method Not Allowed"
NO_ASSETS = (
    '{"error": {"code": "SERVICE_DISABLED", "message": "Assets system is disabled. '
    'Start the server with --enable-assets to use this feature.", "details": {}}}'
)
FEATURES = (
    '{"supports_preview_metadata": true, "supports_model_type_tags": true, "max_upload_size": 104857600, '
    '"extension": {"manager": {"supports_v4": true}}, "node_replacements": true, "assets": false}'
)
NO_JOBS = '{"jobs": [], "pagination": {"offset": 0, "limit": 1, "total": 0, "has_more": false}}'
FOLDERS = [
    "checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision",
    "style_models", "embeddings", "diffusers", "vae_approx", "controlnet", "gligen", "upscale_models",
    "latent_upscale_models", "custom_nodes", "datasets", "hypernetworks", "photomaker", "classifiers",
    "model_patches", "audio_encoders", "background_removal", "frame_interpolation",
    "geometry_estimation", "optical_flow", "detection",
]  # fmt: skip
UUID = "c5bb25f8-c469-46c5-85ba-ab1c9b1d19ce"


@pytest.mark.parametrize(
    ("path", "status", "kind", "body"),
    [
        ("/prompt", 200, JSON, '{"exec_info": {"queue_remaining": 0}}'),
        ("/queue", 200, JSON, '{"queue_running": [], "queue_pending": []}'),
        ("/api/queue", 200, JSON, '{"queue_running": [], "queue_pending": []}'),
        ("/features", 200, JSON, FEATURES),
        ("/api/features", 200, JSON, FEATURES),
        ("/models", 200, JSON, json.dumps(FOLDERS)),
        ("/models/checkpoints", 200, JSON, '["random-sd15.safetensors"]'),
        ("/api/models/checkpoints", 200, JSON, '["random-sd15.safetensors"]'),
        ("/models/nope", 404, None, ""),
        ("/embeddings", 200, JSON, "[]"),
        ("/object_info/Nope", 200, JSON, "{}"),
        (
            "/view_metadata/checkpoints?filename=random-sd15.safetensors",
            200,
            JSON,
            '{"format": "pt", "title": "random-sd15"}',
        ),
        ("/view_metadata/checkpoints", 404, None, ""),
        ("/view_metadata/checkpoints?filename=nope.safetensors", 404, None, ""),
        ("/view_metadata/nope?filename=x.safetensors", 404, None, ""),
        ("/users", 200, JSON, '{"storage": "server", "migrated": false}'),
        ("/settings", 200, JSON, "{}"),
        ("/settings/foo", 200, JSON, "null"),
        ("/userdata", 400, TEXT, "Directory not provided"),
        ("/userdata?dir=workflows", 404, TEXT, "Directory not found"),
        ("/userdata?dir=../..", 403, TEXT, "Invalid directory"),
        ("/v2/userdata", 200, JSON, "[]"),
        ("/v2/userdata?path=nope", 404, TEXT, "Requested path not found"),
        ("/v2/userdata?path=../..", 400, TEXT, "Invalid path requested"),
        ("/userdata/x.json", 404, None, ""),
        ("/userdata/..%2F..%2Fx", 403, None, ""),
        ("/workflow_templates", 200, JSON, "{}"),
        ("/i18n", 200, JSON, "{}"),
        ("/global_subgraphs/x", 200, JSON, "null"),
        ("/experiment/models/nope", 404, None, ""),
        ("/experiment/models/configs", 200, JSON, "[]"),
        ("/experiment/models/preview/checkpoints/0/x.safetensors", 404, None, ""),
        ("/experiment/models/preview/checkpoints/x/x", 400, None, ""),
        ("/experiment/models/preview/checkpoints/0/", 400, None, ""),
        ("/internal/files/output", 200, JSON, "[]"),
        ("/internal/files/bogus", 400, JSON, '{"error": "Invalid directory type"}'),
        ("/internal/nope", 404, TEXT, "404: Not Found"),
        ("/api/internal/logs", 404, BYTES, ""),
        ("/api/assets", 503, JSON, NO_ASSETS),
        ("/api/tags", 503, JSON, NO_ASSETS),
        ("/api/jobs?limit=1", 200, JSON, NO_JOBS),
        ("/jobs", 404, BYTES, ""),
        ("/api/jobs/xyz", 404, JSON, '{"error": "Job not found"}'),
        ("/api/nope", 404, BYTES, ""),
        ("/nope", 404, BYTES, ""),
        ("/openapi.json", 404, BYTES, ""),
        ("/metrics", 404, BYTES, ""),
        ("/health", 404, BYTES, ""),
        ("/history?max_items=abc", 500, TEXT, BROKEN),
        ("/ws", 400, TEXT, 'No WebSocket UPGRADE hdr: None\n Can "Upgrade" only to "WebSocket".'),
    ],
)
async def test_gets(start: Start, path: str, status: int, kind: str | None, body: str) -> None:
    """Body, status and content type, byte for byte."""
    client: Client = await start(checkpoints=("random-sd15.safetensors",))
    assert await client.raw("GET", path) == (status, kind, body)


@pytest.mark.parametrize(
    ("method", "path", "data", "status", "body"),
    [
        ("POST", "/interrupt", "", 200, ""),
        ("POST", "/interrupt", "[]", 500, BROKEN),
        ("POST", "/interrupt", "null", 500, BROKEN),
        ("POST", "/interrupt", '{"prompt_id": null}', 200, ""),
        ("POST", "/interrupt", '{"prompt_id": 5}', 200, ""),
        ("POST", "/queue", "", 500, BROKEN),
        ("POST", "/queue", "{}", 200, ""),
        ("POST", "/queue", "[]", 200, ""),
        ("POST", "/queue", '{"delete": "abc"}', 200, ""),
        ("POST", "/queue", '{"delete": [5, null, {}]}', 200, ""),
        ("POST", "/queue", '{"delete": null}', 500, BROKEN),
        ("POST", "/history", "", 500, BROKEN),
        ("POST", "/history", '{"delete": [[]]}', 200, ""),
        ("POST", "/history", '{"delete": "abc"}', 200, ""),
        ("POST", "/free", "", 500, BROKEN),
        ("POST", "/free", "[]", 500, BROKEN),
        ("POST", "/free", "{}", 200, ""),
        ("POST", "/free", '{"unload_models": true, "free_memory": true}', 200, ""),
        ("POST", "/api/jobs/cancel", "", 400, '{"error": "Request body must be valid JSON"}'),
        ("POST", "/api/jobs/cancel", "[]", 400, '{"error": "job_ids must be a list"}'),
        ("POST", "/api/jobs/cancel", '{"job_ids": []}', 200, '{"cancelled": false}'),
        ("POST", "/api/jobs/cancel", f'{{"job_ids": ["{UUID}"]}}', 200, '{"cancelled": false}'),
        (
            "POST",
            "/api/jobs/cancel",
            '{"job_ids": ["nope", 3, null, {"a": [1]}]}',
            400,
            '{"error": "job_ids contains invalid id(s)", '
            '"invalid_ids": ["nope", "3", "None", "{\'a\': [1]}"]}',
        ),
        ("POST", "/api/jobs/xyz/cancel", "", 200, '{"cancelled": false}'),
        ("POST", "/api/jobs/xyz", "", 405, METHOD),
        ("POST", "/features", "", 405, METHOD),
        ("POST", "/api/assets", "", 503, NO_ASSETS),
        ("POST", "/settings", "", 500, BROKEN),
        ("POST", "/users", "{}", 500, BROKEN),
        ("PATCH", "/internal/logs/subscribe", "{}", 500, BROKEN),
        ("DELETE", "/queue", "", 405, METHOD),
        ("PUT", "/prompt", "", 405, METHOD),
        ("PUT", "/nope", "", 405, METHOD),
        ("DELETE", "/nope", "", 405, METHOD),
        ("HEAD", "/nope", "", 404, ""),
        ("HEAD", "/prompt", "", 200, ""),
        ("OPTIONS", "/nope", "", 200, ""),
        ("POST", "/prompt", '{"prompt": {}, "extra_data": 5}', 500, BROKEN),
        ("POST", "/prompt", "\x00", 500, BROKEN),
    ],
)
async def test_other_methods(
    client: Client, method: str, path: str, data: str, status: int, body: str
) -> None:
    """Bodies of the wrong shape break the server, unless it happens to look past them."""
    found, _, text = await client.raw(method, path, data=data)
    assert (found, text) == (status, body)


async def test_models_with_paths(start: Start) -> None:
    """Folders, kinds of files, sizes and times of files that nobody has to have."""
    client: Client = await start(checkpoints=("a.safetensors", "sub/b.ckpt"))
    root = client.simulator.folder
    folders = {folder["name"]: folder for folder in await client.get("/experiment/models")}
    assert folders["checkpoints"] == {
        "name": "checkpoints",
        "folders": [str(root / "models/checkpoints"), str(root / "output/checkpoints")],
        "extensions": [".bin", ".ckpt", ".pkl", ".pt", ".pt2", ".pth", ".safetensors", ".sft"],
    }
    assert {"configs", "custom_nodes"} & set(folders) == set()
    files = await client.get("/experiment/models/checkpoints")
    assert [(file["name"], file["pathIndex"]) for file in files] == [("a.safetensors", 0), ("sub/b.ckpt", 0)]
    assert all(10**9 <= file["size"] <= 8 * 10**9 for file in files)
    assert set(files[0]) == {"name", "pathIndex", "modified", "created", "size"}
    paths = await client.get("/internal/folder_paths")
    assert (list(paths), paths["controlnet"]) == (
        FOLDERS,
        [str(root / "models/controlnet"), str(root / "models/t2i_adapter")],
    )


async def test_the_log_tells_of_every_prompt(client: Client, flat: Graph) -> None:
    """As one text, line by line, and over the socket of whoever subscribes."""
    socket = await client.connect()
    wish = {"clientId": socket.client_id, "enabled": True}
    assert await client.ask("PATCH", "/internal/logs/subscribe", json=wish) == (200, "")
    await socket.finished(await client.queue(flat(), socket.client_id))
    logged = [frame["data"] for frame in socket.frames if frame["type"] == "logs"]
    lines = [entry["m"] for data in logged for entry in data["entries"]]
    assert lines[0] == "[INFO] got prompt\n"
    assert lines[1].startswith("[INFO] Prompt executed in 0.")
    raw = await client.get("/internal/logs/raw")
    assert [entry["m"] for entry in raw["entries"]] == lines
    assert raw["size"] == {"cols": 80, "rows": 24}
    text = "".join(f"{entry['t']} - {entry['m']}" for entry in raw["entries"])
    assert await client.get("/internal/logs") == text
    await client.ask("PATCH", "/internal/logs/subscribe", json={**wish, "enabled": False})
    await client.ask("POST", "/prompt", json={})
    assert await socket.is_deaf()


async def test_files_of_a_folder_the_newest_first(client: Client, flat: Graph) -> None:
    """With the note that a loader wants; hidden ones are left out."""
    await client.run(flat(1))
    await client.run(flat(2))
    (client.simulator.folder / "output" / ".hidden").touch()
    assert await client.get("/internal/files/output") == [
        "flat_00002_.png [output]",
        "flat_00001_.png [output]",
    ]


async def test_every_card_is_listed(start: Start, txt2img: Graph) -> None:
    """The first one has the model in it."""
    client: Client = await start(gpus=2)
    idle = (await client.get("/system_stats"))["devices"]
    assert [(card["name"], card["index"]) for card in idle] == [
        ("cuda:0 Simulated (no GPU)", 0),
        ("cuda:1 Simulated (no GPU)", 1),
    ]
    assert set(idle[0]) == {
        *("name", "type", "index", "vram_total", "vram_free", "torch_vram_total", "torch_vram_free")
    }
    await client.run(txt2img())
    busy = (await client.get("/system_stats"))["devices"]
    assert busy[0]["vram_free"] < idle[0]["vram_free"]
    assert busy[1] == idle[1]
    await client.ask("POST", "/free", json={"unload_models": True})
    await client.run({"1": {"class_type": "EmptyImage", "inputs": _SIZE}, "2": _PREVIEW})
    assert (await client.get("/system_stats"))["devices"] == idle


_SIZE = {"width": 8, "height": 8, "batch_size": 1, "color": 0}
_PREVIEW = {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}


async def test_answers_are_compressed_on_demand(start: Start, flat: Graph) -> None:
    """JSON and text, if the client takes gzip; files never."""
    client: Client = await start(compress_answers=True)
    file = (await client.run(flat()))["outputs"]["3"]["images"][0]
    told = {}
    for path, accepted in (
        ("/prompt", "gzip"),
        ("/prompt", "br"),
        (f"/view?filename={file['filename']}", "gzip"),
    ):
        headers = {"Accept-Encoding": accepted}
        async with client.session.get(client.simulator.url + path, headers=headers) as answer:
            told[path, accepted] = answer.headers.get("Content-Encoding")
    assert list(told.values()) == ["gzip", None, None]


async def test_pages_of_other_sites_are_let_in_on_demand(start: Start) -> None:
    """By headers instead of the check."""
    client: Client = await start(cors_origin="https://a.example")
    headers = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    async with client.session.get(f"{client.simulator.url}/prompt", headers=headers) as answer:
        told = {key: value for key, value in answer.headers.items() if key.startswith("Access-")}
    assert (answer.status, told) == (
        200,
        {
            "Access-Control-Allow-Origin": "https://a.example",
            "Access-Control-Allow-Methods": "POST, GET, DELETE, PUT, OPTIONS, PATCH",
            "Access-Control-Allow-Headers": "Content-Type, Authorization",
            "Access-Control-Allow-Credentials": "true",
        },
    )


async def test_extra_info_of_the_wrong_shape_breaks_the_list_of_jobs(client: Client, flat: Graph) -> None:
    """For everybody, until the history forgets that prompt."""
    await client.run(flat(), extra_data={"extra_pnginfo": None})
    assert await client.ask("GET", "/api/jobs") == (500, BROKEN)
    await client.ask("POST", "/history", json={"clear": True})
    assert (await client.get("/api/jobs"))["jobs"] == []


async def test_where_a_prompt_comes_from_is_kept(client: Client, flat: Graph) -> None:
    """The header says it, unless the body does."""
    kept = []
    for colour, extra_data in enumerate(({}, {"comfy_usage_source": "mine"})):
        body = {"prompt": flat(colour), "extra_data": extra_data}
        headers = {"Comfy-Usage-Source": "shop"}
        _, answer = await client.ask("POST", "/prompt", json=body, headers=headers)
        while not (found := await client.get(f"/history/{answer['prompt_id']}")):
            await asyncio.sleep(0.01)
        kept.append(found[answer["prompt_id"]]["prompt"][3]["comfy_usage_source"])
    assert kept == ["shop", "mine"]


@pytest.mark.parametrize(
    ("name", "status_of", "keys"),
    [
        ("0.3.10", [404, 404, 404, 200], 8),
        ("0.3.64", [200, 404, 404, 200], 11),
        ("0.7.0", [200, 200, 404, 200], 11),
        ("0.25.0", [200, 200, 503, 403], 13),
        ("0.33.0", [200, 200, 503, 403], 13),
    ],
)
async def test_routes_that_came_later(start: Start, name: str, status_of: list[int], keys: int) -> None:
    """And what /system_stats knew of itself."""
    client: Client = await start(version=VERSIONS[name])
    asked = [
        (await client.ask("GET", path))[0] for path in ("/v2/userdata", "/global_subgraphs", "/api/assets")
    ]
    foreign = {"Sec-Fetch-Site": "cross-site"}
    asked.append((await client.ask("GET", "/prompt", headers=foreign))[0])
    assert asked == status_of
    assert len((await client.get("/system_stats"))["system"]) == keys


async def test_the_oldest_shows_secrets_and_pages(start: Start, flat: Graph) -> None:
    """Keys for paid services stand in the history; pages are shown, not downloaded."""
    told = {}
    for name in ("0.3.10", "0.33.0"):
        client: Client = await start(version=VERSIONS[name])
        entry = await client.run(flat(), extra_data={"api_key_comfy_org": "secret"})
        form = aiohttp.FormData({"overwrite": "true"})
        form.add_field("image", b"<p>", filename="x.html")
        await client.ask("POST", "/upload/image", data=form)
        async with client.session.get(f"{client.simulator.url}/view?filename=x.html&type=input") as page:
            told[name] = ("api_key_comfy_org" in entry["prompt"][3], page.content_type)
    assert told == {"0.3.10": (True, "text/html"), "0.33.0": (False, BYTES)}


async def test_a_picture_in_a_page_is_not_a_download(client: Client) -> None:
    """What asks for it tells the difference."""
    form = aiohttp.FormData()
    form.add_field("image", b"<svg/>", filename="x.svg")
    await client.ask("POST", "/upload/image", data=form)
    told = []
    for headers in ({"Sec-Fetch-Dest": "image"}, {}):
        url = f"{client.simulator.url}/view?filename=x.svg&type=input"
        async with client.session.get(url, headers=headers) as answer:
            told.append((answer.content_type, answer.headers["Content-Disposition"], answer.headers["Vary"]))
    assert told == [
        ("image/svg+xml", 'filename="x.svg"', "Sec-Fetch-Dest"),
        (BYTES, 'attachment; filename="x.svg"', "Sec-Fetch-Dest"),
    ]
