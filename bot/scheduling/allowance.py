"""What a person's level gives them of the servers: a share, a cap, and so many seconds a day."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.scheduling.caps import Caps


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowance:
    """`weight` is the share beside others who wait; `waiting` caps the jobs that wait, `seconds` those of GPUs a day.

    None is no limit beyond those that everybody has.
    """

    weight: float = 1.0
    waiting: int | None = None
    seconds: float | None = None

    def within(self, caps: Caps) -> Caps:
        """Everybody's caps, with this level's where that is smaller."""
        known = [cap for cap in (caps.waiting_person, self.waiting) if cap is not None]
        return replace(caps, waiting_person=min(known, default=None))


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """The day that GPU-seconds are counted by: when it began, in seconds since 1970, and the hours it has left."""

    begins: float
    left: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """GPU-seconds of a day: `used` by what is over, `bound` by what waits and runs, as it was estimated."""

    used: float = 0.0
    bound: float = 0.0


def overdrawn(allowance: Allowance, spent: Spent, estimate: float, hours: float) -> str | None:
    """Why a job of about `estimate` seconds is more than the day has left, in words for the person who asks.

    None if it is not. The day begins anew in so many `hours`.
    """
    if allowance.seconds is None:
        return None
    left = allowance.seconds - spent.used - spent.bound
    if estimate <= left:
        return None
    held = f", and what waits takes about {spent.bound:.0f}" if spent.bound > 0 else ""
    return (
        f"This takes about {max(1, round(estimate))} GPU-seconds. You have used {spent.used:.0f} of today's "
        f"{allowance.seconds:.0f}{held}. They begin anew in {in_hours(hours)}."
    )


def in_hours(hours: float) -> str:
    """A stretch of hours in words."""
    if hours < 1:
        minutes = max(1, round(hours * 60))
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    if hours >= 48:
        return f"{round(hours / 24)} days"
    whole = round(hours)
    return "1 hour" if whole == 1 else f"{whole} hours"
