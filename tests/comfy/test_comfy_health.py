"""Addresses, health, and finding servers."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from aiohttp import web

from bot.comfy.backend import ComfyBackend
from bot.comfy.discover import find_local
from bot.errors import ConfigError
from simulator.server import Simulator
from tests.comfy.conftest import QUICK, Rig, Start, new_id, running, serving, went_down


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "http://me:secret@:99999999", "http://["])
def test_an_address_that_is_none(url: str) -> None:
    """Says how one looks, and repeats no password."""
    with pytest.raises(ConfigError) as caught:
        ComfyBackend(url, client_id="c")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "base", "name"),
    [
        ("127.0.0.1:8188", "http://127.0.0.1:8188", "127.0.0.1:8188"),
        (" https://gpu.example/comfy/ ", "https://gpu.example/comfy", "gpu.example:443"),
        ("http://[::1]:8188/", "http://[::1]:8188", "[::1]:8188"),
    ],
)
def test_addresses(url: str, base: str, name: str) -> None:
    """As people write them."""
    backend = ComfyBackend(url, client_id="c")
    assert (backend.url, backend.name, backend.up, backend.schemas) == (base, name, False, None)


async def test_what_a_server_is(rig: Rig) -> None:
    """Its version and its nodes."""
    async with ComfyBackend(rig.simulator.url, client_id=new_id()) as backend:
        assert await backend.probe()
        assert (backend.up, backend.version, backend.trouble) == (True, "0.33.0", None)
        assert backend.schemas is not None
        assert backend.schemas.choices("CheckpointLoaderSimple", "ckpt_name") == (
            "sd_xl_base_1.0.safetensors",
            "dreamshaper_8.safetensors",
        )


async def test_what_a_server_offered_holds_until_it_answers_again(start: Start) -> None:
    """It is told when it is not what was known; what can't be read is as good as nothing."""
    told: list[bytes] = []

    async def keep(object_info: bytes) -> None:
        told.append(object_info)
        raise OSError("the disk is full")

    rig = await start(models={"loras": ("fox.safetensors",)})
    async with running(rig.simulator.url, on_object_info=keep) as backend:
        known = backend.schemas
        assert known is not None
        assert len(told) == 1

    async with ComfyBackend("http://127.0.0.1:9", client_id="c", object_info=told[0]) as away:
        assert away.schemas is not None
        assert away.schemas.models() == known.models()
        assert not await away.probe()
        assert away.schemas.models() == known.models()

    async with running(rig.simulator.url, object_info=told[0], on_object_info=keep) as again:
        assert again.schemas is not None
    async with running(rig.simulator.url, object_info=b'{"KSampler": ', on_object_info=keep) as broken:
        assert broken.schemas is not None
    assert told[1:] == [told[0]]


async def test_an_idle_server_is_probed(rig: Rig) -> None:
    """One that dies without a word is noticed, and one that comes back too."""
    async with running(rig.simulator.url, replace(QUICK, probe=0.05)) as backend:
        restart = asyncio.create_task(rig.simulator.faults.restart(0.3))
        await went_down(backend)
        async with asyncio.timeout(5):
            await backend.wait_up()
        await restart


async def test_discovery(rig: Rig) -> None:
    """Finds what answers like ComfyUI, and nothing else."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async with serving(web.get("/{path:.*}", page)) as url, Simulator(rig.simulator.settings) as second:
        ports = [1, int(url.rsplit(":", 1)[1]), second.port, rig.simulator.port]
        assert await find_local(ports) == [second.url, rig.simulator.url]
