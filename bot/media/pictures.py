"""Checks what people upload, before anything else looks at it."""

from __future__ import annotations

import asyncio
import io
import struct
import warnings
import zlib
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from bot.errors import MediaRejected

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
LIMIT_BYTES = 25 * 1024 * 1024
LIMIT_PIXELS = 50_000_000
LIMIT_FRAMES = 500

DAMAGED = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """An upload that passed: PNG bytes without metadata, turned upright; width and height in pixels."""

    png: bytes
    width: int
    height: int


async def check_picture(data: bytes) -> Picture:
    """Decode an upload off the event loop. Raises `MediaRejected` with what is wrong and what is accepted."""
    if len(data) > LIMIT_BYTES:
        raise MediaRejected(f"That file is too large: at most {LIMIT_BYTES // 2**20} MB. Send a smaller one.")
    return await asyncio.to_thread(_decode, data)


def _decode(data: bytes) -> Picture:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                _check_header(image)
                return _upright(image)
        except UnidentifiedImageError as error:
            raise MediaRejected(
                "That file is not a picture that can be read. Send a PNG, JPEG, WebP or GIF."
            ) from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise MediaRejected(_too_many_pixels()) from error
        except DAMAGED as error:
            raise MediaRejected("That picture is damaged. Send it again, or save it anew first.") from error


def _check_header(image: Image.Image) -> None:
    """The size stands in the header: refuse before any pixel is decoded."""
    if image.width * image.height > LIMIT_PIXELS:
        raise MediaRejected(_too_many_pixels())
    frames = getattr(image, "n_frames", 1)
    if frames > LIMIT_FRAMES:
        raise MediaRejected(f"That animation has {frames} frames: at most {LIMIT_FRAMES}. Shorten it.")


def _upright(image: Image.Image) -> Picture:
    turned = ImageOps.exif_transpose(image)
    if turned.mode.startswith("I"):  # 16 bits of grey, which `convert` would clip to white
        turned = turned.point(lambda value: value * (1 / 256)).convert("L")
    mode = "RGBA" if turned.has_transparency_data else "RGB"
    plain = Image.new(mode, turned.size)
    plain.paste(turned.convert(mode))  # pixels only: no EXIF, no text chunks, no colour profile
    buffer = io.BytesIO()
    plain.save(buffer, "PNG", compress_level=3)
    return Picture(png=buffer.getvalue(), width=plain.width, height=plain.height)


def _too_many_pixels() -> str:
    return f"That picture has too many pixels: at most {LIMIT_PIXELS // 1_000_000} megapixels. Shrink it."
