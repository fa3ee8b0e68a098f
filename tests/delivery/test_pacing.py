"""When messages may be edited: spaced, paused, the longest unedited first."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.contract.values import MessageId
from bot.delivery.pacing import Pacer

A, B, C = (MessageId(name) for name in "abc")


def test_a_new_message_is_due_at_once() -> None:
    """Also when the clock has only just begun."""
    assert Pacer(2.0).due([A, B], 0.0) == [A, B]
    assert Pacer(2.0).wait([A, B], 0.0) == 0.0


def test_nothing_to_draw_is_nothing_to_wait_for() -> None:
    """There is no time at which nothing would be due."""
    assert Pacer(2.0).due([], 100.0) == []
    assert Pacer(2.0).wait([], 100.0) is None


def test_edits_of_one_message_are_spaced() -> None:
    """Another message does not wait for it."""
    pacer = Pacer(2.0)
    pacer.edited(A, 100.0)
    assert pacer.due([A, B], 101.9) == [B]
    assert pacer.wait([A], 101.5) == 0.5
    assert pacer.wait([A, B], 101.5) == 0.0
    assert pacer.due([A], 102.0) == [A]


def test_the_longest_unedited_comes_first() -> None:
    """So that none starves while others have news."""
    pacer = Pacer(1.0)
    for message, when in ((A, 102.0), (B, 100.0), (C, 101.0)):
        pacer.edited(message, when)
    assert pacer.due([A, B, C], 110.0) == [B, C, A]
    assert pacer.due([A, MessageId("new"), B], 110.0) == ["new", B, A]


def test_a_pause_is_obeyed() -> None:
    """The platform's word counts for more than the spacing."""
    pacer = Pacer(1.0)
    pacer.edited(A, 100.0)
    pacer.pause(A, 130.0)
    assert pacer.due([A, B], 129.9) == [B]
    assert pacer.wait([A], 100.0) == 30.0
    assert pacer.due([A], 130.0) == [A]


def test_waiting_is_never_negative() -> None:
    """A message that is overdue is due now."""
    pacer = Pacer(1.0)
    pacer.edited(A, 100.0)
    assert pacer.wait([A], 200.0) == 0.0


def test_a_final_message_is_forgotten() -> None:
    """Nothing is kept of it, and a new wish is due at once."""
    pacer = Pacer(5.0)
    pacer.edited(A, 100.0)
    pacer.forget(A)
    pacer.forget(B)
    assert pacer.due([A], 100.0) == [A]


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
        for message in pacer.due(edits, now)[:most]:
            pacer.edited(message, now)
            edits[message].append(now)
    for times in edits.values():
        assert all(later - earlier >= spacing for earlier, later in pairwise(times))
    wait = pacer.wait(edits, now)
    assert wait is not None
    assert pacer.due(edits, now + wait) != []
