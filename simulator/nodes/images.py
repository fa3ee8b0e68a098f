"""Nodes that scale, join and hand out pictures, as real ones do."""

import math
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageFilter, ImageOps

from simulator.nodes.bench import Call, Instant
from simulator.nodes.resampling import resample
from simulator.nodes.values import Frames, Size, digest


def resized(frames: Frames, size: Size, method: str, crop: str = "disabled") -> Frames:
    """The frames in another size; `crop` "center" keeps their proportions."""
    size = max(1, size[0]), max(1, size[1])
    if size == frames.size:
        return frames

    def change(picture: Image.Image) -> Image.Image:
        if crop == "center":
            picture = cropped(picture, size[0] / size[1])
        return resample(picture, size, method)

    made = frames.mapped(change, digest("resized", frames, size, method, crop), size)
    if crop != "center":
        made.sketch = frames.sketch
    return made


def cropped(picture: Image.Image, ratio: float) -> Image.Image:
    """The middle of a picture in another proportion (width / height)."""
    width, height = picture.size
    own = width / height
    left = round((width - width * (ratio / own)) / 2) if own > ratio else 0
    top = round((height - height * (own / ratio)) / 2) if own < ratio else 0
    return picture.crop((left, top, width - left, height - top))


def joined(batches: list[Frames], trail: str) -> Frames:
    """One batch of all pictures, in the size of the first."""
    size = batches[0].size
    fitted = [resized(batch, size, "bilinear", "center") for batch in batches]
    places = [(batch, number) for batch in fitted for number in range(batch.count)]

    def make(number: int) -> Image.Image:
        batch, place = places[number]
        picture = batch[place]
        return picture if picture.mode in ("RGB", "L") else picture.convert("RGB")

    def sketch(number: int) -> Image.Image:
        batch, place = places[number]
        return (batch.sketch or batch.__getitem__)(place)

    sketched = any(batch.sketch is not None for batch in fitted)
    return Frames(len(places), size, make, trail, sketch if sketched else None)


def _scale(call: Call) -> tuple[Any, ...]:
    inputs, frames = call.inputs, call.inputs["image"]
    size = missing_side(frames.size, inputs["width"], inputs["height"])
    return (resized(frames, size, inputs["upscale_method"], inputs["crop"]),)


def missing_side(size: Size, width: int, height: int) -> Size:
    """One side 0 keeps the proportions, both 0 the size."""
    if not width and not height:
        return size
    ratio = size[0] / size[1]
    return width or max(1, round(height * ratio)), height or max(1, round(width / ratio))


def _scale_by(call: Call) -> tuple[Any, ...]:
    return (_times(call.inputs["image"], call.inputs["scale_by"], call.inputs["upscale_method"]),)


def _times(frames: Frames, factor: float, method: str) -> Frames:
    return resized(frames, (round(frames.size[0] * factor), round(frames.size[1] * factor)), method)


def _scale_to_largest(call: Call) -> tuple[Any, ...]:
    frames: Frames = call.inputs["image"]
    factor = call.inputs["largest_size"] / max(frames.size)
    return (_times(frames, factor, call.inputs["upscale_method"]),)


def _scale_longer(call: Call) -> tuple[Any, ...]:
    frames: Frames = call.inputs["images"]
    return (_times(frames, call.inputs["longer_edge"] / max(frames.size), "lanczos"),)


def _scale_to_pixels(call: Call) -> tuple[Any, ...]:
    frames, steps = call.inputs["image"], call.inputs.get("resolution_steps", 1)
    factor = math.sqrt(call.inputs["megapixels"] * 1024 * 1024 / (frames.size[0] * frames.size[1]))
    width, height = (max(1, round(side * factor / steps)) * steps for side in frames.size)
    return (resized(frames, (width, height), call.inputs["upscale_method"]),)


def _resize(call: Call) -> tuple[Any, ...]:
    frames: Frames = call.inputs["input"]
    given = {name.removeprefix("resize_type."): value for name, value in call.inputs.items()}
    width, height = frames.size
    match given["resize_type"]:
        case "scale dimensions":
            size = missing_side(frames.size, given["width"], given["height"])
            return (resized(frames, size, given["scale_method"], given["crop"]),)
        case "scale by multiplier":
            factor = given["multiplier"]
        case "scale longer dimension":
            factor = given["longer_size"] / max(width, height)
        case "scale shorter dimension":
            factor = given["shorter_size"] / min(width, height)
        case "scale width":
            factor = given["width"] / width
        case "scale height":
            factor = given["height"] / height
        case "scale total pixels":
            factor = math.sqrt(given["megapixels"] * 1024 * 1024 / (width * height))
        case "match size":
            match_size = given["match"].size
            return (resized(frames, match_size, given["scale_method"], given.get("crop", "disabled")),)
        case _:
            multiple = int(given.get("multiple", 8))
            size = (width // multiple * multiple or multiple, height // multiple * multiple or multiple)
            return (resized(frames, size, given["scale_method"], "center"),)
    return (_times(frames, factor or 1.0, given["scale_method"]),)


_KONTEXT = (
    (672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184), (944, 1104),
    (1024, 1024), (1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752), (1456, 720), (1504, 688),
    (1568, 672),
)  # fmt: skip


def _scale_for_kontext(call: Call) -> tuple[Any, ...]:
    frames: Frames = call.inputs["image"]
    ratio = frames.size[0] / frames.size[1]
    size = min(_KONTEXT, key=lambda choice: abs(choice[0] / choice[1] - ratio))
    return (resized(frames, size, "lanczos", "center"),)


def _invert(call: Call) -> tuple[Any, ...]:
    frames: Frames = call.inputs["image"]
    return (frames.mapped(lambda one: ImageOps.invert(one.convert("RGB")), call.digest),)


def _batch_two(call: Call) -> tuple[Any, ...]:
    return (joined([call.inputs["image1"], call.inputs["image2"]], call.digest),)


def _batch_all(call: Call) -> tuple[Any, ...]:
    return (joined([value for value in call.inputs.values() if isinstance(value, Frames)], call.digest),)


def _from_batch(call: Call) -> tuple[Any, ...]:
    frames: Frames = call.inputs["image"]
    start = min(call.inputs["batch_index"], frames.count - 1)
    end = min(start + call.inputs["length"], frames.count)
    return (frames.picked(range(start, end), call.digest),)


def _repeat(call: Call) -> tuple[Any, ...]:
    frames: Frames = call.inputs["image"]
    return (frames.picked(list(range(frames.count)) * call.inputs["amount"], call.digest),)


def _rebatch(call: Call) -> tuple[Any, ...]:
    """All pictures of a list of batches in batches of another size."""
    batches, size = call.inputs["images"], call.inputs["batch_size"][0]
    singles = [(batch, number) for batch in batches for number in range(batch.count)]
    parts = [singles[start : start + size] for start in range(0, len(singles), size)]
    return (
        [
            joined(
                [batch.picked([number], digest(batch, number)) for batch, number in part], digest(call, index)
            )
            for index, part in enumerate(parts)
        ],
    )


def _empty(call: Call) -> tuple[Any, ...]:
    inputs = call.inputs
    colour = inputs["color"]
    rgb = (colour >> 16, colour >> 8 & 0xFF, colour & 0xFF)
    size = inputs["width"], inputs["height"]
    return (Frames(inputs["batch_size"], size, lambda _: Image.new("RGB", size, rgb), call.digest),)


def _canny(call: Call) -> tuple[Any, ...]:
    low = min(call.inputs["low_threshold"], call.inputs["high_threshold"]) * 255

    def change(picture: Image.Image) -> Image.Image:
        edges = picture.convert("L").filter(ImageFilter.FIND_EDGES)
        return edges.point(lambda level: 255 if level > low / 2 else 0).convert("RGB")

    return (call.inputs["image"].mapped(change, call.digest),)


def _upscale_with_model(call: Call) -> tuple[Any, ...]:
    return (resized(call.inputs["image"], tuple(side * 4 for side in call.inputs["image"].size), "lanczos"),)


def _interpolate(call: Call) -> tuple[Any, ...]:
    frames: Frames = call.inputs["images"]
    times = call.inputs["multiplier"]
    count = (frames.count - 1) * times + 1

    def make(number: int) -> Image.Image:
        before, part = divmod(number, times)
        if not part:
            return frames[before]
        return Image.blend(frames[before].convert("RGB"), frames[before + 1].convert("RGB"), part / times)

    return (Frames(count, frames.size, make, call.digest),)


IMAGES: Mapping[str, Instant] = {
    "ImageScale": _scale,
    "ImageScaleBy": _scale_by,
    "ImageScaleToMaxDimension": _scale_to_largest,
    "ImageScaleToTotalPixels": _scale_to_pixels,
    "ResizeImagesByLongerEdge": _scale_longer,
    "ResizeImageMaskNode": _resize,
    "FluxKontextImageScale": _scale_for_kontext,
    "ImageInvert": _invert,
    "ImageBatch": _batch_two,
    "BatchImagesNode": _batch_all,
    "ImageFromBatch": _from_batch,
    "RepeatImageBatch": _repeat,
    "RebatchImages": _rebatch,
    "EmptyImage": _empty,
    "Canny": _canny,
    "ImageUpscaleWithModel": _upscale_with_model,
    "FrameInterpolate": _interpolate,
}
