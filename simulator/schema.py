"""The node classes of a 0.33.0 server, and what one simulated server offers as choices.

The classes come from `catalogue/classes.json`, which `catalogue/build.py` makes and describes. Each is
built when it is first asked for.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Literal

from simulator.folders import Folders
from simulator.settings import SimulatorSettings

Json = dict[str, Any]
TRIAL = "simulator.trial"  # the module of classes that no real server has
PACKS = frozenset({"custom_nodes.ComfyUI_IPAdapter_plus"})  # modules that ComfyUI does not bring itself
COMBO, DYNAMIC, AUTOGROW = "COMBO", "COMFY_DYNAMICCOMBO_V3", "COMFY_AUTOGROW_V3"
MODEL_FOLDERS = (
    "checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision",
    "style_models", "embeddings", "diffusers", "vae_approx", "controlnet", "gligen", "upscale_models",
    "latent_upscale_models", "custom_nodes", "datasets", "hypernetworks", "photomaker", "classifiers",
    "model_patches", "audio_encoders", "background_removal", "frame_interpolation",
    "geometry_estimation", "optical_flow", "detection",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Files:
    """A choice of every file there is: of the models folder `name`, or of the input folder with this content."""

    place: Literal["models", "input"]
    name: str


@dataclass(frozen=True, kw_only=True)
class Template:
    """The inputs that an autogrow input stands for: all like `input`, `minimum` of them required.

    `prefix` is None where the names are not just counted.
    """

    input: "Input"
    names: tuple[str, ...]
    minimum: int
    prefix: str | None


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input of a class.

    `kind` is a type, types with commas between them, or COMBO for a choice; `options` are ranges,
    defaults and flags. `choices` belong to a COMBO (`listed`: written the older way, as a list in
    the place of the type), `branches` to a dynamic combo (the inputs that each key brings along),
    `template` to an autogrow input.
    """

    name: str
    kind: str
    options: Mapping[str, Any]
    required: bool
    choices: tuple[str | int | float | Files, ...] = ()
    listed: bool = False
    branches: Mapping[str, tuple["Input", ...]] = field(default_factory=dict)
    template: Template | None = None


@dataclass(frozen=True, kw_only=True)
class NodeClass:
    """One class. `newer` classes are described by a schema object in ComfyUI, others by plain methods.

    `inputs` are those of the class itself; `expansion.expand` tells those of one node. `hidden` names
    what the server fills in. `matches` has the template of each output whose type follows an input.
    """

    name: str
    title: str | None
    category: str
    module: str
    inputs: Mapping[str, Input]
    hidden: tuple[str, ...]
    outputs: tuple[str, ...]
    output_names: tuple[str, ...]
    output_is_list: tuple[bool, ...]
    matches: tuple[str | None, ...] | None
    newer: bool
    is_input_list: bool
    is_output: bool
    is_api: bool
    dollars: float | None
    has_intermediate_output: bool
    deprecated: bool
    experimental: bool


class _Classes(Mapping[str, NodeClass]):
    """All classes by name."""

    def __init__(self, classes: Json, lists: Json) -> None:
        self._raw = classes
        self._lists = lists
        self._built: dict[str, NodeClass] = {}

    def __getitem__(self, name: str) -> NodeClass:
        if name not in self._built:
            self._built[name] = self._node_class(name, self._raw[name])
        return self._built[name]

    def __contains__(self, name: object) -> bool:
        return name in self._raw

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)

    def _node_class(self, name: str, raw: Json) -> NodeClass:
        newer = raw.get("newer", True)
        outputs = tuple(raw.get("output", ()))
        flags = raw.get("flags", ())
        return NodeClass(
            name=name,
            title=raw.get("title", None if newer else name),
            category=raw["category"],
            module=raw["module"],
            inputs={item.name: item for item in self._inputs(raw, newer)},
            hidden=tuple(raw.get("hidden", ())),
            outputs=outputs,
            output_names=tuple(raw.get("output_name", outputs)),
            output_is_list=tuple(raw.get("output_is_list", (False,) * len(outputs))),
            matches=tuple(raw["match"]) if "match" in raw else None,
            newer=newer,
            is_input_list="is_input_list" in flags,
            is_output="output_node" in flags,
            is_api="api_node" in flags,
            dollars=raw.get("dollars"),
            has_intermediate_output="has_intermediate_output" in flags,
            deprecated="deprecated" in flags,
            experimental="experimental" in flags,
        )

    def _inputs(self, groups: Json, newer: bool) -> Iterator[Input]:
        for group in ("required", "optional"):
            for name, spec in groups.get(group, {}).items():
                kind, options = (spec, {}) if isinstance(spec, str) else spec
                yield self._input(name, kind, options, group == "required", newer)

    def _input(self, name: str, kind: str, options: Json, required: bool, newer: bool) -> Input:
        rest = {key: value for key, value in options.items() if key != "options"}
        common: Json = {"name": name, "required": required}
        if newer and kind in _FLAGS:
            rest = {_FLAGS[kind]: False, **rest}
        if kind in (COMBO, "LIST"):
            choices = tuple(self._choices(options.get("options", ())))
            return Input(kind=COMBO, options=rest, choices=choices, listed=kind == "LIST", **common)
        if kind == DYNAMIC:
            branches = {key: tuple(self._inputs(groups, newer)) for key, groups in options["options"].items()}
            return Input(kind=kind, options=rest, branches=branches, **common)
        if kind == AUTOGROW:
            raw = rest.pop("template")
            return Input(kind=kind, options=rest, template=self._template(raw, newer), **common)
        return Input(kind=kind, options=rest, **common)

    def _choices(self, raw: Any) -> Iterator[Any]:
        for choice in self._lists[raw] if isinstance(raw, str) else raw:
            if isinstance(choice, dict):
                ((place, name),) = choice.items()
                yield Files(place=place, name=name)
            else:
                yield choice

    def _template(self, raw: Json, newer: bool) -> Template:
        counted = [f"{raw['prefix']}{number}" for number in range(raw["max"])] if "prefix" in raw else []
        return Template(
            input=next(self._inputs(raw["input"], newer)),
            names=tuple(counted or raw["names"]),
            minimum=raw["min"],
            prefix=raw.get("prefix"),
        )


# What newer classes always tell of these types, be it false.
_FLAGS = {COMBO: "multiselect", "STRING": "multiline"}
_FOLDER = resources.files("simulator.catalogue")
_DATA: Json = json.loads(_FOLDER.joinpath("classes.json").read_bytes())
_MORE: Json = json.loads(_FOLDER.joinpath("more.json").read_bytes())  # written by hand
CLASSES: Mapping[str, NodeClass] = _Classes(_DATA["classes"] | _MORE["classes"], _DATA["lists"])
KNOWN_MODELS: Mapping[str, list[str]] = _DATA["models"]


def build_all() -> None:
    """Build every class now: whoever forks simulators need not have each of them do it."""
    for name in CLASSES:
        CLASSES[name]


class Catalogue:
    """The classes with the choices that are on this server's disk right now."""

    def __init__(self, settings: SimulatorSettings, folders: Folders) -> None:
        self.folders = folders
        self._trial, self._custom = settings.trial_nodes, settings.custom_nodes
        self._models: dict[str, list[str]] = {folder: [] for folder in MODEL_FOLDERS}
        named = {"checkpoints": settings.checkpoints, "vae": settings.vaes, "loras": settings.loras}
        for offered in (named, settings.models, KNOWN_MODELS if settings.all_models else {}):
            for folder, names in offered.items():
                known = self._models.setdefault(folder, [])
                known += [name for name in names if name not in known]

    def offers(self, class_type: object) -> bool:
        """Whether the server has a class; those for trials and of custom nodes only if the settings say so."""
        if not isinstance(class_type, str) or class_type not in CLASSES:
            return False
        module = CLASSES[class_type].module
        return self._custom if module in PACKS else self._trial or module != TRIAL

    def model_folders(self) -> list[str]:
        """The names of the model folders."""
        return list(self._models)

    def models(self, folder: str) -> list[str] | None:
        """The files in a model folder; None for an unknown folder."""
        names = self._models.get(folder)
        if names is None:
            return None
        return names + [name for name in self.folders.model_files(folder) if name not in names]

    def choices(self, wanted: Input) -> list[Any]:
        """The choices of a COMBO input, with the files that are there now."""
        found: list[Any] = []
        for choice in wanted.choices:
            found += self._files(choice) if isinstance(choice, Files) else [choice]
        return found

    def config(self, wanted: Input) -> tuple[str | list[Any], Json]:
        """An input's type and options as ComfyUI keeps them; the type may be a list of choices."""
        options = dict(wanted.options)
        if wanted.listed:
            return self.choices(wanted), options
        if wanted.kind == COMBO and "remote" not in options:  # the editor asks a route for those
            options["options"] = self.choices(wanted)
        elif wanted.kind == DYNAMIC:
            branches = wanted.branches.items()
            options["options"] = [
                {"key": key, "inputs": self._groups(inputs, True)} for key, inputs in branches
            ]
        elif wanted.template is not None:
            options["template"] = self._template(wanted.template)
        return wanted.kind, options

    def object_info(self, class_type: str) -> Json:
        """A class as GET /object_info describes it."""
        node = CLASSES[class_type]
        groups = self._groups(node.inputs.values(), node.newer)
        if node.hidden:
            kinds = {name: name.upper() for name in node.hidden}
            groups["hidden"] = {name: [kind] for name, kind in kinds.items()} if node.newer else kinds
        about = {
            "input": groups,
            "input_order": {group: list(members) for group, members in groups.items()},
            "is_input_list": node.is_input_list,
            "output": node.outputs,
            "output_is_list": node.output_is_list,
            "output_name": node.output_names,
            "name": node.name,
            "display_name": node.title,
            "description": "",
            "python_module": node.module,
            "category": node.category,
            "output_node": node.is_output,
            "has_intermediate_output": node.has_intermediate_output,
        }
        return {**about, **(_newer_fields(node) if node.newer else _older_fields(node))}

    def _files(self, files: Files) -> list[str]:
        if files.place == "models":
            return self.models(files.name) or []
        return self.folders.input_files(files.name)

    def _groups(self, inputs: Iterable[Input], newer: bool) -> Json:
        groups: Json = {"required": {}}
        for item in inputs:
            kind, options = self.config(item)
            spec = [kind, options] if options or newer else [kind]
            groups.setdefault("required" if item.required else "optional", {})[item.name] = spec
        return groups

    def _template(self, template: Template) -> Json:
        inputs = self._groups([template.input], True)
        if template.prefix is None:
            return {"input": inputs, "names": list(template.names), "min": template.minimum}
        return {
            "input": inputs,
            "prefix": template.prefix,
            "min": template.minimum,
            "max": len(template.names),
        }


def _badge(node: NodeClass) -> Json | None:
    """What a run costs, as the formula that front ends evaluate."""
    if node.dollars is None:
        return None
    formula = f'{{"type":"usd","usd":{node.dollars}}}'
    return {
        "engine": "jsonata",
        "depends_on": {"widgets": [], "inputs": [], "input_groups": []},
        "expr": formula,
    }


def _newer_fields(node: NodeClass) -> Json:
    return {
        "output_tooltips": [None] * len(node.outputs),
        "output_matchtypes": node.matches,
        "deprecated": node.deprecated,
        "experimental": node.experimental,
        "dev_only": False,
        "api_node": node.is_api,
        "price_badge": _badge(node),
        "search_aliases": None,
        "essentials_category": None,
    }


def _older_fields(node: NodeClass) -> Json:
    flags = {"deprecated": node.deprecated, "experimental": node.experimental}
    return {"search_aliases": [], **{name: True for name, value in flags.items() if value}}
