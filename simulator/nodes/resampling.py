"""Pictures in another size, as PyTorch's interpolation makes them, within 1 of 255.

Pillow's own filters smooth what they make smaller, and PyTorch's do not. So every pixel is put together
here from its neighbours: first along the rows, then along the columns, in floats, cut off at the end.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageMath

Size = tuple[int, int]
# For each pixel of a row, the pixels that it is made of, each with its weight.
Taps = list[list[tuple[int, float]]]
_SHARPNESS = -0.75  # of PyTorch's cubic curve


def resample(picture: Image.Image, size: Size, method: str) -> Image.Image:
    """The picture in this size; `method` as ComfyUI calls it."""
    grows = size[0] >= picture.width and size[1] >= picture.height
    if method == "lanczos" or (method == "bilinear" and grows):
        # Pillow's own are the same here, and faster.
        return picture.resize(size, Image.Resampling[method.upper()])
    if method not in _TAPS:
        return _nearest(picture, size)
    taps = _TAPS[method]
    return filtered(picture, taps(picture.width, size[0]), taps(picture.height, size[1]))


def filtered(picture: Image.Image, across: Taps, down: Taps) -> Image.Image:
    """A picture whose pixels are sums of those of another one."""
    return whole(sums(picture, across, down), picture.mode)


def sums(picture: Image.Image, across: Taps, down: Taps) -> list[Image.Image]:
    """The channels of such a picture, before they are cut off."""
    return [_summed(band, across, down) for band in floats(picture)]


def floats(picture: Image.Image) -> list[Image.Image]:
    """The channels, as numbers from 0 to 255 that need not be whole."""
    return [band.convert("F") for band in picture.split()]


def whole(bands: list[Image.Image], mode: str) -> Image.Image:
    """Channels of numbers as a picture: cut off below 0, above 255 and behind the point."""
    # A hair is added, for sums of weights that come out just below the number they stand for.
    cut = [band.point(lambda level: level * 1 + 0.001).convert("L") for band in bands]
    return Image.merge(mode, cut) if len(cut) > 1 else cut[0]


def mixed(formula: Callable[[dict[str, Any]], Any], **bands: Image.Image) -> Image.Image:
    """A channel computed from others; `formula` gets them by name."""
    result: Image.Image = ImageMath.lambda_eval(formula, **bands)
    return result


def gaussian(radius: int, sigma: float) -> Callable[[int], Taps]:
    """The taps of a blur; what lies outside is the picture mirrored at its edge."""
    steps = [-1 + step / radius for step in range(2 * radius + 1)]
    curve = [math.exp(-(step * step) / (2 * sigma * sigma)) for step in steps]
    weights = [level / sum(curve) for level in curve]

    def taps(length: int) -> Taps:
        return [
            [(_mirrored(pixel + place - radius, length), weight) for place, weight in enumerate(weights)]
            for pixel in range(length)
        ]

    return taps


def _mirrored(place: int, length: int) -> int:
    place = abs(place)
    return place if place < length else 2 * (length - 1) - place


def _summed(band: Image.Image, across: Taps, down: Taps) -> Image.Image:
    turned = _summed_down(band, down).transpose(Image.Transpose.TRANSPOSE)
    return _summed_down(turned, across).transpose(Image.Transpose.TRANSPOSE)


def _summed_down(band: Image.Image, taps: Taps) -> Image.Image:
    size = band.width, len(taps)
    total = None
    for number in range(max(len(row) for row in taps)):
        column = [tap[number] if number < len(tap) else (0, 0.0) for tap in taps]
        weights = Image.new("F", (1, size[1]))
        weights.putdata([weight for _, weight in column])
        rows = _gathered(band, [source for source, _ in column])
        spread = weights.resize(size, Image.Resampling.NEAREST)
        part = mixed(lambda two: two["a"] * two["b"], a=rows, b=spread)
        total = part if total is None else mixed(lambda two: two["a"] + two["b"], a=total, b=part)
    assert total is not None
    return total


def _gathered(picture: Image.Image, rows: list[int]) -> Image.Image:
    """A picture made of these rows of another one."""
    made = Image.new(picture.mode, (picture.width, len(rows)))
    for place, row in enumerate(rows):
        made.paste(picture.crop((0, row, picture.width, row + 1)), (0, place))
    return made


def _nearest(picture: Image.Image, size: Size) -> Image.Image:
    """Every pixel is the one below its middle."""
    for side in (1, 0):
        old, new = picture.height, size[side]
        rows = [(2 * pixel + 1) * old // (2 * new) for pixel in range(new)]
        picture = _gathered(picture, rows).transpose(Image.Transpose.TRANSPOSE)
    return picture


@functools.lru_cache(maxsize=8)
def _linear(old: int, new: int) -> Taps:
    found: Taps = []
    for pixel in range(new):
        place = max(0.0, (pixel + 0.5) * old / new - 0.5)
        low = min(int(place), old - 1)
        found.append([(low, 1 - (place - low)), (min(low + 1, old - 1), place - low)])
    return found


@functools.lru_cache(maxsize=8)
def _cubic(old: int, new: int) -> Taps:
    found: Taps = []
    for pixel in range(new):
        place = (pixel + 0.5) * old / new - 0.5
        low = math.floor(place)
        found.append(
            [
                (min(max(low + step, 0), old - 1), _cubic_weight(abs(place - low - step)))
                for step in (-1, 0, 1, 2)
            ]
        )
    return found


def _cubic_weight(distance: float) -> float:
    a = _SHARPNESS
    if distance <= 1:
        return ((a + 2) * distance - (a + 3)) * distance * distance + 1
    return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a


@functools.lru_cache(maxsize=8)
def _mean(old: int, new: int) -> Taps:
    """Every pixel is the mean of all that it covers, be it in part."""
    found: Taps = []
    for pixel in range(new):
        covered = range(pixel * old // new, -(-(pixel + 1) * old // new))
        found.append([(source, 1 / len(covered)) for source in covered])
    return found


_TAPS: dict[str, Callable[[int, int], Taps]] = {
    "bilinear": _linear,
    "bicubic": _cubic,
    "bislerp": _cubic,
    "area": _mean,
}
