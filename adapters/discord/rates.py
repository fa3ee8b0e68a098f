"""How often the bot's own token may edit in a channel. Below what Discord was seen to allow."""

from __future__ import annotations

import time
from collections import deque

from bot.errors import SlowDown

EDITS, SECONDS = 5, 5.5
KEPT = 1
"""Edits that only finals may use."""


class Rates:
    """One budget a channel, over all the jobs that are shown in it."""

    def __init__(self) -> None:
        self._edits: dict[int, deque[float]] = {}

    def take(self, channel: int, *, final: bool) -> None:
        """Use one edit. Raises `SlowDown` if there is none: it is asked for again, the longest unedited first."""
        now = time.monotonic()
        recent = self._edits.setdefault(channel, deque())
        while recent and recent[0] <= now - SECONDS:
            recent.popleft()
        most = EDITS if final else EDITS - KEPT
        if len(recent) >= most:
            raise SlowDown(recent[len(recent) - most] + SECONDS - now)
        recent.append(now)
