"""Makes a picture that moves fit a limit of bytes, frame by frame: never more than one of them in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from pathlib import Path
from typing import Final

import av
from PIL import Image

from bot.errors import MediaRejected
from bot.media.errors import DoesNotFit
from bot.media.inside.chunks import riff_chunks
from bot.media.inside.encode import Target, open_mp4, tag_standard, video_stream, yuv
from bot.media.inside.made import Written
from bot.media.inside.pixels import DAMAGED, on_ground

TRIES: Final = 5
SMALLEST_SIDE: Final = 32
LIMIT_FRAMES: Final = 3_000
_LEAST_BITS: Final = 10_000
_MILLISECOND: Final = Fraction(1, 1000)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Try:
    """A size in pixels, and a quality of 0..100 (WebP) or bits per second (MP4)."""

    width: int
    height: int
    level: int


def fit_animation(image: Image.Image, folder: Path, limit: int, max_side: int | None, film: bool) -> Written:
    """Write an open animation as WebP, or as MP4 if `film`, of at most `limit` bytes.

    Raises `MediaRejected`, `DoesNotFit`.
    """
    name, media_type = ("fitted.mp4", "video/mp4") if film else ("fitted.webp", "image/webp")
    target = folder / name
    now = _first_try(image, limit, max_side, film)
    for _ in range(TRIES):
        (_film if film else _webp)(image, target, now)
        size = target.stat().st_size
        if size <= limit:
            return Written(name=name, media_type=media_type, width=now.width, height=now.height)
        now = _smaller(now, limit / size, film)
        if max(now.width, now.height) < SMALLEST_SIDE:
            break
    raise DoesNotFit(f"{limit} bytes are too few for this animation")


def _first_try(image: Image.Image, limit: int, max_side: int | None, film: bool) -> _Try:
    scale = min(1.0, (max_side or 4096) / max(image.size))
    width, height = max(2, round(image.width * scale)), max(2, round(image.height * scale))
    if not film:
        return _Try(width=width, height=height, level=75)
    seconds = sum(duration for _, duration in _frames(image)) / 1000
    rate = min(20_000_000, max(_LEAST_BITS, int(limit * 8 * 0.9 / max(seconds, 0.5))))
    return _Try(width=width // 2 * 2, height=height // 2 * 2, level=rate)


def _smaller(last: _Try, share: float, film: bool) -> _Try:
    """After a file `1 / share` times too large."""
    if film:
        factor = 0.5
        return _Try(
            width=max(2, int(last.width * factor) // 2 * 2),
            height=max(2, int(last.height * factor) // 2 * 2),
            level=max(_LEAST_BITS, int(last.level * share * 0.9)),
        )
    factor = max(0.2, 0.92 * sqrt(share))
    return _Try(
        width=max(1, round(last.width * factor)),
        height=max(1, round(last.height * factor)),
        level=max(50, last.level - 10),
    )


def _frames(image: Image.Image) -> Iterator[tuple[Image.Image, int]]:
    """Each frame as RGBA with the milliseconds that it shows; what gives none gets a tenth, as in browsers."""
    for number in range(LIMIT_FRAMES):
        try:
            image.seek(number)
        except EOFError:
            return
        frame = image.convert("RGBA")
        shown = round(image.info.get("duration") or 0)
        yield frame, shown if shown > 10 else 100


def _webp(image: Image.Image, target: Path, wanted: _Try) -> None:
    with av.open(str(target), "w", format="webp", options={"loop": "0"}) as out:
        stream = out.add_stream("libwebp_anim", rate=10, options={"quality": str(wanted.level)})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = wanted.width, wanted.height, "bgra"
        stream.codec_context.time_base = _MILLISECOND
        at = duration = 0
        for frame, duration in _frames(image):
            out.mux(stream.encode(_shown(_resized(frame, wanted), "bgra", at)))
            at += duration
        if not at:
            raise MediaRejected(DAMAGED)
        out.mux(stream.encode(None))
    _end_after(target, duration)


def _end_after(target: Path, duration: int) -> None:
    """The encoder gives the last frame the mean of the others."""
    with target.open("r+b") as file:
        last = [chunk for chunk in riff_chunks(file) if chunk.kind == b"ANMF"][-1:]
        for chunk in last:
            file.seek(chunk.body + 12)
            file.write(duration.to_bytes(3, "little"))


def _film(image: Image.Image, target: Path, wanted: _Try) -> None:
    """Without sound; what is see-through lies on a neutral ground."""
    sizes = Target(width=wanted.width, height=wanted.height, video_bits=wanted.level, audio_bits=0)
    with open_mp4(target) as out:
        stream = video_stream(out, sizes, Fraction(25), _MILLISECOND)
        tag_standard(stream)
        at = duration = 0
        for frame, duration in _frames(image):
            made = _shown(on_ground(_resized(frame, wanted)).convert("RGBA"), "rgba", at)
            out.mux(stream.encode(yuv(made, wanted.width, wanted.height)))
            at += duration
        if not at:
            raise MediaRejected(DAMAGED)
        out.mux(stream.encode(None))


def _shown(image: Image.Image, pixels: str, at: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_bytes(image.tobytes(), image.width, image.height, "rgba").reformat(
        format=pixels
    )
    frame.pts, frame.time_base = at, _MILLISECOND
    return frame


def _resized(frame: Image.Image, wanted: _Try) -> Image.Image:
    if frame.size == (wanted.width, wanted.height):
        return frame
    return frame.resize((wanted.width, wanted.height), Image.Resampling.LANCZOS)
