"""What Telegram allows of sends and edits, and who it knows."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

TOKEN = "123456:telegram-secret-ABCDEF-xyz"


@dataclass
class Pace:
    """Counts as Telegram was seen to: twenty a minute in a group, about one a second in a chat, thirty in all."""

    group: int = 20
    chat: int = 5
    chat_seconds: float = 5.0
    overall: int = 30
    counts: dict[int, deque[float]] = field(default_factory=dict)
    every: deque[float] = field(default_factory=deque)

    def wait(self, chat: int) -> int:
        """Seconds that the bot is asked to wait; 0 if this one is taken."""
        now = time.monotonic()
        recent = self.counts.setdefault(chat, deque())
        window, most = (60.0, self.group) if chat < 0 else (self.chat_seconds, self.chat)
        _forget(recent, now - window)
        _forget(self.every, now - 1.0)
        if len(recent) >= most:
            return int(recent[0] + window - now) + 1
        if len(self.every) >= self.overall:
            return 1
        recent.append(now)
        self.every.append(now)
        return 0


def _forget(moments: deque[float], before: float) -> None:
    while moments and moments[0] <= before:
        moments.popleft()
