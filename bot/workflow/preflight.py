"""A patched graph held against what one server has, before anything is queued. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.comfy.inputs import InputSpec
from bot.comfy.models import is_model, note_of, where_to_get
from bot.comfy.names import offered_as
from bot.comfy.schemas import NodeSchemas, upload_kind
from bot.jobs.models import Graph
from bot.workflow.model import Parameter, Workflow
from bot.workflow.values import nearest


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """Why a server can't run a graph: a sentence, and the parameter whose value it is about, if it is one's."""

    sentence: str
    parameter: str | None = None


def misfits(workflow: Workflow, graph: Graph, schemas: NodeSchemas) -> Iterator[Misfit]:
    """What keeps a server from running a graph that was patched by the workflow's parameters.

    Node classes, models and other choices that it lacks, and numbers beyond what its nodes take.
    """
    owners = {
        (target.node, target.input): parameter
        for parameter in workflow.parameters
        for target in parameter.targets
    }
    yield from _misfits(owners, graph, schemas)


def fits(graph: Graph, schemas: NodeSchemas) -> bool:
    """Whether nothing keeps a server from running a patched graph."""
    return next(_misfits({}, graph, schemas), None) is None


def _misfits(
    owners: Mapping[tuple[str, str], Parameter], graph: Graph, schemas: NodeSchemas
) -> Iterator[Misfit]:
    for node, body in graph.items():
        if not schemas.has(body["class_type"]):
            yield Misfit(sentence=f'ComfyUI lacks the node "{body["class_type"]}".')
            continue
        for name, value in body["inputs"].items():
            spec = schemas.input(body["class_type"], name, body["inputs"])
            if spec is not None and upload_kind(spec) is None:
                yield from _of_input(graph, node, name, value, spec, owners.get((node, name)))


def _of_input(
    graph: Graph, node: str, name: str, value: Any, spec: InputSpec, owner: Parameter | None
) -> Iterator[Misfit]:
    called = name if owner is None else owner.spec.title
    parameter = None if owner is None else owner.spec.name
    if isinstance(value, str) and spec.choices is not None and (spec.choices or is_model(value)):
        note = note_of(graph, node, value)
        if offered_as(value, spec.choices, () if note is None else note.instead) is None:
            yield Misfit(sentence=_not_offered(called, value, spec, graph, node), parameter=parameter)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        fitting = _within(value, spec)
        if fitting is not None:
            most = _as_asked(owner, fitting)
            given = _as_asked(owner, value)
            yield Misfit(
                sentence=f"{called} can't be {given} with what ComfyUI has; the nearest that can be is {most}.",
                parameter=parameter,
            )


def _not_offered(called: str, value: str, spec: InputSpec, graph: Graph, node: str) -> str:
    start = f'ComfyUI has no {called} "{value}".'
    note = note_of(graph, node, value)
    if is_model(value) and note is not None:
        return f"{start} {where_to_get(note)}"
    near = nearest(value, spec.choices or (), 1) or list((spec.choices or ())[:1])
    return f"{start} The nearest that it has is {near[0]}." if near else f"{start} It has none at all."


def _within(value: float, spec: InputSpec) -> int | float | None:
    """The nearest number that an input takes; None if it takes this one, or no numbers."""
    if not {"INT", "FLOAT"} & spec.kinds:
        return None
    least, most = spec.number("min"), spec.number("max")
    if least is not None and value < least:
        return least
    return most if most is not None and value > most else None


def _as_asked(owner: Parameter | None, value: float) -> float:
    """Frames in seconds, as people ask for them."""
    return value if owner is None or owner.frames is None else round(value / owner.frames.fps, 1)


def by_parameter(found: Mapping[str, list[Misfit]]) -> Misfit | None:
    """Of what each server said, what a person can put right first; None if some server has nothing against it."""
    if not found or any(not each for each in found.values()):
        return None
    every = [misfit for each in found.values() for misfit in each]
    return next((misfit for misfit in every if misfit.parameter is not None), every[0])
