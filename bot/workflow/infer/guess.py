"""What the inputs and outputs of a node are whose class no server knows: told by names, by values, and by what follows.

The names are those that ComfyUI's own nodes have, which nearly all others keep to.
"""

from __future__ import annotations

import re

from bot.comfy.inputs import ANY, InputSpec
from bot.comfy.models import is_model
from bot.comfy.schemas import media_kind

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("CONDITIONING", r"(.*_)?(positive|negative|conditioning|cond|neg|pos)(_?\d+)?|[+-]ve"),
        ("UPSCALE_MODEL", r"upscale_model"),
        ("MODEL", r"model"),
        ("CLIP", r"clip"),
        ("VAE", r"(\w+_)?vae"),
        ("LATENT", r"(.*_)?(latents?|samples)(_image)?(_?\d+)?"),
        ("MASK", r"(.*_)?masks?(_?\d+)?"),
        ("IMAGE", r"(.*_)?(images?|pixels|frames)(_?\w)?(_?\d+)?"),
        ("VIDEO", r"(.*_)?videos?(_?\d+)?"),
        ("AUDIO", r"(.*_)?audio(_?\d+)?"),
        ("GUIDER", r"guider"),
        ("SIGMAS", r"sigmas"),
        ("NOISE", r"noise"),
        ("SAMPLER", r"sampler"),
        (
            "INT",
            r"(.*_)?(seed|steps?|index|count|width|height|length|num_frames|batch_size|fps|frame_rate|int)(_?\d+)?",
        ),
        ("FLOAT", r"(.*_)?(cfg|denoise|guidance|strength|float)(_?\d+)?"),
        ("STRING", r"(.*_)?(text|prompt|string|caption|tags)(_?\w)?(_?\d+)?"),
        ("COMBO", r"sampler_name|scheduler"),
        (ANY, r"value|any\w*|input\w*|source|on_(true|false)|[a-z]"),
    )
)
THINGS = frozenset(kind for kind, _ in _KINDS) - {"INT", "FLOAT", "STRING", "COMBO", ANY}
"""Types that nobody can type a value of."""
_WORDED = re.compile(
    r"(.*_)?(text|prompt|positive|negative|string|lyrics)(_[a-z]|_?\d+)?|clip_l|t5xxl", re.IGNORECASE
)
_MENU = re.compile(r"_name$|\s", re.IGNORECASE)
_SIZE = re.compile(r"\d{3,5}\s*[x\u00d7*]\s*\d{3,5}(?!\d)", re.IGNORECASE)
_SHORT = 60
_CHOSEN = frozenset(
    ("true", "false", "yes", "no", "on", "off", "none", "auto", "default", "enable", "disable")
)


def kind_named(name: str) -> str:
    """The type that an input of such a name mostly takes; a name that says nothing is a type of its own."""
    last = name.rsplit(".", 1)[-1]
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(last)), last.upper())


def spec_of(name: str, value: object, kind: str) -> InputSpec:
    """What an input with a value takes; `kind` is the type of what it is linked to, if it is."""
    match value:
        case bool():
            return InputSpec(kinds=frozenset({"BOOLEAN"}))
        case int() | float():
            whole = isinstance(value, int) and kind_named(name) != "FLOAT"
            return InputSpec(kinds=frozenset({"INT" if whole else "FLOAT"}))
        case str():
            return _text(name, value)
    return InputSpec(kinds=frozenset({kind}))


def is_worded(name: str) -> bool:
    """Whether an input of such a name takes words."""
    return _WORDED.fullmatch(name) is not None


def is_size(choice: str) -> bool:
    """Whether a choice is a size in pixels, as `1024 x 768 (landscape)` is."""
    return len(choice) < _SHORT and _SIZE.search(choice) is not None


def _text(name: str, value: str) -> InputSpec:
    media = media_kind(value)
    if media is not None and "prefix" not in name:
        return InputSpec(kinds=frozenset({"COMBO"}), options={f"{media}_upload": True})
    last = name.rsplit(".", 1)[-1]
    if is_model(value) or value.lower() in _CHOSEN or _MENU.search(last) or is_size(value):
        return InputSpec(kinds=frozenset({"COMBO"}))
    long = len(value.split()) > 1 or not value.isascii() or is_worded(last)
    return InputSpec(kinds=frozenset({"STRING"}), options={"multiline": long})
