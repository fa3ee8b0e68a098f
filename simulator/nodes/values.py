"""What flows along links: plain Python values as they are, and these classes.

Every value here carries a digest of all that went into it, and never of what was merely near it:
equal digests mean equal bytes, and whatever was changed by a person shows in what is drawn from it.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Self

from PIL import Image

Size = tuple[int, int]
KEPT = 8  # batches up to this size are made once and kept; longer ones picture by picture, again and again


def digest(*parts: Any) -> str:
    """A hash of values of any kind; those with a digest of their own go in by that."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(_bytes(part))
    return whole.hexdigest()


def _bytes(part: Any) -> bytes:
    own = getattr(part, "digest", None)
    if isinstance(own, str):
        return f"<{own}>".encode()
    if isinstance(part, dict):
        return b"{" + b"".join(_bytes(key) + _bytes(part[key]) for key in sorted(part)) + b"}"
    if isinstance(part, list | tuple):
        return b"[" + b"".join(map(_bytes, part)) + b"]"
    if isinstance(part, bytes):
        return hashlib.sha256(part).digest()
    return f"{type(part).__name__}:{part!r};".encode("utf-8", "surrogatepass")


class Frames:
    """The pictures of a batch or the frames of a video, all of one size; masks are such of mode "L".

    `make` draws picture number i when it is asked for, which may take time: ask in a thread. `sketch`
    draws the same in a smaller size in much less time, where that is possible.
    """

    def __init__(
        self,
        count: int,
        size: Size,
        make: Callable[[int], Image.Image],
        digest: str,
        sketch: Callable[[int], Image.Image] | None = None,
    ) -> None:
        self.count = count
        self.size = size
        self.digest = digest
        self.sketch = sketch
        self._make = make
        self._kept: dict[int, Image.Image] = {}

    @classmethod
    def of(cls, pictures: Iterable[Image.Image], digest: str) -> Self:
        """Pictures that are there already."""
        made = tuple(pictures)
        return cls(len(made), made[0].size if made else (0, 0), made.__getitem__, digest)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> Image.Image:
        if not 0 <= number < self.count:
            raise IndexError(number)
        if self.count > KEPT:
            return self._make(number)
        if number not in self._kept:
            self._kept[number] = self._make(number)
        return self._kept[number]

    def __iter__(self) -> Iterator[Image.Image]:
        return (self[number] for number in range(self.count))

    def mapped(
        self, change: Callable[[Image.Image], Image.Image], digest: str, size: Size | None = None
    ) -> "Frames":
        """The same number of pictures, each one changed."""
        return Frames(self.count, size or self.size, lambda number: change(self[number]), digest)

    def picked(self, numbers: Iterable[int], digest: str) -> "Frames":
        """Some of the pictures, in this order."""
        chosen = tuple(numbers)
        picked = Frames(len(chosen), self.size, lambda number: self[chosen[number]], digest)
        sketch = self.sketch
        if sketch is not None:
            picked.sketch = lambda number: sketch(chosen[number])
        return picked

    def nearest(self, number: int) -> Image.Image:
        """The picture of that number, or the last one if there are fewer."""
        return self[min(number, self.count - 1)]


@dataclass(frozen=True, kw_only=True)
class Audio:
    """Sound as 16-bit samples, the channels interleaved; `rate` in samples per second."""

    rate: int
    channels: int
    pcm: bytes
    digest: str

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.pcm) / (2 * self.channels * self.rate)


@dataclass(frozen=True, kw_only=True)
class Video:
    """Frames at so many a second, and the sound with them, if any."""

    frames: Frames
    fps: Fraction
    audio: Audio | None
    digest: str


@dataclass(frozen=True, kw_only=True)
class File:
    """The content of a file of a kind that is only passed on; `suffix` without a dot."""

    data: bytes
    suffix: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known about a picture, video or sound to be made, from everything upstream.

    `length` counts frames. `weights` are the files of the models that take part. `pictures` are those
    given as references, the most important first; `inpaint` is a picture that may change only where
    the mask beside it is white.
    """

    text: str = ""
    negative: str = ""
    seed: int | None = None
    steps: int | None = None
    cfg: float | None = None
    sampler: str = ""
    scheduler: str = ""
    denoise: float | None = None
    width: int | None = None
    height: int | None = None
    length: int | None = None
    batch: int | None = None
    fps: float | None = None
    seconds: float | None = None
    pictures: tuple[Frames, ...] = ()
    inpaint: tuple[Frames, Frames] | None = None
    audio: Audio | None = None
    weights: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Stuff:
    """A model, conditioning, noise or anything else that cannot be looked at."""

    kind: str
    digest: str
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, kw_only=True)
class Latent:
    """Size in pixels, and the pictures that it stands for; None for an empty one.

    `animated` ones are a video of `count` frames. `mask` is white where a sampler may paint. `text`
    is what is printed onto the pictures at the end. Sound has `seconds` and no size; a video latent
    may have one of sound with it.
    """

    digest: str
    width: int = 0
    height: int = 0
    count: int = 1
    animated: bool = False
    pictures: Frames | None = None
    mask: Frames | None = None
    text: str = ""
    seconds: float | None = None
    sound: "Latent | None" = None
    facts: Facts = field(default_factory=Facts)


@dataclass(frozen=True, kw_only=True)
class Blocked:
    """Stands for a value that is not made: nodes below do not run; a message is told once."""

    message: str | None
