"""What a claim looks at: what admins have switched, who waits, what runs where, and which models are loaded."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Float, Integer, Select, bindparam, literal, select, union_all

from bot.contract.values import AccountId, Actor
from bot.jobs.states import State
from bot.jobs.work import Lane
from bot.scheduling.caps import Caps, room
from bot.scheduling.choice import SLACK_SECONDS, Line, Room, Server, choose
from bot.scheduling.holds import ALWAYS, Plan, hold_of
from bot.store.flows import IS_LIVE, MOVED
from bot.store.switches import in_force
from bot.store.tables import flow, identity, job, lane, lease, line, loaded

CANDIDATES = 256
"""How many lines of a lane a claim looks at, those of the least served people."""

_LANES = {str(each): each for each in Lane}
_NOTHING: frozenset[str] = frozenset()

_IN_HAND = select(job.c.account, job.c.place, job.c.backend, job.c.state, job.c.started, job.c.charged).where(
    IS_LIVE
)
_LOADED = select(loaded).join(lease, lease.c.name == loaded.c.backend).where(lease.c.owner.is_not(None))
_THEIRS = select(identity.c.account).where(
    identity.c.platform == bindparam("platform"), identity.c.external_id == bindparam("external_id")
)


def _lines_of(where: Lane, *, one: bool) -> Select[Any]:
    """The lines of the least served people of a lane, or those of one person.

    Each of them has a line, so no more people are looked for than lines.
    """
    people = select(flow).where(flow.c.lane == where, flow.c.waiting > 0)
    if one:
        people = people.where(flow.c.account.in_(_THEIRS))
    who = people.order_by(flow.c.vtime, flow.c.account).limit(CANDIDATES).subquery()
    return (
        select(
            *(line.c.account, line.c.lane, line.c.place, line.c.models, line.c.shunned),
            *(who.c.vtime, line.c.served, line.c.seconds, line.c.waiting),
            select(lane.c.vtime).where(lane.c.name == where).scalar_subquery().label("lane_vtime"),
            literal(None, Integer).label("front"),
        )
        .join(who, (who.c.account == line.c.account) & (who.c.lane == line.c.lane))
        .order_by(who.c.vtime, who.c.account)
        .limit(CANDIDATES)
    )


def _fronts(*, one: bool) -> Select[Any]:
    """The jobs that were moved to the front, a line each."""
    zero, none = literal(0.0, Float), literal(None, Float)
    query = select(
        *(job.c.account, job.c.lane, job.c.place, job.c.models, job.c.shunned),
        *(zero, zero, job.c.estimate, literal(0), none, job.c.front),
    ).where(MOVED)
    return query.where(job.c.account.in_(_THEIRS)) if one else query


def _waiting(*, one: bool = False) -> Select[Any]:
    """All that a claim chooses among."""
    parts = [*(_lines_of(each, one=one) for each in Lane), _fronts(one=one)]
    return select(union_all(*(select(part.subquery()) for part in parts)).subquery())


_WAITING, _WAITING_OF_ONE = _waiting(), _waiting(one=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What the owner allows; `slack` in seconds, `plan` are the hours of backends."""

    caps: Caps = field(default_factory=Caps)
    slack: float = SLACK_SECONDS
    plan: Plan = ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Next:
    """The line that a backend serves next; what it has loaded; and how many jobs wait, of those that it may take."""

    line: Line
    loaded: frozenset[str]
    waiting: int


def next_line(
    connection: Connection, backend: str, rules: Rules, *, now: float, only: Actor | None
) -> Next | None:
    """What the backend of this name serves next; None if there is nothing for it now."""
    switches, caps = in_force(connection, rules.caps)
    if hold_of(switches, rules.plan, backend, now) is not None:
        return None
    rows = _rows(connection, only)
    if not rows:
        return None
    lines = [_line(row) for row in rows]
    lanes = {_LANES[row.lane]: row.lane_vtime or 0.0 for row in rows if row.front is None}
    in_hand = connection.execute(_IN_HAND).all()
    servers = {
        name: server
        for name, server in _servers(connection, in_hand, now).items()
        if name == backend or hold_of(switches, rules.plan, name, now) is None
    }
    here = servers.pop(backend, Server(name=backend, busy=_busy(in_hand, now).get(backend, 0.0)))
    room = _room(caps, in_hand, lines)
    chosen = choose(lines, lanes, here, list(servers.values()), room=room, slack=rules.slack)
    waiting = sum(row.waiting for row in rows)
    return Next(line=chosen, loaded=here.loaded, waiting=waiting) if chosen is not None else None


def _rows(connection: Connection, only: Actor | None) -> Sequence[Any]:
    if only is None:
        return connection.execute(_WAITING).all()
    who = {"platform": only.platform, "external_id": only.external_id}
    return connection.execute(_WAITING_OF_ONE, who).all()


def _line(row: Any) -> Line:
    return Line(
        account=AccountId(row.account),
        lane=_LANES[row.lane],
        place=row.place,
        models=row.models,
        vtime=row.vtime,
        served=row.served,
        seconds=row.seconds,
        shunned=frozenset(filter(None, row.shunned.split("\n"))) if row.shunned else _NOTHING,
        front=row.front,
    )


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
