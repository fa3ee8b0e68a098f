"""What admins do to other people's jobs: each change and its line in the audit trail are one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, or_, select, update

from bot.contract.overview import Change
from bot.contract.values import AccountId, Actor, JobId
from bot.jobs.states import State
from bot.store import audit
from bot.store.database import Database, reading, writing
from bot.store.flows import MOVED
from bot.store.queue import end, want
from bot.store.tables import account, identity, job, request

MOST_FOUND = 10
"""Of what somebody may have meant."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Owned:
    """A job, whose it is and how it stands."""

    job: JobId
    actor: Actor
    state: State


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody who has asked for something, and the weight of their share."""

    account: AccountId
    actor: Actor
    weight: float


class Steering:
    """Finds jobs and people, and does what admins want of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def jobs(self, connection: Connection, beginning: str) -> list[Owned]:
        """The newest jobs whose ids begin so."""
        who = (identity.c.platform == request.c.actor_platform) & (
            identity.c.external_id == request.c.actor_external_id
        )
        query = (
            select(job.c.id, job.c.state, identity)
            .join(request, request.c.id == job.c.request)
            .join(identity, who)
            .where(job.c.id.startswith(beginning, autoescape=True))
            .order_by(job.c.number.desc())
            .limit(MOST_FOUND)
        )
        return [
            Owned(
                job=JobId(row.id),
                actor=Actor(platform=row.platform, external_id=row.external_id, name=row.name),
                state=State(row.state),
            )
            for row in connection.execute(query)
        ]

    @reading
    def people(self, connection: Connection, words: str) -> list[Person]:
        """Those whose id, `platform:id` or name this is; case does not matter."""
        platform, _, known_as = words.partition(":")
        query = (
            select(identity, account.c.weight)
            .join(account, account.c.id == identity.c.account)
            .where(
                or_(
                    identity.c.external_id == words,
                    (identity.c.platform == platform.lower()) & (identity.c.external_id == known_as),
                    func.lower(identity.c.name) == words.lower(),
                )
            )
            .order_by(identity.c.platform, identity.c.external_id)
            .limit(MOST_FOUND)
        )
        return [
            Person(
                account=AccountId(row.account),
                actor=Actor(platform=row.platform, external_id=row.external_id, name=row.name),
                weight=row.weight,
            )
            for row in connection.execute(query)
        ]

    @writing
    def cancel(self, connection: Connection, job_id: JobId, change: Change) -> State:
        """End a job, or ask for its end. Says the state it had."""
        state = end(connection, job_id, change.at)
        if state in _GOING:
            audit.note(connection, replace(change, before=state, after="cancelled"))
        return state

    @writing
    def clear(self, connection: Connection, owner: AccountId, change: Change) -> list[JobId]:
        """End all jobs of a person that wait; says which."""
        mine = (job.c.account == owner) & (job.c.state == State.QUEUED)
        waiting = connection.scalars(select(job.c.id).where(mine).order_by(job.c.number)).all()
        for each in waiting:
            end(connection, JobId(each), change.at)
        if waiting:
            audit.note(connection, replace(change, before=f"{len(waiting)} waiting", after="none waiting"))
        return [JobId(each) for each in waiting]

    @writing
    def front(self, connection: Connection, job_id: JobId, change: Change) -> bool:
        """Have a job taken before all others, behind those that were moved there earlier. False if it waits no more."""
        waits = job.c.state == State.QUEUED
        last = connection.scalar(select(func.max(job.c.front)).where(waits)) or 0
        moved = connection.execute(
            update(job).where(job.c.id == job_id, waits, job.c.front.is_(None)).values(front=last + 1)
        )
        if moved.rowcount == 1:
            want(connection, job_id)
            audit.note(connection, replace(change, before="in line", after=f"front, {last + 1}"))
            return True
        return connection.scalar(select(job.c.id).where(job.c.id == job_id, waits)) is not None

    @writing
    def weigh(self, connection: Connection, owner: AccountId, weight: float | None, change: Change) -> None:
        """Give a person `weight` times the share of others; None: their level's, from their next request on."""
        known = connection.scalar(select(account.c.weight).where(account.c.id == owner))
        after = "their level's" if weight is None else f"{weight:g}"
        now = known if weight is None else weight
        mine = update(account).where(account.c.id == owner)
        connection.execute(mine.values(own_weight=weight, weight=now))
        audit.note(connection, replace(change, before=f"{known:g}", after=after))

    @reading
    def fronts(self, connection: Connection) -> Sequence[JobId]:
        """The jobs that go before all others, in their order."""
        query = select(job.c.id).where(MOVED)
        return [JobId(each) for each in connection.scalars(query.order_by(job.c.front))]


_GOING = frozenset(State) - {State.DONE, State.FAILED, State.CANCELLED}
