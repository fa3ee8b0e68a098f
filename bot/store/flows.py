"""Waking flows: bringing a person's virtual time up to the others' when a job of theirs waits again."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from bot.contract.values import AccountId
from bot.scheduling.fairness import wake
from bot.store.tables import flow


def wake_flow(connection: Connection, owner: AccountId) -> None:
    """To be called before a job of `owner` begins to wait. A flow that has others waiting is left alone.

    Running jobs do not keep a flow awake: while a long one ran, others may have had many turns.
    """
    mine = connection.execute(select(flow).where(flow.c.account == owner)).one()
    if mine.waiting == 0:
        vtime = wake(mine.vtime, _virtual_now(connection, owner))
        connection.execute(update(flow).where(flow.c.account == owner).values(vtime=vtime))


def _virtual_now(connection: Connection, owner: AccountId) -> float:
    """The least virtual time among the others that wait; with nobody waiting, the greatest of all."""
    others = flow.c.account != owner
    least = connection.scalar(select(func.min(flow.c.vtime)).where(others, flow.c.waiting > 0))
    if least is None:
        least = connection.scalar(select(func.max(flow.c.vtime)).where(others))
    return float(least) if least is not None else 0.0
