"""What becomes of a person's words beside values: LoRAs in the graph, and remarks on the card. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comfy.schemas import NodeSchemas
from bot.errors import NotOffered
from bot.jobs.models import Graph, Reading
from bot.workflow.families import LORAS, OTHER, FamilyOf, architecture
from bot.workflow.kinship import by_fit, kinds_of
from bot.workflow.loras import Lora, named, offered_loras, with_loras
from bot.workflow.model import Workflow
from bot.workflow.patch import Bound, apply
from bot.workflow.shorthand import main_text_of


def loras_of(
    workflow: Workflow, bound: Bound, able: Sequence[NodeSchemas], family: FamilyOf
) -> tuple[Lora, ...]:
    """The LoRAs that were named, of those that the servers `able` to run the workflow have. Raises `InvalidValue`.

    Of several that a name may mean, those that fit the models are meant.
    """
    if not bound.loras:
        return ()
    kinds = kinds_of(apply(workflow.graph, bound.patch), family)
    offered = by_fit(offered_loras(able), LORAS, kinds, family)
    fitting = [name for name in offered if not kinds or architecture(family(LORAS, name)) in {*kinds, OTHER}]
    return named(main_text_of(workflow) or "prompt", bound.loras, offered, fitting)


def with_named(command: str, graph: Graph, loras: Sequence[Lora], able: Sequence[NodeSchemas]) -> Graph:
    """The graph with these LoRAs, as a server takes it that has them all. Raises `UserError`."""
    if not loras:
        return graph
    wanted = {lora.name for lora in loras}
    having = next((each for each in able if wanted <= set(offered_loras([each]))), None)
    if having is None:
        raise NotOffered(f"No one ComfyUI here has all of these LoRAs: {', '.join(sorted(wanted))}.")
    return with_loras(command, graph, loras, having)


def reading_of(bound: Bound, loras: Sequence[Lora]) -> Reading:
    """What the card shows of it, and tells."""
    remarks = []
    if bound.unseen:
        words = (
            "1 character that nobody can see was"
            if bound.unseen == 1
            else f"{bound.unseen} characters that nobody can see were"
        )
        remarks.append(f"{words} left out.")
    if loras:
        remarks.append(f"LoRA: {', '.join(str(lora) for lora in loras)}")
    return Reading(texts=bound.texts, remarks=tuple(remarks))
