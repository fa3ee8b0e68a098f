"""How often the bot may send and edit: below what Telegram was seen to allow, so that it never has to refuse.

Telegram counts sends and edits together: about one a second in a chat, twenty a minute in a group, thirty a second
in all. Progress gives way to everything else.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator

from bot.errors import SlowDown

ALL, ALL_SECONDS = 27, 1.0
GROUP, GROUP_SECONDS = 19, 60.0
KEPT = 5
"""Of a group's minute and of everybody's second, only finals and answers may use so many."""

CHAT_SECONDS = 1.1
PROGRESS_SECONDS = 2.0
GROUP_PROGRESS_SECONDS = 4.0
"""Progress in a group is spread over its minute."""

FORGET_ABOVE = 1000


class Rates:
    """One budget a chat, over all that is shown there, and one for the bot."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all: deque[float] = deque()
        self._chats: dict[int, deque[float]] = {}
        self._not_before: dict[int, float] = {}

    def take(self, chat: int, *, final: bool) -> None:
        """Use one send or edit. Raises `SlowDown` with the seconds until there may be one."""
        now = self._clock()
        recent = self._chats.setdefault(chat, deque())
        _forget(recent, now - GROUP_SECONDS)
        _forget(self._all, now - ALL_SECONDS)
        at = max(self._moments(chat, recent, final=final), default=now)
        if at > now:
            raise SlowDown(at - now)
        recent.append(now)
        self._all.append(now)
        self._tidy(now)

    async def turn(self, chat: int) -> None:
        """Wait for a send that is no progress, and use it."""
        while True:
            try:
                self.take(chat, final=True)
            except SlowDown as error:
                await asyncio.sleep(error.retry_after)
            else:
                return

    def pause(self, chat: int, seconds: float) -> None:
        """Telegram refuses this chat for so long."""
        self._not_before[chat] = self._clock() + seconds

    def _moments(self, chat: int, recent: deque[float], *, final: bool) -> Iterator[float]:
        """When each of the limits allows it."""
        kept = 0 if final else KEPT
        if chat in self._not_before:
            yield self._not_before[chat]
        if recent:
            yield recent[-1] + _spacing(chat, final=final)
        if chat < 0 and len(recent) >= GROUP - kept:
            yield recent[len(recent) - (GROUP - kept)] + GROUP_SECONDS
        if len(self._all) >= ALL - kept:
            yield self._all[len(self._all) - (ALL - kept)] + ALL_SECONDS

    def _tidy(self, now: float) -> None:
        if len(self._chats) > FORGET_ABOVE:
            kept = {chat: recent for chat, recent in self._chats.items() if recent[-1] > now - GROUP_SECONDS}
            self._chats = kept
            self._not_before = {chat: at for chat, at in self._not_before.items() if at > now}


def _spacing(chat: int, *, final: bool) -> float:
    if final:
        return CHAT_SECONDS
    return GROUP_PROGRESS_SECONDS if chat < 0 else PROGRESS_SECONDS


def _forget(moments: deque[float], before: float) -> None:
    while moments and moments[0] <= before:
        moments.popleft()
