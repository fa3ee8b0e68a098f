"""Where one message shows how far all jobs are. Pure: times are seconds of a clock that the caller reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OPEN_SECONDS, SHUT_SECONDS = 3.0, 2.0
"""Each of several messages would be edited about once in so long: then one for all is better, and then no longer."""

LEAST_JOBS = 2
"""With fewer jobs there is nothing to put together."""

QUIET_SECONDS = 10.0
"""How long it must not be better any more until it is taken away: another job may begin."""

SHUNNED_SECONDS = 600.0
"""How long it is not tried again where it could not be shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Busy:
    """A place: how many jobs run there, and how many edits a second all of its messages may have."""

    jobs: int
    rate: float

    @property
    def seconds(self) -> float:
        """Between two edits of each job's own message."""
        return self.jobs / self.rate


class Together:
    """The places that have such a message."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self._quiet_since: dict[str, float] = {}
        self._shunned: dict[str, float] = {}

    def look(self, places: Mapping[str, Busy], now: float) -> None:
        """Open it where it is better, and shut it where it has not been so for long."""
        for place, busy in places.items():
            better = busy.jobs >= LEAST_JOBS and busy.seconds >= OPEN_SECONDS
            if better and self._shunned.get(place, now) <= now:
                self.open.add(place)
        for place in list(self.open):
            found = places.get(place)
            if found is not None and found.jobs >= LEAST_JOBS and found.seconds >= SHUT_SECONDS:
                self._quiet_since.pop(place, None)
            elif self._quiet_since.setdefault(place, now) + QUIET_SECONDS <= now:
                self._shut(place)
        self._shunned = {place: until for place, until in self._shunned.items() if until > now}

    def shun(self, place: str, now: float) -> None:
        """It can't be shown there."""
        self._shut(place)
        self._shunned[place] = now + SHUNNED_SECONDS

    def _shut(self, place: str) -> None:
        self.open.discard(place)
        self._quiet_since.pop(place, None)
