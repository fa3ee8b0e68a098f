"""The files that graphs name, made up: a picture, a video with sound, a sound, a 3D model."""

from __future__ import annotations

import math
import struct
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageDraw

_LOADERS = {"LoadImage": "image", "LoadVideo": "file", "LoadAudio": "audio", "Painter": "mask"}


def put_files(root: Path | None, graph: dict[str, Any]) -> None:
    """Put what a graph's loaders name into the folders below `root`, if it is not there."""
    assert root is not None
    for node in graph.values():
        name = node["inputs"].get(_LOADERS.get(node["class_type"], ""))
        if isinstance(name, str) and name:
            _put(root, name)
        elif node["class_type"] == "Load3D" and node["inputs"].get("model_file"):
            _put(root, node["inputs"]["model_file"])


def _put(root: Path, name: str) -> None:
    folder = "input"
    for kind in ("input", "output", "temp"):
        if name.endswith(f" [{kind}]"):
            folder, name = kind, name.removesuffix(f" [{kind}]")
    path = root / folder / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(path.suffix.lower()))


@cache
def content(suffix: str) -> bytes:
    """A small file of the kind that a suffix stands for."""
    if suffix in (".mp4", ".webm", ".mov"):
        return video()
    if suffix in (".mp3", ".wav", ".flac", ".ogg", ".opus", ".m4a"):
        return sound()
    buffer = BytesIO()
    picture().save(buffer, format={".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}.get(suffix, "PNG"))
    return buffer.getvalue()


def picture(size: tuple[int, int] = (160, 128), colour: str = "teal") -> Image.Image:
    """A circle on a ground of one colour."""
    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).ellipse((20, 20, size[0] - 40, size[1] - 20), fill="gold")
    return image


def video(frames: int = 12, fps: int = 12) -> bytes:
    """A circle that moves, with a tone."""
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 160, 128, "yuv420p"
        heard: Any = container.add_stream("aac", rate=44100, layout="mono")
        for number in range(frames):
            image = picture()
            ImageDraw.Draw(image).rectangle((number * 10, 100, number * 10 + 8, 120), fill="white")
            frame: Any = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        container.mux(heard.encode(_tone(frames / fps)))
        container.mux(heard.encode(None))
    return buffer.getvalue()


def sound(seconds: float = 1.0) -> bytes:
    """A tone."""
    buffer = BytesIO()
    with av.open(buffer, "w", format="wav") as container:
        stream: Any = container.add_stream("pcm_s16le", rate=44100, layout="mono")
        container.mux(stream.encode(_tone(seconds)))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def _tone(seconds: float) -> Any:
    count = round(seconds * 44100)
    wave = [round(8000 * math.sin(math.tau * 440 * place / 44100)) for place in range(count)]
    frame = av.AudioFrame(format="s16", layout="mono", samples=count)
    frame.planes[0].update(struct.pack(f"<{count}h", *wave))
    frame.sample_rate = 44100
    frame.pts = 0
    return frame
