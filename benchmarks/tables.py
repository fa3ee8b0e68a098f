"""`python -m benchmarks.tables FILE ...`: the figures of one measurement or of several as tables, put into the
documentation."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.machine import ROOT
from benchmarks.report import Figure, measured, middle, read

BEGIN, END = "<!-- figures: written by python -m benchmarks.tables -->\n", "<!-- end of figures -->\n"
DOCUMENT = ROOT / "docs" / "performance.md"


def tables(machine: str, figures: list[Figure]) -> str:
    """One table a row, in Markdown."""
    parts = [f"Measured on {machine}.\n"]
    for row, several in groupby(figures, key=lambda figure: figure.name.split(",")[0].split(":")[0]):
        lines = [
            f"### {row}\n",
            "| figure | measured | goal | met | peers | against |",
            "|---|---|---|---|---|---|",
        ]
        for figure in several:
            name = figure.name[len(row) :].lstrip(",: ")
            cells = [name, measured(figure), figure.goal, "yes" if figure.met else "no"]
            cells += [figure.peer or "-", figure.against]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def put_in(text: str, new: str) -> str:
    """The text with what is between its two marks replaced. Raises `ValueError` if it has none."""
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return f"{text[:begin]}\n{new}\n{text[end:]}"


def main(
    files: Annotated[
        list[Path], typer.Argument(help="What `python -m benchmarks all --json` wrote, each time.")
    ],
    document: Annotated[Path, typer.Option(help="The file with the marks.")] = DOCUMENT,
) -> None:
    """Put the figures of a measurement into the documentation; of several the middle, and how far they were apart."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    new = tables(found[0]["machine"], middle([read(file) for file in files]))
    document.write_text(put_in(document.read_text(encoding="utf-8"), new), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
