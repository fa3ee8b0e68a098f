"""Gathering what a picture, video or sound is to show from everything that flows into a node."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from simulator.nodes.values import Audio, Facts, Frames, Latent, Size, Stuff, Video

# The last part of an input's name, and the fact that its value is.
NUMBERS: Mapping[str, str] = {
    "seed": "seed", "noise_seed": "seed", "model_seed": "seed", "image_seed": "seed",
    "steps": "steps", "end_at_step": "", "cfg": "cfg", "guidance": "cfg", "guidance_scale": "cfg",
    "cfg_scale": "cfg", "video_cfg": "cfg", "cfg_conds": "cfg", "denoise": "denoise",
    "width": "width", "custom_width": "width", "target_width": "width", "output_width": "width",
    "height": "height", "custom_height": "height", "target_height": "height", "output_height": "height",
    "length": "length", "video_frames": "length", "num_frames": "length", "frames_number": "length",
    "frames": "length", "batch_size": "batch", "n": "batch", "number_of_images": "batch",
    "max_images": "batch", "series_amount": "batch",
    "fps": "fps", "frame_rate": "fps",
    "seconds": "seconds", "duration": "seconds", "max_duration": "seconds", "duration_seconds": "seconds",
}  # fmt: skip
_WHOLE = frozenset({"seed", "steps", "width", "height", "length", "batch"})
_TEXTS = re.compile(r"prompt|text|caption|lyrics|tags|description|^clip_[lg]$|^t5xxl$|^tracks$")
_NOT_TEXTS = re.compile(r"system|normalization|encoder|upsampling|extend|optimizer|texture")
_INHERITED = tuple(
    field.name
    for field in fields(Facts)
    if field.name not in ("text", "negative", "pictures", "inpaint", "audio", "denoise", "weights")
)


def gather(inputs: Mapping[str, Any]) -> Facts:
    """The facts in a node's own inputs before those of the values that flowed into it."""
    own = Facts()
    upstream: list[Facts] = []
    pictures: list[Frames] = []
    masks: list[Frames] = []
    for name, value in inputs.items():
        key = name.rsplit(".", 1)[-1].lower()
        if isinstance(value, Frames):
            (masks if "mask" in key else pictures).append(value)
        elif isinstance(value, Stuff | Latent | Video | Audio):
            upstream.append(_of(key, value))
        else:
            own = _told(own, key, value)
    facts = _inherit(own, upstream)
    pictures += [picture for above in upstream for picture in above.pictures]
    inpaint = next((above.inpaint for above in upstream if above.inpaint), None)
    if inpaint is None and pictures and masks:
        inpaint = (pictures[0], masks[0])
    return replace(facts, pictures=_unique(pictures), inpaint=inpaint)


def _of(key: str, value: Stuff | Latent | Video | Audio) -> Facts:
    """What one value tells; a negative conditioning tells only what is not wanted."""
    if isinstance(value, Video):
        return Facts(
            pictures=(value.frames,), audio=value.audio, fps=float(value.fps), length=value.frames.count
        )
    if isinstance(value, Audio):
        return Facts(audio=value)
    if isinstance(value, Latent):
        shown = () if value.pictures is None else (value.pictures,)
        return replace(value.facts, pictures=(*shown, *value.facts.pictures))
    if "negative" in key:
        return Facts(negative=value.facts.text)
    return value.facts


def _told(facts: Facts, key: str, value: Any) -> Facts:
    """The facts with what one plain input says; most say nothing that is known here."""
    if isinstance(value, str):
        if _TEXTS.search(key) and not _NOT_TEXTS.search(key):
            if "negative" in key:
                return replace(facts, negative=_joined([facts.negative, value]))
            return replace(facts, text=_joined([facts.text, value]))
        if key == "sampler_name":
            return replace(facts, sampler=value)
        if key == "scheduler":
            return replace(facts, scheduler=value)
    kind = NUMBERS.get(key)
    number = _number(value) if kind else None
    if not kind or number is None or (kind in ("width", "height") and number <= 0):
        return facts
    known: dict[str, Any] = {kind: int(number) if kind in _WHOLE else float(number)}
    return replace(facts, **known)


def _number(value: Any) -> float | int | None:
    """A number, also one at the start of a choice such as "5s"."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    found = re.match(r"\d+(\.\d+)?", value) if isinstance(value, str) else None
    return float(found[0]) if found else None


def _inherit(own: Facts, upstream: list[Facts]) -> Facts:
    known: dict[str, Any] = {}
    for name in _INHERITED:
        values = [getattr(facts, name) for facts in (own, *upstream)]
        known[name] = next((value for value in values if value not in (None, "")), values[0])
    return replace(
        own,
        **known,
        text=_joined(facts.text for facts in (own, *upstream)),
        negative=_joined(facts.negative for facts in (own, *upstream)),
        denoise=next((facts.denoise for facts in (own, *upstream) if facts.denoise is not None), None),
        weights=tuple(dict.fromkeys(file for facts in upstream for file in facts.weights)),
        audio=next((facts.audio for facts in upstream if facts.audio is not None), None),
    )


def _joined(texts: Iterable[str]) -> str:
    return " ".join(dict.fromkeys(text.strip() for text in texts if text.strip()))


def _unique(pictures: Iterable[Frames]) -> tuple[Frames, ...]:
    return tuple({picture.digest: picture for picture in pictures}.values())


_SIDES: Mapping[str, int] = {
    "360p": 360, "480p": 480, "540p": 540, "720p": 720, "768p": 768, "1080p": 1080, "1440p": 1440,
    "2160p": 2160, "480": 480, "720": 720, "1080": 1080,
}  # fmt: skip
_SQUARES: Mapping[str, int] = {"0.5k": 512, "1k": 1024, "1.5k": 1536, "2k": 2048, "3k": 3072, "4k": 4096}


def size_of(facts: Facts, inputs: Mapping[str, Any], default: int = 1024) -> Size:
    """How large a picture is to be: by its sides, by words such as "16:9" and "720p", or as the input is."""
    if facts.width and facts.height:
        return facts.width, facts.height
    words = [
        value.lower()
        for name, value in inputs.items()
        if isinstance(value, str) and re.search(r"size|resolution|ratio|model$", name)
    ]
    for word in words:
        exact = re.search(r"(\d{3,5})\s*[x*:]\s*(\d{3,5})", word)
        if exact:
            return int(exact[1]), int(exact[2])
    ratio = _ratio(words) or (_ratio_of(facts.pictures[0]) if facts.pictures else 1.0)
    for word in words:
        short = _SIDES.get(word)
        if short:
            return (_even(short * ratio), short) if ratio >= 1 else (short, _even(short / ratio))
    square = next((_SQUARES[word] for word in words if word in _SQUARES), None)
    if square is None and facts.pictures and _ratio(words) is None:
        return facts.pictures[0].size
    side = square or default
    return _even(side * ratio**0.5), _even(side / ratio**0.5)


def _ratio(words: list[str]) -> float | None:
    for word in words:
        found = re.search(r"\b(\d{1,2}):(\d{1,2})\b", word)
        if found and int(found[1]) and int(found[2]):
            return int(found[1]) / int(found[2])
    return None


def _ratio_of(pictures: Frames) -> float:
    width, height = pictures.size
    return width / max(1, height)


def _even(side: float) -> int:
    return max(16, round(side / 16) * 16)
