"""When messages may be edited: spaced, paused, ends first, then the stalest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contract.values import MessageId
from bot.delivery.pacing import Pacer, Standing, worth

A, B, C = (MessageId(name) for name in "abc")
END = Standing(fraction=1.0, urgent=True, over=True)
FIRST = Standing(fraction=0.0, urgent=True)


def _half(messages: Iterable[MessageId]) -> dict[MessageId, Standing]:
    return {message: Standing(fraction=0.5, urgent=False) for message in messages}


def test_a_new_message_is_due_at_once() -> None:
    """Also when the clock has only just begun."""
    assert Pacer(2.0).due(_half([A, B]), 0.0) == [A, B]
    assert Pacer(2.0).wait(_half([A, B]), 0.0) == 0.0


def test_nothing_to_draw_is_nothing_to_wait_for() -> None:
    """There is no time at which nothing would be due."""
    assert Pacer(2.0).due({}, 100.0) == []
    assert Pacer(2.0).wait({}, 100.0) is None


def test_edits_of_one_message_are_spaced() -> None:
    """Another message does not wait for it, nor does the end."""
    pacer = Pacer(2.0)
    pacer.edited(A, 100.0)
    assert pacer.due(_half([A, B]), 101.9) == [B]
    assert pacer.wait(_half([A]), 101.5) == 0.5
    assert pacer.wait(_half([A, B]), 101.5) == 0.0
    assert pacer.due(_half([A]), 102.0) == [A]
    assert pacer.due({A: END}, 100.0) == [A]
    assert pacer.wait({A: END}, 100.0) == 0.0


def test_the_stalest_comes_first() -> None:
    """What it lacks counts, times the seconds since its last edit; whoever was never edited lacks most."""
    pacer = Pacer(1.0)
    for message, when, fraction in ((A, 102.0, 0.1), (B, 100.0, 0.4), (C, 101.0, 0.3)):
        pacer.edited(message, when, fraction)
    assert pacer.due(_half([A, B, C]), 110.0) == [A, C, B]
    assert pacer.due(_half([A, MessageId("new"), B]), 110.0) == ["new", A, B]


def test_ends_come_before_progress() -> None:
    """Among them the longest unedited is first; first cards come between."""
    pacer = Pacer(1.0)
    pacer.edited(B, 105.0, 0.9)
    pacer.edited(C, 104.0, 0.9)
    assert pacer.due({**_half([A]), MessageId("new"): FIRST, B: END, C: END}, 110.0) == [C, B, "new", A]


def test_a_pause_is_obeyed() -> None:
    """The platform's word counts for more than the spacing, also for an end."""
    pacer = Pacer(1.0)
    pacer.edited(A, 100.0)
    pacer.pause(A, 130.0)
    assert pacer.due({**_half([B]), A: END}, 129.9) == [B]
    assert pacer.wait(_half([A]), 100.0) == 30.0
    assert pacer.due(_half([A]), 130.0) == [A]


def test_without_an_edit_for_progress_an_end_is_still_shown() -> None:
    """What a budget has none of for one it may have for the other."""
    pacer = Pacer(1.0)
    pacer.hold(A, 130.0)
    assert pacer.due(_half([A]), 129.9) == []
    assert pacer.wait(_half([A]), 100.0) == 30.0
    assert pacer.due({A: END}, 100.0) == [A]


def test_all_that_were_refused_are_asked_for_together() -> None:
    """When there may be one for the first of them: the stalest has it, whoever was told the earliest time."""
    pacer = Pacer(0.0)
    pacer.edited(A, 100.0, 0.4)
    pacer.edited(B, 100.0, 0.1)
    pacer.hold(A, 110.0)
    pacer.hold(B, 110.5)
    assert pacer.due(_half([A, B]), 109.0) == []
    assert pacer.due(_half([A, B]), 110.0) == [B, A]
    assert pacer.due({A: END, **_half([B])}, 109.0) == [A]


def test_a_turn_is_asked_for_with_when_the_end_is_likely() -> None:
    """By how fast it came on since the last edit; who is refused is left alone until there may be one."""
    pacer, asked = Pacer(1.0), list[tuple[bool, float | None]]()

    def ask(seconds: float) -> Callable[[bool, float | None], float]:
        def answer(final: bool, left: float | None) -> float:
            asked.append((final, left))
            return seconds

        return answer

    half = Standing(fraction=0.5, urgent=False)
    assert pacer.turn(A, half, 100.0, ask(0.0))
    pacer.edited(A, 100.0, 0.25)
    assert not pacer.turn(A, half, 100.5, ask(0.0)), "it is spaced, so nobody is asked"
    assert not pacer.turn(A, half, 105.0, ask(2.0))
    assert not pacer.turn(A, END, 105.0, ask(1.0))
    assert pacer.wait({A: END}, 105.0) == 1.0
    assert pacer.wait({A: half}, 105.0) == 2.0
    assert asked == [(False, None), (False, pytest.approx(10.0)), (True, None)]


def test_an_edit_just_before_the_end_is_worth_little() -> None:
    """The end shows all of it anyway."""
    assert worth(0.5, 0.25, 5.0) == pytest.approx(0.25 * 5.0 * 2 / 3)
    assert worth(0.99, 0.74, 5.0) == pytest.approx(0.25 * 5.0 / 26)
    assert worth(0.5, 0.5, 5.0) == worth(1.0, 0.5, 5.0) == 0.0


def test_waiting_is_never_negative() -> None:
    """A message that is overdue is due now."""
    pacer = Pacer(1.0)
    pacer.edited(A, 100.0)
    assert pacer.wait(_half([A]), 200.0) == 0.0


def test_a_final_message_is_forgotten() -> None:
    """Nothing is kept of it, and a new wish is due at once."""
    pacer = Pacer(5.0)
    pacer.edited(A, 100.0)
    pacer.forget(A)
    pacer.forget(B)
    assert pacer.due(_half([A]), 100.0) == [A]


def test_edits_are_shared_out_by_the_root_of_the_duration() -> None:
    """A job that takes nine times as long gets three times the edits, though nobody said how long it takes.

    Its end is one of them.
    """
    seconds = {MessageId(f"{length}-{nth}"): length for length in (20.0, 80.0, 180.0) for nth in range(5)}
    pacer, edits = Pacer(0.0), dict.fromkeys((20.0, 80.0, 180.0), 0)
    for tick in range(1, 7_200):
        now = tick / 2
        standing = {
            message: Standing(fraction=(now + 7.3 * nth) % length / length, urgent=False)
            for nth, (message, length) in enumerate(seconds.items())
        }
        message = pacer.due(standing, now)[0]
        pacer.edited(message, now, standing[message].fraction)
        edits[seconds[message]] += 1
    segments = {length: made + 5 * 3_600 / length for length, made in edits.items()}
    evenly = [made * sqrt(length) for length, made in segments.items()]
    assert evenly == pytest.approx([sum(evenly) / 3] * 3, rel=0.1)


@given(
    spacing=st.sampled_from([0.0, 0.5, 2.0]),
    steps=st.lists(st.tuples(st.sampled_from([0.0, 0.25, 1.0, 3.0]), st.integers(1, 3)), max_size=40),
)
def test_no_two_edits_of_a_message_are_too_close(spacing: float, steps: list[tuple[float, int]]) -> None:
    """Whoever draws what is due, when it is due, keeps the platform's limit, and nobody is left out."""
    pacer, now = Pacer(spacing), 1000.0
    edits: dict[MessageId, list[float]] = {A: [], B: [], C: []}
    for passed, most in steps:
        now += passed
        for message in pacer.due(_half(edits), now)[:most]:
            pacer.edited(message, now)
            edits[message].append(now)
    for times in edits.values():
        assert all(later - earlier >= spacing for earlier, later in pairwise(times))
    wait = pacer.wait(_half(edits), now)
    assert wait is not None
    assert pacer.due(_half(edits), now + wait) != []
