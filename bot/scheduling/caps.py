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


@dataclass(frozen=True, kw_only=True, slots=True)
class Purse:
    """What may be spent on jobs that cost money: whether at all, and how many jobs and dollars a person and day.

    `has_key`: somebody's account pays. None is no limit.
    """

    allowed: bool = False
    has_key: bool = False
    jobs: int | None = None
    dollars: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """What a person has asked for today: jobs that cost money, and dollars as far as they are known."""

    jobs: int
    dollars: float


def too_dear(purse: Purse, spent: Bill, price: float | None) -> str | None:
    """Why one more job of this price can't be taken today; None if it can. What tells no price counts as a job."""
    if purse.jobs is not None and spent.jobs >= purse.jobs:
        jobs = "1 picture" if purse.jobs == 1 else f"{purse.jobs} pictures"
        unknown = "" if price is not None else " What this one costs is not known beforehand."
        return f"You had {jobs} that cost money today, which is the most.{unknown} Try again tomorrow."
    if purse.dollars is not None and price is not None and spent.dollars + price > purse.dollars:
        left = max(0.0, purse.dollars - spent.dollars)
        return (
            f"That costs {in_dollars(price)}, and of today's {in_dollars(purse.dollars)} you have "
            f"{in_dollars(left)} left. Try again tomorrow."
        )
    return None


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


def in_dollars(amount: float) -> str:
    """An amount as people read it; services count in fractions of cents."""
    return f"${amount:.4f}".rstrip("0").ljust(len(f"${int(amount)}.00"), "0")
