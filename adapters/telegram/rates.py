"""How often the bot may send and edit: below what Telegram was seen to allow, so that it never has to refuse.

Telegram counts sends and edits together: about one a second in a chat, short bursts allowed, twenty a minute in a
group, thirty a second in all. Progress gives way to everything else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from bot.contract.pace import Budget

ALL, ALL_SECONDS, ALL_KEPT = 28, 1.05, 3
GROUP, GROUP_SECONDS, GROUP_KEPT, GROUP_SPARE = 19, 60.0, 5, 1
CHAT, CHAT_SECONDS, CHAT_KEPT = 5, 5.15, 1
"""So many in so many seconds, of which only finals and answers may use so many."""

FORGET_ABOVE = 1000


class Rates:
    """One budget a chat, over all that is shown there, and one for the bot."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all = Budget(ALL, ALL_SECONDS, kept=ALL_KEPT)
        self._chats: dict[int, Budget] = {}
        self._not_before: dict[int, float] = {}

    def turn(self, chat: int, *, final: bool) -> float:
        """Use one send or edit; or the seconds until there may be one."""
        now = self._clock()
        budgets = (self._of(chat), self._all)
        paused = self._not_before.get(chat, now) - now
        seconds = max(paused, *(budget.wait(now, final=final) for budget in budgets))
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

    def _of(self, chat: int) -> Budget:
        """Groups have negative ids."""
        if chat not in self._chats:
            group = chat < 0
            self._chats[chat] = (
                Budget(GROUP, GROUP_SECONDS, kept=GROUP_KEPT, spare=GROUP_SPARE)
                if group
                else Budget(CHAT, CHAT_SECONDS, kept=CHAT_KEPT)
            )
        return self._chats[chat]

    def _tidy(self, now: float) -> None:
        self._not_before = {chat: at for chat, at in self._not_before.items() if at > now}
        if len(self._chats) > FORGET_ABOVE:
            self._chats = {chat: budget for chat, budget in self._chats.items() if not budget.idle(now)}
