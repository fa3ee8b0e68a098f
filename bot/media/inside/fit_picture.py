"""Makes a picture fit a limit of bytes, as good as it can be."""

from __future__ import annotations

from io import BytesIO
from math import sqrt
from pathlib import Path
from typing import Final

from PIL import Image, ImageFile

from bot.media.errors import DoesNotFit
from bot.media.inside.bare import bare_png
from bot.media.inside.fit_animation import fit_animation
from bot.media.inside.frames import count_frames
from bot.media.inside.made import Written
from bot.media.inside.pixels import opened, picture_type, plain

LARGEST: Final = 150_000_000
"""Pixels of a result that is still worked on."""

LONGEST: Final = 500
"""How many times the other a side of a result may be long."""

SMALLEST_SIDE: Final = 32
_WEBP_SIDE: Final = 16_383
_WEBP_PIXELS: Final = 24_000_000
"""Above this WebP takes gigabytes and minutes; a JPEG of fewer pixels is as good."""

_NAMES: Final = {"JPEG": ("fitted.jpg", "image/jpeg"), "WEBP": ("fitted.webp", "image/webp")}


def fit_picture(source: Path, folder: Path, limit: int, max_side: int | None, film: bool) -> Written:
    """The best that fits `limit` bytes, no side longer than `max_side` pixels.

    The file itself if it fits; else JPEG while that is hardly worse, then WebP, then fewer pixels. What is
    see-through becomes WebP. Pictures that move become a WebP that moves, or an MP4 if `film` is wished.
    Raises `MediaRejected`, `DoesNotFit`.
    """
    kind = picture_type(source)
    small = source.stat().st_size <= limit
    readable = bare_png(source, folder) if kind == "image/png" else source
    moves = count_frames(source, kind) > 1
    with opened(readable, kind, pixels=LARGEST, ratio=LONGEST) as image:
        if small and max(image.size) <= (max_side or max(image.size)) and not (moves and film):
            return Written(name="", media_type=kind, width=image.width, height=image.height)
        if moves:
            return fit_animation(image, folder, limit, max_side, film)
        made = plain(image)
    return _squeezed(made, folder, limit, max_side)


def _squeezed(image: Image.Image, folder: Path, limit: int, max_side: int | None) -> Written:
    image.thumbnail((min(max_side or _WEBP_SIDE, _WEBP_SIDE),) * 2, Image.Resampling.LANCZOS)
    if image.mode == "RGBA" and image.width * image.height > _WEBP_PIXELS:
        image = _scaled(image, sqrt(_WEBP_PIXELS / (image.width * image.height)))
    while max(image.size) >= SMALLEST_SIDE:
        kind, data = _best_of_all(image, limit)
        if len(data) <= limit:
            name, media_type = _NAMES[kind]
            (folder / name).write_bytes(data)
            return Written(name=name, media_type=media_type, width=image.width, height=image.height)
        image = _scaled(image, min(0.9, 0.97 * sqrt(limit / len(data))))
    raise DoesNotFit(f"{limit} bytes are too few for a picture")


def _scaled(image: Image.Image, scale: float) -> Image.Image:
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _best_of_all(image: Image.Image, limit: int) -> tuple[str, bytes]:
    """A good JPEG if one fits, else the best WebP; what comes may be over the limit."""
    if image.mode == "RGB":
        data = _best(image, "JPEG", 80, 95, limit)
        if len(data) <= limit or image.width * image.height > _WEBP_PIXELS:
            return "JPEG", data
    return "WEBP", _best(image, "WEBP", 50, 92, limit)


def _best(image: Image.Image, kind: str, low: int, high: int, limit: int) -> bytes:
    """The highest quality within the limit, or else the lowest of all."""
    best = encoded(image, kind, high)
    if len(best) <= limit:
        return best
    best = encoded(image, kind, low)
    if len(best) > limit:
        return best
    while high - low > 1:
        middle = (low + high) // 2
        data = encoded(image, kind, middle)
        if len(data) <= limit:
            low, best = middle, data
        else:
            high = middle
    return best


def encoded(image: Image.Image, kind: str, quality: int) -> bytes:
    """The picture as JPEG or WebP; from 90 on a JPEG keeps its colours' full detail."""
    buffer = BytesIO()
    if kind == "JPEG":
        # Optimised JPEGs are written in one go, and Pillow's buffer of a byte a pixel is too small for noise.
        ImageFile.MAXBLOCK = max(ImageFile.MAXBLOCK, 4 * image.width * image.height)
        image.save(
            buffer,
            kind,
            quality=quality,
            subsampling=0 if quality >= 90 else 2,
            optimize=True,
            progressive=True,
        )
    else:
        image.save(buffer, kind, quality=quality, method=4)
    return buffer.getvalue()
