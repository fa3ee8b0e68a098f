"""How often the bot's own token may edit in a channel. Below what Discord was seen to allow: 5 in 5 seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.contract.pace import Budget

EDITS, SECONDS = 5, 5.25
KEPT = 1
"""Edits that only finals may use."""

FORGET_ABOVE = 1000


class Rates:
    """One budget a channel, over all the jobs that are shown in it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._channels: dict[int, Budget] = {}

    def turn(self, channel: int, *, final: bool) -> float:
        """Use one edit; or the seconds until there may be one."""
        now = self._clock()
        budget = self._channels.setdefault(channel, Budget(EDITS, SECONDS, kept=KEPT))
        seconds = budget.wait(now, final=final)
        if seconds == 0.0:
            budget.take(now, final=final)
            self._tidy(now)
        return seconds

    def _tidy(self, now: float) -> None:
        if len(self._channels) > FORGET_ABOVE:
            self._channels = {key: budget for key, budget in self._channels.items() if not budget.idle(now)}
