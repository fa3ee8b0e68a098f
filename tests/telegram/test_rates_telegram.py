"""The bot's own pace: below Telegram's, progress last."""

from __future__ import annotations

import pytest

from adapters.telegram.rates import (
    ALL,
    ALL_KEPT,
    ALL_SECONDS,
    CHAT,
    CHAT_SECONDS,
    GROUP,
    GROUP_KEPT,
    GROUP_SECONDS,
    Rates,
)


class Clock:
    """A clock that is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def _taken(rates: Rates, clock: Clock, chat: int, seconds: float, *, final: bool) -> list[float]:
    """When there was one, asked for as often as it may be, for so long."""
    taken, end = [], clock.now + seconds
    while clock.now < end:
        wait = rates.turn(chat, final=final)
        if wait == 0.0:
            taken.append(clock.now)
        clock.now += max(wait, 0.001)
    return taken


def test_a_group_has_a_minute_shared_by_all() -> None:
    """However much is to be shown, never more than Telegram takes in any minute."""
    clock = Clock()
    rates = Rates(clock)
    progress = _taken(rates, clock, -1, 60.0, final=False)
    assert GROUP - GROUP_KEPT <= len(progress) <= GROUP - GROUP_KEPT + 1
    finals = _taken(rates, clock, -1, 180.0, final=True)
    every = [*progress, *finals]
    assert max(sum(at <= other < at + GROUP_SECONDS for other in every) for at in every) <= GROUP
    assert len(finals) >= 3 * GROUP - GROUP_KEPT


def test_finals_come_before_progress() -> None:
    """With the minute used up for progress there is room for finals at once."""
    clock = Clock()
    rates = Rates(clock)
    _taken(rates, clock, -1, 59.0, final=False)
    assert [rates.turn(-1, final=True) for _ in range(GROUP_KEPT)] == [0.0] * GROUP_KEPT


def test_private_chats_are_paced_each_and_all_together() -> None:
    """About one a second in each; the bot's second has room for finals when progress has filled it."""
    clock = Clock()
    rates = Rates(clock)
    finals = _taken(rates, clock, 7, 20.0, final=True)
    assert max(sum(at <= other < at + CHAT_SECONDS for other in finals) for at in finals) <= CHAT
    assert len(finals) == 4 * CHAT
    clock.now += 10.0
    begun = clock.now
    progress = 0
    while clock.now < begun + ALL_SECONDS - 0.001:
        progress += sum(rates.turn(chat, final=False) == 0.0 for chat in range(100, 140))
        clock.now += 0.001
    assert ALL - ALL_KEPT - 1 <= progress <= ALL - ALL_KEPT
    clock.now = begun + ALL_SECONDS - 0.001
    assert [rates.turn(50 + chat, final=True) for chat in range(ALL_KEPT)] == [0.0] * ALL_KEPT
    assert rates.turn(49, final=False) > 0.0


def test_a_pause_that_telegram_asks_for_holds() -> None:
    """For that chat, finals too."""
    clock = Clock()
    rates = Rates(clock)
    rates.pause(7, 30.0)
    assert rates.turn(7, final=True) == pytest.approx(30.0)
    assert rates.turn(8, final=True) == 0.0
    clock.now += 30.0
    assert rates.turn(7, final=True) == 0.0
