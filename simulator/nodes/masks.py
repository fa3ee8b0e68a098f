"""Nodes that make, change and use masks: white is where something may change."""

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image, ImageChops, ImageFilter, ImageOps

from simulator.nodes.bench import Call, Instant
from simulator.nodes.values import Frames, digest

_CHANNELS = {"red": "R", "green": "G", "blue": "B", "alpha": "A"}


def grown(mask: Frames, pixels: int) -> Frames:
    """White areas that reach so many pixels further, or less far for a negative number."""
    if not pixels:
        return mask
    rank = ImageFilter.MaxFilter(3) if pixels > 0 else ImageFilter.MinFilter(3)

    def change(picture: Image.Image) -> Image.Image:
        for _ in range(abs(pixels)):
            picture = picture.filter(rank)
        return picture

    return mask.mapped(change, digest("grown", mask, pixels))


def _solid(call: Call) -> tuple[Any, ...]:
    size = call.inputs["width"], call.inputs["height"]
    level = round(min(1.0, max(0.0, call.inputs["value"])) * 255)
    return (Frames(1, size, lambda _: Image.new("L", size, level), call.digest),)


def _invert(call: Call) -> tuple[Any, ...]:
    return (call.inputs["mask"].mapped(ImageOps.invert, call.digest),)


def _threshold(call: Call) -> tuple[Any, ...]:
    level = call.inputs["value"] * 255
    return (
        call.inputs["mask"].mapped(lambda one: one.point(lambda v: 255 if v > level else 0), call.digest),
    )


def _grow(call: Call) -> tuple[Any, ...]:
    return (grown(call.inputs["mask"], call.inputs["expand"]),)


def _feather(call: Call) -> tuple[Any, ...]:
    """A ramp from each side, as many pixels wide as is asked for that side."""
    inputs = call.inputs

    def change(mask: Image.Image) -> Image.Image:
        width, height = mask.size
        for side, turn in (("left", 0), ("right", 180)):
            mask = _ramped(mask, min(inputs[side], width), turn)
        for side, turn in (("top", 270), ("bottom", 90)):
            mask = _ramped(mask, min(inputs[side], height), turn)
        return mask

    return (inputs["mask"].mapped(change, call.digest),)


def _ramped(mask: Image.Image, pixels: int, turn: int) -> Image.Image:
    if not pixels:
        return mask
    turned = mask.rotate(turn, expand=True)
    shade = Image.new("L", turned.size, 255)
    ramp = Image.linear_gradient("L").rotate(90).resize((pixels, turned.height))
    shade.paste(ramp, (0, 0))
    return ImageChops.multiply(turned, shade).rotate(-turn, expand=True)


def _composite_masks(call: Call) -> tuple[Any, ...]:
    inputs = call.inputs
    mixing: Mapping[str, Callable[[Image.Image, Image.Image], Image.Image]] = {
        "multiply": ImageChops.multiply,
        "and": ImageChops.darker,
        "or": ImageChops.lighter,
        "add": ImageChops.add,
        "subtract": ImageChops.subtract,
        "xor": ImageChops.difference,
    }
    source: Frames = inputs["source"]
    place = inputs["x"], inputs["y"]

    def change(mask: Image.Image) -> Image.Image:
        image = mask.copy()
        box = (*place, place[0] + source.size[0], place[1] + source.size[1])
        image.paste(mixing[inputs["operation"]](mask.crop(box), source[0]), place)
        return image

    return (inputs["destination"].mapped(change, call.digest),)


def _to_image(call: Call) -> tuple[Any, ...]:
    return (call.inputs["mask"].mapped(lambda one: one.convert("RGB"), call.digest),)


def _from_image(call: Call) -> tuple[Any, ...]:
    channel = _CHANNELS[call.inputs["channel"]]

    def change(picture: Image.Image) -> Image.Image:
        return (
            picture.convert("RGBA" if picture.mode == "RGBA" else "RGB").convert("RGBA").getchannel(channel)
        )

    return (call.inputs["image"].mapped(change, call.digest),)


def _join_alpha(call: Call) -> tuple[Any, ...]:
    """The mask is what is taken away."""
    frames: Frames = call.inputs["image"]
    alpha: Frames = call.inputs["alpha"]

    def make(number: int) -> Image.Image:
        picture = frames[number].convert("RGB")
        mask = alpha.nearest(number % alpha.count).resize(picture.size, Image.Resampling.BILINEAR)
        picture.putalpha(ImageOps.invert(mask))
        return picture

    return (Frames(frames.count, frames.size, make, call.digest),)


def _composite(call: Call) -> tuple[Any, ...]:
    """Paste one picture into another, where a mask allows it."""
    inputs = call.inputs
    base: Frames = inputs["destination"]
    source: Frames = inputs["source"]
    mask: Frames | None = inputs.get("mask")

    def make(number: int) -> Image.Image:
        image = base[number].convert("RGB").copy()
        above = source.nearest(number % source.count).convert("RGB")
        if inputs["resize_source"]:
            above = above.resize(image.size, Image.Resampling.BILINEAR)
        place = inputs["x"], inputs["y"]
        if mask is None:
            image.paste(above, place)
        else:
            where = mask.nearest(number % mask.count).resize(above.size, Image.Resampling.BILINEAR)
            image.paste(above, place, where)
        return image

    return (Frames(base.count, base.size, make, call.digest),)


MASKS: Mapping[str, Instant] = {
    "SolidMask": _solid,
    "InvertMask": _invert,
    "ThresholdMask": _threshold,
    "GrowMask": _grow,
    "FeatherMask": _feather,
    "MaskComposite": _composite_masks,
    "MaskToImage": _to_image,
    "ImageToMask": _from_image,
    "JoinImageWithAlpha": _join_alpha,
    "ImageCompositeMasked": _composite,
}
