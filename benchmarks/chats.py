"""Chats that allow so much and refuse the rest, as Discord and Telegram were seen to, and the bot's own budgets."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.rates import Rates as DiscordRates
from adapters.telegram.adapter import EDIT_SECONDS
from adapters.telegram.rates import Rates as TelegramRates
from bot.contract.card import Card
from bot.contract.ports import Core, Limits
from bot.contract.values import Address, JobState
from bot.errors import SlowDown

JITTER_SECONDS = 0.05
DELAY_SECONDS = 0.1
"""How late an edit arrives, at most, and how much later people see it."""

Clock = Callable[[], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowed:
    """So many in so many seconds."""

    most: int
    seconds: float

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.most / self.seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """What a chat allows, what all of them do, and what the bot keeps to. `sends_count`: first cards count as edits."""

    chat: Allowed
    all: Allowed | None = None
    sends_count: bool
    limits: Limits
    budgets: Callable[[Clock], DiscordRates | TelegramRates]


TELEGRAM = Limits(edit_seconds=EDIT_SECONDS, media_per_message=1, previews=True)

PLATFORMS: Mapping[str, Platform] = {
    "Discord channel": Platform(
        chat=Allowed(most=5, seconds=5.0),
        sends_count=False,
        limits=DiscordAdapter.limits,
        budgets=DiscordRates,
    ),
    "Telegram chat": Platform(
        chat=Allowed(most=5, seconds=5.0),
        all=Allowed(most=30, seconds=1.0),
        sends_count=True,
        limits=TELEGRAM,
        budgets=TelegramRates,
    ),
    "Telegram group": Platform(
        chat=Allowed(most=20, seconds=60.0),
        sends_count=True,
        limits=TELEGRAM,
        budgets=TelegramRates,
    ),
}


class Chat:
    """Chats as one bot sees them: its own budgets, and what a platform makes of what arrives."""

    def __init__(self, platform: Platform, clock: Clock) -> None:
        self.refused = 0
        self._platform = platform
        self._clock = clock
        self._rates = platform.budgets(clock)
        self._used: dict[int | None, deque[float]] = defaultdict(deque)

    def turn(self, chat: int, message: str, *, final: bool, first: bool, left: float | None) -> float:
        """By the platform's budgets as its own adapter keeps them."""
        if first and not self._platform.sends_count:
            return 0.0
        return self._rates.turn(chat, final=final or first, message=message, left=left)

    def asking(self, chat: int, *, first: bool) -> AbstractContextManager[None]:
        """While a request is on its way and not answered."""
        if first and not self._platform.sends_count:
            return nullcontext()
        return self._rates.asking(chat)

    def arrive(self, chat: int, *, first: bool) -> None:
        """Take an edit, or refuse it. Raises `SlowDown`."""
        if first and not self._platform.sends_count:
            return
        now, platform = self._clock(), self._platform
        counted = [(self._used[chat], platform.chat)]
        if platform.all is not None:
            counted.append((self._used[None], platform.all))
        for used, allowed in counted:
            while used and used[0] <= now - allowed.seconds:
                used.popleft()
            if len(used) >= allowed.most:
                self.refused += 1
                raise SlowDown(used[0] + allowed.seconds - now)
        for used, _ in counted:
            used.append(now)


@dataclass(kw_only=True, slots=True)
class Shown:
    """A message as people see it: 0..1, and when its final card was accepted."""

    sent: bool = False
    fraction: float = 0.0
    final_at: float = 0.0


class MockChats:
    """An adapter whose chats answer 429; `address` holds the chat's number and the message's name."""

    name = "mock"

    def __init__(self, platform: Platform) -> None:
        self.limits = platform.limits
        self.shown: dict[str, Shown] = defaultdict(Shown)
        self.chat = Chat(platform, time.monotonic)

    async def opened(self) -> str:
        """At once."""
        return "Measuring"

    async def run(self, core: Core) -> None:
        """Nobody writes here."""
        del core
        await asyncio.Event().wait()

    def turn(self, address: Address, *, final: bool, left: float | None = None) -> float:
        """By the platform's budgets as its own adapter keeps them."""
        first = not self.shown[address["message"]].sent
        return self.chat.turn(address["chat"], address["message"], final=final, first=first, left=left)

    def shared(self, address: Address) -> None:
        """Each has edits of its own."""
        del address

    async def show(self, address: Address, card: Card) -> None:
        """Accept or refuse it as it arrives; people see it a little later."""
        message = self.shown[address["message"]]
        with self.chat.asking(address["chat"], first=not message.sent):
            await asyncio.sleep(random.uniform(0.0, JITTER_SECONDS))
            self.chat.arrive(address["chat"], first=not message.sent)
            message.sent, arrived = True, time.monotonic()
            await asyncio.sleep(DELAY_SECONDS)
        message.fraction = card.fraction or 0.0
        if JobState(card.state).final:
            message.final_at = arrived

    async def remove(self, address: Address) -> None:
        """Nothing is taken away."""
