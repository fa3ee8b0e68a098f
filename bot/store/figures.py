"""Figures of jobs for whoever watches: those that are not over, and those that ended lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from bot.contract.values import JobId
from bot.jobs.states import LIVE, State
from bot.store.backends import LEASES
from bot.store.database import Database, reading
from bot.store.tables import backend, job, message, request


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Jobs that are not over and have this state, workflow and platform. `oldest` in seconds since 1970."""

    state: State
    workflow: str
    platform: str
    count: int
    oldest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Over:
    """A job that ended. Moments in seconds since 1970; `loads`: its last backend had to load its models."""

    job: JobId
    state: State
    workflow: str
    platform: str
    backend: str | None
    created: float
    started: float | None
    finished: float
    loads: bool


class Figures:
    """Reads; changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def standing(self, connection: Connection) -> list[Group]:
        """All jobs that are not over."""
        alike = (job.c.state, job.c.workflow, request.c.actor_platform)
        query = (
            select(*alike, func.count(), func.min(job.c.created))
            .join(request, request.c.id == job.c.request)
            .where(job.c.state.in_((State.QUEUED, *LIVE)))
            .group_by(*alike)
        )
        return [
            Group(state=State(state), workflow=workflow, platform=platform, count=count, oldest=oldest)
            for state, workflow, platform, count, oldest in connection.execute(query)
        ]

    @reading
    def ended_since(self, connection: Connection, moment: float) -> list[Over]:
        """The jobs that ended from then on."""
        query = (
            select(job, request.c.actor_platform.label("platform"))
            .join(request, request.c.id == job.c.request)
            .where(job.c.finished >= moment)
        )
        return [
            Over(
                job=JobId(row.id),
                state=State(row.state),
                workflow=row.workflow,
                platform=row.platform,
                backend=row.backend,
                created=row.created,
                started=row.started,
                finished=row.finished,
                loads=row.loads,
            )
            for row in connection.execute(query)
        ]

    @reading
    def in_hand(self, connection: Connection) -> dict[str, int]:
        """How many jobs each backend has in hand, by its address."""
        query = select(job.c.backend, func.count()).where(job.c.state.in_(LIVE)).group_by(job.c.backend)
        return {(name or "").removeprefix(LEASES): count for name, count in connection.execute(query)}

    @reading
    def others(self, connection: Connection) -> dict[str, int]:
        """How many prompts of others each backend has, by its address."""
        return {row.url: row.others for row in connection.execute(select(backend.c.url, backend.c.others))}

    @reading
    def undelivered(self, connection: Connection, adapters: Sequence[str]) -> dict[str, int]:
        """How many messages of each adapter do not show what they should."""
        due = (message.c.wanted > message.c.shown) & message.c.dead.is_(False) & message.c.parked.is_(False)
        query = select(message.c.adapter, func.count().label("due")).where(due).group_by(message.c.adapter)
        found = {row.adapter: row.due for row in connection.execute(query)}
        return {name: found.get(name, 0) for name in adapters}
