"""Reads workflow folders: `graph.json` (ComfyUI's API format) with `workflow.toml` beside it.

If `workflow.json` lies there too, the same workflow in ComfyUI's UI format, its author's notes about models are
taken from it.

Whatever is wrong in them is a `ConfigError` that names the file, the parameter and the node.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bot.comfy.models import ModelNote, file_name
from bot.comfy.schemas import NodeSchemas
from bot.errors import ConfigError
from bot.jobs.models import Graph
from bot.workflow.draft import Draft, draft_of
from bot.workflow.infer.interface import Interface
from bot.workflow.infer.naming import slug
from bot.workflow.infer.ui import read_interface
from bot.workflow.model import Workflow
from bot.workflow.model_notes import read_model_notes
from bot.workflow.tables import ModelsFile, Whereabouts, WorkflowFile

Folder = Traversable

_File = TypeVar("_File", bound=BaseModel)


def load_workflows(folders: Iterable[Folder]) -> dict[str, Workflow]:
    """The workflows of some folders whose files say all that there is to say, by name; see `read_drafts`."""
    drafts = read_drafts(folders)
    return {name: draft.complete(NodeSchemas({})) for name, draft in drafts.items() if draft.whole}


def read_drafts(folders: Iterable[Folder]) -> dict[str, Draft]:
    """All workflows of some folders by name; a later folder's workflow replaces an earlier one's.

    Each is a folder with a `graph.json`, or a file `NAME.json`. What a folder's `models.toml` says of models is
    noted in its workflows, and in those of the folders after it. Raises `ConfigError` for all that can be told to
    be wrong without a server.
    """
    found: dict[str, Draft] = {}
    notes: dict[str, ModelNote] = {}
    for folder in folders:
        if not folder.is_dir():
            continue
        notes |= _read_models(folder)
        for entry in sorted(folder.iterdir(), key=lambda item: item.name):
            if entry.is_dir() and (entry / "graph.json").is_file():
                found[entry.name] = read_draft(entry, notes)
            elif entry.is_file() and entry.name.endswith(".json") and _holds_graph(entry):
                draft = _lone(entry, notes)
                found[draft.name] = draft
    return found


def load_workflow(folder: Folder, schemas: NodeSchemas | None = None) -> Workflow:
    """One workflow; what its files do not say is inferred with `schemas`. Raises `ConfigError`."""
    return read_draft(folder).complete(schemas or NodeSchemas({}))


def read_draft(folder: Folder, notes: Mapping[str, ModelNote] | None = None) -> Draft:
    """One folder. `notes` say where models are to be had, by file name. Raises `ConfigError`."""
    file, text = _read_toml(folder)
    ui = _read_ui(folder)
    known = {**(notes or {}), **_read_notes(ui, file)}
    graph = with_notes(read_graph(folder / "graph.json", f"{folder.name}/graph.json"), known)
    return draft_of(
        name=folder.name,
        graph=graph,
        version=version_of(graph),
        file=file,
        text=text,
        interface=read_interface(ui),
        ui=ui if isinstance(ui, Mapping) else None,
    )


def _lone(path: Folder, notes: Mapping[str, ModelNote]) -> Draft:
    """A graph without a folder."""
    name = slug(path.name.removesuffix(".json")) or "workflow"
    graph = with_notes(read_graph(path, path.name), notes)
    return draft_of(
        name=name,
        graph=graph,
        version=version_of(graph),
        file=WorkflowFile(),
        text="",
        interface=Interface(),
    )


def _holds_graph(path: Folder) -> bool:
    """Whether a file is meant to be a workflow: other JSON may lie there."""
    found = _read_json(path, path.name)
    return isinstance(found, dict) and ("nodes" in found or any(_is_node(node) for node in found.values()))


def version_of(graph: Graph) -> str:
    """What tells one graph from another."""
    return hashlib.sha256(json.dumps(graph, sort_keys=True).encode()).hexdigest()


def read_graph(path: Folder, where: str) -> Graph:
    """A graph in API format; `where` is how the file is called in a `ConfigError`."""
    graph = _read_json(path, where)
    if isinstance(graph, dict) and "nodes" in graph and "links" in graph:
        raise ConfigError(f"{where} is in ComfyUI's UI format. Export it with Workflow > Export (API).")
    if not isinstance(graph, dict) or not graph or not all(_is_node(node) for node in graph.values()):
        raise ConfigError(f"{where} is not a graph in API format. Export it with Workflow > Export (API).")
    return graph


def _read_json(path: Folder, where: str, remedy: str = "Export") -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise ConfigError(f"{where} is not JSON: {error}. {remedy} the workflow again.") from error


def _read_ui(folder: Folder) -> object:
    """The same workflow in UI format, if it lies there."""
    path = folder / "workflow.json"
    return _read_json(path, f"{folder.name}/workflow.json", "Save") if path.is_file() else None


def _read_notes(ui: object, file: WorkflowFile) -> dict[str, ModelNote]:
    """What is known about models, by file name; what the owner wrote counts before what the author wrote."""
    notes = read_model_notes(ui)
    return {**notes, **{file_name(model.name): _note(model.name, model) for model in file.models}}


def _read_models(folder: Folder) -> dict[str, ModelNote]:
    path = folder / "models.toml"
    if not path.is_file():
        return {}
    file = _read(ModelsFile, path, path.name)
    return {file_name(name): _note(name, entry) for name, entry in file.root.items()}


def _note(name: str, entry: Whereabouts) -> ModelNote:
    return ModelNote(
        name=name, url=entry.url, folder=entry.folder, size=entry.size, instead=tuple(entry.instead)
    )


def with_notes(graph: Graph, notes: Mapping[str, ModelNote]) -> Graph:
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


def _read_toml(folder: Folder) -> tuple[WorkflowFile, str]:
    """The file and its text; an empty one where there is none."""
    path, where = folder / "workflow.toml", f"{folder.name}/workflow.toml"
    if not path.is_file():
        return WorkflowFile(), ""
    return _read(WorkflowFile, path, where), path.read_text(encoding="utf-8-sig")


def _read(kind: type[_File], path: Folder, where: str) -> _File:
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{where} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = "".join(f"{part}." for part in first["loc"]).removesuffix(".")
        told = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{where}: {field}: {told}." if field else f"{where}: {told}.") from error
