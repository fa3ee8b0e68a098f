"""Drawn videos: small canvases that a window wanders over, enlarged frame by frame when one is asked for."""

from PIL import Image, ImageOps

from simulator import drawing
from simulator.drawing import Scene

CANVAS = 256  # pixels on the longer side: frames are many
SKETCH = 640  # pixels on the longer side of what is enlarged by the encoder
ZOOM = 0.12  # how much of the canvas the window gives up on its way


class Animation:
    """The frames of one scene.

    `first` and `last` are pictures that it starts from and ends with. The same values give the same
    frames, in any order.
    """

    def __init__(
        self,
        scene: Scene,
        count: int,
        first: Image.Image | None = None,
        last: Image.Image | None = None,
    ) -> None:
        self._size = (scene.width, scene.height)
        self._count = count
        painted = drawing.canvas(scene, CANVAS)
        self._start = painted if first is None else Image.blend(_small(first, painted.size), painted, 0.12)
        self._middle = painted if first is None else Image.blend(_small(first, painted.size), painted, 0.45)
        self._end = None if last is None else Image.blend(_small(last, painted.size), painted, 0.12)

    def frame(self, number: int, size: tuple[int, int] | None = None) -> Image.Image:
        """Frame `number`, RGB, of the scene's size or another one."""
        way = number / max(1, self._count - 1)
        image = Image.blend(self._start, self._middle, min(1.0, way * 2))
        if self._end is not None and way > 0.5:
            image = Image.blend(image, self._end, way * 2 - 1)
        width, height = image.size
        left, top = width * ZOOM * way, height * ZOOM * way / 2
        box = (left, top, left + width * (1 - ZOOM), top + height * (1 - ZOOM))
        return image.resize(size or self._size, Image.Resampling.BILINEAR, box=box)


def over(frame: Image.Image, painted: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A frame of a given video with a scene over it, enlarged."""
    base = ImageOps.fit(frame.convert("RGB"), painted.size, Image.Resampling.BILINEAR)
    return Image.blend(base, painted, 0.4).resize(size, Image.Resampling.BILINEAR)


def sketch_size(size: tuple[int, int]) -> tuple[int, int]:
    """A smaller size in the same proportions, or the same size."""
    scale = min(1.0, SKETCH / max(size))
    return max(2, round(size[0] * scale)), max(2, round(size[1] * scale))


def _small(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return ImageOps.fit(picture.convert("RGB"), size, Image.Resampling.BILINEAR)
