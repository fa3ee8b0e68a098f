"""Which family a model file is of: told by what stands in its head, else by the name that such files usually have."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping

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
"""What stands for models that tell no family."""

FamilyOf = Callable[[str, str], str]
"""The family of a model file by its kind (`loras`, `checkpoints`, `diffusion_models`) and its name."""

LORAS, CHECKPOINTS, DIFFUSION_MODELS = "loras", "checkpoints", "diffusion_models"

_ALIKE = {
    "Qwen-Image-Edit": "Qwen-Image",
    "Flux.1 Kontext": "Flux.1",
    "Flux.1 Fill": "Flux.1",
    "Wan 2.1": "Wan",
    "Wan 2.2": "Wan",
    "SD 3.5": "SD 3",
}
"""Families that take each other's LoRAs, and what they are together."""

_HEADS = ("ss_base_model_version", "modelspec.architecture")
"""What trainers and ComfyUI's own savers write into a safetensors file about the model that it is, or is for."""

_TOLD = (
    ("SDXL", r"sdxl|stable-diffusion-xl|sd_xl"),
    ("SD 3", r"sd_?3|stable-diffusion-v?3"),
    ("SD 2", r"^sd_?v?2|stable-diffusion-v?2"),
    ("SD 1.5", r"^sd_?v?1|stable-diffusion-v?1"),
    ("Flux.2", r"flux[-_. ]?2"),
    ("Flux.1", r"flux"),
    ("Qwen-Image", r"qwen[-_. ]?image"),
    ("Z-Image", r"z[-_. ]?image"),
    ("Wan", r"^wan"),
    ("LTX", r"^ltx"),
    ("HiDream", r"hidream"),
    ("Hunyuan Video", r"hunyuan[-_. ]?video"),
)
"""Families as heads call them."""

_LORA_NAMES = (
    *((title, pattern) for title, pattern in FAMILIES if title not in ("SDXL", "SD 1.5", "LTX", "upscalers")),
    ("SDXL", r"sd[-_]?xl"),
    ("SD 1.5", r"sd[-_]?1[-_.]?5(?!\d)"),
    ("LTX", r"(?<![a-z])ltx"),
)
"""Only what is sure: a LoRA may be named `pony` for a horse, and `v1_5` for its own version."""


def family_of(model: str) -> str:
    """The family that a model file's name tells, the first that fits."""
    name = file_name(model).lower()
    return next((title for title, pattern in FAMILIES if re.search(pattern, name)), OTHER)


def families(models: Iterable[str]) -> list[str]:
    """The titles of the families that some of these model files belong to."""
    names = [file_name(model).lower() for model in models]
    return [title for title, pattern in FAMILIES if any(re.search(pattern, name) for name in names)]


def told_by(head: Mapping[str, object]) -> str:
    """The family that a model file's head tells; `OTHER` if it tells none that is known."""
    for key in _HEADS:
        word = str(head.get(key) or "").strip().lower()
        found = next((title for title, pattern in _TOLD if re.search(pattern, word)), None)
        if found is not None:
            return found
    trained_on = file_name(str(head.get("ss_sd_model_name") or ""))
    return family_of(trained_on) if trained_on else OTHER


def by_name(folder: str, name: str) -> str:
    """The family that a file's name tells. A `FamilyOf`."""
    if folder != LORAS:
        return family_of(name)
    known = file_name(name).lower()
    return next((title for title, pattern in _LORA_NAMES if re.search(pattern, known)), OTHER)


def architecture(family: str) -> str:
    """What families are together that take each other's LoRAs."""
    return _ALIKE.get(family, family)


def alike(one: str, other: str) -> bool:
    """Whether what is made for one family may do for the other, as far as both are known."""
    return OTHER in (one, other) or architecture(one) == architecture(other)


def within(family: str, wanted: Collection[str]) -> bool:
    """Whether a model of a family is one of those wanted. Some are told together by heads, and apart by names."""
    vague = family in _ALIKE.values() and family not in dict(FAMILIES)
    return family in wanted or (vague and family in {architecture(each) for each in wanted})


def akin(family: str) -> tuple[str, ...]:
    """All families that are the same with a family as far as LoRAs and text encoders go."""
    kind = architecture(family)
    return (kind, *(title for title, _ in FAMILIES if architecture(title) == kind and title != kind))


def folder_of(class_type: str, name: str) -> str | None:
    """The kind of the model file that an input of a class names, of those that have families; None for others."""
    words = f"{class_type}.{name}".lower()
    if "lora" in words:
        return LORAS
    if "ckpt" in words or "checkpoint" in words:
        return CHECKPOINTS
    return DIFFUSION_MODELS if "unet" in words or "diffusion" in words else None
