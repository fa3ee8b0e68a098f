"""docs/troubleshooting.md, made of the error tree and the sentences."""

from __future__ import annotations

from collections.abc import Iterator

from tests.troubleshooting.sentences import ErrorClass, Finder
from tests.troubleshooting.sources import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"

HEAD = """# Troubleshooting

Look first: `muralist check` says in a line each what is wrong with the settings, the database, the platforms, every
ComfyUI and every workflow; `muralist setup` may be run again at any time. The log of `muralist run` has what people are
not told ([operating.md](operating.md)).

Below is every sentence that Muralist says when something does not work, by kind, with what is to be done beyond what
the sentence itself says. … stands for a name, a number or another program's words. Words in `code` after a kind are
what programs get as `error.code`.

This page is made of the sources by `python -m tests.troubleshooting`; a test keeps it current.
"""

BESIDE = {
    "Finding": (
        "While setting up",
        "What `muralist setup` and `muralist check` find out about a platform. Each says where it is mended; then run "
        "the command again.",
    ),
    "Trouble": (
        "On a job that ended without a result",
        "Nothing is wrong with the server: the workflow gave nothing that could be shown. Load it in ComfyUI, run it "
        "there, and see that it has a node that saves.",
    ),
}


def page(finder: Finder) -> str:
    """The whole page."""
    parts = [HEAD]
    for each in _in_order(finder):
        if each.sentences:
            parts.append("\n".join(_section(finder, each)))
    for name, (title, cure) in BESIDE.items():
        parts.append("\n".join((f"## {title}", "", cure, "", *_listed(finder.beside[name]), "")))
    return "\n".join(parts)


def cure_of(finder: Finder, each: ErrorClass) -> str:
    """A class's own cure, or that of the nearest one above it."""
    while each.cure is None:
        each = finder.classes[each.base]
    return each.cure


def _section(finder: Finder, each: ErrorClass) -> Iterator[str]:
    code = f" (`{each.code}`)" if each.code else ""
    yield f"## {each.name}{code}"
    yield ""
    yield " ".join(each.doc.split())
    yield ""
    yield f"**What to do.** {cure_of(finder, each)}"
    yield ""
    yield from _listed(each.sentences)
    yield ""


def _listed(sentences: set[str]) -> list[str]:
    """Those that begin with what is put in come last."""
    ordered = sorted(sentences, key=lambda text: (text.startswith("…"), text.casefold()))
    return [f"- {_escaped(sentence)}" for sentence in ordered]


def _escaped(text: str) -> str:
    """As Markdown shows it letter by letter."""
    return text.replace("<", "&lt;").replace("*", "\\*").replace("[", "\\[")


def _in_order(finder: Finder) -> Iterator[ErrorClass]:
    """Each class before those below it."""
    roots = [each for each in finder.classes.values() if each.base not in finder.classes]
    for root in roots:
        yield from _below(finder, root)


def _below(finder: Finder, each: ErrorClass) -> Iterator[ErrorClass]:
    yield each
    for other in finder.classes.values():
        if other.base == each.name:
            yield from _below(finder, other)
