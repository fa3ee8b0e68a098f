"""Why a backend takes no jobs: what was switched, and the hours."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.scheduling.holds import (
    ALWAYS,
    EVERYWHERE,
    Hold,
    Hours,
    Plan,
    Reason,
    Switch,
    Switches,
    Turned,
    hold_of,
    parse_hours,
)

A, B = "backend:a", "backend:b"
NIGHTS = Plan(by_backend={A: Hours(spans=((22 * 60, 8 * 60),))})


def at(hour: int, minute: int = 0, *, day: int = 10) -> float:
    """A moment by the clock on the wall, in seconds since 1970."""
    return datetime(2026, 3, day, hour, minute).timestamp()  # noqa: DTZ001


def on(
    name: Switch, backend: str = A, since: float = 100.0, *, hand_over: bool = False
) -> dict[tuple[Switch, str], Turned]:
    """One switch that is on."""
    return {(name, backend): Turned(since=since, hand_over=hand_over)}


def test_nothing_is_switched() -> None:
    """It works."""
    assert hold_of({}, ALWAYS, A, 200.0) is None


@pytest.mark.parametrize(
    ("switches", "hold"),
    [
        (on(Switch.PAUSED, EVERYWHERE), Hold(reason=Reason.QUEUE_PAUSED, since=100.0)),
        (on(Switch.PAUSED), Hold(reason=Reason.PAUSED, since=100.0)),
        (on(Switch.PAUSED, B), None),
        (on(Switch.DRAINED), Hold(reason=Reason.DRAINED, since=100.0)),
        (on(Switch.DRAINED, hand_over=True), Hold(reason=Reason.DRAINED, since=100.0, hand_over=True)),
        (on(Switch.OWNERS), Hold(reason=Reason.OWNERS, since=100.0)),
        (on(Switch.BOTS), None),
        (on(Switch.PAUSED, EVERYWHERE) | on(Switch.OWNERS), Hold(reason=Reason.OWNERS, since=100.0)),
        (on(Switch.PAUSED) | on(Switch.DRAINED), Hold(reason=Reason.DRAINED, since=100.0)),
    ],
)
def test_what_is_switched_holds_a_backend_back(switches: Switches, hold: Hold | None) -> None:
    """What asks for most goes before what asks for less."""
    assert hold_of(switches, ALWAYS, A, 200.0) == hold


@pytest.mark.parametrize(
    ("now", "since", "until"),
    [
        (at(8), at(8), at(22)),
        (at(21, 59), at(8), at(22)),
        (at(22), None, None),
        (at(0), None, None),
        (at(7, 59), None, None),
    ],
)
def test_hours_over_midnight(now: float, since: float | None, until: float | None) -> None:
    """Outside of them the GPU is its owner's until they begin; other backends are not concerned."""
    expected = None if since is None else Hold(reason=Reason.HOURS, since=since, until=until)
    assert hold_of({}, NIGHTS, A, now) == expected
    assert hold_of({}, NIGHTS, B, now) is None


def test_the_word_of_an_admin_goes_before_the_hours() -> None:
    """Taken by day it is the bot's until the hours end the next time; given back by night it stays its owner's."""
    taken = on(Switch.BOTS, since=at(12))
    assert hold_of(taken, NIGHTS, A, at(13)) is None
    tomorrow = hold_of(taken, NIGHTS, A, at(9, day=11))
    assert tomorrow == Hold(reason=Reason.HOURS, since=at(8, day=11), until=at(22, day=11))
    given = on(Switch.OWNERS, since=at(23))
    assert hold_of(given, NIGHTS, A, at(22, day=12)) == Hold(reason=Reason.OWNERS, since=at(23))


@given(
    spans=st.lists(
        st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda span: span[0] != span[1]),
        min_size=1,
        max_size=3,
    ),
    minute=st.integers(0, 1439),
)
def test_any_hours_hold_exactly_outside_of_them(spans: list[tuple[int, int]], minute: int) -> None:
    """By the minute; a hold begins where a span ended, and ends where one begins."""
    hours, now = Hours(spans=tuple(spans)), at(minute // 60, minute % 60)
    inside = any(
        (first <= minute < last) if first < last else (minute >= first or minute < last)
        for first, last in spans
    )
    hold = hold_of({}, Plan(others=hours), A, now)
    assert (hold is None) == inside
    if hold is not None:
        assert hold.since <= now
        assert hold.until is not None
        assert now < hold.until
        assert hold_of({}, Plan(others=hours), A, hold.until) is None


def test_hours_as_they_are_written() -> None:
    """Several with a plus between them; midnight may be written as the end of a day."""
    assert parse_hours("22:00-08:00") == Hours(spans=((1320, 480),))
    assert parse_hours("12:00-13:30 + 20:00-24:00") == Hours(spans=((720, 810), (1200, 0)))


@pytest.mark.parametrize("text", ["", "22-8", "22:00", "25:00-8:00", "22:60-8:00", "8:00-8:00", "x:yy-8:00"])
def test_hours_that_are_none(text: str) -> None:
    """The sentence says how to write them."""
    with pytest.raises(ValueError, match="Write it like 22:00"):
        parse_hours(text)
