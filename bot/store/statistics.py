"""Statistics: what was made by day, person and workflow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from bot.jobs.states import State
from bot.store.database import Database, reading
from bot.store.tables import identity, job


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """Of a day, person or workflow: jobs that were asked for, done and failed; the seconds that backends spent on
    them, and that they waited in the mean; None if none was begun."""

    of: str
    asked: int
    done: int
    failed: int
    seconds: float
    wait: float | None


class Statistics:
    """Counts jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def between(self, connection: Connection, days: Sequence[tuple[str, float, float]]) -> list[Figure]:
        """Of each day: what it is called, when it begins and ends in seconds since 1970."""
        return [
            _figure(day, connection.execute(_counted().where(*_asked(begins, ends))).one())
            for day, begins, ends in days
        ]

    @reading
    def people(self, connection: Connection, since: float, most: int) -> list[Figure]:
        """Those who have had most since then."""
        first = select(func.min(identity.c.name)).where(identity.c.account == job.c.account)
        return _grouped(connection, first.scalar_subquery(), job.c.account, since, most)

    @reading
    def workflows(self, connection: Connection, since: float, most: int) -> list[Figure]:
        """The workflows that have taken most since then."""
        return _grouped(connection, job.c.workflow, job.c.workflow, since, most)


def _counted() -> Select[tuple[int, int, int, float, float | None]]:
    done = func.coalesce(func.sum(case((job.c.state == State.DONE, 1), else_=0)), 0)
    failed = func.coalesce(func.sum(case((job.c.state == State.FAILED, 1), else_=0)), 0)
    over = case((job.c.finished.is_not(None), job.c.charged), else_=0.0)
    return select(
        func.count(),
        done,
        failed,
        func.coalesce(func.sum(over), 0.0),
        func.avg(job.c.started - job.c.created),
    )


def _asked(begins: float, ends: float | None = None) -> list[ColumnElement[bool]]:
    return [job.c.created >= begins, *([] if ends is None else [job.c.created < ends])]


def _grouped(
    connection: Connection, name: ColumnElement[str], by: ColumnElement[str], since: float, most: int
) -> list[Figure]:
    counted = _counted()
    query = counted.add_columns(name.label("of")).where(*_asked(since)).group_by(by)
    query = query.order_by(counted.selected_columns[3].desc(), func.count().desc(), by).limit(most)
    return [_figure(row[5], row) for row in connection.execute(query)]


def _figure(of: str, row: Any) -> Figure:
    asked, done, failed, seconds, wait = row[:5]
    return Figure(of=of, asked=asked, done=done, failed=failed, seconds=seconds, wait=wait)
