"""What a claim looks at: what admins have switched, who waits, what runs where, and which models are loaded."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select

from bot.contract.values import AccountId, Actor
from bot.jobs.states import State
from bot.jobs.work import Lane
from bot.scheduling.caps import Caps, room
from bot.scheduling.choice import SLACK_SECONDS, Line, Room, Server, choose
from bot.scheduling.holds import ALWAYS, Plan, hold_of
from bot.store.flows import IS_LIVE, MOVED, lane_vtimes
from bot.store.switches import caps_in_force, read_switches
from bot.store.tables import flow, identity, job, lease, line, loaded

CANDIDATES = 256
"""How many lines of a lane a claim looks at, those of the least served people."""


_IN_HAND = select(job.c.account, job.c.place, job.c.backend, job.c.state, job.c.started, job.c.charged).where(
    IS_LIVE
)
_LINES = (
    select(line, flow.c.vtime)
    .join(flow, (flow.c.account == line.c.account) & (flow.c.lane == line.c.lane))
    .where(flow.c.lane == bindparam("lane"), flow.c.waiting > 0)
    .order_by(flow.c.vtime, flow.c.account)
    .limit(CANDIDATES)
)
_LINES_OF_ONE = _LINES.where(
    line.c.account.in_(
        select(identity.c.account).where(
            identity.c.platform == bindparam("platform"), identity.c.external_id == bindparam("external_id")
        )
    )
)
_LOADED = select(loaded).join(lease, lease.c.name == loaded.c.backend).where(lease.c.owner.is_not(None))


_FRONTS = select(job).where(MOVED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What the owner allows; `slack` in seconds, `plan` are the hours of backends."""

    caps: Caps = field(default_factory=Caps)
    slack: float = SLACK_SECONDS
    plan: Plan = ALWAYS


def next_line(
    connection: Connection, backend: str, rules: Rules, *, now: float, only: Actor | None
) -> Line | None:
    """The line that the backend of this name serves next; None if there is none for it now."""
    switches = read_switches(connection)
    if hold_of(switches, rules.plan, backend, now) is not None:
        return None
    lanes = lane_vtimes(connection)
    lines = [found for lane in Lane for found in _lines(connection, lane, only)]
    lines += _fronts(connection, only) if lines else []
    if not lines:
        return None
    in_hand = connection.execute(_IN_HAND).all()
    servers = {
        name: server
        for name, server in _servers(connection, in_hand, now).items()
        if name == backend or hold_of(switches, rules.plan, name, now) is None
    }
    here = servers.pop(backend, Server(name=backend, busy=_busy(in_hand, now).get(backend, 0.0)))
    caps = caps_in_force(connection, rules.caps)
    return choose(
        lines, lanes, here, list(servers.values()), room=_room(caps, in_hand, lines), slack=rules.slack
    )


def _lines(connection: Connection, lane: Lane, only: Actor | None) -> list[Line]:
    if only is None:
        rows = connection.execute(_LINES, {"lane": lane})
    else:
        who = {"platform": only.platform, "external_id": only.external_id}
        rows = connection.execute(_LINES_OF_ONE, {"lane": lane, **who})
    return [
        Line(
            account=AccountId(row.account),
            lane=lane,
            place=row.place,
            models=row.models,
            vtime=row.vtime,
            served=row.served,
            seconds=row.seconds,
            shunned=frozenset(filter(None, row.shunned.split("\n"))),
        )
        for row in rows
    ]


def _fronts(connection: Connection, only: Actor | None) -> list[Line]:
    """The jobs that were moved to the front, a line each."""
    query = _FRONTS
    if only is not None:
        query = query.where(job.c.account.in_(_accounts(only)))
    return [
        Line(
            account=AccountId(row.account),
            lane=Lane(row.lane),
            place=row.place,
            models=row.models,
            vtime=0.0,
            served=0.0,
            seconds=row.estimate,
            shunned=frozenset(filter(None, row.shunned.split("\n"))),
            front=row.front,
        )
        for row in connection.execute(query)
    ]


def _accounts(only: Actor) -> Any:
    who = (identity.c.platform == only.platform) & (identity.c.external_id == only.external_id)
    return select(identity.c.account).where(who)


def _servers(connection: Connection, in_hand: Sequence[Any], now: float) -> dict[str, Server]:
    """The backends that answer and have models loaded, by name."""
    busy = _busy(in_hand, now)
    return {
        row.backend: Server(name=row.backend, loaded=frozenset({row.models}), busy=busy.get(row.backend, 0.0))
        for row in connection.execute(_LOADED)
    }


def _busy(in_hand: Sequence[Any], now: float) -> dict[str, float]:
    """Seconds of work in each backend's hand; what runs longer than was thought still takes a while."""
    found: dict[str, float] = defaultdict(float)
    for row in in_hand:
        if row.state != State.FETCHING:
            passed = max(0.0, now - row.started) if row.started is not None else 0.0
            found[row.backend] += max(0.5, row.charged - passed)
    return found


def _room(caps: Caps, in_hand: Sequence[Any], lines: Sequence[Line]) -> Room:
    people = Counter(row.account for row in in_hand)
    places = Counter(row.place for row in in_hand)
    return Room(
        people={each.account: room(caps.running_person, people[each.account]) for each in lines},
        places={each.place: room(caps.running_place, places[each.place]) for each in lines},
    )
