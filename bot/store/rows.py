"""Rows into records; and statements that are made once.

To make a statement and look it up among the compiled ones takes ten times as long as to run it. So what is asked for
each job is made when its module is, with a place for each value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Executable,
    Row,
    Table,
    bindparam,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from bot.contract.values import AccountId, JobId, OutputRef, RequestId, Trouble
from bot.jobs.models import AS_WRITTEN, Blob, InputImage, Job, Output, Reading, Setting
from bot.jobs.states import State
from bot.store.tables import blob, input_, output

_INPUTS = (
    select(input_)
    .where(input_.c.job.in_(bindparam("jobs", expanding=True)))
    .order_by(input_.c.parameter, input_.c.node, input_.c.input)
)
_OUTPUTS = (
    select(output, output.c.index.label("nth"), blob.c.size)
    .join(blob, blob.c.sha256 == output.c.sha256)
    .where(output.c.job.in_(bindparam("jobs", expanding=True)))
    .order_by(output.c.index)
)


def is_one_of(column: Column[str], names: Collection[str]) -> ColumnElement[bool]:
    """Whether a column has one of these; they are part of the statement, so that nothing is put in when it runs."""
    return column.in_([literal_column(f"'{name}'") for name in sorted(names)])


def job_record(row: Row[Any], inputs: Sequence[InputImage] = ()) -> Job:
    """A row with all columns of `job` as a record."""
    parent = None
    if row.parent_job is not None:
        parent = OutputRef(job=JobId(row.parent_job), index=row.parent_output)
    return Job(
        id=JobId(row.id),
        request=RequestId(row.request),
        account=AccountId(row.account),
        workflow=row.workflow,
        version=row.version,
        values=row.values,
        patch=tuple(Setting(**setting) for setting in row.patch),
        seed=int(row.seed) if row.seed is not None else None,
        inputs=tuple(inputs),
        parent=parent,
        created=row.created,
        state=State(row.state),
        attempt=row.attempt,
        failures=row.failures,
        cancel_requested=row.cancel_requested,
        fraction=row.fraction,
        node=row.node,
        error=Trouble(**row.error) if row.error is not None else None,
        started=row.started,
        finished=row.finished,
        models=row.models,
        shunned=tuple(filter(None, row.shunned.split("\n"))),
        early=row.early,
        late=row.late,
        revision=row.revision,
        paid=row.paid,
        price=row.price,
        reading=_reading(row.reading),
    )


def _reading(kept: Mapping[str, Any] | None) -> Reading:
    return AS_WRITTEN if kept is None else Reading(texts=kept["texts"], remarks=tuple(kept["remarks"]))


def inputs_of(connection: Connection, jobs: Sequence[str]) -> dict[str, list[InputImage]]:
    """The input pictures of some jobs, by job."""
    found: dict[str, list[InputImage]] = defaultdict(list)
    for row in connection.execute(_INPUTS, {"jobs": jobs}) if jobs else ():
        found[row.job].append(
            InputImage(parameter=row.parameter, node=row.node, input=row.input, sha256=row.sha256)
        )
    return found


def outputs_of(connection: Connection, jobs: Sequence[str]) -> dict[str, list[Output]]:
    """The outputs of some jobs in their order, by job."""
    found: dict[str, list[Output]] = defaultdict(list)
    for row in connection.execute(_OUTPUTS, {"jobs": jobs}) if jobs else ():
        found[row.job].append(
            Output(
                index=row.nth,
                blob=Blob(sha256=row.sha256, size=row.size),
                media_type=row.media_type,
                name=row.name,
                node=row.node,
            )
        )
    return found


def add_unless_there(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a row unless one with its key is there."""
    connection.execute(_adding(connection.dialect.name, table), dict(values))


def put(connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Insert a row, or give the one with its key these values."""
    put_all(connection, table, key, [{**key, **values}])


def put_all(
    connection: Connection, table: Table, key: Collection[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows of the same columns, or give those with their `key` columns these values."""
    if rows:
        statement = _putting(connection.dialect.name, table, tuple(key), tuple(rows[0]))
        connection.execute(statement, [dict(row) for row in rows])


@cache
def _adding(dialect: str, table: Table) -> Executable:
    return _upsert(dialect, table).on_conflict_do_nothing()


@cache
def _putting(dialect: str, table: Table, key: tuple[str, ...], columns: tuple[str, ...]) -> Executable:
    statement = _upsert(dialect, table)
    new = {name: statement.excluded[name] for name in columns if name not in key}
    return statement.on_conflict_do_update(index_elements=list(key), set_=new)


def _upsert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """SQLAlchemy has this insert for each database by itself, though both write it alike."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
