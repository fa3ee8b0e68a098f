"""The bot's own pace: below Telegram's, progress last."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from adapters.telegram.rates import (
    ALL,
    ALL_SECONDS,
    CHAT,
    CHAT_SECONDS,
    GROUP,
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
    assert GROUP - 1 <= len(progress) <= GROUP
    finals = _taken(rates, clock, -1, 180.0, final=True)
    every = [*progress, *finals]
    assert max(sum(at <= other < at + GROUP_SECONDS for other in every) for at in every) <= GROUP
    assert len(finals) >= 3 * GROUP - 1


def test_there_is_room_for_a_final_when_it_is_likely() -> None:
    """With the minute used up for progress as far as that goes."""
    clock = Clock()
    rates = Rates(clock)
    _taken(rates, clock, -1, 110.0, final=False)
    rates.turn(-1, final=False, message=1, left=10.0)
    _taken(rates, clock, -1, 10.0, final=False)
    assert rates.turn(-1, final=True, message=1) == 0.0


def test_what_is_on_its_way_counts_until_it_is_answered() -> None:
    """However long that takes: a picture's upload, or a slow network."""
    clock = Clock()
    rates = Rates(clock)
    assert [rates.turn(7, final=True) for _ in range(CHAT)] == [0.0] * CHAT
    with ExitStack() as asking:
        for _ in range(CHAT):
            asking.enter_context(rates.asking(7))
        clock.now += 60.0
        assert rates.turn(7, final=True) == pytest.approx(CHAT_SECONDS)
    assert rates.turn(7, final=True) == pytest.approx(CHAT_SECONDS)
    clock.now += CHAT_SECONDS + 0.001
    assert rates.turn(7, final=True) == 0.0


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
    assert ALL - 2 <= progress <= ALL
    clock.now = begun + ALL_SECONDS + 0.1
    assert rates.turn(50, final=True) == 0.0


def test_a_pause_that_telegram_asks_for_holds() -> None:
    """For that chat, finals too."""
    clock = Clock()
    rates = Rates(clock)
    rates.pause(7, 30.0)
    assert rates.turn(7, final=True) == pytest.approx(30.0)
    assert rates.turn(8, final=True) == 0.0
    clock.now += 30.0
    assert rates.turn(7, final=True) == 0.0
