"""Makes small videos and sounds to try things on."""

from __future__ import annotations

import array
import math
import random
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer

RATE = 48_000
_PIXELS = {"mjpeg": "yuvj420p", "prores": "yuv422p10le"}


def make_video(
    path: Path,
    *,
    seconds: float = 2.0,
    fps: int = 12,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    sound: str | None = "aac",
    rotation: int = 0,
    dark: int = 0,
    bits: int | None = None,
    tags: dict[str, str] | None = None,
) -> Path:
    """A video whose left half is red and whose right half is blue, after `dark` black frames; a tone with it.

    With `bits` a second it is noise instead.
    """
    options = {"movflags": "use_metadata_tags"} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", options=options) as out:
        out.metadata.update(tags or {})
        video = out.add_stream(codec, rate=fps, options={"preset": "ultrafast"} if bits else {})
        assert isinstance(video, av.VideoStream)
        video.width, video.height = size
        video.pix_fmt = _PIXELS.get(codec, "yuv420p")
        if bits:
            video.bit_rate = bits
        if rotation:
            video.set_display_rotation(rotation)
        audio = _sound(out, sound) if sound else None
        noise = random.Random(1).randbytes(size[0] * size[1] * 4) if bits else b""
        for number in range(round(seconds * fps)):
            frame = _noise(size, noise, number) if bits else _halves(size, black=number < dark)
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None:
            _tone(out, audio, seconds)
    return path


def make_sound(
    path: Path, codec: str, *, seconds: float = 2.0, bits: int = 0, tags: dict[str, str] | None = None
) -> Path:
    """A tone."""
    with av.open(str(path), "w") as out:
        out.metadata.update(tags or {})
        stream = _sound(out, codec)
        if bits:
            stream.codec_context.bit_rate = bits
        _tone(out, stream, seconds)
    return path


def _sound(out: OutputContainer, codec: str) -> AudioStream:
    stream = out.add_stream(codec, rate=RATE)
    assert isinstance(stream, AudioStream)
    stream.codec_context.layout = "stereo"
    return stream


def _halves(size: tuple[int, int], *, black: bool) -> av.VideoFrame:
    width, height = size
    left, right = (bytes(4), bytes(4)) if black else (b"\xff\0\0\xff", b"\0\0\xff\xff")
    row = left * (width // 2) + right * (width - width // 2)
    return av.VideoFrame.from_bytes(row * height, width, height, "rgba")


def _noise(size: tuple[int, int], noise: bytes, number: int) -> av.VideoFrame:
    frame = av.VideoFrame(*size, "yuv420p")
    for index, plane in enumerate(frame.planes):
        start = number * 7919 * (index + 1) % (size[0] * size[1])
        plane.update(noise[start : start + plane.buffer_size])
    return frame


def _tone(out: OutputContainer, stream: AudioStream, seconds: float) -> None:
    turn = 2 * math.pi * 480 / RATE
    wave = array.array("h", [int(9000 * math.sin(n * turn)) for n in range(1000) for _ in "lr"]).tobytes()
    for number in range(round(seconds * RATE / 1000)):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=1000)
        frame.sample_rate, frame.pts, frame.time_base = RATE, number * 1000, Fraction(1, RATE)
        frame.planes[0].update(wave)
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))
