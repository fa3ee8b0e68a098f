"""What does not go together is refused before anything is queued: by what the files say, else by their names."""

from __future__ import annotations

import asyncio
import json
import struct
from pathlib import Path
from typing import Any

import aiohttp

from bot.comfy.backend import ComfyBackend
from bot.comfy.timing import Timing
from bot.service.families import Families
from bot.store.store import open_store
from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.asking import ask, get, ready, runs
from tests.comfy.conftest import running as backend_running
from tests.processes import bot_program, running, wait_for_job

SDXL, SD15 = {"ss_base_model_version": "sdxl_base_v1-0"}, {"modelspec.architecture": "stable-diffusion-v1"}


def _model(path: Path, head: dict[str, str] | None) -> None:
    """A safetensors file of nothing but a head."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps({} if head is None else {"__metadata__": head}).encode()
    path.write_bytes(struct.pack("<Q", len(data)) + data)


def _disk(folder: Path) -> Path:
    models = folder / "comfyui/models"
    _model(models / "loras/fur.safetensors", SD15)
    _model(models / "loras/styles/fur-xl.safetensors", SDXL)
    _model(models / "loras/fog.safetensors", None)
    (models / "loras/damaged.safetensors").write_bytes(b"nothing of it")
    _model(models / "checkpoints/mystery.safetensors", SD15)
    return folder / "comfyui"


def _own(folder: Path) -> None:
    """The owner's workflow with a LoRA to choose, made for SDXL alone."""
    place = folder / "data/workflows/drawn"
    place.mkdir(parents=True)
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
        "2": {
            "class_type": "LoraLoader",
            "inputs": {"lora_name": "styles/fur-xl.safetensors", "strength_model": 1.0, "strength_clip": 1.0,
                       "model": ["1", 0], "clip": ["1", 1]},
        },
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["2", 1]}},
        "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "5": {
            "class_type": "KSampler",
            "inputs": {"model": ["2", 0], "positive": ["3", 0], "negative": ["3", 0], "latent_image": ["4", 0],
                       "seed": 1, "steps": 2, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal",
                       "denoise": 1.0},
        },
        "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
        "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0], "filename_prefix": "x"}},
    }  # fmt: skip
    (place / "graph.json").write_text(json.dumps(graph), encoding="utf-8")
    (place / "workflow.toml").write_text(
        '[parameters.model]\nfamilies = ["SDXL", "other"]\n', encoding="utf-8"
    )


async def _offered(http: aiohttp.ClientSession, url: str) -> list[str]:
    """The LoRAs in the order in which they are offered, once all heads are read."""
    async with asyncio.timeout(60):
        while True:
            listed = (await get(http, f"{url}/api/v1/workflows"))["workflows"]
            (drawn,) = [each for each in listed if each["name"] == "drawn"]
            found = {each["name"]: each.get("choices", []) for each in drawn["parameters"]}
            if "mystery.safetensors" not in found["model"]:
                return [str(name) for name in found["lora"]]
            await asyncio.sleep(0.05)


async def test_what_does_not_go_together_is_refused(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    """With a sentence, and the nearest that does; what nobody knows about is let pass."""
    _own(tmp_path)
    settings = SimulatorSettings(port=0, step_seconds=0.0, data_dir=_disk(tmp_path))
    async with Simulator(settings) as comfyui, running(bot_program(tmp_path, comfyui.url)) as bot:
        await ready(http, bot.url)
        assert (await _offered(http, bot.url))[0] == "styles/fur-xl.safetensors"

        async def told(prompt: str, workflow: str = "imagine", **values: Any) -> str:
            status, answer = await ask(http, bot.url, prompt, workflow=workflow, values=values)
            return str(answer["error"]["message"] if status != 202 else answer["job_id"])

        wrong = "The LoRA fur.safetensors is for SD 1.5, and the model sd_xl_base_1.0.safetensors is SDXL."
        near = "LoRAs for SDXL: styles/fur-xl.safetensors."
        assert await told("a fox <lora:fur:1>") == f"{wrong} {near}"
        assert await told("a fox", "drawn", lora="fur.safetensors") == f"{wrong} {near}"
        assert await told("a fox", "drawn", model="mystery.safetensors") == (
            "Model: mystery.safetensors is SD 1.5, and this needs SDXL. "
            "The nearest that fits: sd_xl_base_1.0.safetensors."
        )
        assert await runs(http, comfyui.url) == []

        jobs = [
            await told("a fox <lora:fu:1> <lora:fog> <lora:damaged>"),
            await told("a fox <lora:fur>", model="mystery.safetensors"),
            await told("a fox", "drawn", lora="fog.safetensors"),
        ]
        assert [(await wait_for_job(http, bot.url, job))["state"] for job in jobs] == ["done"] * 3
        graph = (await get(http, f"{comfyui.url}/history"))[comfyui.runs[0].prompt_id]["prompt"][2]
        assert graph["lora"]["inputs"]["lora_name"] == "styles/fur-xl.safetensors"


async def test_what_servers_told_is_known_when_they_are_away(tmp_path: Path) -> None:
    """And in the next process. A file that was gone for a while is looked at again."""
    disk = _disk(tmp_path)
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/muralist.db") as store:
        async with Simulator(SimulatorSettings(port=0, data_dir=disk)) as comfyui:
            async with backend_running(comfyui.url, Timing()) as backend:
                await _learnt(Families(lambda: [backend]), store.memory)
        later = Families(lambda: list[ComfyBackend]())
        await _learnt(later, store.memory)
        assert later.of("checkpoints", "mystery.safetensors") == "SD 1.5"
        assert later.of("loras", "styles\\fur-xl.safetensors") == "SDXL"
        assert later.of("loras", "fog.safetensors") == "other"


async def _learnt(families: Families, memory: Any) -> None:
    """Let it read until it knows something."""
    task = asyncio.create_task(families.run(memory))
    async with asyncio.timeout(60):
        while families.revision == 0 or not await memory.find("families", ""):
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
