"""The circuit breaker of one server: once it fails again and again, nothing is sent to it but probes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum

from bot.errors import BackendError, CannotConnect


class Circuit(StrEnum):
    """Closed: everything passes. Open: nothing. Half open: one probe is under way, and nothing else passes."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Counts failures in a row; `most_failures` of them open it. Any answer of the server's own begins anew.

    Only a probe closes it again: whoever probes says so.
    """

    def __init__(self, *, most_failures: int, on_open: Callable[[BackendError], None]) -> None:
        self.circuit = Circuit.CLOSED
        self.doubt = asyncio.Event()
        """Set when something failed: time for a probe."""
        self._most_failures = most_failures
        self._on_open = on_open
        self._failures = 0
        self._error: BackendError | None = None

    def check(self) -> None:
        """Raise `CannotConnect` at once, with the reason, unless it is closed."""
        if self.circuit is not Circuit.CLOSED and self._error is not None:
            raise CannotConnect(self._error.sentence, detail="not asked, it was away", maybe_sent=False)

    def succeeded(self) -> None:
        """The server answered."""
        self._failures = 0

    def failed(self, error: BackendError) -> None:
        """It did not, or something else did."""
        self._failures += 1
        self.doubt.set()
        if self._failures >= self._most_failures:
            self.open(error)

    def open(self, error: BackendError) -> None:
        """Let nothing pass from now on, for this reason."""
        self.circuit, self._error = Circuit.OPEN, error
        self._on_open(error)

    def try_again(self) -> None:
        """A probe begins."""
        if self.circuit is Circuit.OPEN:
            self.circuit = Circuit.HALF_OPEN

    def close(self) -> None:
        """Let everything pass: a probe succeeded."""
        self.circuit, self._error, self._failures = Circuit.CLOSED, None, 0
