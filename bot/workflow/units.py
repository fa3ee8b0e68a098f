"""How often a run pays a price that is told by the second, the picture or the token: by the run's own values. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.comfy.graph import class_of, inputs_of, link_of
from bot.comfy.inputs import InputSpec, as_number
from bot.comfy.schemas import NodeSchemas
from bot.jobs.models import Graph

MOST_HOPS = 8
"""Nodes that one value may pass through."""

_COUNTS = frozenset(("n", "count", "num_images", "number_of_images", "max_images", "image_count"))
_SECONDS = frozenset(("duration", "seconds", "duration_seconds", "video_length"))
_TOKENS = frozenset(("max_tokens", "max_output_tokens", "max_completion_tokens"))
_MEDIA = frozenset(("IMAGE", "VIDEO", "AUDIO"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """The values of one node: what is given, what primitive nodes bring, and else what it has by itself."""

    graph: Graph
    node: str
    schemas: NodeSchemas

    def of(self, name: str) -> object:
        """One value; None for what only the run will tell."""
        given = inputs_of(self.graph, self.node).get(name)
        spec = self._spec(name)
        value = _default(spec) if given is None else _followed(self.graph, given)
        return spec.own(value) if spec is not None and isinstance(value, str) else value

    def names(self) -> tuple[str, ...]:
        """What is given, and what must be."""
        given = inputs_of(self.graph, self.node)
        return tuple(dict.fromkeys((*given, *self.schemas.required(self._class, given))))

    def number(self, wanted: frozenset[str]) -> int | float | None:
        """The first number of such a name, nested ones included."""
        found = (as_number(self.of(name)) for name in self.names() if name.rsplit(".", 1)[-1] in wanted)
        return next((each for each in found if each is not None), None)

    def texts(self) -> list[object]:
        """Every text; None among them for one that only the run will tell."""
        specs = ((name, self._spec(name)) for name in self.names())
        return [self.of(name) for name, spec in specs if spec is not None and "STRING" in spec.kinds]

    def takes(self, *kinds: str) -> bool:
        """Whether anything of such a type is linked to it."""
        return any(
            link_of(value) is not None and self._kinds(name) & set(kinds)
            for name, value in inputs_of(self.graph, self.node).items()
        )

    @property
    def _class(self) -> str:
        return class_of(self.graph, self.node) or ""

    def _spec(self, name: str) -> InputSpec | None:
        return self.schemas.input(self._class, name, inputs_of(self.graph, self.node))

    def _kinds(self, name: str) -> frozenset[str]:
        spec = self._spec(name)
        return _MEDIA if spec is None else spec.kinds  # what is not known might be anything


def amount(told: list[float], suffix: str, note: str, values: Values) -> float | None:
    """The most that a run costs whose prices are told so; None where only the run will tell."""
    word = suffix.strip().casefold().removeprefix("/").strip()
    if word == "per 1k tokens":
        return _of_tokens(told, values)
    units = next((count(values) for form, count in _UNITS if re.fullmatch(form, word)), None)
    return None if units is None or (note and units != 1) else max(told) * units


def _of_tokens(told: list[float], values: Values) -> float | None:
    """What goes in and what comes out have prices of their own; a token is at least a byte."""
    most, sent = values.number(_TOKENS), _bytes(values)
    if most is None or sent is None or len(told) != 2 or values.takes(*_MEDIA):
        return None
    return (told[0] * sent + told[1] * most) / 1000


def _pictures(values: Values) -> float | None:
    return values.number(_COUNTS) or 1


def _seconds(values: Values) -> float | None:
    """Nothing is told beforehand where the length of what goes in counts."""
    return None if values.takes("VIDEO", "AUDIO") else values.number(_SECONDS)


def _minutes(values: Values) -> float | None:
    seconds = _seconds(values)
    return None if seconds is None else seconds / 60


def _bytes(values: Values) -> float | None:
    texts = values.texts()
    return None if None in texts else float(sum(len(str(text).encode()) for text in texts))


def _thousands(values: Values) -> float | None:
    size = _bytes(values)
    return None if size is None else size / 1000


_UNITS: tuple[tuple[str, Callable[[Values], float | None]], ...] = (
    (r"(a )?run|", lambda _: 1.0),
    (r"video|image( \(\w+\))?|x images/run", _pictures),
    (r"s|secs?|seconds?", _seconds),
    (r"minutes?", _minutes),
    (r"1k (chars|bytes)", _thousands),
)
"""What prices are told by, and how many of it a run has."""


def _default(spec: InputSpec | None) -> object:
    if spec is None:
        return None
    default = spec.options.get("default")
    return next(iter(spec.choices or ()), None) if default is None else default


def _followed(graph: Graph, value: object) -> object:
    """What stands at the end of links through nodes of one value."""
    for _ in range(MOST_HOPS):
        source = link_of(value)
        if source is None:
            return value
        held = list(_single(graph, source))
        if len(held) != 1:
            return None
        value = held[0]
    return None


def _single(graph: Graph, node: str) -> Iterator[Any]:
    inputs: Mapping[str, Any] = inputs_of(graph, node)
    if (class_of(graph, node) or "").startswith(("Primitive", "Reroute")):
        yield from inputs.values()
