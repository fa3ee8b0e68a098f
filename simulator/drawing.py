"""What the simulated sampler paints: a landscape that every sampling parameter has a say in.

Seed and prompt choose the composition, colours named in the prompt choose the palette; steps add
detail, cfg saturates, sampler and scheduler choose the brush, the checkpoint tints, the negative
prompt dims. Same values, same picture, on every machine with the same Pillow.
"""

import colorsys
import math
import random
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Rgb = tuple[int, int, int]
Point = tuple[float, float]

CANVAS = 384  # pixels on the longer side while painting; the result is scaled to size
COLOURS: dict[str, Rgb] = {
    "red": (200, 45, 40), "crimson": (165, 20, 50), "orange": (240, 140, 40), "amber": (250, 185, 60),
    "gold": (225, 175, 55), "golden": (225, 175, 55), "yellow": (245, 220, 80), "lime": (160, 215, 60),
    "green": (60, 145, 75), "emerald": (25, 140, 100), "teal": (30, 135, 135), "turquoise": (65, 200, 190),
    "cyan": (80, 205, 225), "blue": (50, 100, 200), "navy": (25, 35, 85), "indigo": (65, 45, 135),
    "purple": (125, 60, 165), "violet": (150, 90, 205), "magenta": (205, 50, 150), "pink": (245, 150, 185),
    "brown": (120, 80, 50), "beige": (225, 205, 170), "white": (240, 242, 248), "grey": (130, 135, 140),
    "gray": (130, 135, 140), "black": (25, 25, 32), "silver": (190, 195, 205),
    "forest": (40, 105, 60), "meadow": (110, 170, 80), "sea": (35, 105, 155), "ocean": (25, 85, 145),
    "snow": (225, 235, 245), "winter": (190, 210, 230), "sunset": (245, 125, 75), "sunrise": (250, 170, 110),
    "night": (22, 26, 62), "fire": (230, 80, 30), "desert": (220, 170, 105), "autumn": (200, 110, 45),
    "fox": (215, 110, 45), "rose": (215, 70, 100), "gloom": (70, 75, 85), "storm": (75, 90, 110),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that a sampler was told; `style` is the checkpoint with what was loaded onto it.

    `digest` stands for all the rest that is to make a difference.
    """

    positive: str
    negative: str
    seed: int
    width: int
    height: int
    steps: int
    cfg: float
    sampler: str
    scheduler: str
    style: str
    digest: str = ""


def paint(scene: Scene, item: int = 0) -> Image.Image:
    """Picture number `item` of a batch: RGB, of the scene's size, without a caption."""
    dice = random.Random(f"{scene.seed}/{item}/{scene.positive}")
    size = _canvas_size(scene)
    palette = _palette(scene, dice)
    image = _sky(size, palette)
    _sun(image, palette, dice)
    _clouds(image, palette, dice)
    _hills(image, palette, dice, jagged=random.Random(scene.style).random() < 0.5)
    _strokes(image, palette, scene)
    _details(image, palette, dice, min(scene.steps, 150) * 2)
    image = _finish(image, scene)
    return image.resize((scene.width, scene.height), Image.Resampling.BICUBIC)


def canvas(scene: Scene, side: int) -> Image.Image:
    """The picture in its proportions, but with a longer side of `side` pixels."""
    scale = side / max(scene.width, scene.height)
    width, height = (max(8, round(length * scale)) for length in (scene.width, scene.height))
    return paint(replace(scene, width=width, height=height))


def blend(base: Image.Image, painted: Image.Image, denoise: float, mask: Image.Image | None) -> Image.Image:
    """Paint over `base`: denoise 0 keeps it, 1 leaves none of it; only where `mask` is white, if any."""
    mixed = Image.blend(base, painted, min(max(denoise, 0.0), 1.0))
    return mixed if mask is None else Image.composite(mixed, base, mask)


def edit(painted: Image.Image, references: Sequence[Image.Image]) -> Image.Image:
    """A picture made from others: the first one shows through, the others stand small at the side."""
    first = ImageOps.fit(references[0].convert("RGB"), painted.size, Image.Resampling.BILINEAR)
    image = Image.blend(first, painted, 0.45)
    side = max(8, min(image.size) // 4)
    for number, reference in enumerate(references[1:6]):
        small = ImageOps.contain(reference.convert("RGB"), (side, side), Image.Resampling.BILINEAR)
        image.paste(small, (image.width - small.width - side // 8, side // 8 + number * (side + side // 8)))
    return image


def caption(image: Image.Image, text: str, tone: Rgb = (255, 235, 150)) -> Image.Image:
    """Print "simulated" in `tone` and the prompt onto a copy: nobody is to take it for a model's work."""
    layer, shade = _caption(image.size, text, tone)
    image = image.copy()
    image.paste(layer, mask=shade)
    return image


@lru_cache(maxsize=8)
def _caption(size: tuple[int, int], text: str, tone: Rgb) -> tuple[Image.Image, Image.Image]:
    """What is printed, and how much of it shows where; the same for all frames of a video."""
    width, height = size
    letter = max(10, min(size) // 32)
    font = ImageFont.load_default(letter)
    columns = max(8, int(width / (letter * 0.55)) - 2)
    lines = textwrap.wrap(text, columns, max_lines=4, placeholder=" ...") if height >= 128 else []
    bottom = int(letter * 1.35 * len(lines) + letter * 0.6) if lines else 0
    layer, shade = Image.new("RGB", size, (12, 12, 18)), Image.new("L", size, 0)
    pen, cover = ImageDraw.Draw(layer), ImageDraw.Draw(shade)
    cover.rectangle((0, 0, letter * 6, letter * 1.5), fill=170)
    if bottom:
        cover.rectangle((0, height - bottom, width, height), fill=150)
    rows = [((letter * 0.4, letter * 0.1), "simulated", tone)]
    for row, line in enumerate(lines):
        y = height - bottom + letter * 0.2 + row * letter * 1.35
        rows.append(((letter * 0.5, y), line, (245, 245, 245)))
    for place, line, colour in rows:
        pen.text(place, line, font=font, fill=colour)
        cover.text(place, line, font=font, fill=255)
    return layer, shade


def preview(image: Image.Image, fraction: float, side: int) -> bytes:
    """A JPEG of the picture as far as it has come (`fraction` of 1), enlarged to fit `side` pixels."""
    fitted = ImageOps.contain(image, (side, side), Image.Resampling.BILINEAR)
    grain = max(1, int(side / 8 * (1 - fraction) ** 1.5))
    small = fitted.resize(
        (max(1, fitted.width // grain), max(1, fitted.height // grain)), Image.Resampling.BOX
    )
    buffer = BytesIO()
    small.resize(fitted.size, Image.Resampling.BILINEAR).save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


def _canvas_size(scene: Scene) -> tuple[int, int]:
    scale = min(1.0, CANVAS / max(scene.width, scene.height))
    return max(8, round(scene.width * scale)), max(8, round(scene.height * scale))


def _palette(scene: Scene, dice: random.Random) -> list[Rgb]:
    """Sky above, sky below, sun, far hill, near hill."""
    unwanted = set(_words(scene.negative))
    named = [COLOURS[word] for word in _words(scene.positive) if word in COLOURS and word not in unwanted]
    hue = random.Random(" ".join(_words(scene.positive))).random()
    while len(named) < 3:
        hue = (hue + 0.13 + 0.2 * dice.random()) % 1.0
        named.append(_from_hsv(hue, 0.35 + 0.35 * dice.random(), 0.6 + 0.35 * dice.random()))
    first, second, third = named[:3]
    return [
        _mix(first, (255, 255, 255), 0.1),
        _mix(second, (255, 250, 240), 0.45),
        _mix(third, (255, 245, 200), 0.35),
        _mix(second, first, 0.5),
        _mix(third, (10, 12, 25), 0.55),
    ]


def _sky(size: tuple[int, int], palette: list[Rgb]) -> Image.Image:
    ramp = Image.linear_gradient("L").resize(size)
    return ImageOps.colorize(ramp, palette[0], palette[1])


def _sun(image: Image.Image, palette: list[Rgb], dice: random.Random) -> None:
    radius = min(image.size) * dice.uniform(0.07, 0.17)
    x, y = image.width * dice.uniform(0.15, 0.85), image.height * dice.uniform(0.12, 0.45)
    for reach, opacity in ((2.6, 70), (1.7, 110), (1.0, 255)):
        mask = Image.new("L", image.size, 0)
        r = radius * reach
        ImageDraw.Draw(mask).ellipse((x - r, y - r, x + r, y + r), fill=opacity)
        if reach > 1:
            mask = mask.filter(ImageFilter.GaussianBlur(r * 0.3))
        image.paste(palette[2], mask=mask)


def _clouds(image: Image.Image, palette: list[Rgb], dice: random.Random) -> None:
    mask = Image.new("L", image.size, 0)
    pen = ImageDraw.Draw(mask)
    for _ in range(dice.randint(4, 9)):
        x, y = image.width * dice.random(), image.height * dice.uniform(0.05, 0.5)
        w, h = image.width * dice.uniform(0.06, 0.2), image.height * dice.uniform(0.012, 0.04)
        pen.ellipse((x - w, y - h, x + w, y + h), fill=dice.randint(60, 150))
    mask = mask.filter(ImageFilter.GaussianBlur(max(1.0, image.height * 0.012)))
    image.paste(_mix(palette[1], (255, 255, 255), 0.6), mask=mask)


def _hills(image: Image.Image, palette: list[Rgb], dice: random.Random, *, jagged: bool) -> None:
    pen = ImageDraw.Draw(image)
    layers = dice.randint(3, 5)
    for layer in range(layers):
        depth = layer / (layers - 1)
        base = image.height * (0.48 + 0.38 * depth + dice.uniform(-0.05, 0.05))
        waves = [(dice.uniform(0.6, 2.4) * 2**k, dice.random() * math.tau, 0.09 / 2**k) for k in range(4)]
        ridge = [
            (x, base - image.height * _height(waves, x / image.width, jagged=jagged))
            for x in range(0, image.width + 4, 4)
        ]
        outline: list[Point] = [*ridge, (image.width + 4, image.height), (0, image.height)]
        pen.polygon(outline, fill=_mix(palette[3], palette[4], depth))


def _height(waves: list[tuple[float, float, float]], x: float, *, jagged: bool) -> float:
    total = 0.0
    for frequency, phase, amplitude in waves:
        wave = math.sin(frequency * math.tau * x + phase)
        total += amplitude * (1 - 2 * abs(wave) if jagged else wave)
    return total


def _strokes(image: Image.Image, palette: list[Rgb], scene: Scene) -> None:
    """Faint brush strokes: the sampler chooses where, the scheduler in which direction."""
    dice = random.Random(scene.sampler + scene.digest)
    angle = random.Random(scene.scheduler).random() * math.pi
    layer = image.copy()
    pen = ImageDraw.Draw(layer)
    for _ in range(40):
        x, y = image.width * dice.random(), image.height * dice.random()
        reach = max(image.size) * dice.uniform(0.05, 0.18)
        dx, dy = math.cos(angle) * reach, math.sin(angle) * reach
        pen.line((x - dx, y - dy, x + dx, y + dy), fill=dice.choice(palette), width=dice.randint(1, 3))
    image.paste(Image.blend(image, layer, 0.13))


def _details(image: Image.Image, palette: list[Rgb], dice: random.Random, count: int) -> None:
    """Small plants on the ground; a higher count adds to the same ones."""
    pen = ImageDraw.Draw(image)
    for _ in range(count):
        x, y = image.width * dice.random(), image.height * dice.uniform(0.72, 0.99)
        tall = image.height * dice.uniform(0.008, 0.03)
        colour = _mix(dice.choice(palette), palette[4], dice.uniform(0.1, 0.6))
        pen.line((x, y, x + tall * dice.uniform(-0.4, 0.4), y - tall), fill=colour, width=1)


def _finish(image: Image.Image, scene: Scene) -> Image.Image:
    image = ImageEnhance.Color(image).enhance(0.55 + min(scene.cfg, 25.0) / 14)
    tint = _from_hsv(random.Random(scene.style).random(), 0.6, 0.9)
    image = Image.blend(image, Image.new("RGB", image.size, tint), 0.08)
    shadow = 0.04 + 0.22 * random.Random(scene.negative).random() if scene.negative else 0.0
    edge = ImageOps.colorize(
        ImageOps.invert(Image.radial_gradient("L").resize(image.size)),
        _grey(255 * (1 - 2 * shadow)),
        (255, 255, 255),
    )
    return ImageChops.multiply(image, edge)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _mix(first: Rgb, second: Rgb, part: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _grey(level: float) -> Rgb:
    value = max(0, min(255, round(level)))
    return value, value, value


def _from_hsv(hue: float, saturation: float, value: float) -> Rgb:
    red, green, blue = (round(part * 255) for part in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue
