"""The differences that are meant or put up with: `known.toml`, and the table that the documents have of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from tests.processes import ROOT
from tests.real.differential.compare import Difference

LIST = Path(__file__).with_name("known.toml")
DOCUMENT = ROOT / "docs" / "compatibility.md"
BEGIN, END = "<!-- known differences: begin -->\n", "<!-- known differences: end -->\n"


@dataclass(frozen=True, kw_only=True)
class Known:
    """Differences with one reason: patterns for cases and for places in them, `*` stands for anything.

    `needs_checkpoint` ones are only found where there is something to sample with.
    """

    cases: tuple[str, ...]
    paths: tuple[str, ...]
    what: str
    why: str
    needs_checkpoint: bool = False

    def covers(self, found: Difference) -> bool:
        """Whether a difference is one of these."""
        return any(fnmatchcase(found.case, case) for case in self.cases) and any(
            fnmatchcase(found.path, path) for path in self.paths
        )


def known() -> list[Known]:
    """All that is written down."""
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))["known"]
    return [
        Known(
            cases=tuple(entry["cases"]),
            paths=tuple(entry["paths"]),
            what=entry["what"],
            why=entry["why"],
            needs_checkpoint=entry.get("needs_checkpoint", False),
        )
        for entry in listed
    ]


def unexplained(found: Iterable[Difference], listed: Iterable[Known]) -> list[Difference]:
    """Differences that nothing in the list covers."""
    entries = list(listed)
    return [one for one in found if not any(entry.covers(one) for entry in entries)]


def outlived(found: Iterable[Difference], listed: Iterable[Known]) -> list[Known]:
    """Entries that cover no difference any more."""
    differences = list(found)
    return [entry for entry in listed if not any(entry.covers(one) for one in differences)]


def table() -> str:
    """The list for people, as a table in Markdown."""
    head = "| where | what differs | why |\n|---|---|---|\n"
    rows = (
        f"| {', '.join(f'`{case}`' for case in one.cases)} | {one.what} | {one.why} |\n" for one in known()
    )
    return head + "".join(rows)


def documented() -> str:
    """The table that stands in the document now."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)]


def document() -> None:
    """Put the table into the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, after = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    DOCUMENT.write_text(before + table() + after, encoding="utf-8")
