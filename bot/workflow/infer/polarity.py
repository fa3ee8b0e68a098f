"""Which encoders say what a result should show, and which what it should not: told by where their output ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.comfy.graph import class_of, title_of
from bot.workflow.infer.view import SCALARS, Source, View

CONDITIONING = "CONDITIONING"

_NEGATIVE = re.compile(
    r"(^|[_.\W])(neg|negative|uncond|unconditional)(?![a-z])|^-ve$|负|負|反向|ネガ", re.IGNORECASE
)
_POSITIVE = re.compile(r"(^|[_.\W])(pos|positive|cond)(?![a-z])|正向|正面|ポジ", re.IGNORECASE)
_ZERO = re.compile(r"zero[_ ]?out", re.IGNORECASE)
_PLAIN = SCALARS | {"CONDITIONING", "MODEL", "CLIP", "VAE", "LATENT", "IMAGE", "MASK", "VIDEO", "AUDIO"}
"""Types that hold no conditionings."""
_MADE = frozenset(
    {"LATENT", "GUIDER", "MODEL", "IMAGE", "VIDEO", "AUDIO", "NOISE", "SIGMAS", "MESH", "VOXEL"}
)


class Polarity(StrEnum):
    """What a text is for; `OTHER` looks for something in a picture."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    OTHER = "other"


def says_negative(name: str) -> bool:
    """Whether a name of an input or a title is that of a negative."""
    return _NEGATIVE.search(name) is not None


def says_positive(name: str) -> bool:
    """Whether a name of an input or a title is that of what is wanted."""
    return _POSITIVE.search(name) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Polarities:
    """By encoder, what its output is used for; and by encoder, the nodes that it ends in."""

    view: View
    ends: Mapping[str, set[str]] = field(default_factory=dict)
    _found: Mapping[str, set[Polarity]] = field(default_factory=dict)

    def of(self, encoder: str) -> Polarity | None:
        """None for an encoder whose text comes to nothing. What is used both ways is positive."""
        found = self._found.get(encoder, set())
        for polarity in (Polarity.POSITIVE, Polarity.NEGATIVE, Polarity.OTHER):
            if polarity in found:
                return polarity
        return None

    @property
    def worded(self) -> frozenset[str]:
        """The nodes that use up what some encoder made of a text."""
        texts = (ends for encoder, ends in self.ends.items() if "CLIP" in self._taken(encoder))
        return frozenset(end for ends in texts for end in ends)

    def _taken(self, node: str) -> set[str]:
        return {self.view.kind(source) for _, source in self.view.links(node)}


def polarities(view: View) -> Polarities:
    """Follow every conditioning of a graph back from the nodes that use it up, as those do that give none on.

    Nodes that make nothing count only for encoders that go nowhere else.
    """
    found: dict[str, set[Polarity]] = {}
    ends: dict[str, set[str]] = {}
    for node in sorted(view.live, key=lambda node: not view.outputs(node)):
        if CONDITIONING in view.gives(node):
            continue
        before = set() if view.outputs(node) else set(found)
        for name, source in _conditionings(view, node):
            for encoder in _behind(view, source, set()):
                if encoder.node not in before:
                    kind = _polarity(view, node, name, encoder)
                    found.setdefault(encoder.node, set()).add(kind)
                    ends.setdefault(encoder.node, set()).add(node)
    return Polarities(view=view, ends=ends, _found=found)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reached:
    """A node on the way of a conditioning; `turned` if a node on the way takes it as its negative."""

    node: str
    turned: bool = False


def _polarity(view: View, node: str, name: str, reached: _Reached) -> Polarity:
    if says_negative(name) or reached.turned:
        return Polarity.NEGATIVE
    if not view.makes(node) & _MADE and view.outputs(node) and not says_positive(name):
        return Polarity.OTHER
    unsure = not view.outputs(node) and not _POSITIVE.search(name)
    title = title_of(view.graph, reached.node) or ""
    return Polarity.NEGATIVE if unsure and says_negative(title) else Polarity.POSITIVE


def _conditionings(view: View, node: str) -> list[tuple[str, Source]]:
    return [(name, source) for name, source in view.live_links(node) if view.kind(source) == CONDITIONING]


def _behind(view: View, source: Source, seen: set[Source], *, turned: bool = False) -> Iterator[_Reached]:
    """Every node that a conditioning went through, the encoders among them."""
    if source in seen or _ZERO.search(class_of(view.graph, source.node) or ""):
        return
    seen.add(source)
    yield _Reached(node=source.node, turned=turned)
    names, exact = _passed_on(view, source)
    for name, inner in _conditionings(view, source.node):
        if name in names:
            yield from _behind(view, inner, seen, turned=turned or (not exact and says_negative(name)))
    if not names:
        for inner in _unpacked(view, source.node, view.name(source), set()):
            yield from _behind(view, inner, seen, turned=turned)


def _unpacked(view: View, node: str, name: str, seen: set[str]) -> Iterator[Source]:
    """What was put under a name into a bundle that a node takes: a pipe, a context."""
    for _, source in view.live_links(node):
        if view.kind(source) in _PLAIN or source.node in seen:
            continue
        seen.add(source.node)
        packed = [inner for each, inner in _conditionings(view, source.node) if each.lower() == name.lower()]
        if packed:
            yield from packed
        else:
            yield from _unpacked(view, source.node, name, seen)


def _passed_on(view: View, source: Source) -> tuple[list[str], bool]:
    """The inputs that an output is made of, and whether it is theirs alone: told by its name, else by its place."""
    taken = [name for name, _ in _conditionings(view, source.node)]
    outputs = view.outputs(source.node)
    given = [index for index, (kind, _) in enumerate(outputs) if kind == CONDITIONING]
    named = outputs[source.index][1] if source.index < len(outputs) else ""
    if named in taken:
        names = {outputs[index][1] for index in given}
        sort = says_negative(named)
        return [named, *(e for e in taken if e not in names and says_negative(e) == sort)], True
    if len(given) == len(taken) and source.index in given:
        return [taken[given.index(source.index)]], True
    if len(given) > 1:
        sort = says_negative(named)
        return [name for name in taken if says_negative(name) == sort], True
    return taken, False
