"""How often a card may be edited. Below what Discord was seen to allow: 5 in 5 seconds, for a channel or a token."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from bot.contract.pace import Budget
from bot.errors import SlowDown

EDITS, SECONDS = 5, 5.02
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

    def turn(self, where: int, *, final: bool, message: Hashable = None, left: float | None = None) -> float:
        """Use one edit; or the seconds until there may be one. `where` is the channel's id or the message's.

        `left` is in how many seconds the final of that message is likely.
        """
        now = self._clock()
        budget = self._of(where)
        budget.expect(message, None if left is None else now + left)
        seconds = budget.wait(now, final=final)
        if seconds == 0.0:
            budget.take(now, final=final)
            self._tidy(now)
        return seconds

    @contextmanager
    def asking(self, where: int) -> Iterator[None]:
        """While a request for which an edit was used is on its way."""
        budget, begun = self._of(where), self._clock()
        budget.begin(begun)
        try:
            yield
        finally:
            budget.end(begun, self._clock())

    def _of(self, where: int) -> Budget:
        return self._budgets.setdefault(where, Budget(EDITS, SECONDS))

    def _tidy(self, now: float) -> None:
        if len(self._budgets) > FORGET_ABOVE:
            self._budgets = {key: budget for key, budget in self._budgets.items() if not budget.idle(now)}
