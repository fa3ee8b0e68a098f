"""People: what they are called, and how much each has asked for."""

from __future__ import annotations

import time

from sqlalchemy import Connection, func, or_, select

from bot.contract.overview import PersonReport
from bot.contract.values import Actor
from bot.jobs.states import State
from bot.store.database import Database, reading, writing
from bot.store.requests import account_of
from bot.store.tables import flow, identity, job


class People:
    """Reads and names the people who have asked for something."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def name(self, connection: Connection, actor: Actor) -> str | None:
        """What somebody is called; None if they are not known yet."""
        query = select(identity.c.name).where(
            identity.c.platform == actor.platform, identity.c.external_id == actor.external_id
        )
        found: str | None = connection.scalar(query)
        return found

    @writing
    def rename(self, connection: Connection, actor: Actor) -> None:
        """Call somebody as `actor` is called, and know them if they were not."""
        account_of(connection, actor, time.time())

    @reading
    def reports(self, connection: Connection, since: float, most: int) -> list[PersonReport]:
        """Those who wait, have jobs in hand or asked for something since then; the busiest first."""
        mine = job.c.account == identity.c.account
        done = select(func.count()).where(mine, job.c.state == State.DONE, job.c.finished >= since)
        asked = select(job.c.id).where(mine, job.c.created >= since).exists()
        ended = done.scalar_subquery().label("done")
        query = (
            select(identity, flow.c.waiting, flow.c.running, ended)
            .join(flow, flow.c.account == identity.c.account)
            .where(or_(flow.c.waiting > 0, flow.c.running > 0, asked, ended > 0))
            .order_by((flow.c.waiting + flow.c.running).desc(), ended.desc(), identity.c.name)
            .limit(most)
        )
        return [
            PersonReport(
                actor=Actor(platform=row.platform, external_id=row.external_id, name=row.name),
                waiting=row.waiting,
                running=row.running,
                done=row.done,
            )
            for row in connection.execute(query)
        ]
