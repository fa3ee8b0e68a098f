"""What each ComfyUI server was last known to offer, so that requests can be checked while it is away."""

from __future__ import annotations

import asyncio
import base64
import zlib

from bot.store.memory import Memory

OWNER = "comfyui"
"""Under this name it lies beside what adapters keep."""


class Offers:
    """`/object_info` by server, as it was answered."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def of(self, url: str) -> bytes | None:
        """What a server last answered; None if it never did."""
        name = _name(url)
        kept = (await self._memory.find(OWNER, name)).get(name)
        return None if kept is None else await asyncio.to_thread(_unpacked, kept["packed"])

    async def remember(self, url: str, object_info: bytes) -> None:
        """Keep what a server answers now."""
        packed = await asyncio.to_thread(_packed, object_info)
        await self._memory.keep(OWNER, _name(url), {"packed": packed})


def _name(url: str) -> str:
    return f"object_info:{url}"


def _packed(data: bytes) -> str:
    """Some megabytes become some hundred kilobytes."""
    return base64.b64encode(zlib.compress(data)).decode()


def _unpacked(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
