"""Reads what an author made of a workflow from ComfyUI's UI format, the one that "Save" writes.

Sub-graphs are nodes whose type is the id of a definition; in the API format their nodes have the ids of all that
they lie in before their own (`398:376`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.workflow.infer.interface import Interface
from bot.workflow.infer.view import SCALARS
from bot.workflow.model import Target

INSIDE = -10
"""The id that the inputs of a sub-graph have within it."""

Json = Mapping[str, Any]


@dataclass(kw_only=True)
class _Reader:
    """Collects labels; those of what lies further out count."""

    definitions: Mapping[str, Json]
    labels: dict[Target, str] = field(default_factory=dict)
    together: dict[Target, tuple[Target, ...]] = field(default_factory=dict)
    places: dict[str, list[tuple[str, Json]]] = field(default_factory=dict)

    def walk(self, nodes: Sequence[Json], prefix: str = "", above: tuple[str, ...] = ()) -> None:
        """Every node here, then every node inside; no definition within itself."""
        inside: list[tuple[str, Json, str]] = []
        for node in nodes:
            path, kind = f"{prefix}{node.get('id')}", str(node.get("type"))
            self.places.setdefault(str(node.get("id")), []).append((path, node))
            if kind in self.definitions and kind not in above:
                self._promote(path, node, self.definitions[kind])
                inside.append((path, self.definitions[kind], kind))
        for node in nodes:
            self._label(f"{prefix}{node.get('id')}", node)
        for path, definition, kind in inside:
            self.walk(_objects(definition.get("nodes")), f"{path}:", (*above, kind))

    def _promote(self, path: str, node: Json, definition: Json) -> None:
        """The inputs of a sub-graph."""
        shown = {str(entry.get("name")): entry for entry in _objects(node.get("inputs"))}
        for slot, entry in enumerate(_objects(definition.get("inputs"))):
            here = shown.get(str(entry.get("name")), {})
            feeds = tuple(self.feeds(path, definition, slot, 0))
            label = here.get("label") or entry.get("label") or entry.get("name")
            for feed in feeds:
                self.labels.setdefault(feed, str(label))
            if len(feeds) > 1 and here.get("link") is None and entry.get("type") in SCALARS:
                self.together.update(dict.fromkeys(feeds, feeds))

    def feeds(self, path: str, definition: Json, slot: int, depth: int) -> Iterator[Target]:
        """The inputs of nodes that an input of a sub-graph goes to, through the sub-graphs in it."""
        nodes = {str(node.get("id")): node for node in _objects(definition.get("nodes"))}
        for link in _objects(definition.get("links")):
            node = nodes.get(str(link.get("target_id")))
            if link.get("origin_id") != INSIDE or link.get("origin_slot") != slot or node is None:
                continue
            name = _input_name(node, link.get("target_slot"))
            inner = self.definitions.get(str(node.get("type")))
            there = f"{path}:{node.get('id')}"
            if inner is not None and name is not None and depth < len(self.definitions):
                yield from self.named(there, inner, name, depth + 1)
            elif name is not None:
                yield Target(node=there, input=name)

    def named(self, path: str, definition: Json, name: str, depth: int = 0) -> Iterator[Target]:
        """The same for an input by its name."""
        for slot, entry in enumerate(_objects(definition.get("inputs"))):
            if entry.get("name") == name:
                yield from self.feeds(path, definition, slot, depth)

    def _label(self, path: str, node: Json) -> None:
        """Names that the author gave to single inputs of a node."""
        if str(node.get("type")) in self.definitions:
            return
        for entry in _objects(node.get("inputs")):
            label = entry.get("label")
            if isinstance(label, str) and label and "widget" in entry:
                self.labels.setdefault(Target(node=path, input=str(entry.get("name"))), label)

    def chosen(self, identity: str, name: str) -> Iterator[Target]:
        """The inputs that an entry of the author's app stands for."""
        parts = identity.split(":")
        node_id = parts[1] if len(parts) == 3 else identity
        for path, node in self.places.get(node_id, []):
            definition = self.definitions.get(str(node.get("type")))
            if definition is not None:
                yield from self.named(path, definition, name)
            else:
                yield Target(node=path, input=name)


def read_interface(ui: object) -> Interface:
    """The interface of a workflow in UI format; what is no such workflow has none."""
    if not isinstance(ui, Mapping):
        return Interface()
    definitions = ui.get("definitions")
    subgraphs = definitions.get("subgraphs") if isinstance(definitions, Mapping) else None
    reader = _Reader(definitions={str(each.get("id")): each for each in _objects(subgraphs)})
    reader.walk(_objects(ui.get("nodes")))
    extra = ui.get("extra")
    linear = extra.get("linearData") if isinstance(extra, Mapping) else None
    entries = _pairs(linear.get("inputs") if isinstance(linear, Mapping) else None)
    chosen = (target for identity, name in entries for target in reader.chosen(identity, name))
    return Interface(labels=reader.labels, together=reader.together, chosen=tuple(dict.fromkeys(chosen)))


def _input_name(node: Json, slot: object) -> str | None:
    entries = _objects(node.get("inputs"))
    if not isinstance(slot, int) or not 0 <= slot < len(entries):
        return None
    name = entries[slot].get("name")
    return name if isinstance(name, str) else None


def _objects(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _pairs(value: object) -> list[tuple[str, str]]:
    """`[[id, name], ...]`; ids come as texts and as numbers."""
    found: list[tuple[str, str]] = []
    for each in value if isinstance(value, list) else ():
        match each:
            case [str() | int() as identity, str() as name, *_]:
                found.append((str(identity), name))
    return found
