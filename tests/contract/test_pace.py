"""Budgets of a platform: never more than it allows, room for what must not wait, progress spread evenly."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise
from random import Random

import pytest
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


def _asked(budget: Budget, at: float, *, begun: float, answered: float) -> None:
    """One taken then, whose request began and was answered later."""
    budget.take(at, final=True)
    budget.begin(begun)
    budget.end(begun, answered)


def test_progress_is_spread_evenly() -> None:
    """Up to what makes up for having come late. The spare ones are left alone."""
    for spare, most in ((0, 40), (1, 32)):
        progress = _taken(Budget(5, 5.0, spare=spare), 100.0, 140.0, final=False)
        gaps = [later - earlier for earlier, later in pairwise(progress)]
        assert all(0.7 < gap < 1.6 for gap in gaps)
        assert len(progress) == most


def test_progress_leaves_room_for_a_final_that_is_near() -> None:
    """Nobody has to wait for a final at the time when it was likely, and nothing waits much longer for it."""
    budget = Budget(5, 5.0)
    taken = _taken(budget, 100.0, 140.0, final=False)
    budget.expect("one", 141.5)
    taken += _taken(budget, 140.0, 141.5, final=False)
    assert budget.wait(141.5, final=True) == 0.0
    assert len([at for at in taken if at > 136.6]) == 4
    budget.expect("one", None)
    assert len(_taken(budget, 141.5, 161.5, final=False)) == 20
    budget.expect("late", 162.0)
    assert 18 <= len(_taken(budget, 161.5, 181.5, final=False)) <= 20


def test_a_final_that_had_to_wait_is_not_passed_by_progress() -> None:
    """What is free then is its."""
    budget = Budget(5, 5.0)
    for tenth in range(5):
        budget.take(100.0 + tenth / 10, final=True)
    seconds = budget.wait(103.0, final=True)
    assert seconds == 2.0
    assert budget.wait(105.0, final=False) > 0.0
    assert budget.wait(105.0, final=True) == 0.0


def test_finals_take_from_progress_what_they_need() -> None:
    """As many as there were of late; progress is spread over the rest."""
    budget = Budget(20, 60.0)
    progress: list[float] = []
    for minute in range(10):
        for nth in range(10):
            begin = 60.0 * minute + 6.0 * nth
            begin += budget.wait(begin, final=True)
            budget.take(begin, final=True)
            progress += _taken(budget, begin, 60.0 * minute + 6.0 * (nth + 1), final=False)
    late = [at for at in progress if at >= 300.0]
    assert 45 <= len(late) <= 50


def test_it_counts_until_its_answer_and_the_time_after_it() -> None:
    """It may have been counted as late as that; what is not answered counts all the while."""
    budget = Budget(1, 5.0)
    _asked(budget, 100.0, begun=100.1, answered=103.0)
    assert budget.wait(107.9, final=True) == pytest.approx(0.1)
    assert budget.wait(108.0, final=True) == 0.0
    budget.take(108.0, final=True)
    budget.begin(108.0)
    assert budget.wait(130.0, final=True) == 5.0
    budget.end(108.0, 130.0)
    assert budget.wait(135.0, final=True) == 0.0


def test_one_that_was_not_used_counts_from_when_it_was_taken() -> None:
    """There may have been nothing to show."""
    budget = Budget(1, 5.0)
    budget.take(100.0, final=False)
    assert budget.wait(105.0, final=True) == 0.0
    _asked(budget, 105.0, begun=105.0, answered=105.5)
    assert budget.wait(110.4, final=True) == pytest.approx(0.1)


def test_the_way_that_all_take_is_taken_off_once_it_is_known() -> None:
    """Whoever comes next has it before it, too. Of what differs much nothing is known."""
    for apart, known in ((0.0, 0.1), (0.02, 0.08), (1.0, 0.0)):
        budget = Budget(1, 5.0)
        for nth in range(10):
            _asked(budget, 10.0 * nth, begun=10.0 * nth, answered=10.0 * nth + 0.1 + apart * (nth >= 5))
        assert budget.wait(90.5 + apart, final=True) == pytest.approx(4.6 - known)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_no_jitter_brings_too_many_together(seed: int) -> None:
    """Each is counted at any time between its beginning and its answer."""
    dice, budget, now = Random(seed), Budget(5, 5.0), 100.0
    under_way: list[tuple[float, float]] = []
    counted: list[float] = []
    while len(counted) < 60:
        for answer, begun in sorted(each for each in under_way if each[0] <= now):
            budget.end(begun, answer)
        under_way = [each for each in under_way if each[0] > now]
        if budget.wait(now, final=dice.random() < 0.5) == 0.0:
            budget.take(now, final=False)
            budget.begin(now)
            arrives = now + dice.uniform(0.0, 1.5)
            counted.append(arrives)
            under_way.append((arrives + dice.uniform(0.0, 1.0), now))
        now += dice.choice([0.01, 0.3])
    for at in counted:
        assert sum(at <= other < at + 5.0 - 0.02 for other in counted) <= 5


def test_it_is_idle_when_all_is_long_ago() -> None:
    """So that it can be thrown away."""
    budget = Budget(5, 5.0)
    assert budget.idle(0.0)
    budget.take(100.0, final=False)
    assert not budget.idle(104.9)
    assert budget.idle(105.0)
    budget.take(105.0, final=True)
    budget.begin(105.0)
    assert not budget.idle(200.0)


@settings(deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from([0.0, 0.1, 0.7, 2.5]), st.booleans()), max_size=80))
def test_never_more_than_allowed_in_any_time(steps: list[tuple[float, bool]]) -> None:
    """Whoever asks, for whatever; and whoever waits as it says gets one: a final at once, progress when asked again."""
    budget, now = Budget(4, 3.0), 50.0
    taken: list[float] = []
    for passed, final in steps:
        now += passed
        seconds = budget.wait(now, final=final)
        if seconds == 0.0:
            budget.take(now, final=final)
            taken.append(now)
        else:
            waiting = deepcopy(budget)
            again = waiting.wait(now + seconds, final=final)
            assert again < 1e-9 or not final
            assert waiting.wait(now + seconds + again, final=final) < 1e-9
    for at in taken:
        assert sum(at <= other < at + 3.0 - 1e-6 for other in taken) <= 4
