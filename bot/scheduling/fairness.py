"""Fair sharing among people by virtual time (start-time fair queueing).

Each account has a flow with a virtual time. A claim charges cost / weight to it, so whoever has had least is
served next. With equal costs that is round robin, however many jobs one person sends at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.contract.values import AccountId


@dataclass(frozen=True, kw_only=True, slots=True)
class Flow:
    """A person's share: virtual time (cost units), and jobs that wait for a backend."""

    account: AccountId
    vtime: float
    waiting: int


def next_flow(flows: Sequence[Flow]) -> Flow | None:
    """The flow to serve: least virtual time among those that wait; None if nobody waits."""
    waiting = [flow for flow in flows if flow.waiting > 0]
    return min(waiting, key=lambda flow: (flow.vtime, flow.account), default=None)


def wake(vtime: float, now: float) -> float:
    """The virtual time of a flow that was idle and has a job again: it saves up no credit while away."""
    return max(vtime, now)


def people_ahead(mine: Flow, nth: int, others: Sequence[Flow], cost: float = 1.0) -> int:
    """How many jobs are claimed before the `nth` (from 0) waiting job of `mine`, if nobody sends more.

    Job i of a flow is claimed at virtual time `vtime + i * cost`; ties go by account, as in `next_flow`.
    """
    turn = (mine.vtime + nth * cost, mine.account)
    return nth + sum(_before(flow, turn, cost) for flow in others if flow.account != mine.account)


def _before(flow: Flow, turn: tuple[float, AccountId], cost: float) -> int:
    ahead = int(max(0.0, (turn[0] - flow.vtime) // cost))
    if (flow.vtime + ahead * cost, flow.account) < turn:
        ahead += 1
    return min(flow.waiting, ahead)
