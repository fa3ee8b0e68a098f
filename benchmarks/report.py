"""Figures, and how they are shown: a table for people, JSON for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

WIDTH = 200
"""Columns of the table in a file or a pipe."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One measured number. `against` says in words what it was held against in the same run, `peer` what other
    clients reached then, the best first; `spread` is how far several runs were apart, as a share of their middle."""

    name: str
    value: float
    goal: str
    against: str
    met: bool
    peer: str = ""
    spread: float | None = None


def at_most(name: str, value: float, goal: float, against: str) -> Figure:
    """A figure that should not be larger than its goal."""
    return Figure(name=name, value=_short(value), goal=f"<= {goal:g}", against=against, met=value <= goal)


def at_least(name: str, value: float, goal: float, against: str) -> Figure:
    """A figure that should not be smaller than its goal."""
    return Figure(name=name, value=_short(value), goal=f">= {goal:g}", against=against, met=value >= goal)


def exactly(name: str, value: float, goal: float, against: str) -> Figure:
    """A figure that should be its goal."""
    return Figure(name=name, value=_short(value), goal=f"= {goal:g}", against=against, met=value == goal)


def within(name: str, value: float, goal: tuple[float, float], against: str) -> Figure:
    """A figure that should be neither smaller nor larger than its goal."""
    low, high = goal
    met = low <= value <= high
    return Figure(name=name, value=_short(value), goal=f"{low:g} to {high:g}", against=against, met=met)


def percentile(values: Sequence[float], share: float) -> float:
    """The least of the values that at least this share (0..1) of them do not exceed. There must be some."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def show(figures: Sequence[Figure], machine: str) -> None:
    """Print the figures as a table."""
    table = Table(title=machine, title_justify="left", caption_justify="left")
    for column in ("figure", "measured", "goal", "met", "best peer", "against"):
        table.add_column(column, overflow="fold", justify="right" if column == "measured" else "left")
    for figure in figures:
        met = "[green]yes[/]" if figure.met else "[red]no[/]"
        table.add_row(
            figure.name, measured(figure), figure.goal, met, figure.peer.split(",")[0] or "-", figure.against
        )
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    console.print(table)


def measured(figure: Figure) -> str:
    """The number, and how far several runs were apart."""
    return f"{figure.value:g}" + (f" ±{figure.spread / 2:.0%}" if figure.spread is not None else "")


def middle(runs: Sequence[Sequence[Figure]]) -> list[Figure]:
    """Of several runs of the same the middle one by figure, with how far the runs were apart."""
    found = []
    for several in zip(*runs, strict=True):
        ordered = sorted(several, key=lambda figure: figure.value)
        typical = ordered[len(ordered) // 2]
        apart = ordered[-1].value - ordered[0].value
        spread = apart / abs(typical.value) if typical.value else (0.0 if apart == 0.0 else None)
        found.append(replace(typical, spread=spread) if len(several) > 1 else typical)
    return found


def beside(figure: Figure, peers: Mapping[str, float], *, most: bool = False) -> Figure:
    """The figure with what other clients reached: best first, which is the `most` or the least."""
    ordered = sorted(peers.items(), key=lambda each: each[1], reverse=most)
    return replace(figure, peer=", ".join(f"{name} {value:.3g}" for name, value in ordered))


def write(path: Path, figures: Sequence[Figure], machine: str, *, quick: bool) -> None:
    """Write the figures as JSON."""
    content = {"machine": machine, "quick": quick, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read(path: Path) -> list[Figure]:
    """The figures that `write` wrote."""
    return [Figure(**each) for each in json.loads(path.read_text(encoding="utf-8"))["figures"]]


def _short(value: float) -> float:
    """Four digits: more is noise."""
    return float(f"{value:.4g}")
