"""A run that the owner made in ComfyUI itself, as its front end sends it: the graph, and the form with labels."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from tests.asking import get

Json = dict[str, Any]

GRAPH: Json = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "an old oak in fog", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 7, "steps": 4, "cfg": 6.5, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
        },
    },
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "foggy/old-oak"}},
}  # fmt: skip

UI: Json = {
    "id": "0b9a", "last_node_id": 9, "last_link_id": 9, "version": 0.4, "links": [],
    "nodes": [
        {
            "id": 3, "type": "KSampler",
            "inputs": [{"name": "cfg", "label": "Strictness", "widget": {"name": "cfg"}, "link": None}],
        },
    ],
}  # fmt: skip


async def run_once(
    http: aiohttp.ClientSession, comfyui: str, graph: Json = GRAPH, ui: Json | None = UI
) -> str:
    """Run it as the front end does, to its end. Its id."""
    extra = {} if ui is None else {"extra_pnginfo": {"workflow": ui}}
    body = {"prompt": graph, "client_id": "the-owners-browser", "extra_data": extra}
    async with http.post(f"{comfyui}/prompt", json=body) as answer:
        queued = await answer.json()
        assert answer.status == 200, queued
    prompt_id: str = queued["prompt_id"]
    async with asyncio.timeout(60):
        while not (await get(http, f"{comfyui}/history/{prompt_id}")):
            await asyncio.sleep(0.05)
    return prompt_id


WEBP = {
    "class_type": "SaveAnimatedWEBP",
    "inputs": {
        "images": ["8", 0], "filename_prefix": "oak", "fps": 6.0, "lossless": True, "quality": 80,
        "method": "default",
    },
}  # fmt: skip
FILM = {
    "10": {"class_type": "CreateVideo", "inputs": {"images": ["8", 0], "fps": 8.0}},
    "9": {
        "class_type": "SaveVideo",
        "inputs": {"video": ["10", 0], "filename_prefix": "oak", "format": "mp4", "codec": "h264"},
    },
}


async def made_files(http: aiohttp.ClientSession, comfyui: str) -> dict[str, bytes]:
    """A picture, a moving one and a film that ComfyUI has made, by their names: each has its graph in it."""
    found: dict[str, bytes] = {}
    for graph in (GRAPH, {**GRAPH, "9": WEBP}, {**GRAPH, **FILM}):
        prompt_id = await run_once(http, comfyui, graph)
        entry = (await get(http, f"{comfyui}/history/{prompt_id}"))[prompt_id]
        (file,) = entry["outputs"]["9"]["images"]
        async with http.get(f"{comfyui}/view", params=file) as answer:
            found[file["filename"]] = await answer.read()
    return found
