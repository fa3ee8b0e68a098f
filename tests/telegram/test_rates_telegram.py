"""The bot's own pace: below Telegram's, progress last."""

from __future__ import annotations

import pytest

from adapters.telegram.rates import ALL, CHAT_SECONDS, GROUP, GROUP_SECONDS, KEPT, Rates
from bot.errors import SlowDown


class Clock:
    """A clock that is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def _taken(rates: Rates, clock: Clock, chat: int, seconds: float, *, final: bool) -> list[float]:
    """When there was one, asked for as often as it may be, for so long."""
    taken, end = [], clock.now + seconds
    while clock.now < end:
        try:
            rates.take(chat, final=final)
        except SlowDown as error:
            clock.now += max(error.retry_after, 0.001)
        else:
            taken.append(clock.now)
    return taken


def test_a_group_has_a_minute_shared_by_all() -> None:
    """However much is to be shown, never more than Telegram takes in any minute."""
    clock = Clock()
    rates = Rates(clock)
    progress = _taken(rates, clock, -1, 60.0, final=False)
    assert len(progress) == GROUP - KEPT
    finals = _taken(rates, clock, -1, 180.0, final=True)
    every = [*progress, *finals]
    assert max(sum(at <= other < at + GROUP_SECONDS for other in every) for at in every) <= GROUP
    assert len(finals) >= 3 * GROUP - KEPT


def test_finals_come_before_progress() -> None:
    """With the minute used up for progress there is room for finals at once."""
    clock = Clock()
    rates = Rates(clock)
    _taken(rates, clock, -1, 59.0, final=False)
    before = clock.now
    for _ in range(KEPT - 1):
        assert _taken(rates, clock, -1, 0.001, final=True) != [] or clock.now <= before + KEPT * 2
    assert clock.now - before < 10.0


def test_private_chats_are_paced_each_and_all_together() -> None:
    """About one a second in each; the bot's second has room for finals when progress has filled it."""
    clock = Clock()
    rates = Rates(clock)
    assert len(_taken(rates, clock, 7, 11.0, final=True)) == 11
    for chat in range(100, 100 + ALL - KEPT):
        rates.take(chat, final=False)
    with pytest.raises(SlowDown):
        rates.take(50, final=False)
    rates.take(50, final=True)
    with pytest.raises(SlowDown) as caught:
        rates.take(50, final=True)
    assert caught.value.retry_after == pytest.approx(CHAT_SECONDS)


def test_a_pause_that_telegram_asks_for_holds() -> None:
    """For that chat, finals too."""
    clock = Clock()
    rates = Rates(clock)
    rates.pause(7, 30.0)
    with pytest.raises(SlowDown) as caught:
        rates.take(7, final=True)
    assert caught.value.retry_after == pytest.approx(30.0)
    rates.take(8, final=True)
    clock.now += 30.0
    rates.take(7, final=True)
