"""Where somebody stands who waits: how many are before them, and about how long that takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bot.contract.values import AccountId
from bot.jobs.work import Lane
from bot.scheduling.lanes import share_of


class Waiting(NamedTuple):
    """A person in a lane: virtual time, weight, jobs that wait and their work in seconds.

    A tuple, since each promise makes one for everybody who waits, and a frozen dataclass takes four times as long.
    """

    account: AccountId
    lane: Lane
    vtime: float
    weight: float
    jobs: int
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A job that waits: in whose flow, which one there (from 0), and the seconds of those before it.

    `fronts` are the jobs that were moved to the front and go before it; `front` if it is one itself.
    """

    account: AccountId
    lane: Lane
    nth: int
    before: float
    fronts: int = 0
    front: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Ahead:
    """What is taken before a job if nobody sends more: other people, jobs, and seconds of work, one's own included."""

    people: int
    jobs: int
    seconds: float


def ahead(mine: Waiting, nth: int, before: float, waiting: Sequence[Waiting]) -> Ahead:
    """What is before the `nth` (from 0) waiting job of `mine`, whose own earlier ones are `before` seconds of work.

    A job's turn comes at its person's virtual time plus the earlier work by weight; whoever stands before that
    moment is served meanwhile. Loaded models may change the order within the slack, and estimates are estimates.
    """
    turn = mine.vtime + before / mine.weight
    people, jobs, seconds = 0, 0, 0.0
    for each in waiting:
        if each.lane is mine.lane and each.account != mine.account:
            theirs, work = _until(each, turn, mine.account)
            people += theirs > 0
            jobs += theirs
            seconds += work
    return Ahead(people=people, jobs=nth + jobs, seconds=before + seconds)


def ahead_of(turn: Turn, mine: Waiting, waiting: Sequence[Waiting]) -> Ahead:
    """What is before a job, with what was moved to the front: at least that many, whosever they are."""
    if turn.front:
        return Ahead(people=0, jobs=turn.fronts, seconds=0.0)
    found = ahead(mine, turn.nth, turn.before, waiting)
    return replace(found, jobs=max(found.jobs, turn.fronts))


def wait_seconds(mine: Lane, before: Ahead, waiting: Sequence[Waiting], busy: float, servers: int) -> float:
    """About how long it takes until a backend has time for it: `busy` seconds are in the backends' hands.

    Other lanes that wait take their share meanwhile, as long as they have work.
    """
    share = share_of(mine, {each.lane for each in waiting})
    theirs = sum(each.seconds for each in waiting if each.lane is not mine)
    between = min(theirs, before.seconds * (1 / share - 1))
    return (busy + before.seconds + between) / max(1, servers)


def _until(other: Waiting, turn: float, account: AccountId) -> tuple[int, float]:
    """Jobs and seconds that another person gets before that virtual time. Equals go by account."""
    if other.jobs <= 0:
        return 0, 0.0
    each = other.seconds / other.jobs
    lag = (turn - other.vtime) * other.weight
    if each <= 0:
        jobs = other.jobs if lag > 0 or (lag == 0 and other.account < account) else 0
        return jobs, 0.0
    jobs = max(0, math.ceil(lag / each))
    if jobs * each == lag and other.account < account:
        jobs += 1
    jobs = min(other.jobs, jobs)
    return jobs, jobs * each
