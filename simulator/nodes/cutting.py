"""Nodes that cut, turn and frame pictures and masks, as real ones do."""

from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageChops, ImageColor, ImageOps

from simulator.nodes.bench import Call, Instant
from simulator.nodes.images import resized
from simulator.nodes.resampling import resample
from simulator.nodes.values import Frames, digest

_TURNS = {
    "90": Image.Transpose.ROTATE_270,
    "180": Image.Transpose.ROTATE_180,
    "270": Image.Transpose.ROTATE_90,
}
_GREY = (127, 127, 127)
_DITHERING = {"none": Image.Dither.NONE, "floyd-steinberg": Image.Dither.FLOYDSTEINBERG}


def cut(frames: Frames, x: int, y: int, width: int, height: int, trail: str) -> Frames:
    """A part of each picture, as much of it as there is; at least one pixel of the corner."""
    left, top = min(x, frames.size[0] - 1), min(y, frames.size[1] - 1)
    right, bottom = min(left + width, frames.size[0]), min(top + height, frames.size[1])
    size = right - left, bottom - top
    return frames.mapped(lambda one: one.crop((left, top, right, bottom)), trail, size)


def _crop(call: Call) -> tuple[Any, ...]:
    inputs = call.inputs
    kind = "mask" if "mask" in inputs else "image"
    box = inputs["x"], inputs["y"], inputs["width"], inputs["height"]
    return (cut(inputs[kind], *box, call.digest),)


def _flip(call: Call) -> tuple[Any, ...]:
    upright = call.inputs["flip_method"].startswith("x")
    way = Image.Transpose.FLIP_TOP_BOTTOM if upright else Image.Transpose.FLIP_LEFT_RIGHT
    return (call.inputs["image"].mapped(lambda one: one.transpose(way), call.digest),)


def _rotate(call: Call) -> tuple[Any, ...]:
    frames: Frames = call.inputs["image"]
    turn = _TURNS.get(call.inputs["rotation"].split(" ")[0])
    if turn is None:
        return (frames,)
    size = frames.size if turn is Image.Transpose.ROTATE_180 else frames.size[::-1]
    return (frames.mapped(lambda one: one.transpose(turn), call.digest, size),)


def _quantize(call: Call) -> tuple[Any, ...]:
    """Fewer colours. Patterns of dots other than Pillow's own are drawn as none."""
    colours, dither = call.inputs["colors"], _DITHERING.get(call.inputs["dither"], Image.Dither.NONE)

    def change(picture: Image.Image) -> Image.Image:
        palette = picture.convert("RGB").quantize(colors=colours)
        return picture.convert("RGB").quantize(colors=colours, palette=palette, dither=dither).convert("RGB")

    return (call.inputs["image"].mapped(change, call.digest),)


def _pad_to_size(call: Call) -> tuple[Any, ...]:
    inputs, frames = call.inputs, call.inputs["image"]
    size = inputs["target_width"], inputs["target_height"]
    scale = min(size[0] / frames.size[0], size[1] / frames.size[1])
    inner = int(frames.size[0] * scale), int(frames.size[1] * scale)
    place = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2

    def change(picture: Image.Image) -> Image.Image:
        image = Image.new("RGB", size, ImageColor.getrgb(inputs["padding_color"]))
        image.paste(resample(picture.convert("RGB"), inner, inputs["interpolation"]), place)
        return image

    return (frames.mapped(change, call.digest, size),)


def _pad_for_outpaint(call: Call) -> tuple[Any, ...]:
    inputs, frames = call.inputs, call.inputs["image"]
    left, top = inputs["left"], inputs["top"]
    width, height = frames.size
    size = left + width + inputs["right"], top + height + inputs["bottom"]

    def change(picture: Image.Image) -> Image.Image:
        image = Image.new("RGB", size, _GREY)
        image.paste(picture.convert("RGB"), (left, top))
        return image

    def mask(_: int) -> Image.Image:
        image = Image.new("L", size, 255)
        image.paste(_feathered(inputs, width, height), (left, top))
        return image

    return frames.mapped(change, call.digest, size), Frames(1, size, mask, f"{call.digest}.mask")


def _feathered(inputs: Mapping[str, Any], width: int, height: int) -> Image.Image:
    """Black, but for a slope from each side at which something is added."""
    soft = inputs["feathering"]
    mask = Image.new("L", (width, height), 0)
    if not 0 < 2 * soft < min(width, height):
        return mask

    def distances(length: int, before: int, after: int) -> list[int]:
        return [
            min(place if before else length, length - place if after else length) for place in range(length)
        ]

    across = distances(width, inputs["left"], inputs["right"])
    down = distances(height, inputs["top"], inputs["bottom"])
    slope = [int(255 * ((soft - depth) / soft) ** 2) for depth in range(soft)] + [0]
    mask.putdata([slope[min(x, y, soft)] for y in down for x in across])
    return mask


def _stitch(call: Call) -> tuple[Any, ...]:
    inputs, first = call.inputs, call.inputs["image1"]
    second = inputs.get("image2")
    if second is None:
        return (first,)
    across = inputs["direction"] in ("left", "right")
    side = 1 if across else 0
    if inputs["match_image_size"]:
        length = int(first.size[side] * (second.size[1 - side] / second.size[side]))
        size = (length, first.size[1]) if across else (first.size[0], length)
        second = resized(second, size, "lanczos")
    parts = [first, second] if inputs["direction"] in ("right", "down") else [second, first]
    return (_laid_out(parts, across, inputs["spacing_width"], inputs["spacing_color"], call.digest),)


def _laid_out(parts: list[Frames], across: bool, gap: int, colour: str, trail: str) -> Frames:
    """Two batches side by side or above each other, the smaller one in the middle of its side."""
    gap += gap % 2  # for videos, whose sides are even
    widths, heights = ([part.size[side] for part in parts] for side in (0, 1))
    size = (sum(widths) + gap, max(heights)) if across else (max(widths), sum(heights) + gap)
    # Bars beside the smaller one take the colour only if it is a shade of grey.
    bars = colour if colour in ("white", "black") else "black"

    def make(number: int) -> Image.Image:
        image = Image.new("RGB", size, bars)
        start = 0
        for index, part in enumerate(parts):
            middle = (size[1] - part.size[1]) // 2 if across else (size[0] - part.size[0]) // 2
            image.paste(part.nearest(number).convert("RGB"), (start, middle) if across else (middle, start))
            start += part.size[0] if across else part.size[1]
            if not index:
                end = start + gap
                image.paste(colour, (start, 0, end, size[1]) if across else (0, start, size[0], end))
                start = end
        return image

    return Frames(max(part.count for part in parts), size, make, trail)


def _split_alpha(call: Call) -> tuple[Any, ...]:
    """The colours, and what is see-through; pictures without transparency are not."""
    frames: Frames = call.inputs["image"]
    colours = frames.mapped(lambda one: one.convert("RGB"), digest("colours", call.digest))
    return colours, frames.mapped(_see_through, digest("alpha", call.digest))


def _see_through(picture: Image.Image) -> Image.Image:
    return ImageOps.invert(picture.convert("RGBA").getchannel("A"))


def _colour_mask(call: Call) -> tuple[Any, ...]:
    """White where the picture has exactly one colour."""
    colour = call.inputs["color"]
    wanted = colour >> 16, colour >> 8 & 0xFF, colour & 0xFF

    def change(picture: Image.Image) -> Image.Image:
        bands = zip(picture.convert("RGB").split(), wanted, strict=True)
        alike = [band.point([255 * (level == value) for level in range(256)]) for band, value in bands]
        return ImageChops.darker(ImageChops.darker(alike[0], alike[1]), alike[2])

    return (call.inputs["image"].mapped(change, call.digest),)


CUTTING: Mapping[str, Instant] = {
    "ImageCrop": _crop,
    "CropMask": _crop,
    "ImageFlip": _flip,
    "ImageRotate": _rotate,
    "ImageQuantize": _quantize,
    "ResizeAndPadImage": _pad_to_size,
    "ImagePadForOutpaint": _pad_for_outpaint,
    "ImageStitch": _stitch,
    "SplitImageWithAlpha": _split_alpha,
    "ImageColorToMask": _colour_mask,
}
