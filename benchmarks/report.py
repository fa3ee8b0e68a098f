"""Figures, and how they are shown: a table for people, JSON for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

WIDTH = 160
"""Columns of the table in a file or a pipe."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One measured number. `against` says in words what it was held against in the same run."""

    name: str
    value: float
    goal: str
    against: str
    met: bool


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
    for column in ("figure", "measured", "goal", "met", "against"):
        table.add_column(column, overflow="fold", justify="right" if column == "measured" else "left")
    for figure in figures:
        met = "[green]yes[/]" if figure.met else "[red]no[/]"
        table.add_row(figure.name, f"{figure.value:g}", figure.goal, met, figure.against)
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    console.print(table)


def write(path: Path, figures: Sequence[Figure], machine: str, *, quick: bool) -> None:
    """Write the figures as JSON."""
    content = {"machine": machine, "quick": quick, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _short(value: float) -> float:
    """Four digits: more is noise."""
    return float(f"{value:.4g}")
