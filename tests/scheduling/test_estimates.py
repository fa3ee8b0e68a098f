"""Learning how long things take."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.work import Work
from bot.scheduling.estimates import (
    ENOUGH,
    FIRST_GUESS,
    KEPT,
    Range,
    guess_key,
    learn,
    lessons,
    load_key,
    load_seconds,
    outcome,
    quantile,
    run_seconds,
    shown_range,
)

WORK = Work(workflow="imagine", pixels=2**20, steps=20)
Book = dict[str, tuple[float, ...]]


def _taught(*runs: tuple[Work, str, float, str | None]) -> Book:
    known: Book = {}
    for work, backend, seconds, loaded in runs:
        for key, value in list(lessons(known, work, backend, seconds, loaded, 15.0)):
            known[key] = learn(known.get(key, ()), value)
    return known


def test_what_is_unknown_is_guessed() -> None:
    """Something must be shown."""
    assert run_seconds({}, WORK) == FIRST_GUESS
    assert load_seconds({}, "flux", 15.0) == 15.0
    assert shown_range({}, 10.0, held=True) == Range(low=5.0, middle=10.0, high=20.0)


def test_the_most_alike_is_believed() -> None:
    """The same work there, the same work anywhere, then by size."""
    known = _taught((WORK, "a", 6.0, None), (WORK, "b", 12.0, None), (WORK, "b", 12.0, None))
    assert run_seconds(known, WORK, "a") == 6.0
    assert run_seconds(known, WORK, "b") == 12.0
    assert run_seconds(known, WORK, "c") == 12.0
    assert run_seconds(known, WORK) == 12.0
    twice = Work(workflow="imagine", pixels=2**20, steps=40)
    assert run_seconds(known, twice, "a") == 12.0
    assert run_seconds(known, Work(workflow="imagine", pixels=2**19, steps=20, batch=4), "a") == 12.0
    assert run_seconds(known, Work(workflow="other", pixels=2**20, steps=20), "a") == FIRST_GUESS


def test_runs_that_load_teach_what_loading_costs() -> None:
    """Once it is known what the run takes; before that, what the run takes."""
    known = _taught((WORK, "a", 8.0, None), (WORK, "a", 30.0, "flux"), (WORK, "b", 5.0, "sdxl"))
    assert run_seconds(known, WORK, "a") == 8.0
    assert load_seconds(known, "flux", 15.0) == 22.0
    assert known[load_key("sdxl")] == (0.0,)
    assert run_seconds(_taught((WORK, "a", 40.0, "flux")), WORK, "a") == 25.0
    assert run_seconds(_taught((WORK, "a", 16.0, "flux")), WORK, "a") == 8.0, "not less than half"


def test_only_the_latest_are_kept() -> None:
    """A faster card is noticed."""
    values: tuple[float, ...] = ()
    for n in range(3 * KEPT):
        values = learn(values, float(n))
    assert values == tuple(float(n) for n in range(2 * KEPT, 3 * KEPT))


def test_a_range_is_as_wide_as_it_must_be() -> None:
    """By what became of guesses of the same size."""
    key, ratio = outcome(10.0, 15.0, held=True)
    assert (key, ratio) == (guess_key(10.0, held=True), 1.5)
    few = {key: (ratio,) * (ENOUGH - 1)}
    assert shown_range(few, 10.0, held=True) == Range(low=5.0, middle=10.0, high=20.0)
    enough = {key: (ratio,) * ENOUGH}
    assert shown_range(enough, 10.0, held=True) == Range(low=15.0, middle=15.0, high=15.0)
    assert shown_range(enough, 10.0, held=False) == Range(low=5.0, middle=10.0, high=20.0)
    assert shown_range(enough, 500.0, held=True) == Range(low=250.0, middle=500.0, high=1000.0)


@given(guess=st.floats(0, 1e6), factor=st.floats(1.0, 1.05))
def test_guesses_of_about_the_same_size_share_their_key(guess: float, factor: float) -> None:
    """Or have neighbouring ones."""
    first, second = (int(guess_key(each, held=True).split()[1]) for each in (guess, guess * factor))
    assert second - first in (0, 1)


@given(
    values=st.lists(st.floats(0, 1e6), min_size=1).map(tuple),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_quantiles(values: tuple[float, ...], shares: tuple[float, float]) -> None:
    """Within the values, and never falling."""
    low, high = (quantile(values, share) for share in sorted(shares))
    assert min(values) <= low <= high <= max(values)
    assert quantile(values[::-1], shares[0]) == quantile(values, shares[0])


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
def test_at_least_four_of_five_fall_within(spread: float) -> None:
    """Whatever they are spread like, as long as that does not change."""
    draw = random.Random(1)
    known: Book = {}
    within = []
    for _ in range(2000):
        seconds = 30 * draw.lognormvariate(0.2, spread)
        shown = shown_range(known, 30.0, held=True)
        within.append(shown.low <= seconds <= shown.high)
        key, ratio = outcome(30.0, seconds, held=True)
        known[key] = learn(known.get(key, ()), ratio)
    assert 0.79 <= sum(within[100:]) / len(within[100:]) <= 0.89
