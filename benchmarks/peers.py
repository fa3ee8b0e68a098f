"""Other clients for ComfyUI, measured as they are published, or as the field's tutorials have them.

Each does a job in its own way; what they have in common is only how they are called. None keeps anything on a disk.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import aiohttp

from benchmarks.ticking import Ticking
from benchmarks.workflows import Graph, recipes
from benchmarks.workload import Outcome, Workload

POLL_SECONDS = 1.0
"""As in the tutorials."""

THREADS = 64


class Peer(Protocol):
    """Does a job from its graph to the bytes of its pictures. Used inside `async with` of the stack."""

    async def job(self, graph: Graph) -> int:
        """How many pictures came."""


class Polling:
    """POST, then ask the history once a second: the tutorials' plain client."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url, self._http = url, http

    async def job(self, graph: Graph) -> int:
        """By `/history/{id}`."""
        async with self._http.post(f"{self._url}/prompt", json={"prompt": graph}) as answer:
            prompt_id = (await answer.json())["prompt_id"]
        while True:
            async with self._http.get(f"{self._url}/history/{prompt_id}") as answer:
                history = await answer.json()
            if prompt_id in history:
                return await fetch_all(self._http, self._url, history[prompt_id])
            await asyncio.sleep(POLL_SECONDS)


class OneSocket:
    """A websocket a job, until `executing` says that no node is left, then the history: ComfyUI's own example."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url, self._http = url, http

    async def job(self, graph: Graph) -> int:
        """By its own websocket."""
        client = uuid.uuid4().hex
        async with self._http.ws_connect(f"{self._url}/ws?clientId={client}", max_msg_size=0) as socket:
            body = {"prompt": graph, "client_id": client}
            async with self._http.post(f"{self._url}/prompt", json=body) as answer:
                prompt_id = (await answer.json())["prompt_id"]
            await self._wait(socket, prompt_id)
        async with self._http.get(f"{self._url}/history/{prompt_id}") as answer:
            history = await answer.json()
        return await fetch_all(self._http, self._url, history[prompt_id])

    async def _wait(self, socket: aiohttp.ClientWebSocketResponse, prompt_id: str) -> None:
        async for frame in socket:
            if frame.type is aiohttp.WSMsgType.TEXT:
                message = json.loads(frame.data)
                data = message["data"]
                if message["type"] == "executing" and data["node"] is None and data["prompt_id"] == prompt_id:
                    return
        raise ConnectionError("the socket closed before the job was done")


class ComfyuiUtils:
    """comfyui-utils: a session and a websocket a job, the queue asked at every `status`."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        del http
        module: Any = import_module("comfyui_utils.comfy")
        self._api = module.ComfyAPI(urlsplit(url).netloc)
        self._callbacks = module.Callbacks

    async def job(self, graph: Graph) -> int:
        """By its callbacks."""
        found: list[dict[str, Any]] = []

        async def nothing(*_: object) -> None: ...

        async def completed(_self: object, outputs: dict[str, Any], _cached: bool) -> None:
            found.append(outputs)

        members = {"queue_position": nothing, "in_progress": nothing, "completed": completed}
        await self._api.submit(graph, type("Heard", (self._callbacks,), members)())
        for image in found[0]["images"]:
            await self._api.fetch(image, nothing)
        return len(found[0]["images"])


class ComfyApiSimplified:
    """comfy-api-simplified: made for threads, with a websocket a job."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        del http
        module: Any = import_module("comfy_api_simplified")
        self._api = module.ComfyApiWrapper(url)
        self._threads = ThreadPoolExecutor(THREADS)

    async def job(self, graph: Graph) -> int:
        """In a thread."""
        titled = {node: {**each, "_meta": {"title": node}} for node, each in graph.items()}
        saving = next(node for node, each in graph.items() if each["class_type"] == "SaveImage")
        loop = asyncio.get_running_loop()
        files = await loop.run_in_executor(self._threads, self._api.queue_and_wait_images, titled, saving)
        return len(files)


class ComfyApiClient:
    """comfy-api-client, by its tracker over HTTP: the one over a websocket calls a method that it does not have."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        del http
        module: Any = import_module("comfy_api_client")
        self._entering = module.create_client(url, start_state_tracker="http")
        self._client: Any = None

    async def job(self, graph: Graph) -> int:
        """By its future."""
        if self._client is None:
            self._client = await self._entering.__aenter__()
        response = await self._client.submit_workflow(graph)
        return len((await response.future).output_images)


PEERS: dict[str, tuple[str | None, Callable[[str, aiohttp.ClientSession], Peer]]] = {
    "polling": (None, Polling),
    "websocket": (None, OneSocket),
    "comfyui-utils": ("comfyui_utils", ComfyuiUtils),
    "comfy-api-simplified": ("comfy_api_simplified", ComfyApiSimplified),
    "comfy-api-client": ("comfy_api_client", ComfyApiClient),
}
"""By name, each with the module that must be installed: pip install muralist[peers]."""


def installed(*, quick: bool) -> list[str]:
    """The peers that can be measured here; one, to see that it works, if `quick`."""
    found = [name for name, (module, _) in PEERS.items() if module is None or find_spec(module) is not None]
    return ["websocket"] if quick else found


async def fetch_all(http: aiohttp.ClientSession, url: str, entry: dict[str, Any]) -> int:
    """Get all pictures of an entry of the history."""
    images = [image for output in entry["outputs"].values() for image in output.get("images", ())]
    for image in images:
        async with http.get(f"{url}/view", params=image) as answer:
            answer.raise_for_status()
            await answer.read()
    return len(images)


class PeerClient:
    """A peer as a client under test. Used inside `async with`."""

    def __init__(self, name: str, url: str) -> None:
        self._name, self._url = name, url
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        http = await self._stack.enter_async_context(aiohttp.ClientSession())
        self._peer = PEERS[self._name][1](self._url, http)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def run(self, workload: Workload) -> Outcome:
        """Do the jobs; one that raises or takes too long is lost."""
        before, cpu = time.perf_counter(), time.process_time()
        deadline = before + workload.limit_seconds
        async with Ticking() as ticking:
            if workload.at_once:
                jobs = [self._job(workload.workflow, number, deadline) for number in range(workload.jobs)]
                done = await asyncio.gather(*jobs)
            else:
                done = [
                    await self._job(workload.workflow, number, deadline) for number in range(workload.jobs)
                ]
        completed = [each for each in done if each is not None]
        return Outcome(
            jobs=workload.jobs,
            seconds=time.perf_counter() - before,
            cpu=time.process_time() - cpu,
            pictures=sum(pictures for _, pictures in completed),
            walls=[wall for wall, _ in completed],
            block=ticking.longest,
        )

    async def _job(self, workflow: str, number: int, deadline: float) -> tuple[float, int] | None:
        """Seconds, and how many pictures came."""
        begun = time.perf_counter()
        graph = recipes()[workflow].seeded((number * 7919 + int(begun * 1000)) % 2**24)
        try:
            async with asyncio.timeout(deadline - begun):
                pictures = await self._peer.job(graph)
        except Exception as error:  # noqa: BLE001 - whatever a peer does wrong is what is measured
            sys.stderr.write(f"{self._name}: {type(error).__name__}: {error}\n")
            return None
        return time.perf_counter() - begun, pictures
