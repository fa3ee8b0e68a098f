"""The queue: who is next, and every step of a job that a backend has in hand.

Each write names the job, its attempt and the epoch of the backend's lease. A write that fits no row means
that somebody else has the job now: `LeaseLost`, and nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from bot.contract.values import AccountId, Actor, JobId, Trouble
from bot.errors import LeaseLost
from bot.jobs.models import Attempt, Output
from bot.jobs.states import LIVE, State, sources
from bot.scheduling.fairness import Flow
from bot.store.database import Database, reading, writing
from bot.store.flows import wake_flow
from bot.store.leases import Held, hold_or_raise
from bot.store.rows import add_unless_there, inputs_of, job_record
from bot.store.tables import attempt, blob, flow, identity, job, message, output, workflow_version

Pick = Callable[[Sequence[Flow]], Flow | None]

CANDIDATES = 32
"""How many of the least served flows a claim looks at."""

COST = 1.0
"""What a claim charges to a flow: jobs count alike, which makes turns."""


class Queue:
    """Claims jobs for a backend and records what becomes of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def claim(
        self, connection: Connection, held: Held, prompt_id: str, pick: Pick, only: Actor | None = None
    ) -> Attempt | None:
        """Take the next job for the backend whose lease is `held`, under a prompt id that is stored first.

        `pick` chooses among the flows that wait; `only` leaves everybody else's alone. None if nobody waits.
        """
        hold_or_raise(connection, held)
        chosen = pick(_waiting_flows(connection, only))
        if chosen is None:
            return None
        row = connection.execute(_oldest(chosen.account)).one()
        number = row.attempt + 1
        connection.execute(
            update(job)
            .where(job.c.id == row.id)
            .values(
                state=State.CLAIMED,
                attempt=number,
                backend=held.name,
                epoch=held.epoch,
                fraction=0.0,
                node=None,
            )
        )
        connection.execute(
            insert(attempt).values(
                job=row.id, number=number, prompt_id=prompt_id, backend=held.name, epoch=held.epoch
            )
        )
        _move(connection, chosen.account, waiting=-1, running=1, charge=COST)
        return _in_hand(connection, JobId(row.id))

    @writing
    def adopt(self, connection: Connection, held: Held) -> list[Attempt]:
        """Take over whatever an earlier holder of this backend's lease had in hand."""
        hold_or_raise(connection, held)
        mine = (job.c.backend == held.name) & job.c.state.in_(LIVE)
        connection.execute(update(job).where(mine).values(epoch=held.epoch))
        ids = connection.scalars(select(job.c.id).where(mine).order_by(job.c.number)).all()
        return [_in_hand(connection, JobId(job_id)) for job_id in ids]

    @writing
    def advance(self, connection: Connection, /, mine: Attempt, to: State, **columns: Any) -> None:
        """Note that an attempt has come further."""
        _step(connection, mine, to, **columns)

    @writing
    def progress(self, connection: Connection, moved: Sequence[tuple[Attempt, float, str | None]]) -> None:
        """Keep how far running attempts are, for other processes and for after a restart."""
        for mine, fraction, node in moved:
            still = _fence(mine) & job.c.state.in_(LIVE)
            connection.execute(update(job).where(still).values(fraction=fraction, node=node))

    @writing
    def requeue(self, connection: Connection, mine: Attempt, outcome: str, *, failed: bool) -> None:
        """Put a job back in its place. `failed` counts against it; a restart or a lost lease does not."""
        _step(
            connection,
            mine,
            State.QUEUED,
            failures=job.c.failures + (1 if failed else 0),
            backend=None,
            epoch=None,
            fraction=0.0,
            node=None,
        )
        _close(connection, mine, outcome)
        wake_flow(connection, mine.job.account)
        _move(connection, mine.job.account, waiting=1, running=-1, charge=-COST)
        _want(connection, mine.job.id)

    @writing
    def finish(
        self,
        connection: Connection,
        mine: Attempt,
        state: State,
        *,
        now: float,
        outputs: Sequence[Output] = (),
        error: Trouble | None = None,
    ) -> None:
        """End a job, once: its outputs, its end and the wish to show them are one transaction."""
        _step(connection, mine, state, finished=now, error=asdict(error) if error is not None else None)
        _close(connection, mine, state)
        _store_outputs(connection, mine.job.id, outputs)
        _move(connection, mine.job.account, running=-1)
        _want(connection, mine.job.id)

    @writing
    def cancel(self, connection: Connection, job_id: JobId, *, now: float) -> State:
        """End a job that waits, or note the wish for whoever has it in hand. Says the state it had."""
        query = select(job.c.state, job.c.account).where(job.c.id == job_id)
        row = connection.execute(query).one()
        state = State(row.state)
        if state is State.QUEUED:
            connection.execute(
                update(job)
                .where(job.c.id == job_id)
                .values(state=State.CANCELLED, cancel_requested=True, finished=now)
            )
            _move(connection, AccountId(row.account), waiting=-1)
            _want(connection, job_id)
        elif state in LIVE:
            connection.execute(update(job).where(job.c.id == job_id).values(cancel_requested=True))
        return state

    @reading
    def to_cancel(self, connection: Connection, held: Held) -> set[JobId]:
        """Jobs in this backend's hand whose end somebody has asked for."""
        query = select(job.c.id).where(
            job.c.backend == held.name, job.c.state.in_(LIVE), job.c.cancel_requested
        )
        return {JobId(found) for found in connection.scalars(query)}

    @reading
    def backends_in_hand(self, connection: Connection) -> set[str]:
        """The backends that have jobs in hand."""
        query = select(job.c.backend).where(job.c.state.in_(LIVE)).distinct()
        return {name for name in connection.scalars(query) if name is not None}

    @writing
    def rebuild_flows(self, connection: Connection) -> None:
        """Count again what flows keep as counters."""
        mine = job.c.account == flow.c.account
        waiting = select(func.count()).where(mine, job.c.state == State.QUEUED).scalar_subquery()
        running = select(func.count()).where(mine, job.c.state.in_(LIVE)).scalar_subquery()
        connection.execute(update(flow).values(waiting=waiting, running=running))


def _fence(mine: Attempt) -> Any:
    return (job.c.id == mine.job.id) & (job.c.attempt == mine.number) & (job.c.epoch == mine.epoch)


def _step(connection: Connection, mine: Attempt, to: State, **columns: Any) -> None:
    changed = connection.execute(
        update(job).where(_fence(mine), job.c.state.in_(sources(to))).values(state=to, **columns)
    )
    if changed.rowcount != 1:
        raise LeaseLost(f"job {mine.job.id} attempt {mine.number} is not ours to make {to}")


def _close(connection: Connection, mine: Attempt, outcome: str) -> None:
    which = (attempt.c.job == mine.job.id) & (attempt.c.number == mine.number)
    connection.execute(update(attempt).where(which).values(outcome=outcome))


def _move(
    connection: Connection, owner: AccountId, *, waiting: int = 0, running: int = 0, charge: float = 0.0
) -> None:
    connection.execute(
        update(flow)
        .where(flow.c.account == owner)
        .values(
            waiting=flow.c.waiting + waiting, running=flow.c.running + running, vtime=flow.c.vtime + charge
        )
    )


def _want(connection: Connection, job_id: JobId) -> None:
    owner = select(job.c.request).where(job.c.id == job_id).scalar_subquery()
    connection.execute(update(message).where(message.c.request == owner).values(wanted=message.c.wanted + 1))


def _waiting_flows(connection: Connection, only: Actor | None) -> list[Flow]:
    query = select(flow).where(flow.c.waiting > 0).order_by(flow.c.vtime, flow.c.account).limit(CANDIDATES)
    if only is not None:
        who = (identity.c.platform == only.platform) & (identity.c.external_id == only.external_id)
        query = query.where(flow.c.account.in_(select(identity.c.account).where(who)))
    return [
        Flow(account=AccountId(row.account), vtime=row.vtime, waiting=row.waiting)
        for row in connection.execute(query)
    ]


def _oldest(owner: AccountId) -> Any:
    return (
        select(job.c.id, job.c.attempt)
        .where(job.c.state == State.QUEUED, job.c.account == owner)
        .order_by(job.c.number)
        .limit(1)
    )


def _in_hand(connection: Connection, job_id: JobId) -> Attempt:
    query = (
        select(job, attempt.c.prompt_id, workflow_version.c.graph)
        .join(attempt, (attempt.c.job == job.c.id) & (attempt.c.number == job.c.attempt))
        .join(workflow_version, workflow_version.c.version == job.c.version)
        .where(job.c.id == job_id)
    )
    row = connection.execute(query).one()
    inputs = inputs_of(connection, [job_id])
    return Attempt(
        job=job_record(row, inputs[job_id]),
        number=row.attempt,
        prompt_id=row.prompt_id,
        backend=row.backend,
        epoch=row.epoch,
        graph=row.graph,
    )


def _store_outputs(connection: Connection, job_id: JobId, outputs: Sequence[Output]) -> None:
    for result in outputs:
        add_unless_there(connection, blob, asdict(result.blob))
        connection.execute(
            insert(output).values(
                job=job_id,
                index=result.index,
                sha256=result.blob.sha256,
                media_type=result.media_type,
                name=result.name,
                node=result.node,
            )
        )
