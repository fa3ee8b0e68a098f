"""What admins have switched while running. A claim reads it in its own transaction, so every process obeys at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import (
    JSON,
    Connection,
    Float,
    bindparam,
    cast,
    delete,
    literal,
    literal_column,
    null,
    select,
    union_all,
    update,
)

from bot.contract.overview import Change
from bot.jobs.states import State
from bot.scheduling.caps import Caps
from bot.scheduling.holds import (
    ALWAYS,
    EVERYWHERE,
    Hold,
    Plan,
    Still,
    Switch,
    Switches,
    Turned,
    hold_of,
    still,
)
from bot.store import audit
from bot.store.backends import LEASES
from bot.store.database import Database, reading, writing
from bot.store.rows import is_one_of, put
from bot.store.tables import job, lease, switch

ADDED, LIMITS, FREED = "added", "limits", "freed"
"""Names of rows that switch nothing: a server beside those of the settings, limits in place of the settings', and
the hold for which a backend's memory was given back."""

WORKED = "worked for"
"""What a backend is called that somebody works for, where it stands among the switches."""

ON, OFF = "on", "off"

_PROMISED = select(job.c.id, job.c.created).where(job.c.state == State.QUEUED)
_BY = bindparam("by", type_=Float)
_POSTPONE = (
    update(job)
    .where(job.c.id == bindparam("which"))
    .values(guess=job.c.guess + _BY, early=job.c.early + _BY, late=job.c.late + _BY)
)
_ON = select(switch).where(is_one_of(switch.c.name, tuple(Switch)))
_WORKED_FOR = (
    select(literal(WORKED).label("name"), lease.c.name.label("backend"))
    .add_columns(cast(null(), JSON).label("value"), literal(0.0, Float).label("since"))
    .where(lease.c.name.like(literal_column(f"'{LEASES}%'")), lease.c.owner.is_not(None))
)
_HOLDING = select(union_all(_ON, _WORKED_FOR).subquery())
_IN_FORCE = select(switch).where(is_one_of(switch.c.name, (*Switch, LIMITS)))
_ADDED = select(switch).where(switch.c.name == ADDED).order_by(switch.c.since, switch.c.backend)
_VALUE = select(switch.c.value).where(
    switch.c.name == bindparam("which"), switch.c.backend == bindparam("where")
)


class SwitchStore:
    """Reads and turns switches; each turn is noted in the audit trail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def read(self, connection: Connection) -> Switches:
        """All that is on."""
        return read_switches(connection)

    @writing
    def turn(
        self,
        connection: Connection,
        name: Switch,
        backend: str,
        turned: Turned | None,
        change: Change,
        plan: Plan = ALWAYS,
    ) -> bool:
        """Turn a switch on, or off by None. Whether that changed anything, which `change` then says in the trail.

        Where nothing took jobs and something does now, what waits comes so much later than was thought.
        """
        stood = still(holds_of(connection, plan, change.at))
        known = read_switches(connection).get((name, backend))
        if known == turned or (known and turned and known.hand_over == turned.hand_over):
            return False
        _write(connection, name, backend, None if turned is None else asdict(turned), change.at)
        audit.note(connection, replace(change, before=_said(known), after=_said(turned)))
        if stood is not None and still(holds_of(connection, plan, change.at)) is None:
            _postpone(connection, stood, change.at)
        return True

    @reading
    def added(self, connection: Connection) -> list[str]:
        """The addresses of servers beside those of the settings, the oldest first."""
        return [row.value["url"] for row in connection.execute(_ADDED)]

    @writing
    def add(self, connection: Connection, backend: str, url: str, change: Change) -> bool:
        """Work with another server from now on, however it was switched before. False if it is there already."""
        if _find(connection, ADDED, backend) is not None:
            return False
        connection.execute(delete(switch).where(switch.c.backend == backend))
        _write(connection, ADDED, backend, {"url": url}, change.at)
        audit.note(connection, replace(change, before=OFF, after=ON))
        return True

    @writing
    def remove(self, connection: Connection, backend: str, change: Change) -> bool:
        """Work with a server that was added no longer: what it has in hand goes back. False if it was not added."""
        if _find(connection, ADDED, backend) is None:
            return False
        _write(connection, ADDED, backend, None, change.at)
        _write(
            connection, Switch.DRAINED, backend, asdict(Turned(since=change.at, hand_over=True)), change.at
        )
        audit.note(connection, replace(change, before=ON, after=OFF))
        return True

    @reading
    def limits(self, connection: Connection) -> dict[str, float]:
        """The limits that stand in place of the settings'."""
        return _find(connection, LIMITS, EVERYWHERE) or {}

    @writing
    def limit(self, connection: Connection, name: str, value: float | None, change: Change) -> None:
        """Set a limit, or by None let the settings' hold again. `change` says the former in force."""
        limits = dict(_find(connection, LIMITS, EVERYWHERE) or {})
        limits.pop(name, None)
        if value is not None:
            limits[name] = value
        _write(connection, LIMITS, EVERYWHERE, limits or None, change.at)
        audit.note(connection, change)

    @reading
    def freed(self, connection: Connection, backend: str, hold: Hold) -> bool:
        """Whether a backend has given its memory back for this hold."""
        return (_find(connection, FREED, backend) or {}).get("since") == hold.since

    @writing
    def note_freed(self, connection: Connection, backend: str, hold: Hold) -> None:
        """A backend has given its memory back for this hold."""
        _write(connection, FREED, backend, {"since": hold.since}, hold.since)


def read_switches(connection: Connection) -> Switches:
    """All that is on, in a transaction that goes on."""
    return _switches(connection.execute(_ON))


def in_force(connection: Connection, caps: Caps) -> tuple[Switches, Caps]:
    """All that is on, and the limits as `caps_in_force` has them, asked for at once."""
    rows = connection.execute(_IN_FORCE).all()
    limits = [row.value for row in rows if row.name == LIMITS and row.backend == EVERYWHERE]
    switches = _switches(row for row in rows if row.name != LIMITS)
    return switches, with_limits(caps, limits[0]) if limits else caps


def _switches(rows: Iterable[Any]) -> Switches:
    return {
        (Switch(row.name), row.backend): Turned(since=row.since, hand_over=row.value.get("hand_over", False))
        for row in rows
    }


def holds_of(
    connection: Connection, plan: Plan, now: float, *, but: Collection[str] = ()
) -> list[Hold | None]:
    """Why each backend that somebody works for takes no jobs now; None for one that does. `but` leaves some out."""
    rows = connection.execute(_HOLDING).all()
    switches = _switches(row for row in rows if row.name != WORKED)
    return [
        hold_of(switches, plan, row.backend, now)
        for row in rows
        if row.name == WORKED and row.backend not in but
    ]


def caps_in_force(connection: Connection, caps: Caps) -> Caps:
    """The settings' limits with what admins have put in their place. 0 is no limit."""
    changed = _find(connection, LIMITS, EVERYWHERE)
    return caps if not changed else with_limits(caps, changed)


def with_limits(caps: Caps, changed: Mapping[str, float]) -> Caps:
    """Some limits in place of others, by the names of `Caps`."""
    whole = {name: int(value) or None for name, value in changed.items() if name != "cooldown"}
    return replace(caps, cooldown=changed.get("cooldown", caps.cooldown), **whole)


def _postpone(connection: Connection, stood: Still, now: float) -> None:
    """Everybody who waits is told of a later time, or a sooner one, by how long nothing was begun."""
    changes = [{"which": row.id, "by": stood.late(row.created, now)} for row in connection.execute(_PROMISED)]
    if changes:
        connection.execute(_POSTPONE, changes)


def _find(connection: Connection, name: str, backend: str) -> dict[str, Any] | None:
    found: dict[str, Any] | None = connection.scalar(_VALUE, {"which": name, "where": backend})
    return found


def _write(
    connection: Connection, name: str, backend: str, value: Mapping[str, Any] | None, since: float
) -> None:
    key = {"name": str(name), "backend": backend}
    if value is None:
        connection.execute(delete(switch).where(switch.c.name == str(name), switch.c.backend == backend))
    else:
        put(connection, switch, key, {"value": dict(value), "since": since})


def _said(turned: Turned | None) -> str:
    if turned is None:
        return OFF
    return "on, what runs is handed over" if turned.hand_over else ON
