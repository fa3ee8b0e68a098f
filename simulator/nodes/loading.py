"""Nodes that read files: models, pictures, videos and sound."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageColor, ImageOps, ImageSequence, UnidentifiedImageError

from simulator.nodes import media, saving
from simulator.nodes.bench import Call, Job, NodeFailed, Produced
from simulator.nodes.generic import outputs
from simulator.nodes.values import Facts, File, Frames, Stuff, Video, digest

NO_MASK = (64, 64)  # the size of the mask of a picture without transparent parts
_WEIGHTS = (".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pth", ".bin", ".onnx")


def weights(call: Call) -> tuple[str, ...]:
    """The model files that a loader names."""
    return tuple(
        value for value in call.inputs.values() if isinstance(value, str) and value.lower().endswith(_WEIGHTS)
    )


async def load_model(call: Call) -> Produced:
    """Wait for the files, and hand out models that go by their names and all that was put onto them."""
    files = weights(call)
    await call.bench.load(files, call.node.outputs[0])
    values = []
    for value in outputs(call):
        if isinstance(value, Stuff):
            facts = Facts(
                weights=(*dict.fromkeys((*value.facts.weights, *files)),), pictures=value.facts.pictures
            )
            value = Stuff(kind=value.kind, digest=value.digest, facts=facts)
        values.append(value)
    return Produced(values=tuple(values))


async def load_image(call: Call) -> Produced:
    """A picture file, and as a mask what of it is transparent."""
    path = _path(call, call.inputs["image"])
    return Produced(values=await asyncio.to_thread(_opened, path))


def _path(call: Call, name: str) -> Path:
    path = call.bench.folders.input_file(name)
    if path is None:
        raise FileNotFoundError(2, "No such file or directory", name)
    return path


def _opened(path: Path) -> tuple[Any, ...]:
    try:
        read = media.read_pictures(path)
    except av.FFmpegError as error:
        raise NodeFailed(f"av.error.{type(error).__name__}", str(error)) from error
    pictures, masks = read or _read_by_pillow(path)
    trail = digest("file", path.read_bytes())
    if masks is None:
        masks = [Image.new("L", NO_MASK, 0)] * len(pictures)
    return Frames.of(pictures, trail), Frames.of(masks, digest("mask", trail))


def _read_by_pillow(path: Path) -> tuple[list[Image.Image], list[Image.Image] | None]:
    """The pictures of a file that PyAV can't read, such as an animated WebP, and what of them is see-through."""
    try:
        with Image.open(path) as file:
            turned = [ImageOps.exif_transpose(frame) for frame in ImageSequence.Iterator(file)]
    except UnidentifiedImageError as error:
        raise NodeFailed("PIL.UnidentifiedImageError", str(error)) from error
    alike = [one for one in turned if one.size == turned[0].size]
    pictures = [one.convert("RGB") for one in alike]
    if "A" not in alike[0].getbands():
        return pictures, None
    return pictures, [ImageOps.invert(one.getchannel("A")) for one in alike]


async def load_mask(call: Call) -> Produced:
    """One channel of a picture file; of the alpha channel what is not there."""
    path = _path(call, call.inputs["image"])
    pictures, mask = await asyncio.to_thread(_opened, path)
    channel = {"red": 0, "green": 1, "blue": 2}.get(call.inputs["channel"])
    if channel is None:
        return Produced(values=(mask,))
    trail = digest("channel", channel, pictures)
    return Produced(values=(pictures.mapped(lambda one: one.getchannel(channel), trail),))


async def load_video(call: Call) -> Produced:
    """A video file."""
    path = _path(call, call.inputs["file"])

    def read() -> Video:
        return media.read_video(path, digest("file", path.read_bytes()))

    return Produced(values=(await asyncio.to_thread(read),))


async def load_audio(call: Call) -> Produced:
    """A sound file, or the sound of a video."""
    path = _path(call, call.inputs["audio"])
    audio = await asyncio.to_thread(lambda: media.read_audio(path, digest("file", path.read_bytes())))
    if audio is None:
        raise ValueError("No audio stream found in the file.")
    return Produced(values=(audio,))


async def paint(call: Call) -> Produced:
    """Strokes of a picture file over a picture or a colour; the strokes are the mask, too."""
    inputs = call.inputs
    base: Frames | None = inputs.get("image")
    if base is None:
        size = inputs["width"], inputs["height"]
        colour = ImageColor.getrgb(inputs["bg_color"])
        base = Frames(1, size, lambda _: Image.new("RGB", size, colour), call.digest)
    name = inputs["mask"].strip()
    if not name:
        empty = base.size
        mask = Frames(1, empty, lambda _: Image.new("L", empty, 0), digest(call.digest, "mask"))
        picture = base.picked([0], base.digest)
    else:
        path = _path(call, name)
        picture, mask = await asyncio.to_thread(_stroked, base, path)
    files = await asyncio.to_thread(saving.temporary, call, picture)
    return Produced(values=(picture, mask), ui={"images": files, "animated": [False]})


def _stroked(base: Frames, path: Path) -> tuple[Frames, Frames]:
    trail = digest("strokes", base, path.read_bytes())
    with Image.open(path) as file:
        strokes = file.convert("RGBA").resize(base.size, Image.Resampling.LANCZOS)
    alpha = strokes.getchannel("A")
    picture = Image.composite(strokes.convert("RGB"), base[0].convert("RGB"), alpha)
    return Frames.of([picture], trail), Frames.of([alpha], digest("mask", trail))


async def load_3d(call: Call) -> Produced:
    """A 3D model as its editor took a picture of it; without one, something is drawn."""
    values = list(outputs(call))
    name = call.inputs["model_file"]
    path = call.bench.folders.input_file(name) if name else None
    if path is not None:
        data = await asyncio.to_thread(path.read_bytes)
        values[-2] = File(data=data, suffix=path.suffix[1:], digest=digest("file", data))
    values[2] = name
    return Produced(values=tuple(values))


LOADING: Mapping[str, Job] = {
    "LoadImage": load_image,
    "LoadImageMask": load_mask,
    "LoadImageOutput": load_image,
    "LoadVideo": load_video,
    "LoadAudio": load_audio,
    "Painter": paint,
    "Load3D": load_3d,
}
