"""Checks the pictures that people upload, before anything else looks at them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.errors import MediaRejected
from bot.media.inside.picture import make_png
from bot.media.process import QUICK, run

LIMIT_BYTES = 25 * 1024 * 1024
LIMIT_PIXELS = 50_000_000
LIMIT_FRAMES = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """An upload that passed: PNG bytes without metadata, turned upright; width and height in pixels."""

    png: bytes
    width: int
    height: int


async def check_picture(data: bytes) -> Picture:
    """Decode an upload in another process. Raises `MediaRejected` with what is wrong and what is accepted."""
    if len(data) > LIMIT_BYTES:
        raise MediaRejected(too_large(LIMIT_BYTES))
    with TemporaryDirectory(prefix="muralist-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "upload"), Path(folder, "picture.png")
        await asyncio.to_thread(source.write_bytes, data)
        size = await run(QUICK, make_png, source, target, LIMIT_PIXELS, LIMIT_FRAMES)
        png = await asyncio.to_thread(target.read_bytes)
    return Picture(png=png, width=size.width, height=size.height)


def too_large(limit: int) -> str:
    """The sentence about a limit of so many bytes."""
    return f"That file is too large: at most {limit // 2**20} MB. Send a smaller one."
