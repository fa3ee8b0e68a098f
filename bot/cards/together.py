"""One card for all jobs that run in a place. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.contract.card import Card, Span, Text

MOST_LINES = 15
PROMPT_SHOWN = 60
NAME_SHOWN = 32
BAR = 8
NO_MENTION = "@\u200b"


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A job that runs: whose it is, what was asked for, how far it is (0..1)."""

    name: str
    prompt: str
    fraction: float


def together(jobs: Sequence[Running]) -> Card:
    """How far each is, in the order given."""
    lines = [_line(job) for job in jobs[:MOST_LINES]]
    if len(jobs) > MOST_LINES:
        lines.append((Text(text=f"and {len(jobs) - MOST_LINES} more"),))
    return Card(state="note", title=f"{len(jobs)} in the making", body=tuple(lines))


def _line(job: Running) -> tuple[Span, ...]:
    full = round(job.fraction * BAR)
    bar = "▰" * full + "▱" * (BAR - full)
    name, prompt = _short(job.name, NAME_SHOWN), _short(job.prompt, PROMPT_SHOWN)
    words: list[Span] = [Text(text=f"{bar} {job.fraction:.0%} "), Text(text=name, strong=True)]
    return tuple([*words, Text(text=f": {prompt}")] if prompt else words)


def _short(text: str, most: int) -> str:
    """Shown for others to read, and to call nobody."""
    text = " ".join(text.split()).replace("@", NO_MENTION)
    return text if len(text) <= most else f"{text[:most].rstrip()}…"
