"""What each node class does.

`run` looks for code of the class's own first; classes without any follow the rule in `generic`.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from simulator.nodes.bench import OUT_OF_MEMORY, Bench, Call, Instant, Job, NodeFailed, Produced, Subgraph
from simulator.nodes.cutting import CUTTING
from simulator.nodes.filters import FILTERS
from simulator.nodes.generic import outputs
from simulator.nodes.glue import GLUE
from simulator.nodes.images import IMAGES
from simulator.nodes.latents import LATENTS
from simulator.nodes.loading import LOADING, load_model
from simulator.nodes.masks import MASKS
from simulator.nodes.sampling import ask_partner, sample, samples, takes_time
from simulator.nodes.saving import SAVING
from simulator.nodes.sound import SOUNDS
from simulator.nodes.trial import TRIAL
from simulator.nodes.values import Blocked
from simulator.nodes.videos import VIDEOS
from simulator.nodes.words import WORDS
from simulator.schema import NodeClass

__all__ = [
    "OUT_OF_MEMORY", "Bench", "Blocked", "Call", "NodeFailed", "Produced", "Subgraph", "is_model_free", "run", "wanted",
]  # fmt: skip

_INSTANT: Mapping[str, Instant] = {
    **GLUE, **IMAGES, **CUTTING, **FILTERS, **MASKS, **LATENTS, **VIDEOS, **WORDS,
}  # fmt: skip
_JOBS: Mapping[str, Job] = {**LOADING, **SAVING, **TRIAL}
_MODEL_TYPES = frozenset({"MODEL", "CLIP", "VAE", "CONDITIONING", "LATENT", "GUIDER", "NOISE", "CLIP_VISION"})


async def run(call: Call) -> Produced:
    """One run of a node. Raises NodeFailed, and whatever else goes wrong in it."""
    instant = _INSTANT.get(call.class_type)
    if call.class_type in SOUNDS:
        return Produced(values=await asyncio.to_thread(SOUNDS[call.class_type], call))
    if instant is not None:
        return Produced(values=instant(call))
    job = _JOBS.get(call.class_type)
    if job is not None:
        return await job(call)
    if samples(call):
        return await sample(call)
    if takes_time(call):
        return await ask_partner(call)
    if call.node.category.startswith("model/loaders"):
        return await load_model(call)
    return Produced(values=outputs(call))


def wanted(class_type: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
    """The lazy inputs that a node needs, now that it knows the others."""
    if class_type != "ComfySwitchNode":
        return ()
    return ("on_true" if inputs["switch"] else "on_false",)


def is_model_free(node: NodeClass) -> bool:
    """Whether a class works on this server without any model."""
    kinds = {part for item in node.inputs.values() for part in item.kind.split(",")}
    return not node.is_api and not node.category.startswith("model") and not kinds & _MODEL_TYPES
