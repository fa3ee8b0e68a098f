"""What a graph's author made of it for people: labels, and the inputs of an app. It stands in the UI format alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.workflow.model import Target

_EMPTY = re.compile(r"(value|input|widget|string|int|float|any|source)?[_\s]?\d*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Interface:
    """`labels` say how the author calls an input of a node; `chosen` are the inputs of the author's app, in order.

    `together` has the inputs that one widget of the author's sets, under each of them.
    """

    labels: Mapping[Target, str] = field(default_factory=dict)
    chosen: tuple[Target, ...] = ()
    together: Mapping[Target, tuple[Target, ...]] = field(default_factory=dict)

    def label(self, path: Iterable[Target]) -> str | None:
        """The author's word for a value that goes through these inputs, the last one first; None if there is none."""
        words = (self.labels.get(target) for target in reversed(tuple(path)))
        return next((word for word in words if word is not None and says_something(word)), None)


def says_something(label: str) -> bool:
    """Whether a label is more than the name that the front end gives every value."""
    return _EMPTY.fullmatch(label.strip()) is None
