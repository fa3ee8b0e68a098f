"""From facts to pictures, videos and previews: where a node's inputs meet the drawing."""

from functools import cache

from PIL import Image, ImageFilter, ImageOps

from simulator import animation, drawing
from simulator.drawing import Scene
from simulator.nodes.values import Facts, Frames, Size, digest

RGB = "RGB"


def scene_of(facts: Facts, size: Size, style: str, trail: str) -> Scene:
    """What is drawn; `style` tells models apart, `trail` is the digest of all that went in."""
    return Scene(
        positive=facts.text,
        negative=facts.negative,
        seed=facts.seed or 0,
        width=size[0],
        height=size[1],
        steps=20 if facts.steps is None else facts.steps,
        cfg=7.0 if facts.cfg is None else facts.cfg,
        sampler=facts.sampler,
        scheduler=facts.scheduler,
        style=style,
        digest=trail,
    )


def drawn(scene: Scene, facts: Facts, count: int, *, animated: bool) -> Frames:
    """Pictures of a scene, or a video of it, after the pictures given as references."""
    references = facts.pictures
    size = (scene.width, scene.height)
    if not animated:

        def make(number: int) -> Image.Image:
            painted = drawing.paint(scene, number)
            return (
                drawing.edit(painted, [one.nearest(number) for one in references]) if references else painted
            )

        return Frames(count, size, make, scene.digest)
    film = next((one for one in references if one.count > 1), None)
    return _filmed(scene, film, count) if film else _animated(scene, references, count)


def _animated(scene: Scene, references: tuple[Frames, ...], count: int) -> Frames:
    @cache
    def start() -> animation.Animation:
        first = references[0][0] if references else None
        last = references[1][0] if len(references) > 1 else None
        return animation.Animation(scene, count, first, last)

    size = (scene.width, scene.height)
    small = animation.sketch_size(size)
    return Frames(
        count,
        size,
        lambda number: start().frame(number),
        scene.digest,
        sketch=lambda number: start().frame(number, small),
    )


def _filmed(scene: Scene, film: Frames, count: int) -> Frames:
    @cache
    def painted() -> Image.Image:
        return drawing.canvas(scene, animation.CANVAS)

    def make(number: int, size: Size) -> Image.Image:
        return animation.over(
            (film.sketch or film.__getitem__)(number * film.count // count), painted(), size
        )

    size = (scene.width, scene.height)
    small = animation.sketch_size(size)
    return Frames(
        count,
        size,
        lambda number: make(number, size),
        scene.digest,
        sketch=lambda number: make(number, small),
    )


def within(frames: Frames, base: Frames, mask: Frames) -> Frames:
    """The frames where the mask is white, and what was there before everywhere else."""

    def make(number: int) -> Image.Image:
        below = base.nearest(number % base.count).convert(RGB)
        above, where = frames[number], mask.nearest(number % mask.count)
        if above.size != below.size:
            above = above.resize(below.size, Image.Resampling.BICUBIC)
        return Image.composite(above, below, where.resize(below.size))

    return Frames(frames.count, base.size, make, digest("within", frames, base, mask))


def captioned(frames: Frames, text: str, decoder: str) -> Frames:
    """The frames with what was asked for printed on them; `decoder` is a digest that gives the colour."""
    red, green, blue = (255 - int(decoder[place : place + 2], 16) // 2 for place in (0, 2, 4))
    tone = (red, green, blue)

    def change(picture: Image.Image) -> Image.Image:
        return drawing.caption(picture.convert(RGB), text, tone)

    printed = frames.mapped(change, digest("caption", frames, text, decoder))
    sketch = frames.sketch
    if sketch is not None:
        printed.sketch = lambda number: change(sketch(number))
    return printed


def tinted(frames: Frames, trail: str, size: Size | None = None) -> Frames:
    """The frames in a tone of their own: something was done to them, and they are still to be recognised."""
    hue = int(trail[:2], 16), int(trail[2:4], 16), int(trail[4:6], 16)

    def change(picture: Image.Image) -> Image.Image:
        plain = picture.convert(RGB)
        if size is not None:
            plain = plain.resize(size, Image.Resampling.BICUBIC)
        return Image.blend(plain, Image.new(RGB, plain.size, hue), 0.12)

    return frames.mapped(change, trail, size)


def region(size: Size, count: int, trail: str) -> Frames:
    """A mask of something found in the picture: a soft blob, elsewhere for other inputs."""
    width, height = size
    left, top, wide = (int(trail[place : place + 2], 16) / 255 for place in (0, 2, 4))

    def make(_: int) -> Image.Image:
        blob = ImageOps.invert(Image.radial_gradient("L")).point(lambda level: 255 if level > 96 else 0)
        part = (max(1, round(width * (0.4 + 0.2 * wide))), max(1, round(height * (0.4 + 0.2 * wide))))
        mask = Image.new("L", size, 0)
        mask.paste(blob.resize(part), (round((width - part[0]) * left), round((height - part[1]) * top)))
        return mask.filter(ImageFilter.GaussianBlur(1))

    return Frames(count, size, make, trail)
