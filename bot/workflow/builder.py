"""Graphs made in code, and surgery on graphs: each node and link is held against what a server's nodes take. Pure.

build = GraphBuilder(schemas)
loader = build.add("CheckpointLoaderSimple", {"ckpt_name": "sd_xl_base_1.0.safetensors"})
words = build.add("CLIPTextEncode", {"text": "a red fox", "clip": loader["CLIP"]}, title="Prompt")
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bot.comfy.graph import class_of, inputs_of
from bot.comfy.inputs import ANY, AUTOGROW, InputSpec
from bot.comfy.names import own_spelling
from bot.comfy.schemas import NodeSchemas, upload_kind
from bot.errors import GraphError
from bot.jobs.models import Graph, PatchValue


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """An output of a node, and its type."""

    node: str
    index: int
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A node of a graph that is being made. `outputs` are type and name of each."""

    id: str
    class_type: str
    outputs: tuple[tuple[str, str], ...]

    def __getitem__(self, which: int | str) -> Link:
        """An output by its place, its name, or its type. Raises `GraphError` if there is none, or several."""
        places = [
            place
            for place, (kind, name) in enumerate(self.outputs)
            if which == place or (isinstance(which, str) and which in (name, kind))
        ]
        if len(places) != 1:
            known = ", ".join(name for _, name in self.outputs) or "none"
            raise GraphError(f"{self.class_type} has no one output {which!r}. It has: {known}.")
        return Link(node=self.id, index=places[0], kind=self.outputs[places[0]][0])


Value = PatchValue | Link


class GraphBuilder:
    """Adds nodes to a graph, a new one or a copy of one that is there."""

    def __init__(self, schemas: NodeSchemas, graph: Graph | None = None) -> None:
        self._schemas = schemas
        self._graph: dict[str, dict[str, Any]] = {
            node: copy.deepcopy(dict(body)) for node, body in (graph or {}).items()
        }

    def add(
        self,
        class_type: str,
        inputs: Mapping[str, Value] | None = None,
        *,
        wanted_id: str = "",
        title: str = "",
    ) -> Node:
        """Add a node. Its id is `wanted_id` if that is free, else one like it.

        Raises `GraphError` for what the server would refuse: an unknown class, a required input that is missing, a
        link of another type, a value out of range or not offered; and for an input that the class does not have.
        """
        given = dict(inputs or {})
        self._check(class_type, given)
        name = self._free(wanted_id)
        body: dict[str, Any] = {
            "class_type": class_type,
            "inputs": {key: _written(value) for key, value in given.items()},
        }
        self._graph[name] = {**body, "_meta": {"title": title}} if title else body
        return self.node(name)

    def node(self, node_id: str) -> Node:
        """A node that is there. Raises `GraphError` for one that is not."""
        class_type = class_of(self._graph, node_id)
        if class_type is None:
            raise GraphError(f'There is no node "{node_id}".')
        return Node(id=node_id, class_type=class_type, outputs=self._schemas.outputs(class_type))

    def relink(self, old: Link, new: Link, *, but: Collection[str] = ()) -> None:
        """Have all that takes `old` take `new`, other than the nodes `but`. Raises `GraphError` for another type."""
        if old.kind != new.kind:
            raise GraphError(f"{new.kind} can't take the place of {old.kind}.")
        for node, body in self._graph.items():
            for name, value in body["inputs"].items():
                if node not in but and value == _written(old):
                    body["inputs"][name] = _written(new)

    def graph(self) -> Graph:
        """The graph as it stands, in API format. Raises `GraphError` if it would save and show nothing."""
        if not any(self._schemas.is_output(body["class_type"]) for body in self._graph.values()):
            raise GraphError("The graph has no node that saves or shows anything.")
        return copy.deepcopy(self._graph)

    def _free(self, wanted: str) -> str:
        if wanted and wanted not in self._graph:
            return wanted
        number = 1
        while f"{wanted}{number}" in self._graph:
            number += 1
        return f"{wanted}{number}"

    def _check(self, class_type: str, given: Mapping[str, Value]) -> None:
        if not self._schemas.has(class_type):
            raise GraphError(f'The server has no node "{class_type}".')
        plain = {name: value for name, value in given.items() if not isinstance(value, Link)}
        for name in self._schemas.required(class_type, plain):
            if name not in given:
                raise GraphError(f'{class_type} needs the input "{name}".')
        for name, value in given.items():
            spec = self._schemas.input(class_type, name, plain)
            if spec is None or AUTOGROW in spec.kinds:
                raise GraphError(f'{class_type} has no input "{name}".')
            where = f"{class_type}.{name}"
            if isinstance(value, Link):
                self._check_link(where, value, spec)
            else:
                _check_value(where, value, spec)

    def _check_link(self, where: str, link: Link, spec: InputSpec) -> None:
        known = self.node(link.node).outputs
        if link.index >= len(known):
            raise GraphError(f"{where} is linked to an output that node {link.node} does not have.")
        if not {link.kind, ANY} & spec.kinds and link.kind != ANY:
            raise GraphError(f"{where} takes {' or '.join(sorted(spec.kinds))}, not {link.kind}.")


def linked_to(graph: Graph, link: Link) -> bool:
    """Whether anything takes an output."""
    return any(_written(link) in inputs_of(graph, node).values() for node in graph)


def _written(value: Value) -> Any:
    return [value.node, value.index] if isinstance(value, Link) else value


def _check_value(where: str, value: PatchValue, spec: InputSpec) -> None:
    if "COMBO" in spec.kinds:
        offered = spec.choices
        if offered is not None and upload_kind(spec) is None and own_spelling(str(value), offered) is None:
            raise GraphError(f"{where} does not offer {value!r}.")
    elif isinstance(value, bool):
        fits = bool({"BOOLEAN", ANY} & spec.kinds)
        _require(where, value, spec, fits=fits)
    elif isinstance(value, str):
        _require(where, value, spec, fits=bool({"STRING", ANY} & spec.kinds))
    else:
        whole = isinstance(value, int) and "INT" in spec.kinds
        _require(where, value, spec, fits=whole or bool({"FLOAT", ANY} & spec.kinds))
        _check_bounds(where, value, spec)


def _require(where: str, value: PatchValue, spec: InputSpec, *, fits: bool) -> None:
    if not fits:
        raise GraphError(f"{where} takes {' or '.join(sorted(spec.kinds))}, not {value!r}.")


def _check_bounds(where: str, value: float, spec: InputSpec) -> None:
    least, most = spec.number("min"), spec.number("max")
    if least is not None and value < least:
        raise GraphError(f"{where} must be at least {least}, not {value}.")
    if most is not None and value > most:
        raise GraphError(f"{where} must be at most {most}, not {value}.")
