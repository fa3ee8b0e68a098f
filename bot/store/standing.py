"""Levels and bans of people, rules of places."""

from __future__ import annotations

from dataclasses import asdict, replace

from sqlalchemy import Connection, Float, bindparam, delete, func, select, update

from bot.contract.levels import Level
from bot.contract.overview import Change
from bot.contract.values import AccountId, Actor, JobId
from bot.jobs.standing import Ban, Kept, PlaceRule
from bot.jobs.states import LIVE, State
from bot.store.audit import note
from bot.store.database import Database, reading, writing
from bot.store.requests import account_of, known_account
from bot.store.rows import put
from bot.store.tables import account, ban, identity, job, place_rule

_HOLDS = func.coalesce(ban.c.until, bindparam("later", type_=Float)) > bindparam("now", type_=Float)
_KEPT = (
    select(account.c.level, ban)
    .select_from(identity)
    .join(account, account.c.id == identity.c.account)
    .outerjoin(ban, (ban.c.account == account.c.id) & _HOLDS)
    .where(identity.c.platform == bindparam("whose"), identity.c.external_id == bindparam("which"))
)
_RULES = (
    select(place_rule)
    .where(place_rule.c.platform == bindparam("platform"))
    .order_by(place_rule.c.name, place_rule.c.external_id)
)


class Standing:
    """Reads and changes what admins and moderators say of people and places. The audit trail has each change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @reading
    def of(self, connection: Connection, actor: Actor, now: float) -> Kept:
        """What was given to a person, as it holds `now` (seconds since 1970)."""
        who = {"whose": actor.platform, "which": actor.external_id}
        row = connection.execute(_KEPT, {**who, "now": now, "later": now + 1}).one_or_none()
        if row is None:
            return Kept()
        banned = (
            None if row.account is None else Ban(reason=row.reason, by=row.by, at=row.at, until=row.until)
        )
        return Kept(level=None if row.level is None else Level.named(row.level), ban=banned)

    @writing
    def give(self, connection: Connection, actor: Actor, level: Level | None, change: Change) -> None:
        """Give a person a level, also one who was never here; None takes it back."""
        owner = _account(connection, actor, change.at)
        note(connection, change)
        name = None if level is None else str(level)
        connection.execute(update(account).where(account.c.id == owner).values(level=name))

    @writing
    def ban(self, connection: Connection, actor: Actor, given: Ban, change: Change) -> None:
        """Block a person, in place of an earlier ban."""
        owner = _account(connection, actor, given.at)
        note(connection, change)
        put(connection, ban, {"account": owner}, asdict(given))

    @writing
    def unban(self, connection: Connection, actor: Actor, change: Change) -> bool:
        """Lift a ban. Whether there was one that still held."""
        owner, now = known_account(connection, actor), change.at
        held = (ban.c.account == owner) & (func.coalesce(ban.c.until, now + 1) > now)
        was = connection.scalar(select(func.count()).where(held)) == 1
        if was:
            note(connection, change)
        connection.execute(delete(ban).where(ban.c.account == owner))
        return was

    @reading
    def unfinished(self, connection: Connection, actor: Actor, *, running: bool) -> list[JobId]:
        """A person's jobs that wait and, if so asked, those in the hands of backends, the oldest first."""
        states = (State.QUEUED, *(LIVE if running else ()))
        query = (
            select(job.c.id)
            .where(job.c.account == known_account(connection, actor), job.c.state.in_(states))
            .order_by(job.c.number)
        )
        return [JobId(found) for found in connection.scalars(query)]

    @reading
    def called(self, connection: Connection, platform: str, name: str) -> list[Actor]:
        """The people of a platform who are called so, whatever the case."""
        query = (
            select(identity)
            .where(identity.c.platform == platform, func.lower(identity.c.name) == name.lower())
            .order_by(identity.c.external_id)
        )
        return [
            Actor(platform=row.platform, external_id=row.external_id, name=row.name)
            for row in connection.execute(query)
        ]

    @reading
    def rules(self, connection: Connection, platform: str) -> list[PlaceRule]:
        """What was said of a platform's places, by their names."""
        rows = connection.execute(_RULES, {"platform": platform})
        found = [PlaceRule(**row._asdict()) for row in rows]
        return [
            rule if rule.workflows is None else replace(rule, workflows=tuple(rule.workflows))
            for rule in found
        ]

    @writing
    def rule(self, connection: Connection, rule: PlaceRule, change: Change) -> None:
        """Say something of a place, in place of what was said before."""
        note(connection, change)
        values = asdict(rule)
        key = {name: values.pop(name) for name in ("platform", "external_id")}
        if values["workflows"] is not None:
            values["workflows"] = list(values["workflows"])
        put(connection, place_rule, key, values)


def _account(connection: Connection, actor: Actor, now: float) -> AccountId:
    """Their account, made if they are new; who is known keeps their name."""
    return known_account(connection, actor) or account_of(connection, actor, now)
