"""What one person and one place may have at once, and how soon one may ask again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Caps:
    """Jobs that may run (be in the hand of backends) and wait, and seconds between two requests of a person.

    None and 0 are no limit.
    """

    running_person: int | None = None
    running_place: int | None = None
    waiting_person: int | None = None
    waiting_place: int | None = None
    cooldown: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """How it stands with whoever asks: jobs that wait, and seconds since the last request, None if it is the first."""

    waiting_person: int
    waiting_place: int
    since_last: float | None


def refusal(caps: Caps, asking: Asking) -> str | None:
    """Why one more job can't be taken now, in words for the person who asks; None if it can."""
    if caps.waiting_person is not None and asking.waiting_person >= caps.waiting_person:
        jobs = "1 picture" if caps.waiting_person == 1 else f"{caps.waiting_person} pictures"
        return f"You have {jobs} waiting, which is the most. Try again when one is done, or cancel one."
    if caps.waiting_place is not None and asking.waiting_place >= caps.waiting_place:
        return f"{asking.waiting_place} wait here already, which is the most. Try again in a while."
    if asking.since_last is not None and asking.since_last < caps.cooldown:
        return f"That was quick. Try again in {_seconds(caps.cooldown - asking.since_last)}."
    return None


def room(cap: int | None, running: int) -> int:
    """How many more may run."""
    return 1 if cap is None else max(0, cap - running)


def _seconds(seconds: float) -> str:
    whole = max(1, round(seconds))
    return "1 second" if whole == 1 else f"{whole} seconds"
