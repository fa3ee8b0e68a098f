"""What a workflow needs against what a ComfyUI offers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bot.comfy.models import is_model, note_of, where_to_get
from bot.comfy.names import offered_as, plain
from bot.comfy.schemas import NodeSchemas
from bot.contract.values import ParameterType
from bot.workflow.families import (
    DIFFUSION_MODELS,
    LORAS,
    OTHER,
    FamilyOf,
    akin,
    by_name,
    folder_of,
    within,
)
from bot.workflow.kinship import by_fit, kinds_of
from bot.workflow.model import Parameter, Workflow
from bot.workflow.patch import Choices
from bot.workflow.values import nearest


def choices(workflow: Workflow, schemas: Iterable[NodeSchemas], family: FamilyOf = by_name) -> Choices:
    """What the servers together offer for a workflow's choices; nothing for those that no server knows.

    Names come with `/`, however a server spells them; of LoRAs those first that fit the workflow's model.
    """
    offered = all_choices(workflow, schemas)
    return {
        parameter.spec.name: _fitting(workflow, parameter, offered[parameter.spec.name], family)
        for parameter in workflow.parameters
        if parameter.spec.name in offered
    }


def all_choices(workflow: Workflow, schemas: Iterable[NodeSchemas]) -> Choices:
    """The same, whether or not a model is of a family that the workflow is made for."""
    known = list(schemas)
    offers: dict[str, tuple[str, ...]] = {}
    for parameter in workflow.parameters:
        if parameter.spec.type is not ParameterType.CHOICE or parameter.spec.choices:
            continue
        target = parameter.targets[0]
        body = workflow.graph[target.node]
        lists = [
            found
            for one in known
            if (found := one.choices(body["class_type"], target.input, body["inputs"])) is not None
        ]
        if lists:
            names = dict.fromkeys(plain(name) for found in lists for name in found)
            offers[parameter.spec.name] = tuple(names)
    return offers


def families_for(workflow: Workflow, parameter: Parameter, family: FamilyOf = by_name) -> tuple[str, ...]:
    """The families that a model may be of there; empty if any will do.

    A diffusion model has text encoders of its kind beside it, so only its like can stand in its place. A checkpoint
    brings its own.
    """
    kind = folder(workflow, parameter)
    if parameter.families or kind != DIFFUSION_MODELS:
        return parameter.families
    target = parameter.targets[0]
    own = family(DIFFUSION_MODELS, str(workflow.graph[target.node]["inputs"].get(target.input)))
    return () if own == OTHER else (*akin(own), OTHER)


def _fitting(
    workflow: Workflow, parameter: Parameter, names: Sequence[str], family: FamilyOf
) -> tuple[str, ...]:
    kind = folder(workflow, parameter)
    if kind == LORAS:
        return by_fit(names, LORAS, kinds_of(workflow.graph, family), family)
    wanted = families_for(workflow, parameter, family)
    return tuple(name for name in names if not wanted or within(family(kind or "", name), wanted))


def misplaced(given: object, fitting: Sequence[str], every: Sequence[str]) -> str | None:
    """The model that is meant by a value, if it is offered, but is none of those that fit."""
    word = plain(str(given or "").strip()).casefold()
    found = next((name for name in every if name.casefold() == word), None)
    return None if found in fitting else found


def not_made_for(
    parameter: Parameter, name: str, family: str, wanted: Sequence[str], fitting: Sequence[str]
) -> str:
    """The sentence about it."""
    kinds = " or ".join(each for each in wanted if each != OTHER)
    about = f"{name} is {family}" if family != OTHER else f"it can't be told what {name} is"
    near = ", ".join(nearest(name, fitting) or fitting[:3])
    advice = f"The nearest that fits: {near}." if near else "None that fits is there."
    return f"{parameter.spec.title}: {about}, and this needs {kinds}. {advice}"


def folder(workflow: Workflow, parameter: Parameter) -> str | None:
    """The kind of model that a parameter names, of those that have families."""
    target = parameter.targets[0]
    return folder_of(str(workflow.graph[target.node]["class_type"]), target.input)


def problems(workflow: Workflow, schemas: NodeSchemas, family: FamilyOf = by_name) -> list[str]:
    """Why one server can't run a workflow as it is, a sentence each; empty if it can."""
    missing = sorted(
        {node["class_type"] for node in workflow.graph.values() if not schemas.has(node["class_type"])}
    )
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        return [f"ComfyUI lacks the node {names}. Install {_packs(workflow, missing)}, then try again."]
    return [*_empty_choices(workflow, schemas, family), *_missing_files(workflow, schemas)]


def _packs(workflow: Workflow, missing: Sequence[str]) -> str:
    """What brings these classes, as far as the graph's nodes note it."""
    metas = [node.get("_meta") for node in workflow.graph.values() if node["class_type"] in missing]
    packs = dict.fromkeys(str(meta["pack"]) for meta in metas if isinstance(meta, Mapping) and "pack" in meta)
    return " and ".join(packs) or "the custom node that brings it"


def _empty_choices(workflow: Workflow, schemas: NodeSchemas, family: FamilyOf) -> Iterator[str]:
    offered = choices(workflow, [schemas], family)
    for parameter in workflow.parameters:
        name, target = parameter.spec.name, parameter.targets[0]
        if offered.get(name) == ():
            note = note_of(workflow.graph, target.node, str(parameter.spec.default))
            instance = "" if note is None else f" For instance {note.name}: {note.as_words()}."
            kinds = " or ".join(family for family in parameter.families if family != OTHER)
            wanted = f"{kinds} {name}".strip()
            yield f"ComfyUI has no {wanted} yet. Put one into its models folder, then try again.{instance}"


def _missing_files(workflow: Workflow, schemas: NodeSchemas) -> Iterator[str]:
    """Choices that the graph fixes and no parameter sets."""
    settable = {
        (target.node, target.input) for parameter in workflow.parameters for target in parameter.targets
    }
    for node, body in workflow.graph.items():
        for name, value in body["inputs"].items():
            listed = _listed(schemas, body, name)
            if not listed and not is_model(value):
                continue  # what a class offers nothing for is filled in by the graph itself
            if (node, name) in settable or listed is None or not isinstance(value, str):
                continue
            note = note_of(workflow.graph, node, value)
            if offered_as(value, listed, note.instead if note is not None else ()) is None:
                advice = where_to_get(note) if is_model(value) else "Choose another in graph.json."
                yield f'ComfyUI has no {name} "{value}", which node {node} ({body["class_type"]}) needs. {advice}'


def _listed(schemas: NodeSchemas, body: Mapping[str, Any], name: str) -> Sequence[str] | None:
    """What may be chosen there; None for anything but a choice of things that lie on the server."""
    class_type = str(body["class_type"])
    if schemas.upload_kind(class_type, name) is not None:
        return None
    return schemas.choices(class_type, name, body["inputs"])
