"""Nodes that mix, blur and sharpen pictures, computed in floats as real ones do."""

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from simulator.nodes.bench import Call, Instant
from simulator.nodes.images import resized
from simulator.nodes.resampling import filtered, floats, gaussian, mixed, sums, whole
from simulator.nodes.values import Frames

Bands = dict[str, Any]
# By mode, what becomes of "a" below and "b" above; all from 0 to 1.
_MIXING: Mapping[str, Callable[[Any, Any], Any]] = {
    "normal": lambda a, b: b,
    "multiply": lambda a, b: a * b,
    "screen": lambda a, b: 1 - (1 - a) * (1 - b),
    "difference": lambda a, b: a - b,
}
# The modes that are one thing up to a half, by one of the two, and another above it.
_HALVES: Mapping[str, tuple[str, Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "overlay": ("a", lambda a, b: 2 * a * b, lambda a, b: 1 - 2 * (1 - a) * (1 - b)),
    "soft_light": (
        "b",
        lambda a, b: a - (1 - 2 * b) * a * (1 - a),
        lambda a, b: a + (2 * b - 1) * (_lightened(a) - a),
    ),
}


def _lightened(a: Any) -> Any:
    """The curve of soft light: a polynomial for dark values, and the square root."""
    dark = a <= 0.25
    return dark * (((16 * a - 12) * a + 4) * a) + (1 - dark) * a**0.5


def _blend(call: Call) -> tuple[Any, ...]:
    inputs, first = call.inputs, call.inputs["image1"]
    second = resized(inputs["image2"], first.size, "bicubic", "center")
    factor = inputs["blend_factor"]

    def formula(given: Bands) -> Any:
        a, b = given["a"] / 255, given["b"] / 255
        return (a * (1 - factor) + _mix(inputs["blend_mode"], a, b) * factor) * 255

    def make(number: int) -> Image.Image:
        below = floats(first[number].convert("RGB"))
        above = floats(second.nearest(number).convert("RGB"))
        return whole([mixed(formula, a=a, b=b) for a, b in zip(below, above, strict=True)], "RGB")

    return (Frames(first.count, first.size, make, call.digest),)


def _mix(mode: str, a: Any, b: Any) -> Any:
    if mode in _MIXING:
        return _MIXING[mode](a, b)
    which, low, high = _HALVES[mode]
    is_low = (a if which == "a" else b) <= 0.5
    return is_low * low(a, b) + (1 - is_low) * high(a, b)


def _blur(call: Call) -> tuple[Any, ...]:
    frames, radius = call.inputs["image"], call.inputs["blur_radius"]
    if not radius:
        return (frames,)
    taps = gaussian(radius, call.inputs["sigma"])
    across, down = taps(frames.size[0]), taps(frames.size[1])
    return (frames.mapped(lambda one: filtered(one, across, down), call.digest),)


def _sharpen(call: Call) -> tuple[Any, ...]:
    frames, radius = call.inputs["image"], call.inputs["sharpen_radius"]
    if not radius:
        return (frames,)
    taps = gaussian(radius, call.inputs["sigma"])
    across, down = taps(frames.size[0]), taps(frames.size[1])
    strength = call.inputs["alpha"] * 10

    def change(picture: Image.Image) -> Image.Image:
        pairs = zip(floats(picture), sums(picture, across, down), strict=True)
        return whole(
            [mixed(lambda two: two["a"] * (1 + strength) - two["b"] * strength, a=a, b=b) for a, b in pairs],
            picture.mode,
        )

    return (frames.mapped(change, call.digest),)


FILTERS: Mapping[str, Instant] = {
    "ImageBlend": _blend,
    "ImageBlur": _blur,
    "ImageSharpen": _sharpen,
}
