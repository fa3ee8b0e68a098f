"""Small pictures of results: thumbnails, posters of videos, contact sheets."""

from __future__ import annotations

from itertools import islice
from math import ceil, sqrt
from pathlib import Path
from typing import Final

import av
from PIL import Image, ImageDraw, ImageFont, ImageStat

from bot.errors import MediaRejected
from bot.media.inside import clip
from bot.media.inside.bare import bare_png
from bot.media.inside.fit_picture import LARGEST, LONGEST, encoded
from bot.media.inside.made import Written
from bot.media.inside.pixels import FORMATS, on_ground, opened, plain
from bot.media.kinds import HEAD_BYTES, sniff

QUALITY: Final = 88

_DARK: Final = 20
"""A frame whose mean brightness (0..255) is below this is black to people."""

_POSTER_FRAMES: Final = 90
_PAPER: Final = (32, 32, 32)


def write_still(source: Path, folder: Path, name: str, max_side: int) -> Written:
    """One picture of a picture or video, no side longer than `max_side`: the first frame, of a video the
    first that is not black. `name` ends in .jpg or .webp; only WebP keeps transparency.

    Raises `MediaRejected`.
    """
    return _written(_still(source, folder, (max_side, max_side)), folder, name)


def write_sheet(sources: list[Path], folder: Path, name: str, max_side: int) -> Written:
    """All sources in a grid, numbered from 1 in their corners; at most `max_side` on either side.

    Raises `MediaRejected`.
    """
    columns = ceil(sqrt(len(sources)))
    rows = ceil(len(sources) / columns)
    gap = max(2, max_side // 256)
    room = (max_side - gap) // columns - gap
    stills = [_still(source, folder, (room, room)) for source in sources]
    width, height = max(one.width for one in stills), max(one.height for one in stills)
    sheet = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + gap) + gap), _PAPER)
    for index, still in enumerate(stills):
        left = gap + index % columns * (width + gap)
        top = gap + index // columns * (height + gap)
        at = (left + (width - still.width) // 2, top + (height - still.height) // 2)
        sheet.paste(on_ground(still), at)
        _number(sheet, index + 1, at, min(width, height))
    return _written(sheet, folder, name)


def _number(sheet: Image.Image, number: int, at: tuple[int, int], side: int) -> None:
    """White on a dark plate, readable on any picture."""
    size = max(12, side // 10)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size)
    pad = size // 4
    left, top = at[0] + pad, at[1] + pad
    box = draw.textbbox((left + pad, top + pad), str(number), font=font)
    draw.rounded_rectangle((left, top, box[2] + pad, box[3] + pad), radius=pad, fill=(0, 0, 0))
    draw.text((left + pad, top + pad), str(number), font=font, fill=(255, 255, 255))


def _written(image: Image.Image, folder: Path, name: str) -> Written:
    webp = name.endswith(".webp")
    data = encoded(image, "WEBP", QUALITY) if webp else encoded(on_ground(image), "JPEG", QUALITY)
    (folder / name).write_bytes(data)
    kind = "image/webp" if webp else "image/jpeg"
    return Written(name=name, media_type=kind, width=image.width, height=image.height)


def _still(source: Path, folder: Path, room: tuple[int, int]) -> Image.Image:
    """A source's picture in plain colours, shrunk to fit the room."""
    with source.open("rb") as file:
        kind = sniff(file.read(HEAD_BYTES))
    if kind not in FORMATS:
        made = _poster(source)
    else:
        readable = bare_png(source, folder) if kind == "image/png" else source
        with opened(readable, kind, pixels=LARGEST, ratio=LONGEST) as image:
            image.draft("RGB", (2 * room[0], 2 * room[1]))  # a large JPEG is decoded small at once
            made = plain(image)
    made.thumbnail(room, Image.Resampling.LANCZOS)
    return made


def _poster(source: Path) -> Image.Image:
    """The first frame that is not black, among those near the start; else the brightest of them."""
    best, brightness = None, -1.0
    with clip.opened(source) as opened_clip:
        if opened_clip.video is None:
            raise MediaRejected("That file has no picture.")
        for frame in islice(opened_clip.container.decode(opened_clip.video), _POSTER_FRAMES):
            assert isinstance(frame, av.VideoFrame)
            image = _picture(frame)
            found = ImageStat.Stat(image.resize((32, 32)).convert("L")).mean[0]
            if found > brightness:
                best, brightness = image, found
            if found > _DARK:
                break
    if best is None:
        raise MediaRejected(clip.DAMAGED)
    return best


def _picture(frame: av.VideoFrame) -> Image.Image:
    clip.check_frame(frame.width, frame.height)
    rgb = frame.reformat(format="rgb24")
    row = rgb.planes[0].line_size
    image = Image.frombuffer("RGB", (rgb.width, rgb.height), bytes(rgb.planes[0]), "raw", "RGB", row, 1)
    return image.rotate(frame.rotation, expand=True) if frame.rotation else image.copy()
