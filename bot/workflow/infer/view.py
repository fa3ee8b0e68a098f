"""A graph with the types of its nodes: what is linked to what, what decides between branches, and what is run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bot.comfy.graph import Graph, class_of, inputs_of
from bot.comfy.inputs import ANY, InputSpec
from bot.comfy.schemas import NodeSchemas, upload_kind
from bot.workflow.infer.guess import THINGS, kind_named, spec_of
from bot.workflow.model import Target

SCALARS = frozenset({"STRING", "INT", "FLOAT", "BOOLEAN", "COMBO"})
"""The types that a person can type."""

_TRUE = re.compile(r"(^|[_ .])?(on_?true|if_?true|true|true_value|yes)$", re.IGNORECASE)
_FALSE = re.compile(r"(^|[_ .])?(on_?false|if_?false|false|false_value|no|else)$", re.IGNORECASE)
_SELECTOR = re.compile(
    r"^(select|selected|selection|index|idx|input|choose|which|switch|channel|choice)\w*$", re.I
)
_NUMBERED = re.compile(r"^(?P<stem>.*?)[_ .]?(?P<number>\d+)$")


@dataclass(frozen=True, slots=True)
class Source:
    """An output of a node."""

    node: str
    index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """A link seen from its source: which input takes the output `index`."""

    index: int
    target: Target


@dataclass(frozen=True, kw_only=True)
class View:
    """A graph under the schemas of a server; what the server does not know is told by the values themselves."""

    graph: Graph
    schemas: NodeSchemas
    _kinds: dict[Source, str] = field(default_factory=dict, compare=False)
    _specs: dict[Target, InputSpec] = field(default_factory=dict, compare=False)
    _glue: dict[str, bool] = field(default_factory=dict, compare=False)
    _taken: dict[str, tuple[InputSpec, ...]] = field(default_factory=dict, compare=False)
    _outputs: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict, compare=False)
    _deciders: dict[str, str | None] = field(default_factory=dict, compare=False)

    def inputs(self, node: str) -> Mapping[str, Any]:
        """A node's inputs as the graph has them."""
        return inputs_of(self.graph, node)

    def value(self, target: Target) -> Any:
        """What a graph has at an input."""
        return self.inputs(target.node).get(target.input)

    def link(self, target: Target) -> Source | None:
        """Where an input's value comes from, if it is a link to a node of the graph."""
        return self._source(self.value(target))

    def links(self, node: str) -> Iterator[tuple[str, Source]]:
        """The linked inputs of a node."""
        for name, value in self.inputs(node).items():
            source = self._source(value)
            if source is not None:
                yield name, source

    def _source(self, value: object) -> Source | None:
        match value:
            case [str(node), int(index)] if node in self.graph and not isinstance(index, bool):
                return Source(node, index)
        return None

    def spec(self, target: Target) -> InputSpec:
        """What an input takes; guessed from its value where the server does not know it."""
        if target not in self._specs:
            class_type = class_of(self.graph, target.node) or ""
            known = self.schemas.input(class_type, target.input, self.inputs(target.node))
            self._specs[target] = known or self._guess(target)
        return self._specs[target]

    def _guess(self, target: Target) -> InputSpec:
        source = self.link(target)
        return spec_of(target.input, self.value(target), ANY if source is None else self.kind(source))

    def is_known(self, node: str) -> bool:
        """Whether the server knows the class of a node."""
        return self.schemas.has(class_of(self.graph, node) or "")

    def is_extra(self, target: Target) -> bool:
        """Whether the class of a node, which is known, has no such input: its front end keeps there what it shows."""
        class_type = class_of(self.graph, target.node) or ""
        known = self.schemas.input(class_type, target.input, self.inputs(target.node))
        return self.is_known(target.node) and known is None and self.link(target) is None

    def specs(self, node: str) -> tuple[InputSpec, ...]:
        """All that a node takes; of a class that no server knows, what it is given."""
        if node not in self._taken:
            known = self.schemas.inputs(class_of(self.graph, node) or "") if self.is_known(node) else None
            given = (self.spec(Target(node=node, input=name)) for name in self.inputs(node))
            self._taken[node] = tuple(given) if known is None else known
        return self._taken[node]

    def shows(self, node: str) -> bool:
        """Whether a node saves or shows something; of unknown classes, what nothing follows."""
        if self.is_known(node):
            return self.schemas.is_output(class_of(self.graph, node) or "")
        return node not in self._takers and any(True for _ in self.links(node))

    def loads(self, node: str) -> bool:
        """Whether a node reads a picture, a video or a sound that was uploaded."""
        return any(upload_kind(self.spec(Target(node=node, input=name))) for name in self.inputs(node))

    def outputs(self, node: str) -> tuple[tuple[str, str], ...]:
        """Type and name of every output of a node; of a class that no server knows, what takes it says so."""
        if node not in self._outputs and self.is_known(node):
            self._outputs[node] = self.schemas.outputs(class_of(self.graph, node) or "")
        if node not in self._outputs:
            takers = self._takers.get(node, ())
            count = max((use.index for use in takers), default=-1) + 1
            uses = ([use.target for use in takers if use.index == index] for index in range(count))
            self._outputs[node] = tuple(self._given(node, each) for each in uses)
        return self._outputs[node]

    def _given(self, node: str, takers: list[Target]) -> tuple[str, str]:
        """Type and name of an output that some inputs take; a node that is one value mostly gives that."""
        found = [(self._taken_kind(node, target), target.input.rsplit(".", 1)[-1]) for target in takers]
        told = next((each for each in found if each[0] != ANY), (ANY, found[0][1] if found else ""))
        values = list(self.inputs(node))
        own = self.spec(Target(node=node, input=values[0])).kinds if len(values) == 1 else frozenset[str]()
        if own & (SCALARS - {"COMBO"}) and told[0] not in THINGS:
            return next(iter(own)), values[0]
        return told

    def _taken_kind(self, node: str, target: Target) -> str:
        known = self.schemas.input(class_of(self.graph, target.node) or "", target.input)
        if known is not None:
            return next(iter(sorted(known.kinds))) if len(known.kinds) == 1 else ANY
        kind = kind_named(target.input)
        return "STRING" if kind == "CONDITIONING" and self._only_writes(node) else kind

    def _only_writes(self, node: str) -> bool:
        """Whether a node takes nothing but what a person can type."""
        return all(kind_named(name) in SCALARS | {ANY} for name, _ in self.links(node))

    @cached_property
    def _takers(self) -> Mapping[str, tuple[Use, ...]]:
        """By node, all inputs that take its outputs, live or not."""
        found: dict[str, list[Use]] = {}
        for node in self.graph:
            for name, source in self.links(node):
                use = Use(index=source.index, target=Target(node=node, input=name))
                found.setdefault(source.node, []).append(use)
        return {node: tuple(uses) for node, uses in found.items()}

    def name(self, source: Source) -> str:
        """What an output is called."""
        outputs = self.outputs(source.node)
        return outputs[source.index][1] if source.index < len(outputs) else ""

    def namesake(self, source: Source) -> str | None:
        """The input that an output has its name from; None if there is none."""
        wanted = self.name(source).lower()
        if wanted in ("", self.kind(source).lower()):
            return None
        names = self.inputs(source.node)
        same = [name for name in names if name.lower() == wanted]
        return next(iter(same or [name for name in names if name.lower().startswith(f"{wanted}_")]), None)

    def kind(self, source: Source) -> str:
        """The type of an output; where that is the type of whatever goes in, it is looked up there."""
        if source not in self._kinds:
            self._kinds[source] = ANY  # what a loop of links would find
            self._kinds[source] = self._kind(source)
        return self._kinds[source]

    def _kind(self, source: Source) -> str:
        outputs = self.outputs(source.node)
        kind = outputs[source.index][0] if source.index < len(outputs) else ANY
        if kind != ANY:
            return kind
        found = (
            self.kind(inner)
            for name, inner in self.links(source.node)
            if not self._decides(source.node, name)
        )
        return next((each for each in found if each != ANY), ANY)

    def _decides(self, node: str, name: str) -> bool:
        return bool({"BOOLEAN", "INT"} & self.spec(Target(node=node, input=name)).kinds)

    def makes(self, node: str) -> frozenset[str]:
        """The types of a node's outputs."""
        return frozenset(self.kind(Source(node, index)) for index in range(len(self.outputs(node))))

    def gives(self, node: str) -> frozenset[str]:
        """The types of those outputs of a node that something live takes."""
        return frozenset(self.kind(Source(node, use.index)) for use in self.uses.get(node, ()))

    def is_glue(self, node: str) -> bool:
        """Whether a node only carries or computes values that a person could type."""
        if node not in self._glue:
            self._glue[node] = self._is_glue(node)
        return self._glue[node]

    def _is_glue(self, node: str) -> bool:
        taken = self.specs(node)
        allowed = SCALARS | {ANY}
        if not self.outputs(node) or not self.makes(node) <= allowed:
            return False
        if len(taken) > 1 and any(spec.is_seed for spec in taken):
            return False
        return all(spec.kinds & allowed or "AUTOGROW" in "".join(spec.kinds) for spec in taken)

    def is_primitive(self, node: str) -> bool:
        """Whether a node is nothing but one value."""
        return self.is_glue(node) and len(self.inputs(node)) == 1

    def live_links(self, node: str) -> list[tuple[str, Source]]:
        """The linked inputs that count with the graph's own values: of a switch, the branch that is taken."""
        links = list(self.links(node))
        taken = self.taken(node)
        if taken is None:
            return links
        decider = self.decider(node)
        return [(name, source) for name, source in links if name in (taken, decider)]

    def taken(self, node: str) -> str | None:
        """Which input of a switch is passed on; None for any other node, and where only a run can tell."""
        decider = self.decider(node)
        if decider is None:
            return self._first_given(node)
        value = self.constant(Target(node=node, input=decider))
        names = [name for name in self.inputs(node) if name != decider]
        if isinstance(value, bool):
            wanted = _TRUE if value else _FALSE
            return next((name for name in names if wanted.search(name)), None)
        return _numbered(names, value) if isinstance(value, int) else None

    def decider(self, node: str) -> str | None:
        """The input of a switch that says which branch is taken; None for any other node."""
        if node not in self._deciders:
            self._deciders[node] = self._decider(node)
        return self._deciders[node]

    def _decider(self, node: str) -> str | None:
        names = list(self.inputs(node))
        yes = [name for name in names if _TRUE.search(name)]
        no = [name for name in names if _FALSE.search(name)]
        rest = [name for name in names if name not in (*yes, *no)]
        if len(yes) == len(no) == 1 and self._same_kind(node, *yes, *no):
            flags = [name for name in rest if "BOOLEAN" in self.spec(Target(node=node, input=name)).kinds]
            return flags[0] if len(flags) == 1 else None
        return self._index(node, names)

    def _same_kind(self, node: str, *names: str) -> bool:
        """A node's own yes and no may be settings of two kinds; the branches of a switch are of one."""
        return len({self.spec(Target(node=node, input=name)).kinds for name in names}) == 1

    def _index(self, node: str, names: list[str]) -> str | None:
        numbers = [
            n for n in names if _SELECTOR.match(n) and not _NUMBERED.match(n) and self._is_whole(node, n)
        ]
        branches = [name for name, _ in self.links(node) if _NUMBERED.match(name)]
        makes = {kind for kind, _ in self.outputs(node)[:1]}
        return (
            numbers[0]
            if len(numbers) == 1 and len(branches) > 1 and makes & self._taken_kinds(node, branches)
            else None
        )

    def _is_whole(self, node: str, name: str) -> bool:
        return self.spec(Target(node=node, input=name)).kinds == {"INT"}

    def _taken_kinds(self, node: str, names: list[str]) -> set[str]:
        return {kind for name in names for kind in self.spec(Target(node=node, input=name)).kinds}

    def _first_given(self, node: str) -> str | None:
        """Of a node that passes on the first of several inputs of any type: that one."""
        kinds = [kind for kind, _ in self.outputs(node)]
        links = [name for name, _ in self.links(node)]
        free = all(self.spec(Target(node=node, input=name)).kinds == {ANY} for name in links)
        numbered = [name for name in links if _NUMBERED.match(name)]
        if (
            kinds == [ANY]
            and free
            and len(numbered) == len(links) > 1
            and len(links) == len(self.inputs(node))
        ):
            return min(links, key=_place)
        return None

    def constant(self, target: Target, depth: int = 0) -> object:
        """The value at an input as far as it is known without a run, through nodes that only pass it on."""
        source = self.link(target)
        if source is None:
            return self.value(target)
        if depth > len(self.graph) or not self.is_glue(source.node):
            return None
        name = self.taken(source.node)
        if name is None:
            inner = list(self.inputs(source.node))
            name = inner[0] if len(inner) == 1 else None
        return None if name is None else self.constant(Target(node=source.node, input=name), depth + 1)

    @cached_property
    def results(self) -> tuple[str, ...]:
        """The nodes that a run is for: those that save, and where there are none, those that show."""
        sinks = [node for node in self.graph if self.shows(node)]
        ends = [node for node in self.graph if node not in self._takers]
        return tuple([node for node in sinks if self._saves(node)] or sinks or ends)

    def _saves(self, node: str) -> bool:
        """What saves or makes has a text or a choice of its own, a file's name at least; what shows has none."""
        named = any("filename" in name for name in self.inputs(node))
        own = (name for name, value in self.inputs(node).items() if isinstance(value, str))
        return named or any(not self.is_extra(Target(node=node, input=name)) for name in own)

    @cached_property
    def live(self) -> tuple[str, ...]:
        """The nodes that the results need, in the graph's order."""
        found: set[str] = set()
        waiting = list(self.results)
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                waiting += [source.node for _, source in self.live_links(node)]
        return tuple(node for node in self.graph if node in found)

    @cached_property
    def uses(self) -> Mapping[str, tuple[Use, ...]]:
        """By node, the live inputs that take its outputs."""
        found: dict[str, list[Use]] = {}
        for node in self.live:
            for name, source in self.live_links(node):
                use = Use(index=source.index, target=Target(node=node, input=name))
                found.setdefault(source.node, []).append(use)
        return {node: tuple(uses) for node, uses in found.items()}


def _numbered(names: list[str], number: int) -> str | None:
    """The branch with a number; branches count from 0 or from 1."""
    return next(
        (name for name in names if (at := _NUMBERED.match(name)) and int(at["number"]) == number), None
    )


def _place(name: str) -> int:
    at = _NUMBERED.match(name)
    return int(at["number"]) if at else 0
