"""Waking flows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.scheduling.fairness import wake


@given(vtime=st.integers(0, 100).map(float), present=st.integers(0, 100).map(float))
def test_waking_saves_up_no_credit(vtime: float, present: float) -> None:
    """Nobody comes back with less than the present, nor loses what they owe."""
    assert wake(vtime, present) == max(vtime, present)
