"""Which samplings make the result, and which only prepare something for it, as an estimate of depth does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.workflow.infer.view import View

_PARTS = frozenset({"SIGMAS", "GUIDER", "NOISE", "SAMPLER"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Samplings:
    """`worded` are the nodes that take what an encoder made of a text."""

    view: View
    worded: frozenset[str]

    def is_aside(self, node: str) -> bool:
        """Whether a node belongs to samplings without words, in a graph that has some with words."""
        if self._refines(node):
            return True
        samplers = set(self._samplers(node, set()))
        return bool(self.worded) and bool(samplers) and not any(self._has_words(each) for each in samplers)

    def _refines(self, node: str) -> bool:
        """Whether a node samples parts of a picture anew that another sampling has made."""
        pictures = [each for _, each in self.view.live_links(node) if self.view.kind(each) == "IMAGE"]
        made = self.view.makes(node)
        return bool(pictures) and "IMAGE" in made and "LATENT" not in made and sampled_before(self.view, node)

    def _samplers(self, node: str, seen: set[str]) -> Iterator[str]:
        """The nodes that sample with what a node gives."""
        if node in seen:
            return
        seen.add(node)
        if "LATENT" in self.view.makes(node) and self._takes_latents(node):
            yield node
            return
        for use in self.view.uses.get(node, ()):
            outputs = self.view.outputs(node)
            if use.index < len(outputs) and outputs[use.index][0] in _PARTS:
                yield from self._samplers(use.target.node, seen)

    def _takes_latents(self, node: str) -> bool:
        return any(self.view.kind(source) == "LATENT" for _, source in self.view.links(node))

    def _has_words(self, sampler: str) -> bool:
        if sampler in self.worded:
            return True
        guides = [each.node for _, each in self.view.live_links(sampler) if self.view.kind(each) != "LATENT"]
        return any(guide in self.worded for guide in guides)


def sampled_before(view: View, node: str) -> bool:
    """Whether something is sampled before a node."""
    seen, waiting = {node}, [node]
    while waiting:
        for _, source in view.live_links(waiting.pop()):
            if view.kind(source) == "LATENT":
                return True
            if source.node not in seen:
                seen.add(source.node)
                waiting.append(source.node)
    return False
