"""What people have had and have waiting: flows, the lines of jobs that are alike, and lanes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    FromClause,
    Integer,
    Row,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from bot.contract.values import AccountId
from bot.jobs.states import LIVE, State
from bot.jobs.work import Lane
from bot.scheduling.fairness import wake
from bot.scheduling.lanes import SHARES
from bot.store.rows import is_one_of, put
from bot.store.tables import account, flow, job, lane, line

IS_LIVE = is_one_of(job.c.state, LIVE)


def moved(of: FromClause) -> ColumnElement[bool]:
    """Whether a job waits and was moved to the front. The state is wrapped, since a planner that knows nothing of how
    many there are would look at all that wait, instead of into the index of those few."""
    return (of.c.front > 0) & (func.coalesce(of.c.state, "") == State.QUEUED)


MOVED = moved(job)

_FLOW = (flow.c.account == bindparam("whose")) & (flow.c.lane == bindparam("where"))
_LINE = (
    (line.c.account == bindparam("whose"))
    & (line.c.lane == bindparam("where"))
    & (line.c.place == bindparam("room"))
    & (line.c.models == bindparam("what"))
    & (line.c.shunned == bindparam("but"))
)
_MORE, _WORK = bindparam("more", type_=Integer), bindparam("work", type_=Float)
_FIND_VTIME = select(flow.c.vtime).where(_FLOW)
_GROW_FLOW = update(flow).where(_FLOW).values(waiting=flow.c.waiting + 1, seconds=flow.c.seconds + _WORK)
_GROW_AWAKE = _GROW_FLOW.where(flow.c.waiting > 0)
_WAKE_FLOW = _GROW_FLOW.values(vtime=bindparam("to"))
_SHRINK_FLOW = update(flow).where(_FLOW).values(waiting=flow.c.waiting - 1, seconds=flow.c.seconds - _WORK)
_GROW_LINE = update(line).where(_LINE).values(waiting=line.c.waiting + 1, seconds=line.c.seconds + _WORK)
_SHRINK_LINE = update(line).where(_LINE).values(waiting=line.c.waiting - 1, seconds=line.c.seconds - _WORK)
_END_LINE = delete(line).where(_LINE, line.c.waiting <= 1)
_SERVE_LINE = _SHRINK_LINE.values(served=select(flow.c.vtime).where(_FLOW).scalar_subquery())
_WEIGHT = select(account.c.weight).where(account.c.id == bindparam("whose")).scalar_subquery()
_CHARGE = (
    update(flow).where(_FLOW).values(vtime=flow.c.vtime + _WORK / _WEIGHT, running=flow.c.running + _MORE)
)
_TAKE = _SHRINK_FLOW.values(
    vtime=flow.c.vtime + bindparam("cost", type_=Float) / _WEIGHT, running=flow.c.running + 1
)
_MOVE_LANE = update(lane).where(lane.c.name == bindparam("where")).values(vtime=lane.c.vtime + _WORK)
_NEW_FLOW, _NEW_LINE = insert(flow), insert(line)
_LANES = select(lane)
_OTHERS = (flow.c.lane == bindparam("where")) & (flow.c.account != bindparam("whose"))
_AROUND = (
    select(flow.c.account, flow.c.vtime, flow.c.waiting, account.c.weight)
    .join(account, account.c.id == flow.c.account)
    .where(_OTHERS, (flow.c.waiting > 0) | (flow.c.running > 0))
)
_GREATEST_IDLE = select(func.max(flow.c.vtime)).where(_OTHERS, flow.c.running <= 0)
_WAITING_LANES = select(flow.c.lane).where(flow.c.waiting > 0).distinct()
_CHARGED = (
    select(job.c.account, job.c.lane, func.sum(job.c.charged))
    .where(IS_LIVE)
    .group_by(job.c.account, job.c.lane)
)


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
    def binds(self) -> dict[str, str | float]:
        """What the statements above ask for."""
        return {
            "whose": self.account,
            "where": self.lane,
            "room": self.place,
            "what": self.models,
            "but": self.shunned,
            "work": self.seconds,
        }

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
    here = spot.binds
    woken = None
    if connection.execute(_GROW_AWAKE, here).rowcount == 0:
        woken = _begin_to_wait(connection, spot)
    if connection.execute(_GROW_LINE, here).rowcount == 0:
        served = connection.scalar(_FIND_VTIME, here) if woken is None else woken
        connection.execute(_NEW_LINE, {**spot.key, "waiting": 1, "seconds": spot.seconds, "served": served})


def _begin_to_wait(connection: Connection, spot: Spot) -> float:
    """Wake a flow with its first job that waits, or make it. Says its virtual time."""
    here = spot.binds
    before: float | None = connection.scalar(_FIND_VTIME, here)
    vtime = _wake(connection, spot, before or 0.0)
    if before is not None:
        connection.execute(_WAKE_FLOW, {**here, "to": vtime})
        return vtime
    begun = {"vtime": vtime, "waiting": 1, "seconds": spot.seconds, "running": 0}
    connection.execute(_NEW_FLOW, {"account": spot.account, "lane": spot.lane, **begun})
    return vtime


def leave_line(connection: Connection, spot: Spot) -> None:
    """A job waits no more."""
    connection.execute(_SHRINK_FLOW, spot.binds)
    if connection.execute(_END_LINE, spot.binds).rowcount == 0:
        connection.execute(_SHRINK_LINE, spot.binds)


def take(connection: Connection, spot: Spot, cost: float) -> None:
    """A backend takes a job that waited, which is charged so many seconds.

    Its line, if it goes on, was served just now, as far as its person's virtual time has come with that.
    """
    connection.execute(_TAKE, {**spot.binds, "cost": cost})
    _move_lane(connection, spot.lane, cost)
    if connection.execute(_END_LINE, spot.binds).rowcount == 0:
        connection.execute(_SERVE_LINE, spot.binds)


def charge(connection: Connection, owner: AccountId, where: Lane, seconds: float, *, running: int) -> None:
    """A person and their lane have had these seconds of a backend more (or less); so many jobs more are running."""
    connection.execute(_CHARGE, {"whose": owner, "where": where, "work": seconds, "more": running})
    _move_lane(connection, where, seconds)


def _move_lane(connection: Connection, where: Lane, seconds: float) -> None:
    """A lane has had these seconds more."""
    if seconds:
        change = seconds / SHARES[where]
        moved = connection.execute(_MOVE_LANE, {"where": where, "work": change})
        if moved.rowcount == 0:
            connection.execute(insert(lane), {"name": where, "vtime": change})


def lane_vtimes(connection: Connection) -> dict[Lane, float]:
    """The virtual times of all lanes."""
    known = {row.name: row.vtime for row in connection.execute(_LANES)}
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
    here = spot.binds
    around = connection.execute(_AROUND, here).all()
    stand = {
        row.account: row.vtime - in_hand.get((row.account, spot.lane), 0.0) / row.weight for row in around
    }
    waiting = [stand[row.account] for row in around if row.waiting > 0]
    if waiting:
        return wake(vtime, min(waiting))
    _wake_lane(connection, spot.lane, in_hand)
    idle = connection.scalar(_GREATEST_IDLE, here)
    return wake(vtime, max([*stand.values(), idle or 0.0]))


def _wake_lane(connection: Connection, name: Lane, in_hand: dict[tuple[str, Lane], float]) -> None:
    waiting = set(connection.scalars(_WAITING_LANES))
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
    return {(owner, Lane(where)): seconds for owner, where, seconds in connection.execute(_CHARGED)}
