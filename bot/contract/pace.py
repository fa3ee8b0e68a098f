"""How often a platform lets something be sent or edited. Pure: times are seconds of a clock that the caller reads."""

from __future__ import annotations

from collections import deque

LATE_SECONDS = 0.25
"""How much of coming late may be made up for by those that follow."""


class Budget:
    """At most `most` sends and edits in any `seconds`, shared by all that is shown there.

    Progress leaves `kept` of them to what must not wait (finals, first cards, answers), less what those have used, but
    always `spare`. It is spread evenly over the time: so there is room for a final, and nothing stands still for long.
    """

    def __init__(self, most: int, seconds: float, *, kept: int, spare: int = 0) -> None:
        self._most = most
        self._seconds = seconds
        self._kept = kept
        self._spare = spare
        self._all: deque[float] = deque()
        self._finals: deque[float] = deque()
        self._next = 0.0
        """When the next progress is due if it is spread evenly."""

    def wait(self, now: float, *, final: bool) -> float:
        """Seconds until there may be one more; 0 for now."""
        self._forget(now)
        left = max(self._spare, self._kept - len(self._finals))
        most = self._most if final else max(1, self._most - left)
        free = self._all[-most] + self._seconds if len(self._all) >= most else now
        return max(0.0, (free if final else max(free, self._next)) - now)

    def take(self, now: float, *, final: bool) -> None:
        """Use one, which there must be."""
        self._all.append(now)
        if final:
            self._finals.append(now)
            return
        gap = self._seconds / max(1, self._most - max(self._kept, len(self._finals) + self._spare))
        self._next = max(self._next, now - min(LATE_SECONDS, gap)) + gap

    def idle(self, now: float) -> bool:
        """Whether nothing was used for so long that there is nothing to keep in mind."""
        self._forget(now)
        return not self._all and self._next <= now

    def _forget(self, now: float) -> None:
        for moments in (self._all, self._finals):
            while moments and moments[0] <= now - self._seconds:
                moments.popleft()
