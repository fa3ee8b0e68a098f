"""What the inputs of nodes mean to a person, told by their names, their types and what their node makes."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum

from bot.comfy.inputs import InputSpec
from bot.comfy.models import is_model
from bot.workflow.infer.guess import is_size, is_worded
from bot.workflow.infer.view import SCALARS, View
from bot.workflow.model import Target


class Meaning(StrEnum):
    """What people may set, in the order in which it is offered."""

    PROMPT = "prompt"
    LYRICS = "lyrics"
    IMAGE = "image"
    MASK = "mask"
    VIDEO = "video"
    AUDIO = "audio"
    OBJECT = "object"
    WIDTH = "width"
    HEIGHT = "height"
    ASPECT_RATIO = "aspect_ratio"
    MEGAPIXELS = "megapixels"
    RESOLUTION = "resolution"
    SECONDS = "seconds"
    LENGTH = "length"
    NEGATIVE = "negative"
    SEED = "seed"
    STEPS = "steps"
    CFG = "cfg"
    GUIDANCE = "guidance"
    DENOISE = "denoise"
    COUNT = "count"
    FPS = "fps"
    SWITCH = "switch"
    CHOICE = "choice"
    NUMBER = "number"
    STRENGTH = "strength"
    TEXT = "text"
    SYSTEM = "system_prompt"
    SAMPLER = "sampler"
    SCHEDULER = "scheduler"
    LORA = "lora"
    MODEL = "model"


SAYS_LITTLE = frozenset(
    {
        Meaning.SWITCH,
        Meaning.CHOICE,
        Meaning.NUMBER,
        Meaning.TEXT,
        Meaning.STRENGTH,
        Meaning.MODEL,
        Meaning.LORA,
    }
)
"""Meanings that are no names: two inputs that have one may have nothing else in common."""

NUMBERS = frozenset({"INT", "FLOAT"})
CORE = frozenset({"MODEL", "CLIP", "VAE", "CONDITIONING", "LATENT", "GUIDER", "SIGMAS", "NOISE", "SAMPLER"})
"""What only passes between the nodes of a sampling."""

_PROMPT = re.compile(
    r"(^|_)(prompts?|text|caption|tags|description|instructions?|script|dialogue|speech|query|input_text|story)(_|\d|$)"
    r"|(^|_)(positive|negative)(_?\d+)?$|提示词|提示詞|プロンプト",
    re.IGNORECASE,
)
_SYSTEM = re.compile(r"system|instructions|structured|template", re.IGNORECASE)
_NAMES: tuple[tuple[Meaning, re.Pattern[str]], ...] = tuple(
    (meaning, re.compile(pattern, re.IGNORECASE))
    for meaning, pattern in (
        (Meaning.WIDTH, r"(custom_|output_|target_|image_|video_|empty_latent_)?width"),
        (Meaning.HEIGHT, r"(custom_|output_|target_|image_|video_|empty_latent_)?height"),
        (
            Meaning.LENGTH,
            r"length|(num|number_of|video|max|total)_?frames|frames(_number)?|frame_count|video_length",
        ),
        (
            Meaning.SECONDS,
            r"(max_|audio_|video_|total_)?(seconds|duration)(_seconds|_s|_total|_sec)?|seconds_total",
        ),
        (Meaning.FPS, r"fps|frame_?rate|target_fps|video_fps"),
        (Meaning.STEPS, r"(num_|sampling_|inference_|num_inference_)?steps"),
        (Meaning.CFG, r"(?!\w*(start|end|step|rescale|restore))(\w+_)?cfg(_scale|_conds)?|guidance_scale"),
        (Meaning.GUIDANCE, r"guidance"),
        (Meaning.DENOISE, r"denoise|denoising_strength|denoise_strength"),
        (Meaning.COUNT, r"batch_size|n|num_images|number_of_images|max_images|images_per_prompt"),
    )
)
NAMES = dict(_NAMES)
"""By meaning, the names of its inputs."""
_LENGTH = NAMES[Meaning.LENGTH]
PICTURES = re.compile(rf"{_LENGTH.pattern}|amount", re.IGNORECASE)
"""How many pictures a node gives on."""
_SEEN = frozenset({"IMAGE", "MASK", "VIDEO"})
_SETTINGS = ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise")
_ENOUGH = 3
SAMPLED = (Meaning.STEPS, Meaning.CFG, Meaning.DENOISE)
"""What belongs to a sampling."""
_NOTABLE = re.compile(
    r"(^|_)(scale|factor|megapixels|size|resolution|multiplier|threshold|strength\w*|weight|ratio|quality|creativity|"
    r"layers|level|amount|direction|crop|shift|blur\w*|expand|sigma|bpm|language|keyscale|timesignature|temperature|"
    r"speed|stability|voice|style|volume|class_name|opacity|intensity|distance|start_time|start_index|max_length|"
    r"duration|bypass|sharpen|detail|preset|mode|loop)(_|\d|$)",
    re.IGNORECASE,
)

_TECHNICAL = re.compile(
    r"batch|tile|chunk|overlap|sampling_mode|^(top_[kp]|min_p|temperature)$", re.IGNORECASE
)


def short(name: str) -> str:
    """An input's name without the combo that it is nested in."""
    return name.rsplit(".", 1)[-1]


def is_maker(view: View, node: str) -> bool:
    """Whether a node makes its result by itself, as those of paid services do: from a text or a seed, with no model."""
    specs = view.specs(node)
    if view.is_glue(node) or any(spec.kinds & CORE for spec in specs):
        return False
    if any(is_model(value) for value in view.inputs(node).values()):
        return False
    asks = any(spec.flag("multiline") and "STRING" in spec.kinds for spec in specs)
    return asks or any(spec.is_seed for spec in specs)


def encodes(view: View, node: str) -> bool:
    """Whether a node makes conditionings of texts."""
    return "CONDITIONING" in view.makes(node)


def text_meaning(view: View, target: Target, spec: InputSpec) -> Meaning | None:
    """What a text of a node that is no glue is for; of an encoder's, whether that is negative is not looked at."""
    name = short(target.input)
    if (
        "STRING" not in spec.kinds
        or spec.flag("image_upload")
        or "filename_prefix" in view.inputs(target.node)
    ):
        return None
    known = view.is_known(target.node)
    long = is_long(spec) or view.link(target) is not None
    if not known and (not long or not view.outputs(target.node)):
        return None
    if view.is_extra(target) or _changes_models(view, target.node):
        return None
    if re.search("lyrics", name, re.IGNORECASE) and long:
        return Meaning.LYRICS
    if _SYSTEM.search(name) and long:
        return Meaning.SYSTEM
    if _PROMPT.search(name) and (long or encodes(view, target.node) or is_maker(view, target.node)):
        return Meaning.PROMPT
    if (
        long
        and (known or is_worded(name))
        and encodes(view, target.node)
        and (spec.flag("dynamicPrompts") or "CLIP" in _taken(view, target.node))
    ):
        return Meaning.PROMPT
    return Meaning.TEXT if spec.flag("multiline") and is_maker(view, target.node) else None


def _changes_models(view: View, node: str) -> bool:
    """Whether a node does nothing but change models: its texts name LoRAs."""
    makes = view.makes(node)
    takes = {view.kind(source) for _, source in view.links(node)}
    return "MODEL" in takes & makes and not makes & (_SEEN | {"CONDITIONING", "LATENT", "GUIDER", "AUDIO"})


def is_long(spec: InputSpec) -> bool:
    """Whether a text may be more than a word or two."""
    return spec.flag("multiline") or spec.flag("dynamicPrompts")


def _taken(view: View, node: str) -> set[str]:
    specs = view.specs(node)
    return {kind for spec in specs for kind in spec.kinds}


def number_meaning(view: View, target: Target, spec: InputSpec) -> Meaning | None:
    """What a number, or a choice among numbers, of a node that is no glue is for."""
    name, makes = short(target.input), view.makes(target.node)
    if not spec.kinds & (NUMBERS | {"COMBO"}):
        return None
    if "INT" in spec.kinds and (spec.is_seed or re.search(r"(^|_)seed$", name, re.IGNORECASE)):
        return Meaning.SEED
    found = next((meaning for meaning, pattern in _NAMES if pattern.fullmatch(name)), None)
    if found is None or (
        found not in (Meaning.SECONDS, Meaning.WIDTH, Meaning.HEIGHT) and not spec.kinds & NUMBERS
    ):
        return None
    return found if _FITS[found](view, target.node, makes) else None


def _sizes(view: View, node: str, makes: frozenset[str]) -> bool:
    given = view.gives(node) or makes
    if given & {"LATENT", "SIGMAS", "NOISE", "CONDITIONING"} or is_maker(view, node):
        return True
    if view.loads(node):
        return False
    return not view.shows(node) and not (makes & _SEEN and _media(view, node))


def _frames(view: View, node: str, makes: frozenset[str]) -> bool:
    """What has a size and a number of frames is the film that is made, whatever its pack calls it."""
    sized = {"width", "height"} <= view.inputs(node).keys()
    return bool(makes & {"LATENT", "CONDITIONING"}) or (sized and not makes & _SEEN)


def _lasts(view: View, node: str, makes: frozenset[str]) -> bool:
    made = makes & {"LATENT", "CONDITIONING", "VIDEO", "AUDIO"}
    return bool(made) and (bool(makes & {"LATENT", "CONDITIONING"}) or is_maker(view, node))


def _samples(view: View, node: str, makes: frozenset[str]) -> bool:
    return bool(makes & {"SIGMAS", "LATENT", "GUIDER"}) or is_maker(view, node) or is_sampling(view, node)


def is_sampling(view: View, node: str) -> bool:
    """Whether a node has most of the settings of a sampling, as samplers of all packs do."""
    names = [short(name).lower() for name in view.inputs(node)]
    found = {kind for kind in _SETTINGS if any(name.endswith(kind) for name in names)}
    return len(found) >= _ENOUGH


def _always(view: View, node: str, makes: frozenset[str]) -> bool:
    return True


def _counts(view: View, node: str, makes: frozenset[str]) -> bool:
    names = view.inputs(node)
    still = "width" in names and not any(_LENGTH.fullmatch(name) for name in names)
    return is_maker(view, node) or (makes == {"LATENT"} and still and not _media(view, node))


def _media(view: View, node: str) -> bool:
    kinds = {view.kind(source) for _, source in view.links(node)}
    return bool(kinds & {"IMAGE", "MASK", "VIDEO", "AUDIO", "SPLAT", "MESH"})


_FITS: dict[Meaning, Callable[[View, str, frozenset[str]], bool]] = {
    **dict.fromkeys((Meaning.WIDTH, Meaning.HEIGHT), _sizes),
    Meaning.LENGTH: _frames,
    Meaning.SECONDS: _lasts,
    Meaning.FPS: _always,
    **dict.fromkeys((Meaning.STEPS, Meaning.CFG, Meaning.DENOISE), _samples),
    Meaning.GUIDANCE: _always,
    Meaning.COUNT: _counts,
}


def setting_meaning(view: View, target: Target, spec: InputSpec) -> Meaning | None:
    """What any other setting of a live node is for; None for what is only technical."""
    name, value = short(target.input), view.value(target)
    if not spec.kinds & SCALARS or spec.flag("hidden") or isinstance(value, list | dict):
        return None
    named = _named_setting(name, spec, value)
    if named is not None or spec.flag("advanced"):
        return named
    if "COMBO" in spec.kinds and any(is_model(each) for each in view.inputs(target.node).values()):
        return Meaning.MODEL if _NOTABLE.search(name) else None
    if not (is_maker(view, target.node) or _NOTABLE.search(name)) or _TECHNICAL.search(name):
        return None
    return plain_meaning(spec)


def _named_setting(name: str, spec: InputSpec, value: object) -> Meaning | None:
    choices = (spec.choices or ())[:20]
    if sum(is_size(choice) for choice in choices) * 2 > len(choices):
        return Meaning.RESOLUTION
    if is_model(value) or any(is_model(choice) for choice in choices):
        return Meaning.LORA if "lora" in name.lower() else Meaning.MODEL
    if "COMBO" in spec.kinds and name in ("sampler_name", "sampler"):
        return Meaning.SAMPLER
    if "COMBO" in spec.kinds and name in ("scheduler", "scheduler_name"):
        return Meaning.SCHEDULER
    if spec.kinds & NUMBERS and name == "megapixels":
        return Meaning.MEGAPIXELS
    if "COMBO" in spec.kinds and re.search(r"(^|_)(aspect_?ratio|ratio)$", name):
        return Meaning.ASPECT_RATIO
    return Meaning.STRENGTH if spec.kinds & NUMBERS and name.startswith("strength") else None


def plain_meaning(spec: InputSpec) -> Meaning | None:
    """What is known of a setting by its type alone."""
    if "BOOLEAN" in spec.kinds:
        return Meaning.SWITCH
    if "COMBO" in spec.kinds:
        return Meaning.RESOLUTION if spec.options.get("resolution") else Meaning.CHOICE
    if spec.kinds & NUMBERS:
        return Meaning.NUMBER
    return Meaning.TEXT if "STRING" in spec.kinds and spec.flag("multiline") else None
