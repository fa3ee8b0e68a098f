"""Graphs and files that the cases are made of."""

from __future__ import annotations

import io
import math
import struct
import wave
from fractions import Fraction
from typing import Any

import av
from PIL import Image

from tests.real.differential.answers import Json


def node(class_type: str, **inputs: Any) -> Json:
    """One node. Inputs with a dot in their names are given as a mapping: `node("X", **{"a.b": 1})`."""
    return {"class_type": class_type, "inputs": inputs}


def placed(value: Any, run: str) -> Any:
    """A fresh copy in which RUN is the name of the run."""
    if isinstance(value, dict):
        return {key: placed(item, run) for key, item in value.items()}
    if isinstance(value, list):
        return [placed(item, run) for item in value]
    return value.replace("RUN", run) if isinstance(value, str) else value


def empty(colour: int = 0x336699, width: int = 32, height: int = 16, batch: int = 1) -> Json:
    """A picture of one colour."""
    return node("EmptyImage", width=width, height=height, batch_size=batch, color=colour)


def save(link: list[Any], prefix: str) -> Json:
    """The end of a graph."""
    return node("SaveImage", images=link, filename_prefix=prefix)


def inverted(run: str, colour: int = 0x336699, name: str = "flat") -> Json:
    """Three nodes that need no file and no model."""
    return {
        "1": empty(colour),
        "2": node("ImageInvert", image=["1", 0]),
        "3": save(["2", 0], f"{run}/{name}"),
    }


SLOW_NODES = 24


def slow(run: str, colour: int) -> Json:
    """A chain of nodes long enough that something can be done while it runs."""
    graph = {"1": empty(colour, 900, 900)}
    for number in range(2, SLOW_NODES):
        side = 900 + number % 3 * 10
        sizes = {"width": side, "height": side, "crop": "disabled", "upscale_method": "lanczos"}
        graph[str(number)] = node("ImageScale", image=[str(number - 1), 0], **sizes)
    small = {"width": 8, "height": 8, "crop": "disabled", "upscale_method": "area"}
    graph["small"] = node("ImageScale", image=[str(SLOW_NODES - 1), 0], **small)
    graph["end"] = save(["small", 0], f"{run}/slow")
    return graph


def txt2img(side: Any, name: str, *, batch: int = 1, size: int = 64, **sampler: Any) -> Json:
    """The plain graph from text to picture; keywords replace inputs of the sampler."""
    sampling = {
        "seed": 7,
        "steps": 3,
        "cfg": 7.0,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": 1.0,
        "model": ["4", 0],
        "positive": ["6", 0],
        "negative": ["7", 0],
        "latent_image": ["5", 0],
    }
    return {
        "3": node("KSampler", **{**sampling, **sampler}),
        "4": node("CheckpointLoaderSimple", ckpt_name=side.checkpoint),
        "5": node("EmptyLatentImage", width=size, height=size, batch_size=batch),
        "6": node("CLIPTextEncode", text="a red fox", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="blurry", clip=["4", 1]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": save(["8", 0], f"{side.run_name}/{name}"),
    }


def photo(width: int = 48, height: int = 32) -> Image.Image:
    """Colours that change along both sides, with a hard edge."""
    picture = Image.new("RGB", (width, height))
    picture.putdata(
        [
            (x * 5 % 256, y * 7 % 256, 255 if x > width // 2 else 20)
            for y in range(height)
            for x in range(width)
        ]
    )
    return picture


def see_through(width: int = 48, height: int = 32) -> Image.Image:
    """The photo, more transparent to the right."""
    picture = photo(width, height).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").rotate(90).resize((width, height)))
    return picture


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def animation(kind: str) -> bytes:
    """Three frames."""
    frames = [photo().rotate(angle) for angle in (0, 90, 180)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)


def sound(seconds: float = 0.25, rate: int = 8000) -> bytes:
    """A tone as a WAV file with two channels."""
    buffer = io.BytesIO()
    values = [int(12000 * math.sin(index / 5)) for index in range(int(seconds * rate))]
    with wave.open(buffer, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<hh", value, -value // 2) for value in values))
    return buffer.getvalue()


def film(frames: int = 8, rate: int = 8) -> bytes:
    """A short MP4 without sound."""
    buffer = io.BytesIO()
    frame_of: Any = av.VideoFrame
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            picture = Image.new("RGB", (64, 48), (number * 30, 80, 200 - number * 20))
            container.mux(stream.encode(frame_of.from_image(picture)))
        container.mux(stream.encode(None))
    return buffer.getvalue()
