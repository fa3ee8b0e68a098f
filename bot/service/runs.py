"""What ComfyUI servers have run lately, as it can be chosen from."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

from bot.cards.workshop import RunLine
from bot.comfy.backend import ComfyBackend
from bot.comfy.past import Past, parse_past
from bot.jobs.models import Graph
from bot.workflow.source import shape, suggested_name

MOST_RUNS = 8
LOOKED_AT = 40
"""Runs of a server that are looked at: many differ in nothing but their seed."""
WORDS_SHOWN = 60


async def last_runs(backends: Sequence[ComfyBackend]) -> list[RunLine]:
    """What they have run, the newest first; of runs that differ in values alone the newest."""
    found = [(backend, past) for backend in backends for past in await pasts(backend)]
    found.sort(key=lambda each: each[1].ended or 0.0, reverse=True)
    lines: dict[str, RunLine] = {}
    for backend, past in found:
        lines.setdefault(shape(past.graph), _run_line(backend, past))
    return list(lines.values())[:MOST_RUNS]


async def pasts(backend: ComfyBackend, prompt_id: str | None = None) -> list[Past]:
    """The runs that a server remembers, or one of them; nothing if it is away."""
    if not backend.up:
        return []
    return parse_past(await backend.routes.history(LOOKED_AT, prompt_id))


def _run_line(backend: ComfyBackend, past: Past) -> RunLine:
    when = "" if past.ended is None else time.strftime("%H:%M", time.localtime(past.ended))
    return RunLine(
        backend=key_of(backend),
        prompt_id=past.prompt_id,
        when=when,
        name=suggested_name(past.graph),
        words=_words(past.graph),
    )


def _words(graph: Graph) -> str:
    """The longest text in it: people know their runs by the prompt."""
    texts = (value for body in graph.values() for value in body["inputs"].values() if isinstance(value, str))
    longest = max((text for text in texts if " " in text.strip()), key=len, default="")
    words = " ".join(longest.split())
    return words if len(words) <= WORDS_SHOWN else f"{words[:WORDS_SHOWN].rstrip()}…"


def key_of(backend: ComfyBackend) -> str:
    """A short name of a server that stays the same while its address does."""
    return hashlib.sha256(backend.url.encode()).hexdigest()[:8]
