"""How often the bot may send and edit: below what Telegram was seen to allow, so that it never has to refuse.

Telegram counts sends and edits together: about one a second in a chat, short bursts allowed, twenty a minute in a
group, thirty a second in all. Progress gives way to everything else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from bot.contract.pace import Budget

ALL, ALL_SECONDS, ALL_SPARE = 30, 1.02, 0
GROUP, GROUP_SECONDS, GROUP_SPARE = 20, 60.05, 0
CHAT, CHAT_SECONDS = 5, 5.02
"""So many in so many seconds, of which only finals and answers may use the spare ones."""

FORGET_ABOVE = 1000


class Rates:
    """One budget a chat, over all that is shown there, and one for the bot."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all = Budget(ALL, ALL_SECONDS, spare=ALL_SPARE)
        self._chats: dict[int, Budget] = {}
        self._not_before: dict[int, float] = {}

    def turn(self, chat: int, *, final: bool, message: Hashable = None, left: float | None = None) -> float:
        """Use one send or edit; or the seconds until there may be one.

        `left` is in how many seconds the final of that message is likely.
        """
        now = self._clock()
        budgets = (self._of(chat), self._all)
        budgets[0].expect(message, None if left is None else now + left)
        paused = self._not_before.get(chat, now) - now
        seconds = max(paused, self._all.wait(now, final=final)) or budgets[0].wait(now, final=final)
        if seconds == 0.0:
            for budget in budgets:
                budget.take(now, final=final)
            self._tidy(now)
        return seconds

    async def wait(self, chat: int) -> None:
        """Wait for a send that is no progress, and use it."""
        while True:
            seconds = self.turn(chat, final=True)
            if seconds == 0.0:
                return
            await asyncio.sleep(seconds)

    def pause(self, chat: int, seconds: float) -> None:
        """Telegram refuses this chat for so long."""
        self._not_before[chat] = self._clock() + seconds

    @contextmanager
    def asking(self, chat: int) -> Iterator[None]:
        """While a request for which a send or an edit was used is on its way."""
        budgets, begun = (self._of(chat), self._all), self._clock()
        for budget in budgets:
            budget.begin(begun)
        try:
            yield
        finally:
            for budget in budgets:
                budget.end(begun, self._clock())

    def _of(self, chat: int) -> Budget:
        """Groups have negative ids."""
        if chat not in self._chats:
            group = chat < 0
            self._chats[chat] = (
                Budget(GROUP, GROUP_SECONDS, spare=GROUP_SPARE) if group else Budget(CHAT, CHAT_SECONDS)
            )
        return self._chats[chat]

    def _tidy(self, now: float) -> None:
        self._not_before = {chat: at for chat, at in self._not_before.items() if at > now}
        if len(self._chats) > FORGET_ABOVE:
            self._chats = {chat: budget for chat, budget in self._chats.items() if not budget.idle(now)}
