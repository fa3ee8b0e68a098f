"""Reads workflow folders: `graph.json` (ComfyUI's API format) with `workflow.toml` beside it.

If `workflow.json` lies there too, the same workflow in ComfyUI's UI format, its author's notes about models are
taken from it.

Whatever is wrong in them is a `ConfigError` that names the file, the parameter and the node.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources.abc import Traversable
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, field_validator

from bot.comfy.models import ModelNote, file_name
from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import ConfigError, InvalidValue
from bot.jobs.models import Graph
from bot.workflow.families import FAMILIES, OTHER
from bot.workflow.model import Frames, Parameter, Role, Target, Workflow
from bot.workflow.model_notes import read_model_notes
from bot.workflow.patch import read
from bot.workflow.usual import with_usual
from bot.workflow.values import SEED_MAXIMUM, check

Folder = Traversable

_File = TypeVar("_File", bound=BaseModel)
_RoleName = Literal["imagine", "edit", "vary", "animate", "upscale", "inpaint", "describe", "music"]


class _ParameterFile(BaseModel):
    """One `[parameters.NAME]` table."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["text", "integer", "number", "boolean", "choice", "seed", "image"]
    to: list[str] = Field(min_length=1)
    title: str | None = None
    description: str = ""
    required: bool = False
    default: str | int | float | bool | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    step: int | float | None = None
    max_length: int | None = None
    choices: list[str] = Field(default_factory=list)
    fallback: Literal["first"] | None = None
    families: list[str] = Field(default_factory=list)
    fps: float | None = Field(default=None, gt=0)
    frame_step: int = Field(default=1, ge=1)
    frame_first: int = Field(default=1, ge=0)
    without: list[str] = Field(default_factory=list)


class _Whereabouts(BaseModel):
    """One table of `models.toml`: where a model file is to be had."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str = Field(pattern=r"^https?://")
    folder: str | None = None
    size: str | None = None
    instead: list[str] = Field(default_factory=list)


class _ModelFile(_Whereabouts):
    """One `[[models]]` table of a workflow."""

    name: str


class _ModelsFile(RootModel[dict[str, _Whereabouts]]):
    """The whole of `models.toml`, by the files' names."""


class _WorkflowFile(BaseModel):
    """The whole of `workflow.toml`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: str
    description: str
    role: _RoleName | None = None
    roles: list[_RoleName] = Field(default_factory=list)
    order: int = 0
    models: list[_ModelFile] = Field(default_factory=list)
    parameters: dict[str, _ParameterFile]

    @field_validator("parameters", mode="before")
    @classmethod
    def _usual(cls, tables: object) -> object:
        if not isinstance(tables, dict):
            return tables
        return {name: with_usual(name, table) for name, table in tables.items()}


def load_workflows(folders: Iterable[Folder]) -> dict[str, Workflow]:
    """All workflows of some folders by name; a later folder's workflow replaces an earlier one's.

    What a folder's `models.toml` says of models is noted in its workflows, and in those of the folders after it.
    """
    found: dict[str, Workflow] = {}
    notes: dict[str, ModelNote] = {}
    for folder in folders:
        if not folder.is_dir():
            continue
        notes |= _read_models(folder)
        for entry in sorted(folder.iterdir(), key=lambda item: item.name):
            if entry.is_dir() and (entry / "graph.json").is_file():
                found[entry.name] = load_workflow(entry, notes)
    return found


def load_workflow(folder: Folder, notes: Mapping[str, ModelNote] | None = None) -> Workflow:
    """One workflow. `notes` say where models are to be had, by file name. Raises `ConfigError`."""
    file = _read_toml(folder)
    graph = _with_notes(_read_graph(folder), {**(notes or {}), **_read_notes(folder, file)})
    parameters = tuple(_parameter(folder, graph, name, entry) for name, entry in file.parameters.items())
    return Workflow(
        name=folder.name,
        title=file.title,
        description=file.description,
        roles=tuple(dict.fromkeys(Role(name) for name in (file.role, *file.roles) if name is not None)),
        order=file.order,
        graph=graph,
        version=version_of(graph),
        parameters=parameters,
    )


def version_of(graph: Graph) -> str:
    """What tells one graph from another."""
    return hashlib.sha256(json.dumps(graph, sort_keys=True).encode()).hexdigest()


def _read_graph(folder: Folder) -> Graph:
    where = f"{folder.name}/graph.json"
    try:
        graph = json.loads((folder / "graph.json").read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ConfigError(f"{where} is not JSON: {error}. Export the workflow again.") from error
    if isinstance(graph, dict) and "nodes" in graph and "links" in graph:
        raise ConfigError(f"{where} is in ComfyUI's UI format. Export it with Workflow > Export (API).")
    if not isinstance(graph, dict) or not graph or not all(_is_node(node) for node in graph.values()):
        raise ConfigError(f"{where} is not a graph in API format. Export it with Workflow > Export (API).")
    return graph


def _read_notes(folder: Folder, file: _WorkflowFile) -> dict[str, ModelNote]:
    """What is known about models, by file name; what the owner wrote counts before what the author wrote."""
    where, path = f"{folder.name}/workflow.json", folder / "workflow.json"
    notes: dict[str, ModelNote] = {}
    if path.is_file():
        try:
            notes = read_model_notes(json.loads(path.read_text(encoding="utf-8-sig")))
        except ValueError as error:
            raise ConfigError(f"{where} is not JSON: {error}. Save the workflow again.") from error
    return {**notes, **{file_name(model.name): _note(model.name, model) for model in file.models}}


def _read_models(folder: Folder) -> dict[str, ModelNote]:
    path = folder / "models.toml"
    if not path.is_file():
        return {}
    file = _read(_ModelsFile, path, path.name)
    return {file_name(name): _note(name, entry) for name, entry in file.root.items()}


def _note(name: str, entry: _Whereabouts) -> ModelNote:
    return ModelNote(
        name=name, url=entry.url, folder=entry.folder, size=entry.size, instead=tuple(entry.instead)
    )


def _with_notes(graph: Graph, notes: Mapping[str, ModelNote]) -> Graph:
    """The graph with the notes in the nodes that name those models."""
    return {node: _noted(body, notes) for node, body in graph.items()}


def _noted(body: Mapping[str, Any], notes: Mapping[str, ModelNote]) -> Mapping[str, Any]:
    names = [file_name(value) for value in body["inputs"].values() if isinstance(value, str)]
    known = [notes[name].as_meta() for name in names if name in notes]
    if not known:
        return body
    meta = body.get("_meta")
    return {**body, "_meta": {**(meta if isinstance(meta, dict) else {}), "models": known}}


def _is_node(node: Any) -> bool:
    return (
        isinstance(node, dict)
        and isinstance(node.get("class_type"), str)
        and isinstance(node.get("inputs"), dict)
    )


def _read_toml(folder: Folder) -> _WorkflowFile:
    where = f"{folder.name}/workflow.toml"
    path = folder / "workflow.toml"
    if not path.is_file():
        raise ConfigError(f"{where} is missing. It names the workflow's parameters; see docs/workflows.md.")
    return _read(_WorkflowFile, path, where)


def _read(kind: type[_File], path: Folder, where: str) -> _File:
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{where}: {field}: {first['msg']}.") from error


def _parameter(folder: Folder, graph: Graph, name: str, file: _ParameterFile) -> Parameter:
    where = f"{folder.name}/workflow.toml, parameter {name}"
    targets = tuple(_target(where, graph, text) for text in file.to)
    kind = ParameterType(file.type)
    default = file.default
    if default is None and file.fps is not None:
        default = _seconds(where, graph, targets[0], file.fps)
    if default is None and not file.required and kind not in (ParameterType.SEED, ParameterType.IMAGE):
        default = _literal(where, graph, targets[0])
    spec = ParameterSpec(
        name=name,
        type=kind,
        title=file.title or name.replace("_", " ").capitalize(),
        description=file.description,
        required=file.required,
        default=default,
        minimum=0 if kind is ParameterType.SEED else file.minimum,
        maximum=SEED_MAXIMUM if kind is ParameterType.SEED else file.maximum,
        step=file.step,
        max_length=file.max_length,
        choices=tuple(file.choices),
    )
    _check_default(where, targets[0], spec)
    return Parameter(
        spec=spec,
        targets=targets,
        fallback=file.fallback is not None,
        families=_families(where, file.families),
        frames=None
        if file.fps is None
        else Frames(fps=file.fps, step=file.frame_step, first=file.frame_first),
        without=_without(where, graph, file, targets),
    )


def _families(where: str, names: Sequence[str]) -> tuple[str, ...]:
    known = (*(title for title, _ in FAMILIES), OTHER)
    for name in names:
        if name not in known:
            raise ConfigError(f'{where}: there is no family "{name}". There are: {", ".join(known)}.')
    return tuple(names)


def _without(where: str, graph: Graph, file: _ParameterFile, targets: Sequence[Target]) -> tuple[str, ...]:
    """A picture that is not given goes with the node that would load it."""
    if file.type != "image" or file.required:
        return ()
    for node in file.without:
        if node not in graph:
            raise ConfigError(f'{where}: there is no node "{node}" in graph.json (without).')
    return tuple(file.without) or tuple(dict.fromkeys(target.node for target in targets))


def _seconds(where: str, graph: Graph, target: Target, fps: float) -> float:
    """The graph's own length, in seconds."""
    frames = _literal(where, graph, target)
    if isinstance(frames, str):
        raise ConfigError(f"{where}: {target} is no number of frames.")
    return round(frames / fps, 1)


def _check_default(where: str, target: Target, spec: ParameterSpec) -> None:
    """A default that nobody could ask for is a wrong binding. What servers offer to choose from is not known yet."""
    if spec.default is None or (spec.type is ParameterType.CHOICE and not spec.choices):
        return
    try:
        check(spec, spec.default)
    except InvalidValue as error:
        raise ConfigError(f"{where}: its default for {target} can't be used. {error}") from error


def _target(where: str, graph: Graph, text: str) -> Target:
    """`NODE.INPUT`; a node's id has no dot in an exported file, an input's name may have some."""
    node, _, name = text.partition(".")
    if node not in graph:
        raise ConfigError(f'{where}: there is no node "{node}" in graph.json (to = "{text}").')
    if name not in graph[node]["inputs"]:
        class_type = graph[node]["class_type"]
        known = ", ".join(graph[node]["inputs"])
        raise ConfigError(f'{where}: node {node} ({class_type}) has no input "{name}". It has: {known}.')
    return Target(node=node, input=name)


def _literal(where: str, graph: Graph, target: Target) -> str | int | float | bool:
    """What the graph itself has there: the default if the file names none."""
    value = read(graph, target)
    if value is None:
        raise ConfigError(f"{where}: {target} is a link in graph.json, so the parameter needs a default.")
    return value
