"""A client that keeps every frame, and captures of real servers reduced to what must be equal."""

from __future__ import annotations

import asyncio
import json
import re
import struct
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image
from yarl import URL

from simulator.server import Simulator
from simulator.settings import SimulatorSettings

Json = dict[str, Any]
CAPTURES = Path(__file__).with_name("captures")
FLAGS = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
PATIENCE = 20.0  # seconds until a wait for an event counts as failed


class Socket:
    """One websocket; `frames` holds all that came, JSON as objects and binary as `Binary` rows."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, client_id: str) -> None:
        self.ws = ws
        self.client_id = client_id
        self.frames: list[Any] = []

    async def next(self) -> Any:
        """The next frame; ConnectionError when the socket ends."""
        message = await asyncio.wait_for(self.ws.receive(), PATIENCE)
        if message.type is aiohttp.WSMsgType.TEXT:
            self.frames.append(_parsed(message.data))
        elif message.type is aiohttp.WSMsgType.BINARY:
            self.frames.append(("binary", struct.unpack(">I", message.data[:4])[0], message.data))
        else:
            raise ConnectionError(message.type.name)
        return self.frames[-1]

    async def until(self, event: str, **data: Any) -> Json:
        """The next message of this type whose data has these values."""
        while True:
            frame = await self.next()
            if not isinstance(frame, dict) or frame["type"] != event:
                continue
            if all(frame["data"].get(key) == value for key, value in data.items()):
                return frame

    async def finished(self, prompt_id: str) -> list[Any]:
        """All frames up to the very last one of a prompt."""
        await self.until("executing", node=None, prompt_id=prompt_id)
        return self.frames

    async def is_deaf(self) -> bool:
        """Whether the socket answers a ping without having got anything before."""
        await self.ws.ping()
        try:
            frame = await asyncio.wait_for(self.ws.receive(), 0.3)
        except TimeoutError:
            return not self.ws.closed
        self.frames.append(frame)
        return False


class Client:
    """HTTP and sockets of one simulator."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session
        self._open: list[aiohttp.ClientWebSocketResponse] = []

    async def close(self) -> None:
        """Close all sockets."""
        for ws in self._open:
            await ws.close()

    async def connect(self, client_id: str | None = None, *, flags: bool = True) -> Socket:
        """A socket after its first status, and after the answer to its flags."""
        name = client_id or str(uuid.uuid4())
        ws = await self.session.ws_connect(f"{self.simulator.url}/ws", params={"clientId": name})
        self._open.append(ws)
        socket = Socket(ws, name)
        await socket.until("status", sid=name)
        if flags:
            await ws.send_json(FLAGS)
            await socket.until("feature_flags")
        socket.frames.clear()
        return socket

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and body; JSON parsed, text as it is."""
        async with self.session.request(method, self.simulator.url + path, **options) as response:
            if response.content_type == "application/json":
                return response.status, await response.json()
            return response.status, await response.text()

    async def raw(self, method: str, path: str, **options: Any) -> tuple[int, str | None, str]:
        """Status, content type and body of an address that is taken as it is written."""
        url = URL(self.simulator.url + path, encoded=True)
        async with self.session.request(method, url, allow_redirects=False, **options) as response:
            return response.status, response.headers.get("Content-Type"), await response.text()

    async def get(self, path: str) -> Any:
        """A JSON body of a 200."""
        status, body = await self.ask("GET", path)
        assert status == 200, body
        return body

    async def queue(self, graph: Json, client_id: str | None = None, **more: Any) -> str:
        """The id of an accepted prompt."""
        body = {"prompt": graph, **({"client_id": client_id} if client_id else {}), **more}
        status, answer = await self.ask("POST", "/prompt", json=body)
        assert status == 200, answer
        return str(answer["prompt_id"])

    async def run(self, graph: Json, **more: Any) -> Json:
        """The history entry of a prompt that was run to its end."""
        socket = await self.connect(flags=self.simulator.settings.version.has_features)
        prompt_id = await self.queue(graph, socket.client_id, **more)
        await socket.finished(prompt_id)
        await socket.ws.close()
        entry: Json = (await self.get(f"/history/{prompt_id}"))[prompt_id]
        return entry

    async def picture(self, file: Json) -> Image.Image:
        """An output's picture."""
        async with self.session.get(f"{self.simulator.url}/view", params=file) as response:
            assert response.status == 200
            return Image.open(BytesIO(await response.read()))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


Start = Callable[..., Any]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Start simulators with settings of the test's choice; the folder is the same for all of them."""
    async with AsyncExitStack() as stack:

        async def start_one(options: Json = {}, **settings: Any) -> Client:  # noqa: B006 - never changed
            chosen = {"port": 0, "step_seconds": 0.005, "data_dir": tmp_path / "comfyui", **settings}
            simulator = await stack.enter_async_context(Simulator(SimulatorSettings(**chosen)))
            session = await stack.enter_async_context(aiohttp.ClientSession(**options))
            client = Client(simulator, session)
            stack.push_async_callback(client.close)
            return client

        yield start_one


@pytest.fixture
async def client(start: Start) -> Client:
    """A simulator with short steps."""
    made: Client = await start()
    return made


@pytest.fixture
def capture() -> Callable[[str], Json]:
    """Load the reduced form of what a real server did."""

    def load(name: str) -> Json:
        found: Json = json.loads((CAPTURES / f"{name}.json").read_text(encoding="utf-8"))
        return found

    return load


@pytest.fixture
def txt2img() -> Callable[..., Json]:
    """The plain graph from text to picture; keywords change inputs of the sampler, or name these four."""

    def make(
        text: str = "a red fox", negative: str = "", size: int = 64, batch: int = 1, **sampler: Any
    ) -> Json:
        sampling = {"seed": 1, "steps": 3, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal"}
        model = sampler.pop("checkpoint", "dreamshaper_8.safetensors")
        wires = {
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": sampler.pop("latent", ["5", 0]),
        }
        return {
            "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": model}},
            "6": {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["4", 1]}},
            "7": {"class_type": "CLIPTextEncode", "inputs": {"text": negative, "clip": ["4", 1]}},
            "5": {
                "class_type": "EmptyLatentImage",
                "inputs": {"width": size, "height": size, "batch_size": batch},
            },
            "3": {"class_type": "KSampler", "inputs": {**sampling, "denoise": 1.0, **wires, **sampler}},
            "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
            "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "t/fox"}},
        }

    return make


@pytest.fixture
def flat() -> Callable[..., Json]:
    """A graph without a model: one colour, inverted, saved."""

    def make(colour: int = 255, prefix: str = "flat", output: str = "SaveImage") -> Json:
        size = {"width": 32, "height": 16, "batch_size": 1, "color": colour}
        named = {"filename_prefix": prefix} if output == "SaveImage" else {}
        return {
            "1": {"class_type": "EmptyImage", "inputs": size},
            "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
            "3": {"class_type": output, "inputs": {"images": ["2", 0], **named}},
        }

    return make


@pytest.fixture
def reduced() -> Callable[[Any, str], Any]:
    """Replace what differs from run to run: ids, times, letters and numbers in file names."""

    def reduce(value: Any, prompt_id: str) -> Any:
        text = json.dumps(value).replace(prompt_id, "PROMPT")
        text = re.sub(r'("(?:timestamp|create_time|execution_\w+_time)": )\d+', r"\g<1>0", text)
        text = re.sub(r"_temp_[a-z]{5}_", "_temp_xxxxx_", text)
        return json.loads(_numbered_from_1(text))

    return reduce


def _numbered_from_1(text: str) -> str:
    """Count the files of each prefix from 1: how many there were before is the server's own story."""
    first: dict[str, int] = {}

    def renamed(match: re.Match[str]) -> str:
        number = int(match[2])
        return f'"{match[1]}_{number - first.setdefault(match[1], number) + 1:05}{match[3]}"'

    return re.sub(r'"([^"]*?)_(\d{5})(_?\.\w+)"', renamed, text)
