"""Jobs that wait and keep away from a backend: found again when it may have become able to run them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from bot.contract.values import JobId
from bot.jobs.models import Graph, Patch, Setting
from bot.jobs.states import State
from bot.store.database import Database, reading, writing
from bot.store.flows import join_line, leave_line, spot_of
from bot.store.tables import attempt, job, workflow_version

MOST = 1000
"""Jobs that are looked at at once, the oldest first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shunned:
    """A job that keeps away from a backend, and how its attempts there ended."""

    job: JobId
    graph: Graph
    patch: Patch
    outcomes: tuple[str | None, ...]


class Shunning:
    """Which jobs keep away from a backend."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def of(self, connection: Connection, backend: str) -> list[Shunned]:
        """The oldest jobs that wait and keep away from a backend."""
        query = (
            select(job.c.id, job.c.patch, job.c.shunned, workflow_version.c.graph)
            .join(workflow_version, workflow_version.c.version == job.c.version)
            .where(job.c.state == State.QUEUED, job.c.shunned.contains(backend, autoescape=True))
            .order_by(job.c.number)
            .limit(MOST)
        )
        rows = [row for row in connection.execute(query) if backend in row.shunned.split("\n")]
        return [
            Shunned(
                job=JobId(row.id),
                graph=row.graph,
                patch=tuple(Setting(**setting) for setting in row.patch),
                outcomes=tuple(
                    connection.scalars(
                        select(attempt.c.outcome).where(attempt.c.job == row.id, attempt.c.backend == backend)
                    )
                ),
            )
            for row in rows
        ]

    @writing
    def end(self, connection: Connection, backend: str, jobs: Collection[JobId]) -> None:
        """Let these jobs go to a backend again, if they still wait; each in the place that it had."""
        for each in jobs:
            row = connection.execute(
                select(job).where(job.c.id == each, job.c.state == State.QUEUED)
            ).one_or_none()
            if row is None or backend not in row.shunned.split("\n"):
                continue
            left = "\n".join(name for name in row.shunned.split("\n") if name != backend)
            connection.execute(update(job).where(job.c.id == each).values(shunned=left))
            again = connection.execute(select(job).where(job.c.id == each)).one()
            join_line(
                connection, spot_of(again)
            )  # before it leaves the other: a flow that never ends never wakes
            leave_line(connection, spot_of(row))
