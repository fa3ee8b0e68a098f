"""Make `classes.json` from what servers answer to `GET /object_info`.

    python -m simulator.catalogue.build OBJECT_INFO.json [MORE.json ...]

Later files add classes or replace them. The result has types, ranges, defaults and choices, and no help
texts; lists of choices that occur more than once stand in it once. Names of model files go into lists by
folder, names of input files go nowhere: both are a matter of the server's disk.
"""

import itertools
import json
import re
import sys
from collections import Counter
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
TARGET = Path(__file__).with_name("classes.json")
HELP = ("tooltip", "placeholder", "chip")
DYNAMIC, AUTOGROW = "COMFY_DYNAMICCOMBO_V3", "COMFY_AUTOGROW_V3"
# Flags that newer classes tell of even when they are false.
ALWAYS_TOLD = {"COMBO": "multiselect", "STRING": "multiline"}
SHORT_LIST = 4  # choices; shorter lists are not shared
MODEL_SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".sft")
# The folder that a choice of model files is read from, by "Class.input" or by the input alone.
FOLDERS = {
    "CLIPVisionLoader.clip_name": "clip_vision",
    "FrameInterpolationModelLoader.model_name": "frame_interpolation",
    "LatentUpscaleModelLoader.model_name": "latent_upscale_models",
    "LoadDA3Model.model_name": "geometry_estimation",
    "LoadMediaPipeFaceLandmarker.model_name": "detection",
    "LoadMoGeModel.model_name": "geometry_estimation",
    "ModelPatchLoader.name": "model_patches",
    "OpticalFlowLoader.model_name": "optical_flow",
    "UpscaleModelLoader.model_name": "upscale_models",
    "audio_encoder_name": "audio_encoders",
    "bg_removal_name": "background_removal",
    "ckpt_name": "checkpoints",
    "clip_name": "text_encoders",
    "clip_name1": "text_encoders",
    "clip_name2": "text_encoders",
    "clip_name3": "text_encoders",
    "clip_name4": "text_encoders",
    "control_net_name": "controlnet",
    "gligen_name": "gligen",
    "hypernetwork_name": "hypernetworks",
    "lora_name": "loras",
    "photomaker_model_name": "photomaker",
    "style_model_name": "style_models",
    "text_encoder": "text_encoders",
    "unet_name": "diffusion_models",
    "vae_name": "vae",
}
# Choices that are files of the input folder, by what the front end may upload there.
UPLOADS = {
    "image_upload": "image",
    "audio_upload": "audio",
    "video_upload": "video",
    "file_upload": "3d",
}
FLAGS = (
    "output_node",
    "is_input_list",
    "has_intermediate_output",
    "api_node",
    "deprecated",
    "experimental",
)


def main(paths: list[str]) -> None:
    """Read the given files and write `classes.json` beside this script."""
    nodes: Json = {}
    for path in paths:
        nodes |= json.loads(Path(path).read_text(encoding="utf-8"))
    models: dict[str, list[str]] = {}
    classes = {name: _class(nodes[name], models) for name in sorted(nodes)}
    lists = _share(classes)
    parts: dict[str, Json] = {
        "models": dict(sorted(models.items())),
        "lists": dict(sorted(lists.items())),
        "classes": classes,
    }
    blocks = [f'"{part}": {{\n{_lines(members)}\n}}' for part, members in parts.items()]
    TARGET.write_text("{\n" + ",\n".join(blocks) + "\n}\n", encoding="utf-8")


def _lines(members: Json) -> str:
    """One member a line, so that a difference between two servers reads well."""
    return ",\n".join(f"{json.dumps(key)}:{_compact(value)}" for key, value in members.items())


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _dollars(node: Json) -> float | None:
    """The price of a class whose price is one number."""
    told = re.fullmatch(
        r'\s*\{"type":"usd","usd":([\d.]+)\}\s*', (node.get("price_badge") or {}).get("expr", "")
    )
    return None if told is None else float(told[1])


def _class(node: Json, models: dict[str, list[str]]) -> Json:
    """One class, without all that a reader can tell from the rest."""
    # Only classes of the newer kind tell of a price, be it null.
    newer = "price_badge" in node
    name, outputs = node["name"], node["output"]
    groups = {
        group: {key: _input(f"{name}.{key}", spec, models) for key, spec in node["input"][group].items()}
        for group in ("required", "optional")
        if node["input"].get(group)
    }
    flags = [flag for flag in FLAGS if node.get(flag)]
    return _without_defaults(
        {
            "title": node["display_name"],
            "category": node["category"],
            "module": node["python_module"],
            **groups,
            "hidden": list(node["input"].get("hidden", {})),
            "output": outputs,
            "output_name": node["output_name"],
            "output_is_list": node["output_is_list"],
            "match": node.get("output_matchtypes"),
            "flags": flags,
            "dollars": _dollars(node),
            "newer": newer,
        },
        {
            "title": None if newer else name,
            "hidden": [],
            "output": [],
            "output_name": outputs,
            "output_is_list": [False] * len(outputs),
            "match": None,
            "flags": [],
            "dollars": None,
            "newer": True,
        },
    )


def _without_defaults(found: Json, defaults: Json) -> Json:
    return {key: value for key, value in found.items() if key not in defaults or value != defaults[key]}


def _input(path: str, spec: list[Any], models: dict[str, list[str]]) -> Any:
    """One input as its type alone, or as type and options."""
    kind = spec[0]
    options = {key: value for key, value in (spec[1] if len(spec) > 1 else {}).items() if key not in HELP}
    if isinstance(kind, list):
        # The older way to write a combo: the type is the list of choices itself.
        kind, options = "LIST", {"options": kind, **options}
    if kind in ("COMBO", "LIST") and "remote" not in options:
        options["options"] = _choices(path, options, models)
    if kind in ALWAYS_TOLD and options.get(ALWAYS_TOLD[kind]) is False:
        del options[ALWAYS_TOLD[kind]]
    if kind == DYNAMIC:
        options["options"] = {
            option["key"]: _groups(path, option["inputs"], models) for option in options["options"]
        }
    if kind == AUTOGROW:
        template = options["template"]
        options["template"] = {**template, "input": _groups(path, template["input"], models)}
    return [kind, options] if options else kind


def _groups(path: str, groups: Json, models: dict[str, list[str]]) -> Json:
    return {
        group: {key: _input(f"{path}.{key}", spec, models) for key, spec in members.items()}
        for group, members in groups.items()
        if members
    }


def _choices(path: str, options: Json, models: dict[str, list[str]]) -> list[Any]:
    """The choices, with one object in place of all files of a folder."""
    found: list[Any] = options["options"]
    upload = next((kind for flag, kind in UPLOADS.items() if options.get(flag)), None)
    if upload is not None:
        return [choice for choice in found if choice == "none"] + [{"input": upload}]
    files = [choice for choice in found if str(choice).endswith(MODEL_SUFFIXES)]
    folder = FOLDERS.get(path) or FOLDERS.get(path.split(".")[-1])
    if not files and folder is None:
        return found
    if folder is None:
        raise SystemExit(f"{path} offers model files, but FOLDERS does not tell of which folder.")
    if models.setdefault(folder, files) != files:
        raise SystemExit(f"{path} offers other files than the inputs before it that read {folder}.")
    return [{"models": folder}, *(choice for choice in found if choice not in files)]


def _share(classes: Json) -> dict[str, list[Any]]:
    """Take lists that occur more than once out of the classes, each named after an input that uses it."""
    uses = Counter(_compact(holder["options"]) for _, holder in _holders(classes))
    names: dict[str, str] = {}
    lists: dict[str, list[Any]] = {}
    for name, holder in _holders(classes):
        text = _compact(holder["options"])
        if uses[text] < 2 or len(holder["options"]) < SHORT_LIST:
            continue
        if text not in names:
            names[text] = _free(name, lists)
            lists[names[text]] = holder["options"]
        holder["options"] = names[text]
    return lists


def _free(name: str, taken: Container[str]) -> str:
    """The name, or `name_2`, `name_3` and so on: the first that is not taken."""
    candidates = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
    return next(candidate for candidate in candidates if candidate not in taken)


def _holders(groups: Json) -> Iterator[tuple[str, Json]]:
    """Every combo's options with the name of its input, however deep it stands."""
    for name, spec in groups.items():
        if isinstance(spec, dict):
            yield from _holders(spec)
        elif isinstance(spec, list) and len(spec) == 2 and isinstance(spec[1], dict):
            if spec[0] in ("COMBO", "LIST") and isinstance(spec[1].get("options"), list):
                yield name, spec[1]
            elif spec[0] == DYNAMIC:
                yield from _holders(spec[1]["options"])
            elif spec[0] == AUTOGROW:
                yield from _holders(spec[1]["template"]["input"])


if __name__ == "__main__":
    main(sys.argv[1:])
