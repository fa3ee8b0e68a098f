"""How often a card may be edited. Below what Discord was seen to allow: 5 in 5 seconds, for a channel or a token."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.contract.pace import Budget
from bot.errors import SlowDown

EDITS, SECONDS = 5, 5.15
KEPT = 1
"""Edits that only finals may use."""

FORGET_ABOVE = 1000


class Rates:
    """One budget for each channel, over all the jobs that are shown in it; or for each message with a token."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._budgets: dict[int, Budget] = {}
        self._shut_until = 0.0

    def shut(self, seconds: float) -> None:
        """Leave the bot's own token unused for a while."""
        self._shut_until = self._clock() + seconds

    def check(self) -> None:
        """Raise `SlowDown` while it is left unused."""
        left = self._shut_until - self._clock()
        if left > 0:
            raise SlowDown(left)

    def turn(self, where: int, *, final: bool) -> float:
        """Use one edit; or the seconds until there may be one. `where` is the channel's id or the message's."""
        now = self._clock()
        budget = self._budgets.setdefault(where, Budget(EDITS, SECONDS, kept=KEPT))
        seconds = budget.wait(now, final=final)
        if seconds == 0.0:
            budget.take(now, final=final)
            self._tidy(now)
        return seconds

    def _tidy(self, now: float) -> None:
        if len(self._budgets) > FORGET_ABOVE:
            self._budgets = {key: budget for key, budget in self._budgets.items() if not budget.idle(now)}
