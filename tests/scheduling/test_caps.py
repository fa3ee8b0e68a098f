"""What one may have at once."""

from __future__ import annotations

import pytest

from bot.scheduling.caps import Asking, Caps, refusal, room

CAPS = Caps(waiting_person=2, waiting_place=5, cooldown=3.0)
NONE = Asking(waiting_person=0, waiting_place=0, since_last=None)


@pytest.mark.parametrize(
    ("caps", "asking", "expected"),
    [
        (CAPS, NONE, None),
        (CAPS, Asking(waiting_person=1, waiting_place=4, since_last=3.0), None),
        (
            CAPS,
            Asking(waiting_person=2, waiting_place=2, since_last=9.0),
            "You have 2 pictures waiting, which is the most. Try again when one is done, or cancel one.",
        ),
        (
            Caps(waiting_person=1),
            Asking(waiting_person=1, waiting_place=1, since_last=None),
            "You have 1 picture waiting, which is the most. Try again when one is done, or cancel one.",
        ),
        (
            CAPS,
            Asking(waiting_person=0, waiting_place=5, since_last=9.0),
            "5 wait here already, which is the most. Try again in a while.",
        ),
        (
            CAPS,
            Asking(waiting_person=0, waiting_place=0, since_last=0.6),
            "That was quick. Try again in 2 seconds.",
        ),
        (
            CAPS,
            Asking(waiting_person=0, waiting_place=0, since_last=2.9),
            "That was quick. Try again in 1 second.",
        ),
        (Caps(), Asking(waiting_person=10**6, waiting_place=10**6, since_last=0.0), None),
    ],
)
def test_what_is_refused(caps: Caps, asking: Asking, expected: str | None) -> None:
    """In words that say what to do next."""
    assert refusal(caps, asking) == expected


@pytest.mark.parametrize(("cap", "running", "expected"), [(None, 9, 1), (2, 0, 2), (2, 2, 0), (2, 5, 0)])
def test_room(cap: int | None, running: int, expected: int) -> None:
    """Never less than none."""
    assert room(cap, running) == expected
