"""What each node class does. Pictures are Pillow images; a latent is the picture it would decode to."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from simulator import drawing
from simulator.folders import Folders

Pictures = tuple[Image.Image, ...]
Inputs = Mapping[str, Any]

_RESIZING = {
    "nearest-exact": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "bislerp": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
OUT_OF_MEMORY = "Allocation on device 0 would exceed allowed memory. (out of memory)"


class NodeFailed(Exception):
    """A failure under the name that the real server's exception has, such as `torch.OutOfMemoryError`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, kw_only=True)
class Produced:
    """A node's outputs by slot, and what it shows in the user interface, if anything."""

    values: tuple[Any, ...]
    ui: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Style:
    """A model or text encoder: the checkpoint's name with all that was loaded onto it."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Conditioning:
    """An encoded prompt."""

    text: str
    style: str


@dataclass(frozen=True, kw_only=True)
class Latent:
    """Size in pixels, and the pictures that it stands for; None for an empty one.

    `mask` is white where a sampler may paint. `text` is what is printed onto the pictures at the end.
    """

    width: int
    height: int
    batch: int
    pictures: Pictures | None = None
    mask: Image.Image | None = None
    text: str = ""


class Bench(Protocol):
    """What the running prompt offers to its nodes."""

    folders: Folders
    graph: dict[str, Any]
    extra_data: dict[str, Any]
    preview_side: int | None
    temp_suffix: str

    async def load(self, checkpoint: str) -> None:
        """Wait until a checkpoint is in memory."""

    async def pass_step(self) -> None:
        """Wait for the length of one sampling step."""

    def trouble(self, text: str, step: int, steps: int) -> None:
        """Raise what is due at this step, if anything is."""

    async def report(self, step: int, steps: int, jpeg: bytes | None) -> None:
        """Tell about a finished step. Raises Interrupted when someone asked for that."""


NodeFunction = Callable[[Bench, Inputs], Awaitable[Produced]]


async def _load_checkpoint(bench: Bench, inputs: Inputs) -> Produced:
    name = inputs["ckpt_name"]
    await bench.load(name)
    return Produced(values=(Style(name=name), Style(name=name), name))


async def _load_lora(bench: Bench, inputs: Inputs) -> Produced:
    name = inputs["lora_name"]
    model = f"{inputs['model'].name}+{name}*{inputs['strength_model']}"
    clip = f"{inputs['clip'].name}+{name}*{inputs['strength_clip']}"
    return Produced(values=(Style(name=model), Style(name=clip)))


async def _load_vae(bench: Bench, inputs: Inputs) -> Produced:
    return Produced(values=(inputs["vae_name"],))


async def _set_last_layer(bench: Bench, inputs: Inputs) -> Produced:
    return Produced(values=(Style(name=f"{inputs['clip'].name}@{inputs['stop_at_clip_layer']}"),))


async def _encode_text(bench: Bench, inputs: Inputs) -> Produced:
    return Produced(values=(Conditioning(text=inputs["text"], style=inputs["clip"].name),))


async def _empty_latent(bench: Bench, inputs: Inputs) -> Produced:
    width, height = inputs["width"] // 8 * 8, inputs["height"] // 8 * 8
    return Produced(values=(Latent(width=width, height=height, batch=inputs["batch_size"]),))


async def _encode(bench: Bench, inputs: Inputs) -> Produced:
    return Produced(values=(await asyncio.to_thread(_latent_of, inputs["pixels"]),))


async def _encode_for_inpaint(bench: Bench, inputs: Inputs) -> Produced:
    latent = await asyncio.to_thread(_latent_of, inputs["pixels"])
    mask = inputs["mask"].resize((latent.width, latent.height))
    return Produced(values=(replace(latent, mask=mask),))


async def _upscale_latent(bench: Bench, inputs: Inputs) -> Produced:
    latent, factor = inputs["samples"], inputs["scale_by"]
    size = max(8, round(latent.width / 8 * factor) * 8), max(8, round(latent.height / 8 * factor) * 8)
    pictures, mask = latent.pictures, latent.mask
    if pictures is not None:
        pictures = await asyncio.to_thread(_resized, pictures, size, inputs["upscale_method"])
    mask = None if mask is None else mask.resize(size)
    return Produced(values=(replace(latent, width=size[0], height=size[1], pictures=pictures, mask=mask),))


async def _decode(bench: Bench, inputs: Inputs) -> Produced:
    return Produced(values=(await asyncio.to_thread(_decoded, inputs["samples"]),))


async def _sample(bench: Bench, inputs: Inputs) -> Produced:
    steps, denoise = inputs["steps"], inputs["denoise"]
    latent = await _sampled(bench, inputs, inputs["seed"], denoise, steps if denoise > 0 else 0)
    return Produced(values=(latent,))


async def _sample_advanced(bench: Bench, inputs: Inputs) -> Produced:
    steps, start = inputs["steps"], inputs["start_at_step"]
    count = max(0, min(steps, inputs["end_at_step"]) - start)
    latent = await _sampled(bench, inputs, inputs["noise_seed"], max(0.0, 1 - start / steps), count)
    return Produced(values=(latent,))


async def _sampled(bench: Bench, inputs: Inputs, seed: int, denoise: float, count: int) -> Latent:
    latent: Latent = inputs["latent_image"]
    if count == 0:
        return latent
    scene = drawing.Scene(
        positive=inputs["positive"].text,
        negative=inputs["negative"].text,
        seed=seed,
        width=latent.width,
        height=latent.height,
        steps=inputs["steps"],
        cfg=inputs["cfg"],
        sampler=inputs["sampler_name"],
        scheduler=inputs["scheduler"],
        style=f"{inputs['model'].name} {inputs['positive'].style}",
    )
    pictures = await asyncio.to_thread(_painted, scene, latent, denoise)
    for step in range(1, count + 1):
        await bench.pass_step()
        bench.trouble(scene.positive, step, count)
        jpeg = None
        if bench.preview_side is not None:
            jpeg = await asyncio.to_thread(drawing.preview, pictures[0], step / count, bench.preview_side)
        await bench.report(step, count, jpeg)
    return replace(latent, pictures=pictures, text=scene.positive)


async def _empty_image(bench: Bench, inputs: Inputs) -> Produced:
    colour = inputs["color"]
    rgb = (colour >> 16, colour >> 8 & 0xFF, colour & 0xFF)
    picture = Image.new("RGB", (inputs["width"], inputs["height"]), rgb)
    return Produced(values=((picture,) * inputs["batch_size"],))


async def _load_image(bench: Bench, inputs: Inputs) -> Produced:
    picture, mask = await asyncio.to_thread(_opened, bench.folders, inputs["image"])
    return Produced(values=((picture,), mask))


async def _scale(bench: Bench, inputs: Inputs) -> Produced:
    pictures: Pictures = inputs["image"]
    width, height = inputs["width"], inputs["height"]
    if width == 0 and height == 0:
        return Produced(values=(pictures,))
    # One side 0 keeps the proportions.
    ratio = pictures[0].width / pictures[0].height
    size = width or max(1, round(height * ratio)), height or max(1, round(width / ratio))
    if inputs["crop"] == "center":
        pictures = tuple(_cropped(picture, size[0] / size[1]) for picture in pictures)
    return Produced(values=(await asyncio.to_thread(_resized, pictures, size, inputs["upscale_method"]),))


async def _scale_by(bench: Bench, inputs: Inputs) -> Produced:
    pictures, factor = inputs["image"], inputs["scale_by"]
    size = max(1, round(pictures[0].width * factor)), max(1, round(pictures[0].height * factor))
    return Produced(values=(await asyncio.to_thread(_resized, pictures, size, inputs["upscale_method"]),))


async def _invert(bench: Bench, inputs: Inputs) -> Produced:
    return Produced(values=(tuple(ImageOps.invert(picture) for picture in inputs["image"]),))


async def _batch(bench: Bench, inputs: Inputs) -> Produced:
    first, second = inputs["image1"], inputs["image2"]
    size = first[0].size
    if second[0].size != size:
        second = tuple(_cropped(picture, size[0] / size[1]).resize(size) for picture in second)
    return Produced(values=((*first, *second),))


async def _save(bench: Bench, inputs: Inputs) -> Produced:
    return await asyncio.to_thread(_saved, bench, inputs["images"], inputs["filename_prefix"], "output")


async def _preview(bench: Bench, inputs: Inputs) -> Produced:
    prefix = f"ComfyUI_temp_{bench.temp_suffix}"
    return await asyncio.to_thread(_saved, bench, inputs["images"], prefix, "temp")


FUNCTIONS: Mapping[str, NodeFunction] = {
    "CheckpointLoaderSimple": _load_checkpoint,
    "LoraLoader": _load_lora,
    "VAELoader": _load_vae,
    "CLIPTextEncode": _encode_text,
    "CLIPSetLastLayer": _set_last_layer,
    "KSampler": _sample,
    "KSamplerAdvanced": _sample_advanced,
    "VAEDecode": _decode,
    "VAEEncode": _encode,
    "VAEEncodeForInpaint": _encode_for_inpaint,
    "EmptyLatentImage": _empty_latent,
    "EmptySD3LatentImage": _empty_latent,
    "LatentUpscaleBy": _upscale_latent,
    "EmptyImage": _empty_image,
    "LoadImage": _load_image,
    "ImageScale": _scale,
    "ImageScaleBy": _scale_by,
    "ImageInvert": _invert,
    "ImageBatch": _batch,
    "SaveImage": _save,
    "PreviewImage": _preview,
}
# Classes that work without a model.
MODEL_FREE = frozenset(
    {
        "EmptyImage", "LoadImage", "ImageScale", "ImageScaleBy", "ImageInvert", "ImageBatch", "SaveImage",
        "PreviewImage",
    }
)  # fmt: skip


def _painted(scene: drawing.Scene, latent: Latent, denoise: float) -> Pictures:
    painted = [drawing.paint(scene, item) for item in range(latent.batch)]
    if latent.pictures is None:
        return tuple(painted)
    pairs = zip(latent.pictures, painted, strict=True)
    return tuple(drawing.blend(base, picture, denoise, latent.mask) for base, picture in pairs)


def _decoded(latent: Latent) -> Pictures:
    if latent.pictures is None:
        return (Image.new("RGB", (latent.width, latent.height), (128, 122, 116)),) * latent.batch
    return tuple(drawing.caption(picture, latent.text) for picture in latent.pictures)


def _latent_of(pictures: Pictures) -> Latent:
    """The VAE works on blocks of 8 pixels: what is over is cut off evenly."""
    width, height = (max(8, side // 8 * 8) for side in pictures[0].size)
    cut = tuple(ImageOps.fit(picture, (width, height), Image.Resampling.NEAREST) for picture in pictures)
    return Latent(width=width, height=height, batch=len(cut), pictures=cut)


def _opened(folders: Folders, name: str) -> tuple[Image.Image, Image.Image]:
    """The picture and its mask; the mask is white where the picture is transparent."""
    path = folders.input_file(name)
    if path is None:
        raise FileNotFoundError(2, "No such file or directory", name)
    try:
        with Image.open(path) as file:
            picture = file.convert("RGBA") if file.has_transparency_data else file.convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        message = f"[Errno 1094995529] Invalid data found when processing input: '{path}'"
        raise NodeFailed("av.error.InvalidDataError", message) from error
    if picture.mode == "RGBA":
        return picture.convert("RGB"), ImageOps.invert(picture.getchannel("A"))
    return picture, Image.new("L", (64, 64), 0)


def _resized(pictures: Pictures, size: tuple[int, int], method: str) -> Pictures:
    return tuple(picture.resize(size, _RESIZING[method]) for picture in pictures)


def _cropped(picture: Image.Image, ratio: float) -> Image.Image:
    """The middle of a picture in another proportion (width / height)."""
    width, height = picture.size
    size = min(width, max(1, round(height * ratio))), min(height, max(1, round(width / ratio)))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    return picture.crop((left, top, left + size[0], top + size[1]))


def _saved(bench: Bench, pictures: Pictures, prefix: str, kind: str) -> Produced:
    place = bench.folders.save_place(prefix, kind)
    chunks = PngInfo()
    chunks.add_text("prompt", json.dumps(bench.graph))
    for key, value in (bench.extra_data.get("extra_pnginfo") or {}).items():
        chunks.add_text(key, json.dumps(value))
    files = []
    for number, picture in enumerate(pictures, place.counter):
        name = f"{place.stem}_{number:05}_.png"
        picture.save(place.folder / name, pnginfo=chunks, compress_level=4 if kind == "output" else 1)
        files.append({"filename": name, "subfolder": place.subfolder, "type": kind})
    return Produced(values=(pictures,), ui={"images": files})
