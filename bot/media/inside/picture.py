"""Makes of an uploaded picture what a node may load: a PNG of its pixels and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.errors import MediaRejected
from bot.media.inside.bare import bare_png
from bot.media.inside.frames import count_frames
from bot.media.inside.pixels import opened, picture_type, plain


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int


def make_png(source: Path, target: Path, pixels: int, frames: int) -> Size:
    """Write the picture, or an animation's first frame, as PNG bytes. Raises `MediaRejected`.

    At most `pixels` by the header and `frames`, which are counted and not decoded.
    """
    kind = picture_type(source)
    if kind == "image/png":
        source = bare_png(source, target.parent)
    count = count_frames(source, kind)
    if count > frames:
        raise MediaRejected(f"That animation has {count} frames: at most {frames}. Shorten it.")
    with opened(source, kind, pixels=pixels) as image:
        made = plain(image)
    made.save(target, "PNG", compress_level=3)
    return Size(width=made.width, height=made.height)
