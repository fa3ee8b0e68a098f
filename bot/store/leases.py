"""Leases: one process at a time holds a backend, or an adapter.

A lease is (owner, epoch, beat). Its holder raises `beat`; an observer calls it dead when its own monotonic
clock saw no new beat for long enough, so no two machines' clocks are ever compared. Whoever takes it raises
`epoch`, and every write of an earlier holder then fits no row.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import partial

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update

from bot.errors import LeaseLost
from bot.store.database import Database, reading, writing
from bot.store.tables import lease


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A lease that this process holds, or held once."""

    name: str
    owner: str
    epoch: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A lease as somebody else holds it."""

    owner: str | None
    epoch: int
    beat: int


_MINE = (
    (lease.c.name == bindparam("which"))
    & (lease.c.owner == bindparam("whose"))
    & (lease.c.epoch == bindparam("when"))
)
_HELD = select(lease.c.name).where(_MINE)
_BEAT = update(lease).where(_MINE).values(beat=lease.c.beat + 1)


def lease_of(adapter: str) -> str:
    """What the lease of an adapter is called."""
    return f"adapter:{adapter}"


class Leases:
    """Takes, keeps and gives back leases."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.beats: dict[str, float] = {}
        """When the newest written beat of each lease that this process holds was asked for, on the monotonic clock."""
        self.others: dict[str, float] = {}
        """When each lease that this process waits for was last seen to be kept by another."""

    def surely_held(self, name: str, dead: float) -> bool:
        """Whether nobody can have taken a lease of this process yet: it has shown a beat within `dead` seconds."""
        return time.monotonic() - self.beats.get(name, -math.inf) < dead

    @reading
    def look(self, connection: Connection, name: str) -> Seen | None:
        """The lease as it is now; None if nobody ever held it."""
        row = connection.execute(select(lease).where(lease.c.name == name)).one_or_none()
        return Seen(owner=row.owner, epoch=row.epoch, beat=row.beat) if row is not None else None

    @writing
    def take(self, connection: Connection, name: str, owner: str, seen: Seen | None) -> Held | None:
        """Take the lease if it still is as it was `seen`; None if somebody was quicker."""
        if seen is None:
            return _first(connection, name, owner)
        unchanged = (lease.c.name == name) & (lease.c.epoch == seen.epoch) & (lease.c.beat == seen.beat)
        changed = connection.execute(
            update(lease).where(unchanged).values(owner=owner, epoch=seen.epoch + 1, beat=0)
        )
        return Held(name=name, owner=owner, epoch=seen.epoch + 1) if changed.rowcount == 1 else None

    async def beat(self, held: Held) -> None:
        """Show that the holder lives, however busy the database is. Raises `LeaseLost` if it is the holder no more."""
        await self._database.touch(partial(_beat, held=held))

    @writing
    def give_back(self, connection: Connection, held: Held) -> None:
        """Let the next one take it at once."""
        connection.execute(update(lease).where(_is(held)).values(owner=None))


def hold_or_raise(connection: Connection, held: Held) -> None:
    """Raise `LeaseLost` unless `held` is valid in this transaction."""
    if connection.scalar(_HELD, _named(held)) is None:
        raise LeaseLost(f"the lease of {held.name} is somebody else's now")


def _beat(connection: Connection, held: Held) -> None:
    changed = connection.execute(_BEAT, _named(held))
    if changed.rowcount != 1:
        raise LeaseLost(f"the lease of {held.name} is somebody else's now")


def _is(held: Held) -> ColumnElement[bool]:
    return (lease.c.name == held.name) & (lease.c.owner == held.owner) & (lease.c.epoch == held.epoch)


def _named(held: Held) -> dict[str, str | int]:
    return {"which": held.name, "whose": held.owner, "when": held.epoch}


def _first(connection: Connection, name: str, owner: str) -> Held | None:
    if connection.scalar(select(lease.c.name).where(lease.c.name == name)) is not None:
        return None
    connection.execute(insert(lease).values(name=name, owner=owner, epoch=1, beat=0))
    return Held(name=name, owner=owner, epoch=1)
