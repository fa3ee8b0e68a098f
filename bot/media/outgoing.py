"""Makes results fit what a platform takes, and small pictures of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.media.errors import DoesNotFit
from bot.media.inside import clip
from bot.media.inside.fit_clip import fit_clip
from bot.media.inside.fit_picture import fit_picture
from bot.media.inside.made import Written
from bot.media.inside.pixels import FORMATS
from bot.media.inside.stills import write_sheet, write_still
from bot.media.kinds import HEAD_BYTES, sniff
from bot.media.process import LONG, Bounds, run

STILL: Final = Bounds(seconds=60, memory=LONG.memory)
"""Results may be larger than uploads, and people wait for them."""

MOST_SECONDS, MOST_FRAMES = 4 * 3600.0, 1_000_000
"""Of a result that is measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A file to send. `path` is the source itself if that will do; pixels are 0 for sound and other files."""

    path: Path
    media_type: str
    width: int
    height: int


async def shrink(
    source: Path, folder: Path, *, limit: int, max_side: int | None = None, film: bool = False
) -> Made:
    """The best version of a result that fits `limit` bytes and, if wished, `max_side` pixels.

    What fits is left as it is. Pictures become JPEG or WebP; animations WebP, or MP4 if `film`; videos MP4
    with H.264 and AAC; sound M4A or Ogg Opus. Files that are written lie in `folder`.
    Raises `DoesNotFit`, also for other files over the limit, and `MediaRejected` for damaged ones.
    """
    kind, size = await asyncio.to_thread(_looked_at, source)
    if kind in FORMATS:
        written = await run(STILL, fit_picture, source, folder, limit, max_side, film)
    elif kind in clip.FORMATS and (size > limit or max_side is not None):
        written = await run(LONG, fit_clip, source, folder, limit, max_side)
    elif size <= limit:
        written = Written(name="", media_type=kind, width=0, height=0)
    else:
        raise DoesNotFit(f"{size} bytes of {kind}, of which {limit} may be sent")
    return _made(written, source, folder)


async def measured(source: Path) -> tuple[tuple[int, int], float]:
    """A video's size in pixels as people see it, and its seconds. Raises `MediaRejected`."""
    found = await run(STILL, clip.inspect, source, MOST_SECONDS, MOST_FRAMES)
    return (found.width, found.height), found.seconds


async def thumbnail(source: Path, folder: Path, *, max_side: int, webp: bool = False) -> Made:
    """A small still of a picture (its first frame) or video, as JPEG, or as WebP that stays see-through.

    Raises `MediaRejected`.
    """
    name = "thumbnail.webp" if webp else "thumbnail.jpg"
    return _made(await run(STILL, write_still, source, folder, name, max_side), source, folder)


async def poster(source: Path, folder: Path, *, max_side: int = 1280) -> Made:
    """A JPEG of a video's first frame that is not black. Raises `MediaRejected`."""
    return _made(await run(STILL, write_still, source, folder, "poster.jpg", max_side), source, folder)


async def contact_sheet(sources: Sequence[Path], folder: Path, *, max_side: int = 2048) -> Made:
    """One JPEG of 1 to 100 pictures and videos in a grid, numbered from 1. Raises `MediaRejected`."""
    if not 1 <= len(sources) <= 100:
        raise ValueError(f"a sheet of {len(sources)} pictures")
    written = await run(STILL, write_sheet, list(sources), folder, "sheet.jpg", max_side)
    return _made(written, sources[0], folder)


def _looked_at(source: Path) -> tuple[str, int]:
    with source.open("rb") as file:
        return sniff(file.read(HEAD_BYTES)), source.stat().st_size


def _made(written: Written, source: Path, folder: Path) -> Made:
    return Made(
        path=folder / written.name if written.name else source,
        media_type=written.media_type,
        width=written.width,
        height=written.height,
    )
