"""Budgets of a platform: never more than it allows, room for what must not wait, progress spread evenly."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.contract.pace import Budget


def _taken(budget: Budget, begin: float, end: float, *, final: bool) -> list[float]:
    """When there was one, asked for as soon as it may be."""
    now, taken = begin, []
    while now < end:
        seconds = budget.wait(now, final=final)
        if seconds == 0.0:
            budget.take(now, final=final)
            taken.append(now)
        now += max(seconds, 0.001)
    return taken


def test_progress_is_spread_evenly_and_leaves_what_is_kept() -> None:
    """Up to what makes up for having come late."""
    progress = _taken(Budget(5, 5.0, kept=1), 100.0, 140.0, final=False)
    assert all(0.9 < later - earlier < 1.6 for earlier, later in pairwise(progress))
    assert len(progress) == 32


def test_there_is_room_for_an_end_at_once() -> None:
    """However long progress has used all that it may."""
    budget = Budget(5, 5.0, kept=1)
    _taken(budget, 100.0, 140.0, final=False)
    assert budget.wait(140.0, final=True) == 0.0


def test_what_ends_have_used_is_not_kept_for_them_again() -> None:
    """Otherwise nothing would be left for progress where many jobs end."""
    budget = Budget(19, 60.0, kept=5)
    assert len(_taken(budget, 100.0, 100.1, final=True)) == 19
    budget = Budget(19, 60.0, kept=5)
    for second in range(6):
        budget.take(100.0 + second, final=True)
    progress = _taken(budget, 106.0, 159.0, final=False)
    assert 11 <= len(progress) <= 13


def test_it_is_idle_when_all_is_long_ago() -> None:
    """So that it can be thrown away."""
    budget = Budget(5, 5.0, kept=1)
    assert budget.idle(0.0)
    budget.take(100.0, final=False)
    assert not budget.idle(104.9)
    assert budget.idle(105.0)


@settings(deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.7, 2.5]), st.booleans()), max_size=80))
def test_never_more_than_allowed_in_any_time(steps: list[tuple[float, bool]]) -> None:
    """Whoever asks, for whatever; and whoever waits as long as it says gets one."""
    budget, now = Budget(4, 3.0, kept=1), 50.0
    taken: list[float] = []
    for passed, final in steps:
        now += passed
        seconds = budget.wait(now, final=final)
        if seconds == 0.0:
            budget.take(now, final=final)
            taken.append(now)
        else:
            assert deepcopy(budget).wait(now + seconds, final=final) < 1e-9
    for at in taken:
        assert sum(at <= other < at + 3.0 - 1e-6 for other in taken) <= 4
