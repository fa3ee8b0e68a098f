"""Which states may follow which, and what the outside sees of them."""

from __future__ import annotations

from bot.contract.values import JobState
from bot.jobs.states import ENDS, LIVE, State, outside, sources

FOLLOWS = {
    State.QUEUED: set(LIVE),
    State.CLAIMED: {State.QUEUED, State.CLAIMED},
    State.POSTING: set(LIVE),
    State.WAITING: {State.QUEUED, State.CLAIMED, State.POSTING, State.WAITING},
    State.RUNNING: {State.QUEUED, State.CLAIMED, State.POSTING, State.WAITING, State.RUNNING},
    State.FETCHING: {State.QUEUED, *LIVE},
    State.DONE: set(LIVE),
    State.FAILED: set(LIVE),
    State.CANCELLED: {State.QUEUED, *LIVE},
}


def test_each_state_has_its_sources() -> None:
    """Live states may be entered again and skipped, and gone back to only by posting again."""
    assert {to: set(sources(to)) for to in State} == FOLLOWS


def test_nothing_follows_an_end() -> None:
    """An end is entered exactly once."""
    assert not any(end in sources(to) for end in ENDS for to in State)


def test_every_state_is_queued_live_or_an_end() -> None:
    """Which is what counters are made of."""
    assert {State.QUEUED, *LIVE, *ENDS} == set(State)
    assert len(State) == 1 + len(LIVE) + len(ENDS)


def test_people_see_five_states() -> None:
    """What happens before it runs is queued, fetching still runs, and the ends are themselves."""
    assert {state: outside(state) for state in State} == {
        State.QUEUED: JobState.QUEUED,
        State.CLAIMED: JobState.QUEUED,
        State.POSTING: JobState.QUEUED,
        State.WAITING: JobState.QUEUED,
        State.RUNNING: JobState.RUNNING,
        State.FETCHING: JobState.RUNNING,
        State.DONE: JobState.DONE,
        State.FAILED: JobState.FAILED,
        State.CANCELLED: JobState.CANCELLED,
    }


def test_inner_and_outer_states_end_alike() -> None:
    """What is final inside is final outside."""
    assert {state for state in State if outside(state).final} == set(ENDS)
