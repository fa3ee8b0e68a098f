"""The queue: who is next, and every step of a job that a backend has in hand.

Each write names the job, its attempt and the epoch of the backend's lease. A write that fits no row means
that somebody else has the job now: `LeaseLost`, and nothing has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Update, bindparam, delete, insert, select, update

from bot.contract.values import AccountId, Actor, JobId, Trouble
from bot.errors import LeaseLost
from bot.jobs.models import Attempt, Output
from bot.jobs.states import LIVE, State, sources
from bot.jobs.work import Lane, Work
from bot.scheduling.choice import Line
from bot.store.claims import Rules, next_line
from bot.store.database import Database, reading, writing
from bot.store.flows import IS_LIVE, charge, join_line, leave_line, rebuild, spot_of, take
from bot.store.learning import learn_promise, learn_run, load_estimate
from bot.store.leases import Held, hold_or_raise
from bot.store.rows import add_unless_there, inputs_of, is_one_of, job_record, put
from bot.store.tables import attempt, blob, input_, job, loaded, message, output, workflow_version

_JOB = select(job).where(job.c.id == bindparam("which"))
_CHANGE = update(job).where(job.c.id == bindparam("which"))
_FENCED = (
    update(job)
    .where(job.c.id == bindparam("which"))
    .where(job.c.attempt == bindparam("try"))
    .where(job.c.epoch == bindparam("when"))
)
_PROGRESS = _FENCED.where(IS_LIVE)
_CLOSE = update(attempt).where(attempt.c.job == bindparam("which"), attempt.c.number == bindparam("try"))
_NEW_ATTEMPT = insert(attempt)
_NEW_OUTPUT = insert(output)
_WANT = (
    update(message)
    .where(message.c.request == select(job.c.request).where(job.c.id == bindparam("which")).scalar_subquery())
    .values(wanted=message.c.wanted + 1)
)
_OLDEST = (
    select(
        job,
        workflow_version.c.graph,
        select(input_.c.job).where(input_.c.job == job.c.id).exists().label("has_inputs"),
    )
    .join(workflow_version, workflow_version.c.version == job.c.version)
    .where(
        job.c.state == State.QUEUED,
        job.c.account == bindparam("owner"),
        job.c.lane == bindparam("lane"),
        job.c.models == bindparam("models"),
        job.c.place == bindparam("place"),
        job.c.shunned == bindparam("shunned"),
        bindparam("front", type_=job.c.front.type).is_(None) | (job.c.front == bindparam("front")),
    )
    .order_by(job.c.number)
    .limit(1)
)
_ATTEMPT = (
    select(job, attempt.c.prompt_id, workflow_version.c.graph)
    .join(attempt, (attempt.c.job == job.c.id) & (attempt.c.number == job.c.attempt))
    .join(workflow_version, workflow_version.c.version == job.c.version)
    .where(job.c.id == bindparam("which"))
)
_TO_CANCEL = select(job.c.id).where(job.c.backend == bindparam("name"), IS_LIVE, job.c.cancel_requested)

_FRESH = {"fraction": 0.0, "node": None, "started": None}
"""How far an attempt is that was only now claimed."""

LEFT = "left there"
"""The outcome of an attempt that its server may still have, while its job went elsewhere."""


class Queue:
    """Claims jobs for a backend and records what becomes of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def claim(
        self,
        connection: Connection,
        held: Held,
        prompt_id: str,
        *,
        now: float,
        rules: Rules | None = None,
        only: Actor | None = None,
        posting: bool = False,
    ) -> Attempt | None:
        """Take the next job for the backend whose lease is `held`, under a prompt id that is stored first.

        With `posting` one that needs no upload is noted as being posted, which is one write fewer.

        `now` is in seconds since 1970. `only` leaves everybody else's jobs alone, and the other backends unaware
        of what is loaded here. None if nobody waits whom this backend should serve now.
        """
        hold_or_raise(connection, held)
        found = next_line(connection, held.name, rules or Rules(), now=now, only=only)
        if found is None:
            return None
        row = connection.execute(_OLDEST, _of(found.line)).one()
        inputs = inputs_of(connection, [row.id])[row.id] if row.has_inputs else []
        loads = bool(row.models) and row.models not in found.loaded
        if loads and only is None:
            put(connection, loaded, {"backend": held.name}, {"models": row.models})
        cost = row.estimate + (load_estimate(connection, row.models) if loads else 0.0)
        number = row.attempt + 1
        mine: dict[str, Any] = {"backend": held.name, "epoch": held.epoch}
        state = State.POSTING if posting and not inputs else State.CLAIMED
        fresh: dict[str, Any] = {"state": state, "attempt": number, **_FRESH}
        connection.execute(_CHANGE, {"which": row.id, **mine, **fresh, "charged": cost, "loads": loads})
        connection.execute(_NEW_ATTEMPT, {"job": row.id, "number": number, "prompt_id": prompt_id, **mine})
        take(connection, spot_of(row), cost)
        return Attempt(
            job=replace(job_record(row, inputs), **fresh),
            number=number,
            prompt_id=prompt_id,
            graph=row.graph,
            last=only is None and found.waiting == 1,
            **mine,
        )

    @writing
    def unload(self, connection: Connection, held: Held) -> None:
        """A backend does not answer: nobody should wait for the models that it had loaded."""
        connection.execute(delete(loaded).where(loaded.c.backend == held.name))

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
            connection.execute(_PROGRESS, {**_fence(mine), "fraction": fraction, "node": node})

    @writing
    def requeue(
        self,
        connection: Connection,
        mine: Attempt,
        outcome: str,
        *,
        failed: bool,
        shun: Collection[str] = (),
    ) -> bool:
        """Put a job back in its place, what it was charged refunded. `failed` counts against it; a restart or a lost
        lease does not. It never goes to the backends `shun` again. Says whether its end was asked for meanwhile."""
        _step(connection, mine, State.QUEUED, backend=None, epoch=None, fraction=0.0, node=None)
        _close(connection, mine, outcome)
        row = _row(connection, mine.job.id)
        shunned = "\n".join(sorted({*shun, *filter(None, row.shunned.split("\n"))}))
        counted = {"failures": row.failures + (1 if failed else 0), "charged": 0.0, "shunned": shunned}
        connection.execute(_CHANGE, {"which": row.id, **counted})
        join_line(connection, spot_of(_row(connection, mine.job.id)))
        charge(connection, mine.job.account, Lane(row.lane), -row.charged, running=-1)
        want(connection, mine.job.id)
        return bool(row.cancel_requested)

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
        """End a job, once: its outputs, its end and the wish to show them are one transaction.

        What was charged becomes what it took, and the estimates learn from a job that is done.
        """
        _step(connection, mine, state, finished=now, error=asdict(error) if error is not None else None)
        _close(connection, mine, state)
        _store_outputs(connection, mine.job.id, outputs)
        _settle(connection, _row(connection, mine.job.id), now)
        want(connection, mine.job.id)

    @writing
    def cancel(self, connection: Connection, job_id: JobId, *, now: float) -> State:
        """End a job that waits, or note the wish for whoever has it in hand. Says the state it had."""
        return end(connection, job_id, now)

    @reading
    def left_on(self, connection: Connection, held: Held) -> list[str]:
        """The prompt ids of attempts that this backend may still have, though nobody waits for them."""
        query = select(attempt.c.prompt_id).where(attempt.c.backend == held.name, attempt.c.outcome == LEFT)
        return list(connection.scalars(query))

    @writing
    def taken_away(self, connection: Connection, prompt_ids: Sequence[str]) -> None:
        """Note that no backend has these attempts any more."""
        which = attempt.c.prompt_id.in_(prompt_ids)
        connection.execute(update(attempt).where(which).values(outcome="taken away"))

    @reading
    def to_cancel(self, connection: Connection, held: Held) -> set[JobId]:
        """Jobs in this backend's hand whose end somebody has asked for."""
        return {JobId(found) for found in connection.scalars(_TO_CANCEL, {"name": held.name})}

    @reading
    def backends_in_hand(self, connection: Connection) -> set[str]:
        """The backends that have jobs in hand."""
        query = select(job.c.backend).where(job.c.state.in_(LIVE)).distinct()
        return {name for name in connection.scalars(query) if name is not None}

    @writing
    def rebuild_flows(self, connection: Connection) -> None:
        """Count again what flows and lines keep as counters."""
        rebuild(connection)


def end(connection: Connection, job_id: JobId, now: float) -> State:
    """`Queue.cancel` in a transaction that goes on."""
    row = _row(connection, job_id)
    state = State(row.state)
    if state is State.QUEUED:
        ended = {"state": State.CANCELLED, "cancel_requested": True, "finished": now}
        connection.execute(update(job).where(job.c.id == job_id).values(**ended))
        leave_line(connection, spot_of(row))
        want(connection, job_id)
    elif state in LIVE:
        connection.execute(update(job).where(job.c.id == job_id).values(cancel_requested=True))
    return state


def _fence(mine: Attempt) -> dict[str, str | int]:
    return {"which": mine.job.id, "try": mine.number, "when": mine.epoch}


@cache
def _stepping(to: State) -> Update:
    return _FENCED.where(is_one_of(job.c.state, sources(to)))


def _step(connection: Connection, mine: Attempt, to: State, **columns: Any) -> None:
    changed = connection.execute(_stepping(to), {**_fence(mine), "state": to, **columns})
    if changed.rowcount != 1:
        raise LeaseLost(f"job {mine.job.id} attempt {mine.number} is not ours to make {to}")


def _close(connection: Connection, mine: Attempt, outcome: str) -> None:
    connection.execute(_CLOSE, {"which": mine.job.id, "try": mine.number, "outcome": outcome})


def _row(connection: Connection, job_id: str) -> Row[Any]:
    return connection.execute(_JOB, {"which": job_id}).one()


def _settle(connection: Connection, row: Row[Any], now: float) -> None:
    """What a job was charged becomes the seconds that it ran."""
    took = max(0.0, now - row.started) if row.started is not None else 0.0
    connection.execute(_CHANGE, {"which": row.id, "charged": took})
    charge(connection, AccountId(row.account), Lane(row.lane), took - row.charged, running=-1)
    if row.state == State.DONE and row.started is not None:
        work = Work(workflow=row.workflow, pixels=row.pixels, steps=row.steps, batch=row.batch)
        learn_run(connection, work, row.backend, took, row.models if row.loads else None)
        if row.guess is not None:
            learn_promise(connection, row.guess, max(0.0, now - row.created), held=row.held)


def want(connection: Connection, job_id: JobId) -> None:
    """A job's message is to be shown as it stands from now on."""
    connection.execute(_WANT, {"which": job_id})


def _of(line: Line) -> dict[str, object]:
    return {
        "owner": line.account,
        "lane": line.lane,
        "models": line.models,
        "place": line.place,
        "shunned": "\n".join(sorted(line.shunned)),
        "front": line.front,
    }


def _in_hand(connection: Connection, job_id: JobId) -> Attempt:
    row = connection.execute(_ATTEMPT, {"which": job_id}).one()
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
            _NEW_OUTPUT,
            {
                "job": job_id,
                "index": result.index,
                "sha256": result.blob.sha256,
                "media_type": result.media_type,
                "name": result.name,
                "node": result.node,
            },
        )
