"""What delivery did since the process began, by adapter."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Meter:
    """`edits`: cards shown; `ends`: those that show how a job ended, each once; `slowed`: a platform asked to wait;
    `failed`: a card could not be shown then; `gone`: its message is gone."""

    edits: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    slowed: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
