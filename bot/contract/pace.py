"""How often a platform lets something be sent or edited. Pure: times are seconds of a clock that the caller reads."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Hashable

LATE_SECONDS = 0.25
"""How much of coming late may be made up for by those that follow."""

CLAIM_SECONDS = 0.2
"""How late a final may come for what it was told to wait for."""

PASSED_SECONDS = 2.0
"""How long a final is waited for that does not come when it was thought to."""

REMEMBERED = 100
"""Requests that tell how long the way there and back takes at least."""

KNOWN = 10
"""With fewer nothing is known of the way."""

WAY_SECONDS = 0.2
"""The way is never thought to take longer than that."""

WINDOWS = 4
"""So many times the time of the budget tell how many of it are finals."""


class Budget:
    """At most `most` sends and edits in any `seconds`, shared by all that is shown there.

    When a request is counted there is not known here: at some time between its beginning and its answer. So it counts
    from its beginning until `seconds` after its answer, less what all of late took at least, for the next has a
    way to go too: then no jitter can bring too many of them together.

    Progress gives way to what must not wait (finals, first cards, answers). It is spread evenly over what those leave
    of late, never uses the last `spare`, and none is shown that a final would have to wait for which is near.
    """

    def __init__(self, most: int, seconds: float, *, spare: int = 0) -> None:
        self._most = most
        self._seconds = seconds
        self._spare = spare
        self._used: list[float] = []
        """When those were taken or answered that are not on their way."""
        self._unbegun: deque[float] = deque()
        """When those were taken for which there is no request yet."""
        self._asking: list[float] = []
        """When those began that are on their way."""
        self._took: deque[float] = deque(maxlen=REMEMBERED)
        self._way = 0.0
        self._finals: deque[float] = deque()
        self._since: float | None = None
        self._expected: dict[Hashable, float] = {}
        """When the finals of messages are likely."""
        self._next = 0.0
        """When the next progress is due if it is spread evenly."""
        self._claimed = 0.0
        """Until then what is free is for a final that had to wait."""

    def expect(self, message: Hashable, at: float | None) -> None:
        """When the final of a message is likely; None if that is not known."""
        if at is None:
            self._expected.pop(message, None)
        else:
            self._expected[message] = at

    def wait(self, now: float, *, final: bool) -> float:
        """Seconds until there may be one more, or until to ask again; 0 for now."""
        if not final and (blocked := max(self._next, self._claimed)) > now:
            return blocked - now
        self._forget(now)
        ends = self._ends(now)
        if not final:
            free = self._free(ends, self._most - self._spare, now)
            return max(0.0, (free if free > now else self._given_way(ends, now)) - now)
        free = self._free(ends, self._most, now)
        if free > now:
            self._claimed = free + CLAIM_SECONDS
        return max(0.0, free - now)

    def take(self, now: float, *, final: bool) -> None:
        """Use one, which there must be."""
        insort(self._used, now)
        self._unbegun.append(now)
        if self._since is None:
            self._since = now
        if final:
            self._finals.append(now)
            self._claimed = 0.0
        else:
            gap = self._gap(now)
            self._next = max(self._next, now - min(LATE_SECONDS, gap)) + gap

    def begin(self, now: float) -> None:
        """A request begins for which one was taken."""
        self._forget(now)
        if self._unbegun:
            self._used.remove(self._unbegun.popleft())
        self._asking.append(now)

    def end(self, begun: float, now: float) -> None:
        """A request that began then was answered, or given up."""
        self._asking.remove(begun)
        self._took.append(now - begun)
        self._way = self._least()
        insort(self._used, max(begun, now - self._way))

    def idle(self, now: float) -> bool:
        """Whether nothing was used for so long that there is nothing to keep in mind."""
        self._forget(now)
        return not (self._used or self._asking or self._finals) and self._next <= now

    def _ends(self, now: float) -> list[float]:
        """When each of those that count will no longer, if those on their way are answered now."""
        asking = [max(begun, now - self._way) for begun in self._asking]
        return [at + self._seconds for at in sorted([*self._used, *asking])]

    def _free(self, ends: list[float], most: int, now: float) -> float:
        """When less than `most` count."""
        return now if len(ends) < most else ends[len(ends) - most]

    def _given_way(self, ends: list[float], now: float) -> float:
        """When there may be progress so that no final that is near has to wait for it."""
        ends = [*ends, now + self._seconds]
        near = sorted(at for at in self._expected.values() if at < now + self._seconds)
        for before, at in enumerate(near):
            counted = sum(end > max(at, now) + CLAIM_SECONDS for end in ends)
            if counted + before >= self._most:
                return ends[0]
        return now

    def _gap(self, now: float) -> float:
        """Seconds between two edits for progress, with as many finals as of late."""
        assert self._since is not None, "one was taken"
        windows = min(max(1.0, (now - self._since) / self._seconds), WINDOWS)
        return self._seconds / max(1.0, self._most - self._spare - len(self._finals) / windows)

    def _least(self) -> float:
        """Seconds that every request takes: what the quickest took, less the more so the more they differ."""
        if len(self._took) < KNOWN:
            return 0.0
        ordered = sorted(self._took)
        return min(WAY_SECONDS, max(0.0, 2 * ordered[0] - ordered[len(ordered) // 2]))

    def _forget(self, now: float) -> None:
        while self._used and self._used[0] + self._seconds <= now:
            self._used.pop(0)
        while self._unbegun and self._unbegun[0] + self._seconds <= now:
            self._unbegun.popleft()
        while self._finals and self._finals[0] + WINDOWS * self._seconds <= now:
            self._finals.popleft()
        for message in [message for message, at in self._expected.items() if at + PASSED_SECONDS <= now]:
            del self._expected[message]
