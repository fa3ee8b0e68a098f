"""Lanes: interactive jobs, the background of long ones, and the owner's own. Each has its share of the backends."""

from __future__ import annotations

from collections.abc import Iterable

from bot.jobs.work import Lane

SHARES = {Lane.ADMIN: 0.5, Lane.INTERACTIVE: 0.45, Lane.BACKGROUND: 0.05}
"""Of the backends' time while all lanes wait. What one does not use goes to the others, in proportion."""


def share_of(lane: Lane, waiting: Iterable[Lane]) -> float:
    """What a lane gets (0..1) while these wait, itself among them or not."""
    return SHARES[lane] / sum(SHARES[each] for each in {lane, *waiting})
