"""Ids and seeds by the system's randomness."""

from __future__ import annotations

import secrets

AHEAD_BYTES = 4096
"""Fetched at once: each fetch lets go of Python's lock, which a busy thread then has for a while."""


class Draws:
    """Hands out random bytes that were fetched ahead; none twice."""

    def __init__(self) -> None:
        self._ahead = b""

    def id(self) -> str:
        """32 hexadecimal digits."""
        return self._take(16).hex()

    def number(self, bits: int) -> int:
        """A number of at most 64 bits."""
        return int.from_bytes(self._take(8)) >> (64 - bits)

    def _take(self, count: int) -> bytes:
        if len(self._ahead) < count:
            self._ahead = secrets.token_bytes(AHEAD_BYTES)
        drawn, self._ahead = self._ahead[:count], self._ahead[count:]
        return drawn
