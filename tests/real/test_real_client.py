"""The client alone on a real ComfyUI, named by REAL_COMFYUI_URL. It needs no model."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import web
from PIL import Image

from bot.comfy.access import Access
from bot.comfy.backend import ComfyBackend
from bot.comfy.located import Executing, Waiting
from bot.comfy.routes import Encoding
from bot.comfy.timing import Timing
from bot.jobs.events import Finished, Interrupted, RemoteFile, Started
from tests.comfy.conftest import GraphDict, flat, new_id, run_graph, running, until_end
from tests.reverse import http_proxy, make_certificates, reverse_proxy

URL = os.environ.get("REAL_COMFYUI_URL", "")

pytestmark = [
    pytest.mark.real_comfyui,
    pytest.mark.skipif(not URL, reason="set REAL_COMFYUI_URL to the address of a real ComfyUI"),
]


def some_color() -> GraphDict:
    """A graph that the server has not cached."""
    return flat(int.from_bytes(os.urandom(3)))


async def made(backend: ComfyBackend) -> RemoteFile:
    """A picture that it made."""
    end = await run_graph(backend, some_color())
    assert isinstance(end, Finished)
    assert isinstance(end.results[0], RemoteFile)
    return end.results[0]


async def test_behind_everything_at_once(tmp_path: Path) -> None:
    """An HTTP proxy, https with an own issuer and a client's certificate, a path, a token: the socket, too."""
    certificates = make_certificates(tmp_path)

    def guard(request: web.Request) -> web.Response | None:
        known = request.headers.get("Authorization") == "Bearer sesame"
        return None if known else web.Response(status=401)

    async with (
        reverse_proxy(
            URL.rstrip("/"), prefix="/comfy", guard=guard, tls=certificates.context(wants_client=True)
        ) as url,
        http_proxy(url) as proxy,
    ):
        access = Access(
            headers={"Authorization": "Bearer sesame"},
            ca_file=certificates.server,
            client_cert=certificates.client,
            proxy=f"http://127.0.0.1:{proxy.port}",
        )
        async with running("https://gpu.test/comfy", Timing(), access=access) as backend:
            file = await made(backend)
            async with backend.fetch(file) as chunks:
                picture = Image.open(BytesIO(b"".join([chunk async for chunk in chunks])))
    assert (picture.size, proxy.seen) == ((8, 8), {("CONNECT", "gpu.test:443")})


async def test_the_plain_routes() -> None:
    """What the server has, and its pictures in other encodings."""
    async with running(URL, Timing()) as backend:
        routes = backend.routes
        assert backend.stats is not None
        assert backend.stats.devices
        assert {"checkpoints", "loras"} < set(await routes.model_folders())
        assert await routes.models("../queue") is None
        whole, one = await routes.object_info(), await routes.node_info("KSampler")
        assert (whole["KSampler"], await routes.node_info("NoSuch")) == (one, None)
        file = await made(backend)
        kinds = []
        for how in (None, Encoding(quality=50), Encoding(kind="jpeg")):
            async with routes.view(file, preview=how) as chunks:
                kinds.append(Image.open(BytesIO(b"".join([chunk async for chunk in chunks]))).format)
        assert kinds == ["PNG", "WEBP", "JPEG"]
        mask = BytesIO()
        Image.new("RGBA", (8, 8), "#00000040").save(mask, "PNG")
        assert (await routes.upload_mask("mask.png", mask.getvalue(), file)).startswith("muralist/mask")
        await routes.free(unload_models=True, free_memory=True)


async def test_many_are_cancelled_at_once() -> None:
    """One that runs and one that waits."""
    big = flat()
    big["1"]["inputs"] |= {"width": 4096, "height": 4096, "batch_size": 8}
    async with (
        running(URL, Timing()) as backend,
        backend.follow(new_id(), big) as one,
        backend.follow(new_id(), big) as two,
    ):
        await backend.post(one, big, tag={})
        await backend.post(two, big, tag={})
        assert await anext(aiter(one)) == Started()
        assert await backend.queue() == await backend.routes.queue()
        places = [await backend.locate(follow.prompt_id) for follow in (one, two)]
        assert places == [Executing(), Waiting()]
        await backend.cancel(one.prompt_id, two.prompt_id)
        assert await until_end(two) == Interrupted()
        assert isinstance(await until_end(one), Interrupted)
