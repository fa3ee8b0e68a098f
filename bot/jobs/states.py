"""A job's inner states and which may follow which.

    queued ── claimed ── posting ── waiting ── running ── fetching ── done
                 └───────────┴─────────┴─────────┴───────────┴─────── queued | failed | cancelled

Any live state may go back to queued, and to posting when the server has forgotten the attempt; the three final
states are entered exactly once.
"""

from __future__ import annotations

from enum import StrEnum

from bot.contract.values import JobState


class State(StrEnum):
    """Where a job is. POSTING: the server may or may not have it, so look there before posting again."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    POSTING = "posting"
    WAITING = "waiting"
    RUNNING = "running"
    FETCHING = "fetching"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = (State.CLAIMED, State.POSTING, State.WAITING, State.RUNNING, State.FETCHING)
"""States in which a backend has the job, or is about to."""

ENDS = (State.DONE, State.FAILED, State.CANCELLED)

_ORDER = (State.QUEUED, *LIVE)

_OUTSIDE = {
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


def outside(state: State) -> JobState:
    """The state as people and programs see it."""
    return _OUTSIDE[state]


def sources(to: State) -> tuple[State, ...]:
    """The states from which `to` may be entered. A live state may be entered again, by whoever takes the job
    over in it, and skipped; gone back to only by posting again, when the server has forgotten the attempt."""
    if to in (State.QUEUED, State.POSTING):
        return LIVE
    if to is State.CANCELLED:
        return _ORDER
    if to in (State.DONE, State.FAILED):
        return LIVE
    return _ORDER[: _ORDER.index(to) + 1]
