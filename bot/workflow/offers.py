"""What a workflow needs against what a ComfyUI offers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bot.comfy.models import is_model, note_of, where_to_get
from bot.comfy.names import offered_as, plain
from bot.comfy.schemas import NodeSchemas
from bot.contract.values import ParameterType
from bot.workflow.families import OTHER, family_of
from bot.workflow.model import Parameter, Workflow
from bot.workflow.patch import Choices


def choices(workflow: Workflow, schemas: Iterable[NodeSchemas]) -> Choices:
    """What the servers together offer for a workflow's choices; nothing for those that no server knows.

    Names come with `/`, however a server spells them.
    """
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
            offers[parameter.spec.name] = tuple(name for name in names if _fits(parameter, name))
    return offers


def _fits(parameter: Parameter, name: str) -> bool:
    """Whether a model is of a family that the workflow is made for, as far as its name tells."""
    return not parameter.families or family_of(name) in parameter.families


def problems(workflow: Workflow, schemas: NodeSchemas) -> list[str]:
    """Why one server can't run a workflow as it is, a sentence each; empty if it can."""
    missing = sorted(
        {node["class_type"] for node in workflow.graph.values() if not schemas.has(node["class_type"])}
    )
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        return [f"ComfyUI lacks the node {names}. Install the custom node that brings it, then try again."]
    return [*_empty_choices(workflow, schemas), *_missing_files(workflow, schemas)]


def _empty_choices(workflow: Workflow, schemas: NodeSchemas) -> Iterator[str]:
    offered = choices(workflow, [schemas])
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
