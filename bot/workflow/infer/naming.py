"""Names for what was found: the author's label, else the author's title of the node, else the usual word."""

from __future__ import annotations

import re
from collections.abc import Collection

from bot.comfy.graph import title_of
from bot.contract.values import Extra
from bot.workflow.infer.collect import Collector, class_title
from bot.workflow.infer.group import Group
from bot.workflow.infer.interface import says_something
from bot.workflow.infer.meanings import SAYS_LITTLE, Meaning, is_maker, short
from bot.workflow.infer.view import SCALARS, Source, Use
from bot.workflow.model import Target

MOST_LETTERS = 32
"""Of a name: what every platform takes."""

MEDIA = (Meaning.IMAGE, Meaning.MASK, Meaning.VIDEO, Meaning.AUDIO)

_RESERVED = frozenset(extra.value for extra in Extra)
_TYPES = re.compile(
    r"\b(int(eger)?|float|bool(ean)?|string|text|number|multiline|primitive|value|load(er)?|combo|custom|if/else|"
    r"switch|slider|widget|node|select(or)?|input)\b",
    re.IGNORECASE,
)
_DULL = re.compile(
    _TYPES.pattern + r"|\b(images?|videos?|audio|pictures?|upload|painter|optional|\d+)\b", re.IGNORECASE
)
_PARENTHESES = re.compile(r"[(\uff08\[](?P<inner>[^()\uff08\uff09\[\]]+)[)\uff09\]]")
_PLAIN_MEDIA = re.compile(
    r"(images?|pixels|input|source|video|videos|audio|samples|file|frames|mask|value|any|object)?[_.]?\d*",
    re.I,
)
_UNWANTED = re.compile(r"neg(?![a-z])|negative|avoid|exclude|without|unwanted", re.IGNORECASE)
_DEEPEST = 6


def slug(words: str) -> str:
    """Words as a name: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:MOST_LETTERS].strip("_")


def name_of(collector: Collector, group: Group, alone: bool, taken: Collection[str]) -> str:
    """A name that is not taken. `alone` if nothing else has the group's meaning."""
    wanted = slug(label_of(group) or "") or slug(_unlabelled(collector, group, alone)) or group.meaning.value
    wanted = f"{wanted}_" if wanted[0].isdigit() else wanted
    names = (wanted if number == 1 else f"{wanted[: MOST_LETTERS - 3]}_{number}" for number in range(1, 1000))
    return next(name for name in names if name not in taken and name not in _RESERVED)


def label_of(group: Group) -> str | None:
    """The author's label, unless it would have one take what is not wanted for what is."""
    label = group.label
    if label is None or group.meaning not in (Meaning.PROMPT, Meaning.NEGATIVE):
        return label
    return label if bool(_UNWANTED.search(label)) == (group.meaning is Meaning.NEGATIVE) else None


def title_for(group: Group, name: str) -> str:
    """What people read: the label as it was written, else the name in words."""
    if group.meaning is Meaning.CFG and name == "cfg":
        return "CFG"
    words = (label_of(group) or name).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def _unlabelled(collector: Collector, group: Group, alone: bool) -> str:
    if group.meaning in MEDIA:
        return _media_name(collector, group, alone)
    titled = _titled(collector, group.first.target)
    if titled and collector.view.is_primitive(group.first.target.node):
        return titled
    if group.meaning in SAYS_LITTLE:
        return _own_name(collector, group, titled)
    own = short(group.first.used.input)
    if not alone and own != group.meaning.value and group.meaning.value in own:
        return own
    return titled if not alone and titled else group.meaning.value


def _own_name(collector: Collector, group: Group, titled: str) -> str:
    name = short(group.first.target.input)
    if not says_something(name) or name in ("choice", "name", "model_name", "switch"):
        return titled or group.meaning.value
    if group.meaning in (Meaning.MODEL, Meaning.LORA):
        name = re.sub(r"_name(?=\d*$)", "", name)
        return "model" if name in ("ckpt", "unet") else name
    return name


def _titled(collector: Collector, target: Target, dull: re.Pattern[str] = _TYPES) -> str:
    """What its author calls a node, without the dull words that only say what kind of node it is."""
    view, node = collector.view, target.node
    title = title_of(view.graph, node) or ""
    if title in (class_title(view, node), str(view.graph[node].get("class_type"))):
        return ""
    inner = _PARENTHESES.search(title)
    outside = _PARENTHESES.sub(" ", title)
    words = outside if slug(dull.sub(" ", outside)) else inner["inner"] if inner else ""
    words = _TYPES.sub(" ", words)
    return words if len(slug(words)) < MOST_LETTERS else ""


def _media_name(collector: Collector, group: Group, alone: bool) -> str:
    """A picture's name says which one it is: by its title, or by what takes it."""
    target = group.first.target
    label = _label_ahead(collector, target.node, _DEEPEST)
    if label:
        return label
    titled = slug(_titled(collector, target, _DULL))
    if titled and says_something(titled) and slug(_DULL.sub(" ", titled.replace("_", " "))):
        return titled
    ahead = "" if alone else _name_ahead(collector, target.node, _DEEPEST)
    return ahead or group.meaning.value


def _label_ahead(collector: Collector, node: str, deepest: int) -> str:
    """The author's label of the first input on the way of a file that has one."""
    uses = _media_uses(collector, node)
    for use in uses:
        label = collector.interface.label((use.target,))
        if label:
            return label
    if len({use.target.node for use in uses}) == 1 and deepest:
        return _label_ahead(collector, uses[0].target.node, deepest - 1)
    return ""


def _name_ahead(collector: Collector, node: str, deepest: int) -> str:
    """The first input on the way of a file whose name says something, as `front` or `last_frame` do."""
    uses = _media_uses(collector, node)
    names = [short(use.target.input) for use in uses]
    telling = [name for name in names if _PLAIN_MEDIA.fullmatch(name) is None]
    if len(set(telling)) == 1:
        return telling[0]
    if len({use.target.node for use in uses}) == 1 and deepest and not _ends(collector, uses[0].target.node):
        return _name_ahead(collector, uses[0].target.node, deepest - 1)
    return ""


def _media_uses(collector: Collector, node: str) -> list[Use]:
    """Where a node's pictures, videos and sounds go, and what is made of them; not what is said about them."""
    kinds = [collector.view.kind(Source(node, index)) for index in range(len(collector.view.outputs(node)))]
    uses = collector.view.uses.get(node, ())
    return [use for use in uses if use.index < len(kinds) and kinds[use.index] not in SCALARS]


def _ends(collector: Collector, node: str) -> bool:
    """Whether a file has arrived: what a node makes of it is something else."""
    view = collector.view
    return is_maker(view, node) or view.shows(node)
