"""When a message may be edited next. Pure: times are seconds of a clock that the caller reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.contract.values import MessageId


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a message stands that does not show what it should.

    `fraction` (0..1) is how far its job is. `urgent` is what must not wait for progress of others: first cards, ends.
    """

    fraction: float
    urgent: bool


class Pacer:
    """Keeps two edits of one message at least `spacing` seconds apart, and obeys pauses the platform asks for.

    Nothing is queued: whoever is due is drawn as it stands then, so the newest state wins. Only progress is spaced.

    The stalest is the one that has shown the most wrong for the longest: what it lacks times the time since its last
    edit. That gives each job edits in proportion to the root of its duration, which makes the mean error least, and
    nobody needs to know the duration before.
    """

    def __init__(self, spacing: float) -> None:
        self._spacing = spacing
        self._paused: dict[MessageId, float] = {}
        self._spaced: dict[MessageId, float] = {}
        self._edited: dict[MessageId, tuple[float, float]] = {}

    def due(self, messages: Mapping[MessageId, Standing], now: float) -> list[MessageId]:
        """Those that may be edited now: the urgent ones first, the longest unedited before others; then the stalest."""
        ready = [
            message for message, standing in messages.items() if self._from(message, standing, now) <= now
        ]
        return sorted(ready, key=lambda message: self._rank(message, messages[message], now))

    def wait(self, messages: Mapping[MessageId, Standing], now: float) -> float | None:
        """Seconds until the first of these may be edited; None if there are none."""
        times = [self._from(message, standing, now) for message, standing in messages.items()]
        return max(0.0, min(times) - now) if times else None

    def edited(self, message: MessageId, now: float, fraction: float = 0.0) -> None:
        """An edit was made that shows how far the job was."""
        self._edited[message] = (now, fraction)
        self.hold(message, now + self._spacing)

    def hold(self, message: MessageId, until: float) -> None:
        """There is no edit for progress until then."""
        self._spaced[message] = until

    def pause(self, message: MessageId, until: float) -> None:
        """The platform, or an error, asks to leave this message alone until then."""
        self._paused[message] = until

    def forget(self, message: MessageId) -> None:
        """A message is final."""
        for kept in (self._edited, self._spaced, self._paused):
            kept.pop(message, None)

    def _from(self, message: MessageId, standing: Standing, now: float) -> float:
        """From when it may be edited."""
        paused = self._paused.get(message, now)
        return paused if standing.urgent else max(paused, self._spaced.get(message, now))

    def _rank(self, message: MessageId, standing: Standing, now: float) -> tuple[bool, float]:
        edited, shown = self._edited.get(message, (0.0, 0.0))
        if standing.urgent:
            return False, edited
        return True, -abs(standing.fraction - shown) * (now - edited)
