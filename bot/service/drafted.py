"""A workflow as its card tells it: what was found out, and what each server lacks."""

from __future__ import annotations

from collections.abc import Sequence

from bot.cards.workshop import Drafted, OptionLine
from bot.comfy.graph import title_of
from bot.contract.values import ParameterSpec, ParameterType
from bot.jobs.models import Graph
from bot.jobs.states import State
from bot.service.servers import Servers
from bot.service.workshop import Sketch, Workshop
from bot.workflow import offers
from bot.workflow.change import File, hidden_names
from bot.workflow.model import ROLES, Workflow
from bot.workflow.paid import in_words

MOST_CHOICES = 4
"""Choices that are named."""


async def of_sketch(workshop: Workshop, sketch: Sketch) -> Drafted:
    """A draft as it stands."""
    workflow = workshop.workflow(sketch)
    told = drafted(workflow, sketch.file, workshop.servers)
    return Drafted(
        id=sketch.id,
        name=sketch.name,
        title=workflow.title,
        edits=sketch.edits,
        roles=told.roles,
        every_role=told.every_role,
        options=told.options,
        hidden=told.hidden,
        outputs=told.outputs,
        servers=told.servers,
        tried=_tried(await workshop.tried(sketch)),
        paid=told.paid,
        replaces=sketch.replaces is not None,
    )


def drafted(workflow: Workflow, file: File, servers: Servers) -> Drafted:
    """A workflow that is there."""
    choices = servers.choices(workflow)
    specs = workflow.command(choices).parameters
    return Drafted(
        id="",
        name=workflow.name,
        title=workflow.title,
        edits=0,
        roles=[str(role) for role in workflow.roles],
        every_role=[str(role) for role in ROLES],
        options=[OptionLine(name=spec.name, takes=_takes(spec), more=spec.more) for spec in specs],
        hidden=hidden_names(file),
        outputs=_outputs(workflow.graph, servers),
        paid=in_words(servers.costs(workflow.graph)),
        servers=[
            (each.name, offers.problems(workflow, each.schemas))
            for each in servers.backends
            if each.schemas is not None
        ],
    )


def _tried(how: tuple[State, str] | None) -> str:
    match how:
        case None:
            return ""
        case (State.DONE, _):
            return "It was tried, and works."
        case (State.FAILED, why):
            return f"It was tried and failed: {why}"
        case (State.CANCELLED, _):
            return "The try was cancelled."
        case _:
            return "It is being tried."


def _takes(spec: ParameterSpec) -> str:
    """What an option takes, in words."""
    needed = ", needed" if spec.required else ""
    return f"{spec.type}{_bounds(spec)}{needed}{_default(spec)}"


def _bounds(spec: ParameterSpec) -> str:
    if spec.type is ParameterType.SEED:
        return ""
    if spec.choices:
        named = ", ".join(spec.choices[:MOST_CHOICES])
        left = len(spec.choices) - MOST_CHOICES
        return f": {named}{f' and {left} more' if left > 0 else ''}"
    low, high = spec.minimum, spec.maximum
    if low is None or high is None:
        below = "" if high is None else f" up to {_short(high)}"
        return below if low is None else f" from {_short(low)}"
    return f" {_short(low)} to {_short(high)}"


def _short(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def _default(spec: ParameterSpec) -> str:
    if spec.default is None or spec.type is ParameterType.SEED:
        return ""
    words = " ".join(str(spec.default).split())
    return f', "{words[:40]}{"…" if len(words) > 40 else ""}" by itself' if words else ""


def _outputs(graph: Graph, servers: Servers) -> Sequence[str]:
    """The nodes whose results people get."""
    ends = [
        title_of(graph, node) or node
        for node, body in graph.items()
        if any(schemas.is_output(str(body["class_type"])) for schemas in servers.schemas())
    ]
    return ends or ["nothing that is known"]
