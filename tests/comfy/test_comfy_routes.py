"""The plain routes over a socket."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import web
from PIL import Image

from bot.comfy.backend import ComfyBackend
from bot.comfy.located import Queue
from bot.comfy.routes import Encoding, JobInfo
from bot.comfy.stats import Device, Stats, parse_stats
from bot.errors import CannotConnect, Lost, Refused
from bot.jobs.events import Interrupted, RemoteFile, Started
from tests.comfy.conftest import (
    CALM,
    Rig,
    Start,
    file,
    flat,
    new_id,
    run_graph,
    running,
    serving,
    txt2img,
    until_end,
)


def picture(color: str = "red", mode: str = "RGB") -> bytes:
    """A small PNG."""
    buffer = BytesIO()
    Image.new(mode, (16, 8), color).save(buffer, "PNG")
    return buffer.getvalue()


async def test_what_a_server_is(rig: Rig) -> None:
    """System and memory, typed."""
    async with running(rig.simulator.url, CALM) as backend:
        stats = await backend.routes.stats()
        assert backend.stats == stats
    assert stats.devices == (
        Device(
            name="cuda:0 Simulated (no GPU)",
            kind="cuda",
            vram_total=24 * 2**30,
            vram_free=24 * 2**30 - round(0.4 * 2**30),
        ),
    )
    assert (stats.version, stats.ram_total) == ("0.33.0", 32 * 2**30)


@pytest.mark.parametrize(
    ("body", "stats"),
    [
        ([], None),
        ({"devices": []}, None),
        ({"system": {}}, Stats(version=None, os=None, ram_total=0, ram_free=0, devices=())),
        (
            {"system": {"os": "nt", "ram_total": 1.0, "comfyui_version": ""}, "devices": [7, {"name": "a"}]},
            Stats(
                version=None,
                os="nt",
                ram_total=1,
                ram_free=0,
                devices=(Device(name="a", kind="?", vram_total=0, vram_free=0),),
            ),
        ),
    ],
)
def test_stats_of_other_servers(body: object, stats: Stats | None) -> None:
    """What is missing is no error."""
    assert parse_stats(body) == stats


async def test_what_a_server_has(start: Start) -> None:
    """Models by folder, embeddings, features, node classes."""
    rig = await start(checkpoints=("SDXL\\a.safetensors",))
    async with running(rig.simulator.url, CALM) as backend:
        routes = backend.routes
        assert {"checkpoints", "vae"} < set(await routes.model_folders())
        assert await routes.models("checkpoints") == ("SDXL\\a.safetensors",)
        assert await routes.models("nope") is None
        assert await routes.models("../queue") is None
        assert await routes.embeddings() == ()
        features = await routes.features()
        assert features is not None
        assert features["max_upload_size"] == 104857600
        one = await routes.node_info("KSampler")
        assert one is not None
        assert (await routes.object_info())["KSampler"] == one
        assert await routes.node_info("NoSuch") is None


async def test_jobs(rig: Rig) -> None:
    """One, some, none; times in seconds."""
    mine, next_one = txt2img(steps=1000), txt2img(2)
    async with (
        running(rig.simulator.url, CALM) as backend,
        backend.follow(new_id(), mine) as one,
        backend.follow(new_id(), next_one) as two,
    ):
        await run_graph(backend, flat())
        await backend.post(one, mine, tag={})
        await backend.post(two, next_one, tag={})
        assert await anext(aiter(one)) == Started()
        found = await backend.routes.job(one.prompt_id)
        assert isinstance(found, JobInfo)
        assert found.created is not None
        run = rig.simulator.runs[1]
        assert (found.status, found.prompt_id, found.priority) == ("in_progress", one.prompt_id, 1.0)
        assert abs(found.created - run.started) < 60
        assert await backend.routes.job(new_id()) is None
        page = await backend.routes.jobs(oldest_first=True)
        assert page is not None
        assert ([job.status for job in page.jobs], page.total) == (["completed", "in_progress", "pending"], 3)
        page = await backend.routes.jobs("pending", "completed", limit=1, offset=1, oldest_first=True)
        assert page is not None
        assert ([job.prompt_id for job in page.jobs], page.total) == ([two.prompt_id], 2)
        queue = Queue(running=frozenset({one.prompt_id}), pending=frozenset({two.prompt_id}))
        assert await backend.queue() == await backend.routes.queue() == queue
        assert await backend.routes.remaining() == 2
        await backend.cancel(one.prompt_id, two.prompt_id)
        assert await until_end(one) == await until_end(two) == Interrupted()


async def test_what_others_queued(rig: Rig) -> None:
    """Is counted apart from what is followed here."""
    mine, theirs = txt2img(1), txt2img(2, steps=1000)
    async with (
        running(rig.simulator.url, CALM) as backend,
        running(rig.simulator.url, CALM) as stranger,
        stranger.follow(new_id(), theirs) as other,
        stranger.follow(new_id(), theirs) as another,
        backend.follow(new_id(), mine) as follow,
    ):
        await stranger.post(other, theirs, tag={})
        assert await anext(aiter(other)) == Started()
        await stranger.post(another, theirs, tag={})
        await backend.post(follow, mine, tag={})
        assert (await backend.others(), await stranger.others()) == ((1, 1), (0, 1))
        await stranger.cancel(other.prompt_id, another.prompt_id)
        await until_end(follow)


async def test_the_gpu_is_given_back(rig: Rig) -> None:
    """And with the cache forgotten the same graph runs anew."""
    async with running(rig.simulator.url, CALM) as backend:
        await run_graph(backend, flat())
        await backend.routes.free(unload_models=True, free_memory=True)
        await run_graph(backend, flat())
    assert [run.cached for run in rig.simulator.runs] == [(), ()]


async def test_uploads_from_memory_and_disk(rig: Rig, tmp_path: Path) -> None:
    """Same bytes, same name; a folder of their own, or another."""
    path = tmp_path / "x.png"
    path.write_bytes(picture())
    async with running(rig.simulator.url, CALM) as backend:
        assert await backend.upload("fox.png", picture()) == "muralist/fox.png"
        assert await backend.upload("fox.png", path) == "muralist/fox.png"
        assert await backend.routes.upload_image("fox.png", path, subfolder="a/b") == "a/b/fox.png"
        rig.simulator.faults.fail_next("/upload", 500, times=2)
        assert await backend.upload("fox.png", path) == "muralist/fox.png"


async def test_too_large_an_upload_is_not_begun(start: Start, tmp_path: Path) -> None:
    """The server's own limit, in the sentence."""
    rig = await start(max_upload_size=3 * 2**20)
    path = tmp_path / "big"
    path.write_bytes(bytes(3 * 2**20))
    async with running(rig.simulator.url, CALM) as backend:
        for data in (path, path.read_bytes()):
            with pytest.raises(Refused) as caught:
                await backend.upload("x.png", data)
            assert (
                caught.value.sentence
                == "That is too big for ComfyUI, which takes 3 MB at most. Send something smaller."
            )
        await backend.upload("x.png", bytes(2 * 2**20))
    assert rig.requests.count("POST /upload") == 1


async def test_a_mask(rig: Rig) -> None:
    """Its alpha goes into a copy of the original, which must be there."""
    async with running(rig.simulator.url, CALM) as backend:
        await run_graph(backend, flat())
        mask = picture("#00000040", "RGBA")
        with pytest.raises(Lost):
            await backend.routes.upload_mask("mask.png", mask, file("nope.png"))
        size = BytesIO()
        Image.new("RGBA", (8, 8), "#00000040").save(size, "PNG")
        name = await backend.routes.upload_mask("mask.png", size.getvalue(), file("flat_00001_.png"))
        assert name == "muralist/mask.png"
        painted = RemoteFile(node="", filename="mask.png", subfolder="muralist", folder="input")
        async with backend.fetch(painted) as chunks:
            data = b"".join([chunk async for chunk in chunks])
    assert Image.open(BytesIO(data)).getpixel((0, 0)) == (0, 0, 255, 64)


async def test_views(rig: Rig) -> None:
    """As it is, encoded anew, or some of its channels."""
    async with running(rig.simulator.url, CALM) as backend:
        await run_graph(backend, flat())

        async def seen(**how: object) -> tuple[str | None, str]:
            async with backend.routes.view(file("flat_00001_.png"), **how) as chunks:  # type: ignore[arg-type]
                found = Image.open(BytesIO(b"".join([chunk async for chunk in chunks])))
            return found.format, found.mode

        assert [
            await seen(),
            await seen(preview=Encoding(quality=50)),
            await seen(preview=Encoding(kind="jpeg")),
            await seen(channel="rgb"),
            await seen(channel="a"),
        ] == [("PNG", "RGB"), ("WEBP", "RGB"), ("JPEG", "RGB"), ("PNG", "RGB"), ("PNG", "RGBA")]


async def test_a_connection_that_breaks_is_tried_again_where_that_is_safe() -> None:
    """A question, a file of the same bytes, a cancel: yes. A graph: never."""
    count: dict[str, int] = {}

    async def shaky(request: web.Request) -> web.StreamResponse:
        key = f"{request.method} {request.path}"
        count[key] = count.get(key, 0) + 1
        if request.path == "/features":
            return web.json_response({"supports_preview_metadata": True})
        if request.path == "/system_stats":
            return web.json_response({"system": {}})
        if request.path in ("/queue", "/upload/image", "/prompt") and count[key] == 1:
            assert request.transport is not None
            request.transport.abort()
        if request.path == "/ws":
            await asyncio.Event().wait()
        if request.method == "POST" and request.path == "/queue":
            return web.Response()
        return web.json_response({"name": "x.png"} if request.path == "/upload/image" else {})

    async with serving(web.route("*", "/{path:.*}", shaky)) as url:
        async with ComfyBackend(url, client_id="c", timing=CALM) as backend:
            assert await backend.probe()
            assert await backend.upload("x.png", b"x") == "x.png"
            assert await backend.routes.queue() == Queue(running=frozenset(), pending=frozenset())
            await backend.cancel(new_id())
            async with backend.follow(new_id(), flat()) as follow:
                with pytest.raises(CannotConnect, match="broke") as caught:
                    await backend.post(follow, flat(), tag={})
    assert caught.value.maybe_sent
    assert (count["POST /upload/image"], count["POST /queue"], count["POST /prompt"]) == (2, 2, 1)
