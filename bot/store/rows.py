"""Rows into records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.contract.values import AccountId, JobId, OutputRef, RequestId, Trouble
from bot.jobs.models import AS_WRITTEN, Blob, InputImage, Job, Output, Reading, Setting
from bot.jobs.states import State
from bot.store.tables import blob, input_, output


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
    query = (
        select(input_)
        .where(input_.c.job.in_(jobs))
        .order_by(input_.c.parameter, input_.c.node, input_.c.input)
    )
    for row in connection.execute(query):
        found[row.job].append(
            InputImage(parameter=row.parameter, node=row.node, input=row.input, sha256=row.sha256)
        )
    return found


def outputs_of(connection: Connection, jobs: Sequence[str]) -> dict[str, list[Output]]:
    """The outputs of some jobs in their order, by job."""
    found: dict[str, list[Output]] = defaultdict(list)
    query = (
        select(output, output.c.index.label("nth"), blob.c.size)
        .join(blob, blob.c.sha256 == output.c.sha256)
        .where(output.c.job.in_(jobs))
        .order_by(output.c.index)
    )
    for row in connection.execute(query):
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
    connection.execute(_upsert(connection, table).values(values).on_conflict_do_nothing())


def put(connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Insert a row, or give the one with its key these values."""
    statement = _upsert(connection, table).values({**key, **values})
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def _upsert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """SQLAlchemy has this insert for each database by itself, though both write it alike."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
