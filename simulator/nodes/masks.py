"""Nodes that make, change and use masks: white is where something may change."""

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image, ImageChops, ImageFilter, ImageOps

from simulator.nodes.bench import Call, Instant
from simulator.nodes.resampling import floats, mixed, resample, whole
from simulator.nodes.values import Frames, digest

_CHANNELS = {"red": "R", "green": "G", "blue": "B", "alpha": "A"}


def grown(mask: Frames, pixels: int, *, tapered: bool = False) -> Frames:
    """White areas that reach so many pixels further, or less far for a negative number.

    `tapered` ones reach less far across corners.
    """
    if not pixels:
        return mask
    rank = ImageFilter.MaxFilter(3) if pixels > 0 else ImageFilter.MinFilter(3)
    better = ImageChops.lighter if pixels > 0 else ImageChops.darker

    def change(picture: Image.Image) -> Image.Image:
        for _ in range(abs(pixels)):
            picture = _spread(picture, better) if tapered else picture.filter(rank)
        return picture

    return mask.mapped(change, digest("grown", mask, pixels, tapered))


def _spread(picture: Image.Image, better: Callable[[Image.Image, Image.Image], Image.Image]) -> Image.Image:
    """The best of each pixel and its neighbours to the sides, above and below."""
    best = picture
    width, height = picture.size
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        moved = picture.copy()
        moved.paste(
            picture.crop((max(0, -x), max(0, -y), width - max(0, x), height - max(0, y))),
            (max(0, x), max(0, y)),
        )
        best = better(best, moved)
    return best


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
    return (grown(call.inputs["mask"], call.inputs["expand"], tapered=call.inputs["tapered_corners"]),)


def _feather(call: Call) -> tuple[Any, ...]:
    """A slope from each side, as many pixels wide as is asked for that side."""
    inputs = call.inputs

    def change(mask: Image.Image) -> Image.Image:
        width, height = mask.size
        across = _slopes(width, inputs["left"], inputs["right"])
        down = _slopes(height, inputs["top"], inputs["bottom"])
        rates = Image.new("F", mask.size)
        rates.putdata([x * y for y in down for x in across])
        return whole([mixed(lambda two: two["a"] * two["b"], a=mask.convert("F"), b=rates)], "L")

    return (inputs["mask"].mapped(change, call.digest),)


def _slopes(length: int, start: int, end: int) -> list[float]:
    """For every pixel of a side, how much of it is left."""
    start, end = min(start, length), min(end, length)
    rising = [(place + 1) / start if place < start else 1.0 for place in range(length)]
    falling = [(length - place) / end if length - place <= end else 1.0 for place in range(length)]
    return [up * down for up, down in zip(rising, falling, strict=True)]


def _bits(
    mixing: Callable[[Image.Image, Image.Image], Image.Image],
) -> Callable[[Image.Image, Image.Image], Image.Image]:
    """The same of masks that are black or white, whichever is nearer."""
    return lambda first, second: mixing(*(one.point(lambda v: 255 * (v > 127)) for one in (first, second)))


def _composite_masks(call: Call) -> tuple[Any, ...]:
    inputs = call.inputs
    mixing: Mapping[str, Callable[[Image.Image, Image.Image], Image.Image]] = {
        "multiply": ImageChops.multiply,
        "and": _bits(ImageChops.darker),
        "or": _bits(ImageChops.lighter),
        "add": ImageChops.add,
        "subtract": ImageChops.subtract,
        "xor": _bits(ImageChops.difference),
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
        mask = resample(alpha.nearest(number % alpha.count), picture.size, "bilinear")
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
            above = resample(above, image.size, "bilinear")
        place = inputs["x"], inputs["y"]
        if mask is None:
            image.paste(above, place)
        else:
            where = resample(mask.nearest(number % mask.count), above.size, "bilinear")
            below = image.crop((*place, place[0] + above.width, place[1] + above.height))
            image.paste(_between(below, above, where), place)
        return image

    return (Frames(base.count, base.size, make, call.digest),)


def _between(below: Image.Image, above: Image.Image, where: Image.Image) -> Image.Image:
    """A mixture of two pictures of one size, by a mask."""
    part = where.convert("F")
    bands = [
        mixed(
            lambda given: given["a"] + (given["b"] - given["a"]) * (given["part"] / 255), a=a, b=b, part=part
        )
        for a, b in zip(floats(below), floats(above), strict=True)
    ]
    return whole(bands, "RGB")


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
