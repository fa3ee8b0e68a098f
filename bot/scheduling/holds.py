"""Why a backend takes no jobs now: what admins have switched, and the hours in which its owner lends it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

EVERYWHERE = ""
"""The name that stands for all backends."""

DAY = 24 * 60
"""Minutes."""


class Switch(StrEnum):
    """What an admin can switch for a backend; PAUSED for all of them too."""

    PAUSED = "paused"
    DRAINED = "drained"
    OWNERS = "owners"
    """The owner has the GPU, until they say otherwise."""
    BOTS = "bots"
    """The bot has the GPU, though the hours say otherwise."""


class Reason(StrEnum):
    """Why a backend takes no jobs; the first that applies."""

    OWNERS = "owners"
    HOURS = "hours"
    DRAINED = "drained"
    PAUSED = "paused"
    QUEUE_PAUSED = "queue paused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Turned:
    """A switch that is on, since when in seconds since 1970. `hand_over`: what runs goes elsewhere instead of
    being finished."""

    since: float
    hand_over: bool = False


Switches = Mapping[tuple[Switch, str], Turned]
"""What is on, by switch and backend."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hours:
    """When the bot may use a backend: spans of a day, in minutes since midnight. One may go over midnight."""

    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The hours of some backends, and of all others; None is always."""

    others: Hours | None = None
    by_backend: Mapping[str, Hours] = field(default_factory=dict)

    def of(self, backend: str) -> Hours | None:
        """The hours of one backend."""
        return self.by_backend.get(backend, self.others)


ALWAYS = Plan()


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """A backend takes no jobs, since then and perhaps until then (seconds since 1970)."""

    reason: Reason
    since: float
    until: float | None = None
    hand_over: bool = False

    @property
    def clears(self) -> bool:
        """Whether what the backend has queued and does not run yet goes back."""
        return self.reason in (Reason.OWNERS, Reason.HOURS, Reason.DRAINED)

    @property
    def frees(self) -> bool:
        """Whether the GPU's memory is given back."""
        return self.reason in (Reason.OWNERS, Reason.HOURS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Still:
    """No backend takes jobs, since then and perhaps until then (seconds since 1970)."""

    since: float
    until: float | None = None

    def late(self, created: float, now: float) -> float:
        """How much later than was promised to it a job comes that was asked for then, if all goes on `now`.

        Negative if it comes sooner: one that was asked for meanwhile was told of the end that was known.
        """
        if created < self.since:
            return now - self.since
        return now - (self.until if self.until is not None else created)


def still(holds: Collection[Hold | None]) -> Still | None:
    """Since when none of these backends takes jobs; None if one does, or there is none."""
    held = [hold for hold in holds if hold is not None]
    if not held or len(held) < len(holds):
        return None
    ends = [hold.until for hold in held if hold.until is not None]
    return Still(since=max(hold.since for hold in held), until=min(ends, default=None))


def hold_of(switches: Switches, plan: Plan, backend: str, now: float) -> Hold | None:
    """Why a backend takes no jobs now; None if it does."""
    owners = switches.get((Switch.OWNERS, backend))
    if owners is not None:
        return Hold(reason=Reason.OWNERS, since=owners.since, hand_over=owners.hand_over)
    hours = plan.of(backend)
    closed = _closed(hours, now) if hours is not None else None
    bots = switches.get((Switch.BOTS, backend))
    if closed is not None and (bots is None or bots.since < closed.since):
        return closed
    drained = switches.get((Switch.DRAINED, backend))
    if drained is not None:
        return Hold(reason=Reason.DRAINED, since=drained.since, hand_over=drained.hand_over)
    paused = switches.get((Switch.PAUSED, backend))
    if paused is not None:
        return Hold(reason=Reason.PAUSED, since=paused.since)
    everywhere = switches.get((Switch.PAUSED, EVERYWHERE))
    return Hold(reason=Reason.QUEUE_PAUSED, since=everywhere.since) if everywhere is not None else None


def parse_hours(text: str) -> Hours:
    """`22:00-08:00`, or several with `+` between them. Raises `ValueError` with a sentence."""
    return Hours(spans=tuple(_span(part) for part in text.split("+")))


def _closed(hours: Hours, now: float) -> Hold | None:
    """The hold that the hours are now; None within them."""
    around = sorted(_edges(hours, now))
    last = max((edge for edge in around if edge[0] <= now), default=None)
    if last is None or last[1]:
        return None
    opens = next((at for at, begins in around if at > now and begins), None)
    return Hold(reason=Reason.HOURS, since=last[0], until=opens)


def _edges(hours: Hours, now: float) -> Iterator[tuple[float, bool]]:
    """When the hours begin (true) and end around now. Where a span ends and another begins nothing ends."""
    midnight = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)  # noqa: DTZ006
    for days in (-2, -1, 0, 1, 2):
        day = midnight + timedelta(days=days)
        for first, last in hours.spans:
            over = last if last > first else last + DAY
            yield _at(day, first), True
            if not _inside(hours, over % DAY):
                yield _at(day, over), False


def _at(day: datetime, minutes: int) -> float:
    return (day + timedelta(minutes=minutes)).timestamp()


def _inside(hours: Hours, minute: int) -> bool:
    return any(
        first <= minute < last if first < last else minute >= first or minute < last
        for first, last in hours.spans
    )


def _span(text: str) -> tuple[int, int]:
    begins, dash, ends = (part.strip() for part in text.partition("-"))
    span = _minutes(begins), _minutes(ends)
    if not dash or span[0] == span[1]:
        raise ValueError(f'"{text.strip()}" is no span of hours. Write it like 22:00-08:00.')
    return span


def _minutes(text: str) -> int:
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2):
        raise ValueError(f'"{text}" is no time of day. Write it like 22:00.')
    found = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or found > DAY:
        raise ValueError(f'"{text}" is no time of day. Write it like 22:00.')
    return found % DAY
