"""When a message may be edited next. Pure: times are seconds of a clock that the caller reads."""

from __future__ import annotations

from collections.abc import Iterable

from bot.contract.values import MessageId


class Pacer:
    """Keeps two edits of one message at least `spacing` seconds apart, and obeys pauses the platform asks for.

    Nothing is queued: whoever is due is drawn as it stands then, so the newest state wins.
    """

    def __init__(self, spacing: float) -> None:
        self._spacing = spacing
        self._not_before: dict[MessageId, float] = {}
        self._edited: dict[MessageId, float] = {}

    def due(self, messages: Iterable[MessageId], now: float) -> list[MessageId]:
        """Those that may be edited now, the longest unedited first."""
        ready = [message for message in messages if self._not_before.get(message, now) <= now]
        return sorted(ready, key=lambda message: self._edited.get(message, 0.0))

    def wait(self, messages: Iterable[MessageId], now: float) -> float | None:
        """Seconds until the first of these may be edited; None if there are none."""
        times = [self._not_before.get(message, now) for message in messages]
        return max(0.0, min(times) - now) if times else None

    def edited(self, message: MessageId, now: float) -> None:
        """An edit was made."""
        self._edited[message] = now
        self._not_before[message] = now + self._spacing

    def pause(self, message: MessageId, until: float) -> None:
        """The platform, or an error, asks to leave this message alone until then."""
        self._not_before[message] = until

    def forget(self, message: MessageId) -> None:
        """A message is final."""
        self._edited.pop(message, None)
        self._not_before.pop(message, None)
