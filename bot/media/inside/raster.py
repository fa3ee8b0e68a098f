"""Pictures for terminals, which draw numbers of colours."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PIL import Image

from bot.media.inside.bare import bare_png
from bot.media.inside.fit_picture import LARGEST, LONGEST
from bot.media.inside.made import Written
from bot.media.inside.pixels import on_ground, opened, picture_type, plain

COLOURS: Final = 256


def write_raster(source: Path, folder: Path, name: str, max_side: int) -> Written:
    """The palette, three bytes for each of 256 colours, then a byte a pixel. Raises `MediaRejected`."""
    kind = picture_type(source)
    readable = bare_png(source, folder) if kind == "image/png" else source
    with opened(readable, kind, pixels=LARGEST, ratio=LONGEST) as image:
        made = on_ground(plain(image))
    made.thumbnail((max_side, max_side), Image.Resampling.BILINEAR)
    few = made.quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG)
    palette = bytes(few.getpalette() or ()).ljust(3 * COLOURS, b"\0")
    (folder / name).write_bytes(palette + few.tobytes())
    return Written(name=name, media_type="application/octet-stream", width=few.width, height=few.height)
