"""Finding the ComfyUI servers of this machine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import aiohttp

from bot.comfy.wire import NETWORK_ERRORS

PORTS = (8188, *range(8000, 8011))
"""ComfyUI's own port, and those that its desktop application tries."""
PATIENCE = 0.5
"""Seconds."""


async def find_local(ports: Iterable[int] = PORTS) -> list[str]:
    """Base URLs on 127.0.0.1 that answer like ComfyUI, in the order of `ports`."""
    limits = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(timeout=limits) as session:
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        answers = await asyncio.gather(*(_is_comfyui(session, url) for url in urls))
    return [url for url, is_comfyui in zip(urls, answers, strict=True) if is_comfyui]


async def _is_comfyui(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/system_stats", allow_redirects=False) as response:
            stats = json.loads(await response.read())
    except (*NETWORK_ERRORS, ValueError):
        return False
    return isinstance(stats, dict) and isinstance(stats.get("system"), dict) and "devices" in stats
