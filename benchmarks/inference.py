"""inference: how much of what a person would set in real graphs is found in them, weighted by how often they are used.

The folder holds `api/*.json` (a graph each, with its use count and its author's interface), `gold.json` (what a
person would set, found out by hand) and `object_info.json` (the classes of a real ComfyUI).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import Figure, at_least, at_most, exactly
from bot.comfy.schemas import NodeSchemas
from bot.workflow.infer.infer import MOST_SHOWN, Inferred, infer
from bot.workflow.infer.interface import Interface, says_something
from bot.workflow.infer.meanings import Meaning
from bot.workflow.infer.naming import slug
from bot.workflow.model import Target

GRAPHS = Path("../shared/graphs")
CATEGORIES: Mapping[str, Meaning] = {
    **{
        each.value: each
        for each in (
            Meaning.PROMPT, Meaning.NEGATIVE, Meaning.SEED, Meaning.WIDTH, Meaning.HEIGHT, Meaning.LENGTH,
            Meaning.SECONDS, Meaning.STEPS, Meaning.CFG, Meaning.GUIDANCE, Meaning.FPS,
        )
    },
    "images": Meaning.IMAGE, "mask": Meaning.MASK, "video": Meaning.VIDEO, "audio": Meaning.AUDIO,
}  # fmt: skip
GOAL_PERCENT = 98.0

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One category of one graph: what should have been found, what was, and what else may be."""

    graph: str
    category: str
    weight: float
    wanted: frozenset[str]
    found: frozenset[str]
    allowed: frozenset[str]

    @property
    def hit(self) -> bool:
        """All that is wanted, and nothing that is wrong."""
        return self.wanted <= self.found <= self.wanted | self.allowed


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """One labelled graph and what was inferred of it."""

    name: str
    weight: float
    gold: Json
    interface: Interface
    inferred: Inferred


async def measure(*, quick: bool, graphs: Path | None = None) -> list[Figure]:
    """All figures of this row. `quick` leaves out the graphs as they are without their author's interface.

    Raises `FileNotFoundError` without the folder.
    """
    figures = _figures("inference", list(read(graphs or GRAPHS)))
    return figures if quick else [*figures, *_bare("inference, API form alone", graphs or GRAPHS)]


def read(folder: Path, *, bare: bool = False) -> Iterator[Read]:
    """Every labelled graph, inferred; `bare` without what the API form has lost."""
    schemas = NodeSchemas(json.loads((folder / "object_info.json").read_text(encoding="utf-8")))
    for name, gold in json.loads((folder / "gold.json").read_text(encoding="utf-8")).items():
        if name.startswith("_"):
            continue
        file = json.loads((folder / "api" / f"{name}.json").read_text(encoding="utf-8"))
        interface = Interface() if bare else author_interface(file.get("interface") or {})
        yield Read(
            name=name,
            weight=float(max(file["index"].get("usage") or 0, 1)),
            gold=gold,
            interface=interface,
            inferred=infer(file["graph"], schemas, interface),
        )


def author_interface(about: Json) -> Interface:
    """What the author's own file says, as the folder keeps it."""
    labels: dict[Target, str] = {}
    together: dict[Target, tuple[Target, ...]] = {}
    for entry in (entry for part in about.get("subgraphs") or [] for entry in part["inputs"]):
        feeds = tuple(target(feed) for feed in entry["feeds"] or [])
        labels |= {feed: entry["label"] for feed in feeds if entry["label"] and feed not in labels}
        if entry["widget"] and len(feeds) > 1:
            together |= dict.fromkeys(feeds, feeds)
    for feed, label in (about.get("widget_labels") or {}).items():
        labels.setdefault(target(feed), label)
    chosen = (feed for entry in about.get("linear_inputs") or [] for feed in entry["feeds"] or [])
    return Interface(labels=labels, together=together, chosen=tuple(target(feed) for feed in chosen))


def target(text: str) -> Target:
    """`node.input`; an input's name may have dots."""
    node, _, name = text.partition(".")
    return Target(node=node, input=name)


def cells(graph: Read) -> Iterator[Cell]:
    """Every category that a graph has, or was wrongly found to have."""
    for category, meaning in CATEGORIES.items():
        found = _found(graph.inferred, meaning)
        wanted = frozenset(graph.gold[category])
        if found or wanted:
            allowed = frozenset(graph.gold["also_ok"].get(category, ()))
            yield Cell(
                graph=graph.name,
                category=category,
                weight=graph.weight,
                wanted=wanted,
                found=found,
                allowed=allowed,
            )


def _found(inferred: Inferred, meaning: Meaning) -> frozenset[str]:
    entries = zip(inferred.parameters, inferred.meanings, strict=True)
    return frozenset(
        str(each)
        for parameter, kind in entries
        if kind is meaning or (meaning is Meaning.MASK and parameter.spec.name in inferred.masked)
        for each in parameter.targets
    )


def _figures(what: str, graphs: list[Read]) -> list[Figure]:
    judged = [cell for graph in graphs for cell in cells(graph)]
    against = f"what a person would set in {len(graphs)} graphs, {len(judged)} answers"
    named = [each for graph in graphs for each in _named(graph)]
    shown = max(sum(not each.spec.more for each in graph.inferred.parameters) for graph in graphs)
    return [
        at_least(f"{what}: found, weighted by use, %", _percent(judged), GOAL_PERCENT, against),
        exactly(
            f"{what}: positive and negative swapped", sum(_swapped(graph) for graph in graphs), 0, against
        ),
        at_least(
            f"{what}: named as their author labelled them, %",
            100.0 * sum(named) / max(len(named), 1) if named else 100.0,
            GOAL_PERCENT,
            f"{len(named)} labels",
        ),
        at_most(f"{what}: most parameters before 'more'", shown, MOST_SHOWN, "what a form holds"),
    ]


def _bare(what: str, folder: Path) -> list[Figure]:
    graphs = list(read(folder, bare=True))
    judged = [cell for graph in graphs for cell in cells(graph)]
    against = f"what a person would set in {len(graphs)} graphs, {len(judged)} answers"
    return [
        at_least(f"{what}: found, weighted by use, %", _percent(judged), GOAL_PERCENT, against),
        exactly(
            f"{what}: positive and negative swapped", sum(_swapped(graph) for graph in graphs), 0, against
        ),
    ]


def _percent(judged: list[Cell]) -> float:
    return 100.0 * sum(cell.weight for cell in judged if cell.hit) / sum(cell.weight for cell in judged)


def _swapped(graph: Read) -> bool:
    wanted, unwanted = (_found(graph.inferred, kind) for kind in (Meaning.PROMPT, Meaning.NEGATIVE))
    return bool(wanted & frozenset(graph.gold["negative"]) or unwanted & frozenset(graph.gold["prompt"]))


def _named(graph: Read) -> Iterator[bool]:
    """For every labelled input that a person would set: whether its parameter has the label as its name."""
    for parameter in graph.inferred.parameters:
        labels = {graph.interface.labels.get(each) for each in parameter.targets} - {None}
        words = [label for label in labels if label is not None and says_something(label)]
        if words:
            stem = parameter.spec.name.rstrip("0123456789").rstrip("_")
            yield any(slug(label) in (parameter.spec.name, stem) for label in words)
