"""A backend against the simulator, and small graphs."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web

from bot.comfy.backend import ComfyBackend
from bot.comfy.follow import Follow
from bot.comfy.timing import Timing
from bot.jobs.events import Broke, Ended, Finished, Interrupted, RemoteFile, RunEvent
from simulator.server import Simulator
from simulator.settings import SimulatorSettings

GraphDict = dict[str, dict[str, Any]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

QUICK = Timing(
    connect=2.0,
    answer=5.0,
    silence=0.2,
    deaf=0.3,
    reconnect_first=0.02,
    reconnect_most=0.1,
    probe=0.1,
    schemas=60.0,
    pace=0.0,
)
CALM = replace(QUICK, silence=30.0, probe=30.0)
"""Nothing is asked for by HTTP while a test lasts, unless something happens."""


def txt2img(seed: int = 1, *, batch: int = 1, steps: int = 4, **sampler: Any) -> GraphDict:
    """The plain graph from text to pictures."""
    sampling = {"seed": seed, "steps": steps, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal"}
    wires = {"model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}
    model = sampler.pop("checkpoint", "dreamshaper_8.safetensors")
    return {
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": model}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}},
        "5": {
            "class_type": "EmptyLatentImage",
            "inputs": {"width": 64, "height": 64, "batch_size": batch},
        },
        "3": {
            "class_type": "KSampler",
            "inputs": {**sampling, "denoise": 1.0, **wires, **sampler},
            "_meta": {"title": "The sampler"},
        },
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "fox"}},
    }


def flat(color: int = 255, **scale: Any) -> GraphDict:
    """A graph of one colour that needs no model, with a second output that is only a preview."""
    return {
        "1": {
            "class_type": "EmptyImage",
            "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": color},
        },
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "flat"}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }


def file(name: str, node: str = "9") -> RemoteFile:
    """A saved file."""
    return RemoteFile(node=node, filename=name, subfolder="", folder="output")


def new_id() -> str:
    """A prompt's id."""
    return str(uuid.uuid4())


@dataclass(kw_only=True)
class Rig:
    """A simulator, and what is asked of it."""

    simulator: Simulator
    requests: list[str] = field(default_factory=list)
    """Method and path, without identifiers; websockets included."""

    def ran(self) -> list[str | None]:
        """The outcome of every prompt that was executed."""
        return [run.outcome for run in self.simulator.runs]


@asynccontextmanager
async def running(url: str, timing: Timing = QUICK, **more: Any) -> AsyncIterator[ComfyBackend]:
    """A backend that is up and kept, its socket open."""
    async with ComfyBackend(url, client_id=new_id(), timing=timing, **more) as backend:
        keeper = asyncio.create_task(backend.run())
        try:
            async with asyncio.timeout(10):
                await backend.wait_up()
                await backend.wait_settled()
            yield backend
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper


async def until_end(follow: Follow, seen: list[RunEvent] | None = None) -> Ended:
    """Its end; what came before goes to `seen`."""
    async with asyncio.timeout(20):
        async for event in follow:
            if isinstance(event, Finished | Broke | Interrupted):
                return event
            if seen is not None:
                seen.append(event)
    raise AssertionError("no end")


async def went_down(backend: ComfyBackend) -> None:
    """Return when a backend's server is known not to answer."""
    async with asyncio.timeout(10):
        for pause in itertools.repeat(0.005):
            if not backend.up:
                return
            await asyncio.sleep(pause)


async def run_graph(backend: ComfyBackend, graph: GraphDict, seen: list[RunEvent] | None = None) -> Ended:
    """Post a graph and wait for its end."""
    async with backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={"job": "j1"})
        return await until_end(follow, seen)


async def whole_life(backend: ComfyBackend) -> bool:
    """Upload, run with a socket, fetch."""
    await backend.upload("x.png", b"x")
    end = await run_graph(backend, flat())
    assert isinstance(end, Finished)
    async with backend.fetch(file("flat_00001_.png", "2")) as chunks:
        return (b"".join([chunk async for chunk in chunks]))[:4] == b"\x89PNG"


Start = Callable[..., Awaitable[Rig]]


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def start(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Start simulators that count what they are asked."""
    async with AsyncExitStack() as stack:

        async def start_one(**settings: Any) -> Rig:
            chosen = SimulatorSettings(**{"port": 0, "step_seconds": 0.01, **settings})
            rig = Rig(simulator=await stack.enter_async_context(Simulator(chosen)))
            handle = rig.simulator.faults.on_request

            async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
                rig.requests.append(f"{request.method} /{request.path.split('/')[1]}")
                return await handle(request, handler)

            monkeypatch.setattr(rig.simulator.faults, "on_request", counted)
            return rig

        yield start_one


@pytest.fixture
async def rig(start: Start) -> Rig:
    """A simulator with short steps."""
    return await start()


@asynccontextmanager
async def serving(*routes: web.RouteDef) -> AsyncIterator[str]:
    """A server of the test's own; its URL."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
