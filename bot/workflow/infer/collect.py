"""Looks at every input of the nodes that are run, and says where its value comes from and what it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.comfy.graph import class_of, title_of
from bot.comfy.schemas import upload_kind
from bot.workflow.infer.glue import RATE, Origin, Tracer
from bot.workflow.infer.interface import Interface
from bot.workflow.infer.meanings import (
    NAMES,
    PICTURES,
    SAMPLED,
    Meaning,
    encodes,
    number_meaning,
    plain_meaning,
    setting_meaning,
    short,
    text_meaning,
)
from bot.workflow.infer.polarity import Polarities, Polarity, polarities, says_negative, says_positive
from bot.workflow.infer.role import made_kinds
from bot.workflow.infer.sampling import Samplings
from bot.workflow.infer.view import View
from bot.workflow.model import Target

_MEDIA = {"image": Meaning.IMAGE, "video": Meaning.VIDEO, "audio": Meaning.AUDIO}
_FRAMES = re.compile(r"frame(?!_?rate)|帧(?!率)|幀(?!率)|フレーム(?!レート)", re.IGNORECASE)
_LASTS = re.compile(r"duration|second|length|frame|秒|时长|時長|長さ|长度|帧|フレーム", re.IGNORECASE)
_OFF = (False, "disable", "disabled", "false", "off")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """A value of the graph that somebody may want to set. `origin` is where it stands, `used` the input it is for."""

    meaning: Meaning
    origin: Origin
    used: Target
    masked: bool = False

    @property
    def target(self) -> Target:
        """The input that would be set."""
        return self.origin.target


@dataclass(frozen=True, kw_only=True)
class Collector:
    """Reads one graph."""

    view: View
    interface: Interface
    tracer: Tracer
    polarities: Polarities
    samplings: Samplings

    def findings(self) -> list[Finding]:
        """Everything that was found; each place once, with the first meaning that it has."""
        found: dict[Target, Finding] = {}
        for finding in (*self._media(), *self._texts(), *self._numbers(), *self._settings()):
            found.setdefault(finding.target, finding)
        return self._framed(list(found.values()))

    def _framed(self, found: list[Finding]) -> list[Finding]:
        """Where all that is made is a film, and nothing else says how long: its pictures are those of a batch."""
        told = any(each.meaning in (Meaning.LENGTH, Meaning.SECONDS) for each in found)
        if told or made_kinds(self.view) != {"VIDEO"}:
            return found
        return [
            replace(each, meaning=Meaning.LENGTH)
            if each.meaning is Meaning.COUNT and self.view.value(each.target) not in (0, 1)
            else each
            for each in found
        ]

    def _targets(self) -> Iterator[Target]:
        for node in self.view.live:
            for name in self.view.inputs(node):
                yield Target(node=node, input=name)

    def _plain_targets(self) -> Iterator[Target]:
        """The inputs of all nodes that do something themselves."""
        for target in self._targets():
            if not self.view.is_glue(target.node) and self.view.decider(target.node) is None:
                yield target

    def _media(self) -> Iterator[Finding]:
        for target in self._targets():
            kind = upload_kind(self.view.spec(target))
            meaning = _MEDIA.get(kind or "")
            if meaning is None or self.view.link(target) is not None:
                continue
            used = {
                self.view.outputs(target.node)[use.index][0] for use in self.view.uses.get(target.node, ())
            }
            if meaning is Meaning.IMAGE and (used == {"MASK"} or "mask" in target.input.lower()):
                meaning = Meaning.MASK
            masked = "MASK" in used and meaning is Meaning.IMAGE
            yield Finding(meaning=meaning, origin=_at(target), used=target, masked=masked)

    def _texts(self) -> Iterator[Finding]:
        for target in self._plain_targets():
            spec = self.view.spec(target)
            meaning = text_meaning(self.view, target, spec)
            if meaning is Meaning.PROMPT:
                meaning = self._sort(target)
            if meaning is None:
                continue
            for place, origin in enumerate(self.tracer.texts(target)):
                if place == 0:
                    yield Finding(meaning=meaning, origin=origin, used=target)
                elif self._is_told(origin):
                    yield Finding(meaning=Meaning.SYSTEM, origin=origin, used=target)

    def _is_told(self, origin: Origin) -> bool:
        """Whether the author shows a text that is joined to the prompt, or has made a node of it."""
        return self.view.is_primitive(origin.target.node) or self.interface.label(origin.path) is not None

    def _sort(self, target: Target) -> Meaning | None:
        """Whether a text is wanted, unwanted, or looked for in a picture."""
        if says_negative(short(target.input)):
            return Meaning.NEGATIVE
        if not encodes(self.view, target.node) or says_positive(short(target.input)):
            return Meaning.PROMPT
        match self.polarities.of(target.node):
            case Polarity.POSITIVE:
                return Meaning.PROMPT
            case Polarity.NEGATIVE:
                return Meaning.NEGATIVE
            case Polarity.OTHER:
                return Meaning.OBJECT
        return None

    def _numbers(self) -> Iterator[Finding]:
        rates = self._rates()
        for target in self._plain_targets():
            meaning = number_meaning(self.view, target, self.view.spec(target))
            if meaning is None or (meaning is Meaning.SEED and self._silent(target.node)):
                continue
            if meaning in SAMPLED and self.samplings.is_aside(target.node):
                meaning = Meaning.NUMBER
            origins = [origin for origin in self._origins(target, meaning) if not origin.mixed]
            if meaning in (Meaning.LENGTH, Meaning.SECONDS):
                yield from self._duration(target, meaning, origins, rates)
            elif len(origins) == 1:
                yield Finding(meaning=meaning, origin=origins[0], used=target)

    def _origins(self, target: Target, meaning: Meaning) -> list[Origin]:
        if meaning in (Meaning.WIDTH, Meaning.HEIGHT):
            return self.tracer.sizes(target, NAMES[meaning])
        if meaning is Meaning.LENGTH:
            return self.tracer.sizes(target, PICTURES, exact=True)
        return self.tracer.numbers(target)

    def _rates(self) -> set[Target]:
        """Where the frames per second stand."""
        return {
            origin.target
            for target in self._plain_targets()
            if number_meaning(self.view, target, self.view.spec(target)) is Meaning.FPS
            for origin in self.tracer.numbers(target)
        }

    def _duration(
        self, used: Target, meaning: Meaning, origins: list[Origin], rates: set[Target]
    ) -> Iterator[Finding]:
        """A number of frames that is computed from a rate is a time."""
        rest = [o for o in origins if o.target not in rates and not RATE.search(self._words(o))]
        if len(rest) > 1:
            rest = [origin for origin in rest if _LASTS.search(self._words(origin))]
        if len(rest) != 1:
            return
        computed = not rest[0].direct and not _FRAMES.search(self._words(rest[0]))
        yield Finding(meaning=Meaning.SECONDS if computed else meaning, origin=rest[0], used=used)

    def _words(self, origin: Origin) -> str:
        """All that the author says about a value."""
        title = title_of(self.view.graph, origin.target.node) or ""
        return f"{self.interface.label(origin.path) or ''} {title if self.view.is_glue(origin.target.node) else ''}"

    def _silent(self, node: str) -> bool:
        """Whether a node with a seed adds no noise."""
        return "add_noise" in self.view.inputs(node) and (
            self.view.constant(Target(node=node, input="add_noise")) in _OFF
        )

    def _settings(self) -> Iterator[Finding]:
        for target in self._targets():
            if self.view.link(target) is not None:
                continue
            spec = self.view.spec(target)
            glue = self.view.is_glue(target.node)
            meaning = plain_meaning(spec) if glue else setting_meaning(self.view, target, spec)
            if glue and (spec.flag("advanced") or not self._sets_something(target)):
                meaning = None
            if meaning is None and self.interface.label((target,)) is not None:
                meaning = plain_meaning(spec) or (Meaning.TEXT if spec.kinds == {"STRING"} else None)
            if glue and meaning is not None:
                meaning = setting_meaning(self.view, target, spec) or meaning
            if meaning is not None:
                yield Finding(meaning=meaning, origin=_at(target), used=target)

    def _sets_something(self, target: Target) -> bool:
        """Whether a value of a node that carries values is the value, not a rule for it."""
        named = Meaning.MEGAPIXELS, Meaning.ASPECT_RATIO
        spec = self.view.spec(target)
        numbers = not {"STRING"} & spec.kinds
        return self.view.is_primitive(target.node) or (
            numbers and (setting_meaning(self.view, target, spec) in named or target.input == "choice")
        )


def collector(view: View, interface: Interface) -> Collector:
    """A collector with all that it asks."""
    found = polarities(view)
    return Collector(
        view=view,
        interface=interface,
        tracer=Tracer(view=view, interface=interface),
        polarities=found,
        samplings=Samplings(view=view, worded=found.worded),
    )


def _at(target: Target) -> Origin:
    return Origin(target=target, path=(target,))


def class_title(view: View, node: str) -> str:
    """What the front end calls a node that its author has not named."""
    return view.schemas.display_name(class_of(view.graph, node) or "")
