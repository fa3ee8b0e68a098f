"""Which families of models a server has, told by the names that their files usually have."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.comfy.models import file_name

FAMILIES = (
    ("Z-Image", r"z[-_.]?image"),
    ("Qwen-Image-Edit", r"qwen[-_.]?image[-_.]?edit"),
    ("Qwen-Image", r"qwen[-_.]?image(?![-_.]?(edit|vae|layered))"),
    ("Flux.1 Kontext", r"flux.*kontext"),
    ("Flux.1 Fill", r"flux.*fill"),
    ("Flux.2", r"flux[-_.]?2"),
    ("Flux.1", r"flux[-_.]?1?[-_.]?(dev|schnell|krea)"),
    ("SD 3.5", r"sd[-_.]?3[-_.]?5"),
    ("SDXL", r"sd[-_]?xl|xl[-_.]base|xl[-_v]|pony|illustrious|noobai|animagine"),
    ("SD 1.5", r"sd[-_]?1?[-_.]?5\b|v1[-_]5|dreamshaper[-_]?8"),
    ("HiDream", r"hidream"),
    ("Wan 2.2", r"wan[-_.]?2[-_.]2"),
    ("Wan 2.1", r"wan[-_.]?2[-_.]1"),
    ("LTX", r"ltx"),
    ("Hunyuan Video", r"hunyuan[-_.]?video"),
    ("MiniMax", r"minimax"),
    ("ACE-Step", r"ace[-_.]?step"),
    ("SeedVR2", r"seedvr"),
    ("upscalers", r"^(4x|2x|realesrgan|esrgan)|ultrasharp|upscale[rs]?[-_.]"),
)
"""Title, and what a file's name contains; in the order in which they are told."""


OTHER = "other"
"""What stands for models whose names tell no family."""


def family_of(model: str) -> str:
    """The family that a model file's name tells, the first that fits."""
    name = file_name(model).lower()
    return next((title for title, pattern in FAMILIES if re.search(pattern, name)), OTHER)


def families(models: Iterable[str]) -> list[str]:
    """The titles of the families that some of these model files belong to."""
    names = [file_name(model).lower() for model in models]
    return [title for title, pattern in FAMILIES if any(re.search(pattern, name) for name in names)]
