"""The queue: who is next, and every step of a job that a backend has in hand.

Each write names the job, its attempt and the epoch of the backend's lease. A write that fits no row means
that somebody else has the job now: `LeaseLost`, and nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.contract.values import AccountId, Actor, JobId, Trouble
from bot.errors import LeaseLost
from bot.jobs.models import Attempt, Output
from bot.jobs.states import LIVE, State, sources
from bot.scheduling.fairness import Flow
from bot.store.database import Database
from bot.store.flows import wake_flow
from bot.store.leases import Held, hold_or_raise
from bot.store.rows import inputs_of, job_record
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

    async def claim(
        self, held: Held, prompt_id: str, pick: Pick, only: Actor | None = None
    ) -> Attempt | None:
        """Take the next job for the backend whose lease is `held`, under a prompt id that is stored first.

        `pick` chooses among the flows that wait; `only` leaves everybody else's alone. None if nobody waits.
        """
        async with self._database.write() as connection:
            await hold_or_raise(connection, held)
            chosen = pick(await _waiting_flows(connection, only))
            if chosen is None:
                return None
            row = (await connection.execute(_oldest(chosen.account))).one()
            number = row.attempt + 1
            await connection.execute(
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
            await connection.execute(
                insert(attempt).values(
                    job=row.id, number=number, prompt_id=prompt_id, backend=held.name, epoch=held.epoch
                )
            )
            await _move(connection, chosen.account, waiting=-1, running=1, charge=COST)
            return await _in_hand(connection, JobId(row.id))

    async def adopt(self, held: Held) -> list[Attempt]:
        """Take over whatever an earlier holder of this backend's lease had in hand."""
        async with self._database.write() as connection:
            await hold_or_raise(connection, held)
            mine = (job.c.backend == held.name) & job.c.state.in_(LIVE)
            await connection.execute(update(job).where(mine).values(epoch=held.epoch))
            ids = (await connection.scalars(select(job.c.id).where(mine).order_by(job.c.number))).all()
            return [await _in_hand(connection, JobId(job_id)) for job_id in ids]

    async def advance(self, mine: Attempt, to: State, **columns: Any) -> None:
        """Note that an attempt has come further."""
        async with self._database.write() as connection:
            await _step(connection, mine, to, **columns)

    async def progress(self, moved: Sequence[tuple[Attempt, float, str | None]]) -> None:
        """Keep how far running attempts are, for other processes and for after a restart."""
        async with self._database.write() as connection:
            for mine, fraction, node in moved:
                still = _fence(mine) & job.c.state.in_(LIVE)
                await connection.execute(update(job).where(still).values(fraction=fraction, node=node))

    async def requeue(self, mine: Attempt, outcome: str, *, failed: bool) -> None:
        """Put a job back in its place. `failed` counts against it; a restart or a lost lease does not."""
        async with self._database.write() as connection:
            await _step(
                connection,
                mine,
                State.QUEUED,
                failures=job.c.failures + (1 if failed else 0),
                backend=None,
                epoch=None,
                fraction=0.0,
                node=None,
            )
            await _close(connection, mine, outcome)
            await wake_flow(connection, mine.job.account)
            await _move(connection, mine.job.account, waiting=1, running=-1, charge=-COST)
            await _want(connection, mine.job.id)

    async def finish(
        self,
        mine: Attempt,
        state: State,
        *,
        now: float,
        outputs: Sequence[Output] = (),
        error: Trouble | None = None,
    ) -> None:
        """End a job, once: its outputs, its end and the wish to show them are one transaction."""
        async with self._database.write() as connection:
            await _step(
                connection, mine, state, finished=now, error=asdict(error) if error is not None else None
            )
            await _close(connection, mine, state)
            await _store_outputs(connection, mine.job.id, outputs)
            await _move(connection, mine.job.account, running=-1)
            await _want(connection, mine.job.id)

    async def cancel(self, job_id: JobId, *, now: float) -> State:
        """End a job that waits, or note the wish for whoever has it in hand. Says the state it had."""
        async with self._database.write() as connection:
            query = select(job.c.state, job.c.account).where(job.c.id == job_id)
            row = (await connection.execute(query)).one()
            state = State(row.state)
            if state is State.QUEUED:
                await connection.execute(
                    update(job)
                    .where(job.c.id == job_id)
                    .values(state=State.CANCELLED, cancel_requested=True, finished=now)
                )
                await _move(connection, AccountId(row.account), waiting=-1)
                await _want(connection, job_id)
            elif state in LIVE:
                await connection.execute(update(job).where(job.c.id == job_id).values(cancel_requested=True))
            return state

    async def to_cancel(self, held: Held) -> set[JobId]:
        """Jobs in this backend's hand whose end somebody has asked for."""
        query = select(job.c.id).where(
            job.c.backend == held.name, job.c.state.in_(LIVE), job.c.cancel_requested
        )
        async with self._database.read() as connection:
            return {JobId(found) for found in await connection.scalars(query)}

    async def backends_in_hand(self) -> set[str]:
        """The backends that have jobs in hand."""
        query = select(job.c.backend).where(job.c.state.in_(LIVE)).distinct()
        async with self._database.read() as connection:
            return {name for name in await connection.scalars(query) if name is not None}

    async def rebuild_flows(self) -> None:
        """Count again what flows keep as counters."""
        mine = job.c.account == flow.c.account
        waiting = select(func.count()).where(mine, job.c.state == State.QUEUED).scalar_subquery()
        running = select(func.count()).where(mine, job.c.state.in_(LIVE)).scalar_subquery()
        async with self._database.write() as connection:
            await connection.execute(update(flow).values(waiting=waiting, running=running))


def _fence(mine: Attempt) -> Any:
    return (job.c.id == mine.job.id) & (job.c.attempt == mine.number) & (job.c.epoch == mine.epoch)


async def _step(connection: AsyncConnection, mine: Attempt, to: State, **columns: Any) -> None:
    changed = await connection.execute(
        update(job).where(_fence(mine), job.c.state.in_(sources(to))).values(state=to, **columns)
    )
    if changed.rowcount != 1:
        raise LeaseLost(f"job {mine.job.id} attempt {mine.number} is not ours to make {to}")


async def _close(connection: AsyncConnection, mine: Attempt, outcome: str) -> None:
    which = (attempt.c.job == mine.job.id) & (attempt.c.number == mine.number)
    await connection.execute(update(attempt).where(which).values(outcome=outcome))


async def _move(
    connection: AsyncConnection, owner: AccountId, *, waiting: int = 0, running: int = 0, charge: float = 0.0
) -> None:
    await connection.execute(
        update(flow)
        .where(flow.c.account == owner)
        .values(
            waiting=flow.c.waiting + waiting, running=flow.c.running + running, vtime=flow.c.vtime + charge
        )
    )


async def _want(connection: AsyncConnection, job_id: JobId) -> None:
    owner = select(job.c.request).where(job.c.id == job_id).scalar_subquery()
    await connection.execute(
        update(message).where(message.c.request == owner).values(wanted=message.c.wanted + 1)
    )


async def _waiting_flows(connection: AsyncConnection, only: Actor | None) -> list[Flow]:
    query = select(flow).where(flow.c.waiting > 0).order_by(flow.c.vtime, flow.c.account).limit(CANDIDATES)
    if only is not None:
        who = (identity.c.platform == only.platform) & (identity.c.external_id == only.external_id)
        query = query.where(flow.c.account.in_(select(identity.c.account).where(who)))
    return [
        Flow(account=AccountId(row.account), vtime=row.vtime, waiting=row.waiting)
        for row in await connection.execute(query)
    ]


def _oldest(owner: AccountId) -> Any:
    return (
        select(job.c.id, job.c.attempt)
        .where(job.c.state == State.QUEUED, job.c.account == owner)
        .order_by(job.c.number)
        .limit(1)
    )


async def _in_hand(connection: AsyncConnection, job_id: JobId) -> Attempt:
    query = (
        select(job, attempt.c.prompt_id, workflow_version.c.graph)
        .join(attempt, (attempt.c.job == job.c.id) & (attempt.c.number == job.c.attempt))
        .join(workflow_version, workflow_version.c.version == job.c.version)
        .where(job.c.id == job_id)
    )
    row = (await connection.execute(query)).one()
    inputs = await inputs_of(connection, [job_id])
    return Attempt(
        job=job_record(row, inputs[job_id]),
        number=row.attempt,
        prompt_id=row.prompt_id,
        backend=row.backend,
        epoch=row.epoch,
        graph=row.graph,
    )


async def _store_outputs(connection: AsyncConnection, job_id: JobId, outputs: Sequence[Output]) -> None:
    for result in outputs:
        await connection.execute(upsert(blob).values(asdict(result.blob)).on_conflict_do_nothing())
        await connection.execute(
            insert(output).values(
                job=job_id,
                index=result.index,
                sha256=result.blob.sha256,
                media_type=result.media_type,
                name=result.name,
                node=result.node,
            )
        )
