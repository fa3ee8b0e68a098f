"""When a message may be edited next. Pure: times are seconds of a clock that the caller reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.contract.values import MessageId


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a message stands that does not show what it should.

    `fraction` (0..1) is how far its job is. `urgent` is what must not wait for progress of others: first cards, ends.
    `over`: its job has ended.
    """

    fraction: float
    urgent: bool
    over: bool = False


class Pacer:
    """Keeps two edits of one message at least `spacing` seconds apart, and obeys pauses the platform asks for.

    Nothing is queued: whoever is due is drawn as it stands then, so the newest state wins. Only progress is spaced.

    The stalest is the one for which an edit is worth the most. That gives each job edits in proportion to the root of
    its duration, which makes the mean error least, and nobody needs to know the duration before. Whoever was refused
    a turn for progress is not asked for before there may be one; then all are, the stalest first.
    """

    def __init__(self, spacing: float) -> None:
        self._spacing = spacing
        self._paused: dict[MessageId, float] = {}
        self._spaced: dict[MessageId, float] = {}
        self._held: dict[MessageId, float] = {}
        self._edited: dict[MessageId, tuple[float, float]] = {}

    def due(self, messages: Mapping[MessageId, Standing], now: float) -> list[MessageId]:
        """Those to ask a turn for now: ends first, then first cards, the longest unedited before others; then the
        stalest."""
        ready = [
            message for message, standing in messages.items() if self._from(message, standing, now) <= now
        ]
        if not all(messages[message].urgent for message in ready):
            ready = [message for message, each in messages.items() if self._may(message, each, now) <= now]
        return sorted(ready, key=lambda message: self._rank(message, messages[message], now))

    def wait(self, messages: Mapping[MessageId, Standing], now: float) -> float | None:
        """Seconds until the first of these may be edited; None if there are none."""
        times = [self._from(message, standing, now) for message, standing in messages.items()]
        return max(0.0, min(times) - now) if times else None

    def turn(
        self, message: MessageId, standing: Standing, now: float, ask: Callable[[bool, float | None], float]
    ) -> bool:
        """Take a turn for it if the platform has one left.

        `ask` uses one, for what must not wait or else for progress, or says in how many seconds there may be one.
        """
        if self._may(message, standing, now) > now:
            return False
        seconds = ask(standing.urgent, None if standing.urgent else self.left(message, standing, now))
        if seconds > 0.0:
            (self.pause if standing.urgent else self.hold)(message, now + seconds)
        return seconds == 0.0

    def left(self, message: MessageId, standing: Standing, now: float) -> float | None:
        """In how many seconds it is likely to end, by how far it came since its last edit; None if nobody knows."""
        if message not in self._edited:
            return None
        edited, shown = self._edited[message]
        lack = standing.fraction - shown
        return (1.0 - standing.fraction) * (now - edited) / lack if lack > 0.0 else None

    def edited(self, message: MessageId, now: float, fraction: float = 0.0) -> None:
        """An edit was made that shows how far the job was."""
        self._edited[message] = (now, fraction)
        self._spaced[message] = now + self._spacing

    def hold(self, message: MessageId, until: float) -> None:
        """There is no edit for progress before."""
        self._held[message] = until

    def pause(self, message: MessageId, until: float) -> None:
        """The platform, or an error, asks to leave this message alone until then."""
        self._paused[message] = until

    def forget(self, message: MessageId) -> None:
        """A message is final."""
        for kept in (self._edited, self._spaced, self._held, self._paused):
            kept.pop(message, None)

    def _from(self, message: MessageId, standing: Standing, now: float) -> float:
        """From when it is to be asked for."""
        may = self._may(message, standing, now)
        return may if standing.urgent else max(may, self._held.get(message, now))

    def _may(self, message: MessageId, standing: Standing, now: float) -> float:
        """From when it may be edited."""
        paused = self._paused.get(message, now)
        return paused if standing.urgent else max(paused, self._spaced.get(message, now))

    def _rank(self, message: MessageId, standing: Standing, now: float) -> tuple[bool, bool, float]:
        edited, shown = self._edited.get(message, (0.0, 0.0))
        if standing.urgent:
            return False, not standing.over, edited
        return True, True, -worth(standing.fraction, shown, now - edited)


def worth(fraction: float, shown: float, seconds: float) -> float:
    """How much there is to be gained by an edit, `seconds` after the one that showed `shown`.

    What it lacks times the time since then; less so, the sooner its end comes, which shows all of it anyway.
    """
    lack, left = abs(fraction - shown), 1.0 - fraction
    return lack * seconds * left / (left + lack) if lack > 0.0 else 0.0
