"""What a graph is for, told by what goes in and what comes out."""

from __future__ import annotations

import re
from collections.abc import Collection

from bot.comfy.graph import class_of
from bot.workflow.infer.meanings import Meaning
from bot.workflow.infer.sampling import sampled_before
from bot.workflow.infer.view import View
from bot.workflow.model import Role, Target

_LARGER = re.compile(r"upscal|super_?res|enhance|increase_?res", re.IGNORECASE)

_RESULTS = frozenset({"IMAGE", "VIDEO", "AUDIO", "STRING", "MESH"})


def made_kinds(view: View) -> frozenset[str]:
    """The types of what the results are made of; frames that are saved at a rate are a `VIDEO`."""
    kinds: set[str] = set()
    for node in view.results:
        moving = "fps" in view.inputs(node) or "frame_rate" in view.inputs(node)
        taken = [view.kind(source) for _, source in view.live_links(node)]
        if not _RESULTS & set(taken):
            taken += view.makes(node)
        kinds |= {"VIDEO" if moving and kind == "IMAGE" else kind for kind in taken}
    return frozenset(kinds)


def role_of(view: View, meanings: Collection[Meaning]) -> Role | None:
    """The role of a graph with parameters of these meanings; None if it is for something else."""
    made = made_kinds(view)
    pictured, words = Meaning.IMAGE in meanings, Meaning.PROMPT in meanings
    if made & {"VIDEO", "IMAGE"} and (pictured or Meaning.VIDEO in meanings) and _enlarges(view):
        return Role.UPSCALE
    if "VIDEO" in made:
        return Role.ANIMATE if words or pictured else None
    if "IMAGE" in made:
        return (Role.EDIT if words else None) if pictured else Role.IMAGINE if words else None
    return Role.DESCRIBE if made and made <= {"STRING"} and (pictured or Meaning.VIDEO in meanings) else None


def _enlarges(view: View) -> bool:
    """Whether a result is a larger copy of what went in, not something made anew and then enlarged."""
    for node in view.live:
        name = class_of(view.graph, node) or ""
        scales = any(view.kind(source) == "UPSCALE_MODEL" for _, source in view.live_links(node))
        named = bool(_LARGER.search(name)) and bool(view.makes(node) & {"IMAGE", "VIDEO"})
        if (scales or (named and not view.is_glue(node))) and not sampled_before(view, node):
            return True
    return False


def position(chosen: tuple[Target, ...], targets: tuple[Target, ...]) -> int | None:
    """Where the first of some inputs stands in the author's app; None if it is not in it."""
    found = [chosen.index(target) for target in targets if target in chosen]
    return min(found, default=None)
