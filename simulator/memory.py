"""The memory of the simulated card: which models are in it, and what does not fit."""

import asyncio
import re
from collections.abc import Iterable, Mapping

GIBIBYTE = 2**30
CONTEXT = 0.4  # GiB that the driver takes for itself
PER_MEGAPIXEL = 0.03  # GiB for each million pixels that are worked on at once
MOST_WEIGHTS = 0.6  # of all memory: what of a model does not fit stays outside and is fetched in parts

# GiB of a model file by a part of its name; the first that fits.
_FAMILIES: Mapping[str, float] = {
    r"lora": 0.4,
    r"vae|taesd": 0.3,
    r"upscal|spatial": 0.5,
    r"flux.?2|qwen.?image|hunyuan.?video": 20.0,
    r"14b|13b|flux|ltx|hidream": 12.0,
    r"t5xxl|umt5|gemma|qwen.*(7b|vl)|mistral": 6.0,
    r"xl|sd3|8b|7b|chroma": 6.5,
    r"clip": 1.0,
    r"5b|4b|z.?image": 5.0,
    r"sd15|dreamshaper|v1-5|1\.3b": 2.0,
}
# GiB of other files by the type of what they hold, and the share of the time that loading one takes.
_KINDS: Mapping[str, tuple[float, float]] = {
    "MODEL": (6.5, 1.0),
    "CLIP": (4.0, 0.3),
    "CONTROL_NET": (2.5, 0.3),
    "VAE": (0.3, 0.1),
}
_OTHER = (1.0, 0.1)


class OutOfMemory(Exception):
    """Work that does not fit beside the models that it needs."""


class Memory:
    """The memory of one card, `vram_gb` GiB large; the models used last stay while there is room.

    `load_seconds` is how long it takes to load a checkpoint or diffusion model; smaller ones take a
    part of that.
    """

    def __init__(self, vram_gb: float, load_seconds: float) -> None:
        self.total = round(vram_gb * GIBIBYTE)
        self._load_seconds = load_seconds
        self._known: dict[str, tuple[float, float]] = {}  # GiB and seconds of every file that was loaded
        self._resident: dict[str, float] = {}

    @property
    def free(self) -> int:
        """Bytes that neither models nor the driver take."""
        taken = CONTEXT + sum(self._resident.values())
        return max(0, self.total - round(taken * GIBIBYTE))

    @property
    def models(self) -> tuple[str, ...]:
        """The files that are in memory, the one used last at the end."""
        return tuple(self._resident)

    async def load(self, files: Iterable[str], kind: str) -> None:
        """Wait for files that are not there yet, and put out those not used for longest if they must go."""
        default, share = _KINDS.get(kind, _OTHER)
        for file in files:
            self._known.setdefault(file, (_size(file, default), self._load_seconds * share))
            await self._fetch(file)

    async def recall(self, files: Iterable[str]) -> None:
        """Wait for files that were loaded before, but had to make room since."""
        for file in files:
            if file in self._known:
                await self._fetch(file)

    def use(self, files: Iterable[str], megapixels: float) -> None:
        """Check that so many pixels fit beside these models. Raises OutOfMemory if they do not."""
        weights = sum(self._resident.get(file, 0.0) for file in files)
        whole = self.total / GIBIBYTE
        needed = CONTEXT + min(weights, whole * MOST_WEIGHTS) + megapixels * PER_MEGAPIXEL
        if needed > whole:
            raise OutOfMemory

    def clear(self) -> None:
        """Put out all models."""
        self._resident.clear()

    async def _fetch(self, file: str) -> None:
        size, seconds = self._known[file]
        if self._resident.pop(file, None) is None:
            self._make_room(size)
            await asyncio.sleep(seconds)
        self._resident[file] = size

    def _make_room(self, size: float) -> None:
        """A model too large for the card takes all of it, for itself."""
        room = self.total / GIBIBYTE - CONTEXT
        while self._resident and sum(self._resident.values()) + min(size, room) > room:
            del self._resident[next(iter(self._resident))]


def _size(file: str, default: float) -> float:
    name = file.lower()
    return next((size for part, size in _FAMILIES.items() if re.search(part, name)), default)
