"""Waking flows: bringing a person's virtual time up to the others' when a job of theirs waits again."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.contract.values import AccountId
from bot.scheduling.fairness import wake
from bot.store.tables import flow


async def wake_flow(connection: AsyncConnection, owner: AccountId) -> None:
    """To be called before a job of `owner` begins to wait. A flow that has others waiting is left alone.

    Running jobs do not keep a flow awake: while a long one ran, others may have had many turns.
    """
    mine = (await connection.execute(select(flow).where(flow.c.account == owner))).one()
    if mine.waiting == 0:
        vtime = wake(mine.vtime, await _virtual_now(connection, owner))
        await connection.execute(update(flow).where(flow.c.account == owner).values(vtime=vtime))


async def _virtual_now(connection: AsyncConnection, owner: AccountId) -> float:
    """The least virtual time among the others that wait; with nobody waiting, the greatest of all."""
    others = flow.c.account != owner
    least = await connection.scalar(select(func.min(flow.c.vtime)).where(others, flow.c.waiting > 0))
    if least is None:
        least = await connection.scalar(select(func.max(flow.c.vtime)).where(others))
    return float(least) if least is not None else 0.0
