"""Which findings are one to a person: the copies of a size, the seeds of two samplers, a repeated prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.comfy.graph import class_of, title_of
from bot.workflow.infer.collect import Collector, Finding
from bot.workflow.infer.glue import Origin
from bot.workflow.infer.meanings import SAYS_LITTLE, Meaning, short
from bot.workflow.infer.polarity import Polarities
from bot.workflow.infer.view import View
from bot.workflow.model import Target

_SIZES = (Meaning.WIDTH, Meaning.HEIGHT)
_ENCODED = (Meaning.PROMPT, Meaning.NEGATIVE)
_DRAWN = re.compile(r"^(wildcard|populated)_")
_ALONE = (Meaning.IMAGE, Meaning.MASK, Meaning.VIDEO, Meaning.AUDIO)


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Findings that take one value. `label` is the author's word for them."""

    meaning: Meaning
    findings: tuple[Finding, ...]
    label: str | None = None

    @property
    def first(self) -> Finding:
        """The one that the others follow."""
        return self.findings[0]

    @property
    def targets(self) -> tuple[Target, ...]:
        """All inputs that would be set."""
        return tuple(finding.target for finding in self.findings)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Labelled:
    finding: Finding
    label: str | None
    value: Hashable


def groups(collector: Collector) -> list[Group]:
    """What was found, put together, in the order of its meaning."""
    made: list[Group] = []
    findings = _promoted(collector, collector.findings())
    for meaning in Meaning:
        entries = [_labelled(collector, each) for each in findings if each.meaning is meaning]
        made += _grouped(collector, meaning, entries)
    return _with_twins(collector, made)


def _with_twins(collector: Collector, made: list[Group]) -> list[Group]:
    """Every group with the other inputs that the author's own widget sets too, and no input in two groups."""
    seen: set[Target] = set()
    kept: list[Group] = []
    for group in made:
        own = [each for each in group.findings if each.target not in seen]
        twins = [
            Finding(meaning=group.meaning, origin=Origin(target=twin, path=(twin,)), used=twin)
            for twin in dict.fromkeys(twin for each in own for twin in _twins(collector, each))
            if twin not in seen and twin not in group.targets
        ]
        seen |= {each.target for each in (*own, *twins)}
        if own:
            kept.append(replace(group, findings=(*own, *twins)))
    return kept


def _twins(collector: Collector, finding: Finding) -> list[Target]:
    twins = collector.interface.together.get(finding.target, ())
    return [twin for twin in twins if isinstance(collector.view.value(twin), str | int | float | bool)]


def _promoted(collector: Collector, findings: list[Finding]) -> list[Finding]:
    """Where no node takes a prompt, the text that its author calls so is it."""
    if any(finding.meaning is Meaning.PROMPT for finding in findings):
        return findings
    called = [
        each for each in findings if each.meaning is Meaning.TEXT and "prompt" in _called(collector, each)
    ]
    prompt = called[0] if len(called) == 1 else None
    return [
        Finding(meaning=Meaning.PROMPT, origin=each.origin, used=each.used) if each is prompt else each
        for each in findings
    ]


def _called(collector: Collector, finding: Finding) -> str:
    title = title_of(collector.view.graph, finding.target.node) or ""
    return f"{collector.interface.label(finding.origin.path) or ''} {title}".lower()


def _labelled(collector: Collector, finding: Finding) -> _Labelled:
    value = collector.view.value(finding.target)
    return _Labelled(
        finding=finding,
        label=collector.interface.label(finding.origin.path),
        value=value if isinstance(value, Hashable) else str(value),
    )


def _grouped(collector: Collector, meaning: Meaning, entries: list[_Labelled]) -> list[Group]:
    view = collector.view
    if meaning in _ALONE:
        return _by(meaning, entries, lambda each: each.finding.target)
    if meaning is Meaning.SEED:
        return _seeds(view, entries)
    if meaning in _SIZES:
        entries = _leading(view, entries)
    if meaning is Meaning.FPS:
        return _by(meaning, entries, lambda each: each.label)
    entries = entries if meaning in SAYS_LITTLE else _adopted(entries)
    made = _by(meaning, entries, lambda each: (each.label, each.value, _kind(view, meaning, each)))
    return _chained(collector, made) if meaning in _ENCODED else made


def _kind(view: View, meaning: Meaning, entry: _Labelled) -> Hashable:
    """What else must be the same: of settings that have no meaning of their own, node and name."""
    target = entry.finding.target
    if meaning in (*_ENCODED, *_SIZES, Meaning.LYRICS, Meaning.SECONDS, Meaning.LENGTH, Meaning.STEPS):
        return None
    if meaning is Meaning.CFG:
        return short(entry.finding.used.input)
    return short(target.input), class_of(view.graph, target.node), title_of(view.graph, target.node)


def _by(meaning: Meaning, entries: Iterable[_Labelled], key: Callable[[_Labelled], Hashable]) -> list[Group]:
    found: dict[Hashable, list[_Labelled]] = {}
    for entry in entries:
        found.setdefault(key(entry), []).append(entry)
    return [
        Group(meaning=meaning, label=each[0].label, findings=tuple(entry.finding for entry in each))
        for each in found.values()
    ]


def _adopted(entries: list[_Labelled]) -> list[_Labelled]:
    """What has no label goes with what has one, if both have the same value and there is one such label."""
    labels: dict[Hashable, set[str]] = {}
    for entry in entries:
        if entry.label is not None:
            labels.setdefault(entry.value, set()).add(entry.label)
    only = {value: next(iter(found)) for value, found in labels.items() if len(found) == 1}
    return [
        _Labelled(finding=each.finding, label=each.label or only.get(each.value), value=each.value)
        for each in entries
    ]


def _seeds(view: View, entries: list[_Labelled]) -> list[Group]:
    """The seeds of what is made are one. What the author has not labelled beside others that are stays as it is."""
    writes = [each for each in entries if view.makes(each.finding.used.node) <= {"STRING"}]
    makes = [each for each in entries if each not in writes]
    kept = [each for each in makes if each.label is not None] or makes or writes
    told = [each for each in writes if each.label is not None and each not in kept]
    return _by(Meaning.SEED, [*kept, *told], lambda each: each.label)


def _leading(view: View, entries: list[_Labelled]) -> list[_Labelled]:
    """Of several sizes, those of the result: what the author shows, else what is sampled; the copies of these.

    What an encoder is told of a size alone is none: it is sampled in another.
    """
    told = [each for each in entries if each.label is not None]
    latents = [each for each in entries if "LATENT" in view.makes(each.finding.used.node)]
    others = [each for each in entries if "CONDITIONING" not in view.gives(each.finding.used.node)]
    values = {each.value for each in told or latents or others}
    return [each for each in entries if each.value in values]


def _chained(collector: Collector, made: list[Group]) -> list[Group]:
    """Prompts without labels whose samplings carry one result on, one after the other, are one.

    Two that one sampling takes are two: they are for parts of the picture, or say different things of it.
    """
    kept: list[Group] = []
    for group in made:
        before = next((each for each in kept if _joined(collector, each, group)), None)
        if before is None:
            kept.append(group)
        else:
            both = Group(meaning=group.meaning, findings=(*before.findings, *group.findings))
            kept[kept.index(before)] = both
    return kept


def _joined(collector: Collector, one: Group, other: Group) -> bool:
    if one.label is not None or other.label is not None:
        return False
    nodes = {finding.used.node for finding in (*one.findings, *other.findings)}
    if len(nodes) == 1:
        return _same_encoder(one, other)
    ends = [_ends(collector.polarities, each.findings) for each in (one, other)]
    if ends[0] & ends[1]:
        return False
    return _carries(collector.view, ends[0], ends[1]) or _carries(collector.view, ends[1], ends[0])


def _same_encoder(one: Group, other: Group) -> bool:
    """The texts for two encoders of one model (`clip_l`, `t5xxl`) are one; `tags` and `style` are not.

    Nor are two what has wildcards and what was drawn from it.
    """
    names = {short(finding.used.input) for finding in (*one.findings, *other.findings)}
    drawn = {_DRAWN.sub("", name) for name in names}
    return len(drawn) < len(names) or all(
        name.startswith(("clip", "t5", "llama", "text_g", "text_l")) for name in names
    )


def _ends(polarities: Polarities, findings: Sequence[Finding]) -> set[str]:
    return {end for finding in findings for end in polarities.ends.get(finding.used.node, ())}


def _carries(view: View, early: set[str], late: set[str]) -> bool:
    """Whether latents of one sampling go on into the other, with nothing made of them in between."""
    seen: set[str] = set()
    waiting = list(late)
    while waiting:
        node = waiting.pop()
        if node in early:
            return True
        if node not in seen:
            seen.add(node)
            waiting += [source.node for _, source in view.live_links(node) if view.kind(source) == "LATENT"]
    return False
