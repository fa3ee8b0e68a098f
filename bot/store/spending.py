"""GPU-seconds that people have had: the sums of what their jobs were charged."""

from __future__ import annotations

from statistics import median

from sqlalchemy import Connection, and_, case, func, or_, select

from bot.contract.values import AccountId
from bot.jobs.states import LIVE, State
from bot.scheduling.allowance import Spent
from bot.store.tables import job

LATEST = 50
"""Jobs of which the typical one is found."""


def spent(connection: Connection, owner: AccountId, since: float) -> Spent:
    """What somebody has had since then, in seconds since 1970. Failed jobs cost nothing, nor what never began."""
    over = and_(job.c.state.in_((State.DONE, State.CANCELLED)), job.c.finished >= since)
    has = case((job.c.state == State.QUEUED, job.c.estimate), else_=job.c.charged)
    bound = job.c.state.in_((State.QUEUED, *LIVE))
    row = connection.execute(
        select(
            func.coalesce(func.sum(case((over, job.c.charged), else_=0.0)), 0.0).label("used"),
            func.coalesce(func.sum(case((bound, has), else_=0.0)), 0.0).label("bound"),
        ).where(job.c.account == owner, or_(over, bound))
    ).one()
    return Spent(used=row.used, bound=row.bound)


def typical(connection: Connection, owner: AccountId | None) -> float | None:
    """Seconds of the middle one of somebody's latest jobs, of everybody's if they have none; None without any."""
    for mine in ([job.c.account == owner], []):
        query = select(job.c.charged).where(job.c.state == State.DONE, *mine)
        found = connection.scalars(query.order_by(job.c.finished.desc()).limit(LATEST)).all()
        if found:
            return float(median(found))
    return None
