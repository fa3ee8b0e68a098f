"""What people have had and have waiting: flows, the lines of jobs that are alike, and lanes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from bot.contract.values import AccountId
from bot.jobs.states import LIVE, State
from bot.jobs.work import Lane
from bot.scheduling.fairness import wake
from bot.scheduling.lanes import SHARES
from bot.store.rows import put
from bot.store.tables import account, flow, job, lane, line


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """Where a job waits, and its work in seconds. `shunned` are backends, a line each."""

    account: AccountId
    lane: Lane
    place: str
    models: str
    shunned: str
    seconds: float

    @property
    def key(self) -> dict[str, str]:
        """What tells its line from others."""
        return {
            "account": self.account,
            "lane": self.lane,
            "place": self.place,
            "models": self.models,
            "shunned": self.shunned,
        }


def spot_of(row: Row[Any]) -> Spot:
    """Where the job of this row waits, or would wait."""
    return Spot(
        account=AccountId(row.account),
        lane=Lane(row.lane),
        place=row.place,
        models=row.models,
        shunned=row.shunned,
        seconds=row.estimate,
    )


def join_line(connection: Connection, spot: Spot) -> None:
    """A job begins to wait. A flow or lane in which nothing else waits wakes at the others' virtual time.

    Running jobs keep nothing awake: while a long one ran, others may have had much.
    """
    mine = _flow_of(spot)
    row = connection.execute(select(flow).where(mine)).one_or_none()
    vtime = row.vtime if row is not None else 0.0
    if row is None or row.waiting == 0:
        vtime = _wake(connection, spot, vtime)
    if row is None:
        connection.execute(
            insert(flow).values(
                account=spot.account, lane=spot.lane, vtime=vtime, waiting=1, seconds=spot.seconds, running=0
            )
        )
    else:
        changed = {"waiting": flow.c.waiting + 1, "seconds": flow.c.seconds + spot.seconds}
        connection.execute(update(flow).where(mine).values(vtime=vtime, **changed))
    longer = connection.execute(
        update(line)
        .where(_is(spot))
        .values(waiting=line.c.waiting + 1, seconds=line.c.seconds + spot.seconds)
    )
    if longer.rowcount == 0:
        connection.execute(insert(line).values(**spot.key, waiting=1, seconds=spot.seconds, served=vtime))


def leave_line(connection: Connection, spot: Spot) -> None:
    """A job waits no more."""
    connection.execute(
        update(flow)
        .where(_flow_of(spot))
        .values(waiting=flow.c.waiting - 1, seconds=flow.c.seconds - spot.seconds)
    )
    shorter = {"waiting": line.c.waiting - 1, "seconds": line.c.seconds - spot.seconds}
    connection.execute(update(line).where(_is(spot)).values(**shorter))
    connection.execute(delete(line).where(_is(spot), line.c.waiting <= 0))


def serve(connection: Connection, spot: Spot) -> None:
    """The line of that job was served just now, as far as its person's virtual time has come."""
    vtime = select(flow.c.vtime).where(_flow_of(spot)).scalar_subquery()
    connection.execute(update(line).where(_is(spot)).values(served=vtime))


def charge(connection: Connection, owner: AccountId, where: Lane, seconds: float, *, running: int) -> None:
    """A person and their lane have had these seconds of a backend more (or less); so many jobs more are running."""
    weight = select(account.c.weight).where(account.c.id == owner).scalar_subquery()
    connection.execute(
        update(flow)
        .where(flow.c.account == owner, flow.c.lane == where)
        .values(vtime=flow.c.vtime + seconds / weight, running=flow.c.running + running)
    )
    if seconds:
        change = seconds / SHARES[where]
        moved = connection.execute(
            update(lane).where(lane.c.name == where).values(vtime=lane.c.vtime + change)
        )
        if moved.rowcount == 0:
            connection.execute(insert(lane).values(name=where, vtime=change))


def lane_vtimes(connection: Connection) -> dict[Lane, float]:
    """The virtual times of all lanes."""
    known = {row.name: row.vtime for row in connection.execute(select(lane))}
    return {each: known.get(each, 0.0) for each in Lane}


def rebuild(connection: Connection) -> None:
    """Count again what is derived from the jobs."""
    waits = job.c.state == State.QUEUED
    mine = (job.c.account == flow.c.account) & (job.c.lane == flow.c.lane)
    waiting = select(func.count()).where(mine, waits).scalar_subquery()
    seconds = select(func.coalesce(func.sum(job.c.estimate), 0.0)).where(mine, waits).scalar_subquery()
    running = select(func.count()).where(mine, job.c.state.in_(LIVE)).scalar_subquery()
    connection.execute(update(flow).values(waiting=waiting, seconds=seconds, running=running))
    alike = (job.c.account, job.c.lane, job.c.place, job.c.models, job.c.shunned)
    served = {tuple(row[:5]): row.served for row in connection.execute(select(line))}
    rows = connection.execute(
        select(*alike, func.count(), func.sum(job.c.estimate)).where(waits).group_by(*alike)
    ).all()
    vtimes = {(row.account, row.lane): row.vtime for row in connection.execute(select(flow))}
    connection.execute(delete(line))
    for *key, count, work in rows:
        began = served.get(tuple(key), vtimes[key[0], key[1]])
        names = ("account", "lane", "place", "models", "shunned")
        connection.execute(
            insert(line).values(
                **dict(zip(names, key, strict=True)), waiting=count, seconds=work, served=began
            )
        )


def _wake(connection: Connection, spot: Spot, vtime: float) -> float:
    """The virtual time of a flow that wakes: that at which the others in its lane stand."""
    in_hand = _in_hand(connection)
    query = (
        select(flow.c.account, flow.c.vtime, flow.c.waiting, account.c.weight)
        .join(account, account.c.id == flow.c.account)
        .where(flow.c.lane == spot.lane, flow.c.account != spot.account)
    )
    around = connection.execute(query.where((flow.c.waiting > 0) | (flow.c.running > 0))).all()
    stand = {
        row.account: row.vtime - in_hand.get((row.account, spot.lane), 0.0) / row.weight for row in around
    }
    waiting = [stand[row.account] for row in around if row.waiting > 0]
    if waiting:
        return wake(vtime, min(waiting))
    _wake_lane(connection, spot.lane, in_hand)
    greatest = select(func.max(flow.c.vtime)).where(
        flow.c.lane == spot.lane, flow.c.account != spot.account, flow.c.running <= 0
    )
    idle = connection.scalar(greatest)
    return wake(vtime, max([*stand.values(), idle or 0.0]))


def _wake_lane(connection: Connection, name: Lane, in_hand: dict[tuple[str, Lane], float]) -> None:
    waiting = set(connection.scalars(select(flow.c.lane).where(flow.c.waiting > 0).distinct()))
    vtimes = lane_vtimes(connection)
    stand = dict(vtimes)
    for (_, where), seconds in in_hand.items():
        stand[where] -= seconds / SHARES[where]
    others = [stand[Lane(each)] for each in waiting - {name}]
    present = min(others) if others else max(stand.values())
    if vtimes[name] < present:
        put(connection, lane, {"name": name}, {"vtime": present})


def _in_hand(connection: Connection) -> dict[tuple[str, Lane], float]:
    """The seconds charged for jobs that are not over, by person and lane.

    They are estimates: whoever wakes starts where the others stood before these, else a charge that is corrected
    later would leave them behind.
    """
    query = (
        select(job.c.account, job.c.lane, func.sum(job.c.charged))
        .where(job.c.state.in_(LIVE))
        .group_by(job.c.account, job.c.lane)
    )
    return {(owner, Lane(where)): seconds for owner, where, seconds in connection.execute(query)}


def _flow_of(spot: Spot) -> ColumnElement[bool]:
    return (flow.c.account == spot.account) & (flow.c.lane == spot.lane)


def _is(spot: Spot) -> ColumnElement[bool]:
    found = line.c.account == spot.account
    for name, value in spot.key.items():
        found &= line.c[name] == value
    return found
