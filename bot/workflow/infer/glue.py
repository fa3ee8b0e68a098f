"""Where a value really comes from: through primitives, switches, expressions and texts put together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bot.comfy.graph import title_of
from bot.comfy.inputs import ANY
from bot.workflow.infer.interface import Interface
from bot.workflow.infer.meanings import is_long
from bot.workflow.infer.polarity import says_negative
from bot.workflow.infer.view import Source, View
from bot.workflow.model import Target

NUMBERS = frozenset({"INT", "FLOAT"})
TEXTS = frozenset({"STRING"})
RATE = re.compile(r"fps|frame[_ ]?rate|frames per|帧率|幀率|フレームレート", re.IGNORECASE)

_RULES = re.compile(
    r"json|regex|pattern|find|delimiter|separator|^key$|mode|format|locale|language", re.IGNORECASE
)
_GIVEN = re.compile(r"pass_?through", re.IGNORECASE)
_MAIN = re.compile(r"(^|[_.])(prompt|text|user_prompt|query|question|message)$", re.IGNORECASE)
_SYSTEM = re.compile(
    r"system|instruct|template|prefix|suffix|style|trigger|enhanc|negative|系统|系統|システム|模板|风格|スタイル|负|負",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"prompt|text|input|positive|description|caption|user|提示|プロンプト|正向|正面|描述|用户", re.IGNORECASE
)
_ORDERS = re.compile(r"\s*(you are|you're|your task|act as|as an? (expert|assistant))\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """A literal that a value comes from. `path` are the inputs on the way, the one that was asked about first.

    `direct` if the value arrives as it is, not put together with others; `mixed` if one of these is known to a run
    alone.
    """

    target: Target
    path: tuple[Target, ...]
    direct: bool = True
    mixed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measured:
    """How the inputs are called that set what may be measured, and whether nothing changes it on the way."""

    name: re.Pattern[str]
    exact: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracer:
    """Follows values backwards through a graph."""

    view: View
    interface: Interface

    def numbers(self, target: Target) -> list[Origin]:
        """The literals that a number comes from: one, or several that are computed with. Empty if it is measured."""
        return _once(self._numbers(target, (target,)))

    def sizes(self, target: Target, name: re.Pattern[str], *, exact: bool = False) -> list[Origin]:
        """The literals that a size comes from; one that is measured is that of the node that last set it.

        `exact` if what is measured is what was set there: a number of pictures, which nothing rounds.
        """
        return _once(self._numbers(target, (target,), _Measured(name=name, exact=exact)))

    def _sized_by(self, source: Source, name: re.Pattern[str]) -> str | None:
        """The node that gave the measured picture its size; None for a size that is not measured, or that of a file."""
        node, seen = source.node, set[str]()
        if self.view.is_glue(node) or self.view.kind(source) not in NUMBERS:
            return None
        while node not in seen and not self.view.loads(node):
            seen.add(node)
            if any(name.fullmatch(each.rsplit(".", 1)[-1]) for each in self.view.inputs(node)):
                return node if node != source.node else None
            pictures = [each for _, each in self.view.live_links(node) if self.view.kind(each) == "IMAGE"]
            if len(pictures) != 1:
                return None
            node = pictures[0].node
        return None

    def _numbers(
        self,
        target: Target,
        path: tuple[Target, ...],
        measured: _Measured | None = None,
        *,
        direct: bool = True,
    ) -> Iterator[Origin]:
        source = self.view.link(target)
        if source is None:
            yield Origin(target=target, path=path, direct=direct)
            return
        found: list[list[Origin]] = []
        for step, kept in self._number_steps(source, measured, path[0].input):
            if step in path:
                continue
            origins = list(self._numbers(step, (*path, step), measured, direct=direct and kept))
            timed = measured is not None and measured.exact and self._is_rate(step)
            if origins or not timed:
                found.append(origins)
        for origin in (each for origins in found for each in origins):
            yield origin if all(found) else replace(origin, mixed=True)

    def _number_steps(
        self, source: Source, measured: _Measured | None, wanted: str
    ) -> Iterator[tuple[Target, bool]]:
        """The inputs that a number is made of, and whether it is theirs as it is. `wanted` is the input it is for."""
        setter = None if measured is None else self._sized_by(source, measured.name)
        if measured is not None and setter is not None:
            for name in self.view.inputs(setter):
                if measured.name.fullmatch(name.rsplit(".", 1)[-1]):
                    yield Target(node=setter, input=name), measured.exact
            return
        for name in self._number_inputs(source, wanted.rsplit(".", 1)[-1]):
            kept = self.view.is_primitive(source.node) or name == self.view.taken(source.node)
            yield Target(node=source.node, input=name), kept

    def _is_rate(self, target: Target) -> bool:
        """Whether a number is the rate of a film that only a run can tell."""
        source = self.view.link(target)
        return source is not None and RATE.search(self.view.name(source)) is not None

    def _number_inputs(self, source: Source, wanted: str) -> list[str]:
        """The inputs of a node that one of its numbers is made of; of several, the one that is called as it is used."""
        view, node = self.view, source.node
        named = view.namesake(source)
        if named is not None and self._takes(node, named, NUMBERS):
            return [named]
        if not view.is_glue(node) and view.decider(node) is None:
            return []
        taken = view.taken(node)
        if taken is not None:
            return [taken]
        numbers = [name for name in view.inputs(node) if self._takes(node, name, NUMBERS)]
        links = [name for name in numbers if view.link(Target(node=node, input=name)) is not None]
        if links or (len(numbers) == 1 and len(view.inputs(node)) == 1):
            return links or numbers
        called = [name for name in numbers if wanted in name.split("_") or name == wanted]
        return called if len(called) == 1 else []

    def _takes(self, node: str, name: str, kinds: frozenset[str]) -> bool:
        taken = self.view.spec(Target(node=node, input=name)).kinds
        source = self.view.link(Target(node=node, input=name))
        if taken & kinds:
            return source is None or self.view.kind(source) in kinds | {ANY}
        if ANY not in taken or source is None:
            return False
        kind = self.view.kind(source)
        return kind in kinds or (kind == ANY and not self.view.is_known(source.node))

    def texts(self, target: Target) -> list[Origin]:
        """The literal texts that a text is made of, the one that a person would write first."""
        arriving = _once(self._texts(target, (target,), direct=True, every=False))
        ways = Counter(origin.target for origin in self._texts(target, (target,), direct=True, every=True))
        return sorted(arriving, key=lambda origin: -self._likely(origin, ways))

    def _texts(
        self, target: Target, path: tuple[Target, ...], *, direct: bool, every: bool
    ) -> Iterator[Origin]:
        """`every` follows all branches of switches, also those that are not taken."""
        source = self.view.link(target)
        if source is None:
            if isinstance(self.view.value(target), str):
                yield Origin(target=target, path=path, direct=direct)
            return
        for name in self._text_inputs(source, every=every):
            step = Target(node=source.node, input=name)
            if step not in path:
                kept = direct and len(self._text_inputs(source, every=False)) == 1
                yield from self._texts(step, (*path, step), direct=kept, every=every)

    def _text_inputs(self, source: Source, *, every: bool) -> list[str]:
        view, node = self.view, source.node
        taken = view.taken(node)
        if taken is not None and not every:
            return [taken]
        given = [name for name, _ in view.links(node) if _GIVEN.search(name)]
        if given:
            return given
        named = view.namesake(source) if view.is_known(node) else None
        if named is not None and self._takes(node, named, TEXTS):
            return [named]
        names = [n for n in view.inputs(node) if self._takes(node, n, TEXTS) and not _RULES.search(n)]
        names = [name for name in names if not _is_shown(name, names)]
        if not view.is_known(node):
            names = [name for name in names if self._is_long(node, name)] or names
        names = self._own_texts(source, names)
        if view.is_glue(node):
            return names
        asked = [name for name in names if _MAIN.search(name)]
        return asked or [n for n in names if not _SYSTEM.search(n) and self._is_long(node, n)][:1]

    def _own_texts(self, source: Source, names: list[str]) -> list[str]:
        """Of a node that gives several texts on, those that one output is made of."""
        outputs = self.view.outputs(source.node)
        given = [index for index, (kind, _) in enumerate(outputs) if kind == "STRING"]
        if len(given) < 2 or len(names) < 2:
            return names
        if not self.view.is_known(source.node):
            place = given.index(source.index) if source.index in given else 0
            return names[place : place + 1] if len(names) == len(given) else names
        sort = says_negative(self.view.name(source))
        return [name for name in names if says_negative(name) == sort] or names

    def _is_long(self, node: str, name: str) -> bool:
        target = Target(node=node, input=name)
        return self.view.link(target) is not None or is_long(self.view.spec(target))

    def _likely(self, origin: Origin, ways: Mapping[Target, int]) -> float:
        """How likely a person would write this text rather than the others that it is joined to."""
        node, target = origin.target.node, origin.target
        title = title_of(self.view.graph, node) or ""
        words = (
            f"{self.interface.label(origin.path) or ''} {'' if title == self._class_name(node) else title}"
        )
        score = 4.0 * self.view.is_primitive(node) + ways.get(target, 0) + origin.direct
        score += 2.0 * bool(_ASKS.search(words)) - 6.0 * bool(_SYSTEM.search(words))
        return score - 6.0 * bool(_ORDERS.match(str(self.view.value(target))))

    def _class_name(self, node: str) -> str:
        return self.view.schemas.display_name(str(self.view.graph[node].get("class_type")))


def _is_shown(name: str, names: list[str]) -> bool:
    """Whether a text is what a node showed of its input when the graph was exported."""
    stem, _, number = name.rpartition("_")
    return number.isdigit() and stem in names


def _once(origins: Iterator[Origin] | list[Origin]) -> list[Origin]:
    """Each literal once, by the most direct way to it."""
    found: dict[Target, Origin] = {}
    for origin in origins:
        before = found.get(origin.target)
        if before is None or (origin.direct and not before.direct):
            found[origin.target] = origin
    return list(found.values())
