"""Accepting requests: one transaction a request, and each event at most once."""

from __future__ import annotations

import time
from dataclasses import asdict
from uuid import uuid4

from sqlalchemy import Connection, bindparam, func, insert, select, update

from bot.contract.values import AccountId, Actor, JobId, MessageId, Place, RequestId
from bot.errors import TooMuch
from bot.jobs.models import AS_WRITTEN, Added, Blob, NewRequest, Reading
from bot.jobs.states import State
from bot.scheduling.allowance import Spent, overdrawn
from bot.scheduling.caps import Asking, Bill, Purse, refusal, too_dear
from bot.scheduling.holds import Plan
from bot.scheduling.terms import Terms
from bot.store.database import Database, reading, writing
from bot.store.flows import Spot, join_line
from bot.store.learning import promise, run_estimate
from bot.store.rows import add_unless_there
from bot.store.spending import spent, typical
from bot.store.switches import caps_in_force
from bot.store.tables import (
    account,
    blob,
    flow,
    identity,
    input_,
    job,
    line,
    message,
    place,
    request,
    workflow_version,
)

_FIND = (
    select(
        request.c.id,
        request.c.fingerprint,
        job.c.id.label("job"),
        message.c.id.label("message"),
        message.c.address,
        message.c.removed,
        message.c.dead,
    )
    .join(job, job.c.request == request.c.id)
    .join(message, message.c.request == request.c.id)
    .where(request.c.event_key == bindparam("key"))
)
_WHO = (identity.c.platform == bindparam("whose")) & (identity.c.external_id == bindparam("which"))
_ACCOUNT = select(identity.c.account, identity.c.name).where(_WHO)
_KNOWN = select(
    select(request.c.id).where(request.c.event_key == bindparam("key")).scalar_subquery().label("request"),
    select(identity.c.account).where(_WHO).scalar_subquery().label("account"),
    select(identity.c.name).where(_WHO).scalar_subquery().label("name"),
    select(place.c.id)
    .where(place.c.platform == bindparam("platform"), place.c.external_id == bindparam("external_id"))
    .scalar_subquery()
    .label("place"),
    select(workflow_version.c.version)
    .where(workflow_version.c.version == bindparam("version"))
    .scalar_subquery()
    .label("version"),
)
_RENAME = update(identity).where(_WHO)
_ASKED = select(
    select(func.coalesce(func.sum(flow.c.waiting), 0))
    .where(flow.c.account == bindparam("owner"))
    .scalar_subquery(),
    select(func.coalesce(func.sum(line.c.waiting), 0))
    .where(line.c.place == bindparam("place"))
    .scalar_subquery(),
    select(func.max(request.c.created)).where(request.c.account == bindparam("owner")).scalar_subquery(),
)
_WEIGH = (
    update(account)
    .where(
        account.c.id == bindparam("which"),
        account.c.own_weight.is_(None),
        account.c.weight != bindparam("other", type_=account.c.weight.type),
    )
    .values(weight=bindparam("other", type_=account.c.weight.type))
)
_NEW_REQUEST = insert(request)
_NEW_JOB = insert(job).values(number=select(func.coalesce(func.max(job.c.number), 0) + 1).scalar_subquery())
_NEW_MESSAGE = insert(message).values(
    number=select(func.coalesce(func.max(message.c.number), 0) + 1).scalar_subquery()
)


class Requests:
    """Stores new requests with their message and job."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @writing
    def add(
        self,
        connection: Connection,
        new: NewRequest,
        terms: Terms | None = None,
    ) -> Added:
        """Store a request, unless its event key is known: then say what the first one made.

        Raises `TooMuch` if the `terms` leave no room for it; then nothing is stored.
        """
        terms = terms or Terms()
        named = {**_named(new.actor), **asdict(new.place), "version": new.version}
        known = connection.execute(_KNOWN, {"key": new.event_key, **named}).one()
        if known.request is not None and (made := _find(connection, new.event_key)) is not None:
            return made
        owner = _account(connection, new.actor, new.created, known.account, known.name)
        where = known.place or _new_place(connection, new.place)
        seconds = run_estimate(connection, new.work)
        _refuse(connection, new, owner, where, terms)
        _stay_within(connection, owner, terms, seconds)
        _refuse_dear(connection, new, owner, terms.purse)
        if terms.allowance is not None:
            _weigh(connection, owner, terms.allowance.weight)
        if known.version is None:
            version = {"version": new.version, "name": new.workflow, "graph": new.graph}
            add_unless_there(connection, workflow_version, version)
        _insert_request(connection, new, owner, where)
        spot = _spot(new, owner, where, seconds)
        join_line(connection, spot)
        _insert_job(connection, new, spot, terms.plan)
        _insert_message(connection, new, where)
        return Added(
            request=new.request,
            job=new.job,
            message=new.message,
            address=new.address,
            fingerprint=new.fingerprint,
            existing=False,
        )

    @reading
    def find(self, connection: Connection, event_key: str) -> Added | None:
        """What an event made earlier, or None if it is new."""
        return _find(connection, event_key)

    @reading
    def spent(self, connection: Connection, actor: Actor, since: float) -> tuple[Spent, float | None]:
        """The GPU-seconds that somebody has had since then, and those of a typical job; None before there was one."""
        owner = known_account(connection, actor)
        had = Spent() if owner is None else spent(connection, owner, since)
        return had, typical(connection, owner)

    @reading
    def account(self, connection: Connection, actor: Actor) -> AccountId | None:
        """The account of a person who has asked before."""
        return known_account(connection, actor)

    @writing
    def keep_blob(self, connection: Connection, kept: Blob) -> None:
        """Note that the spool holds these bytes, before a job refers to them."""
        add_unless_there(connection, blob, asdict(kept))


def _find(connection: Connection, event_key: str) -> Added | None:
    row = connection.execute(_FIND, {"key": event_key}).one_or_none()
    if row is None:
        return None
    return Added(
        request=RequestId(row.id),
        job=JobId(row.job),
        message=MessageId(row.message),
        address=None if row.removed or row.dead else row.address,
        fingerprint=row.fingerprint,
        existing=True,
    )


def known_account(connection: Connection, actor: Actor) -> AccountId | None:
    """The account of a person who has been here."""
    found: str | None = connection.scalar(_ACCOUNT, _named(actor))
    return AccountId(found) if found is not None else None


def _named(actor: Actor) -> dict[str, str]:
    return {"whose": actor.platform, "which": actor.external_id}


def account_of(connection: Connection, actor: Actor, now: float) -> AccountId:
    """The account of a person, who is called as `actor` is from now on; a new one for somebody new."""
    found = connection.execute(_ACCOUNT, _named(actor)).one_or_none()
    known, name = (None, None) if found is None else found
    return _account(connection, actor, now, known, name)


def _account(
    connection: Connection, actor: Actor, now: float, known: str | None, name: str | None
) -> AccountId:
    """The same, where it is known already which account it is, if any, and what they were called."""
    if known is not None:
        if name != actor.name:
            connection.execute(_RENAME, {**_named(actor), "name": actor.name})
        return AccountId(known)
    new = AccountId(uuid4().hex)
    connection.execute(insert(account).values(id=new, created=now))
    connection.execute(
        insert(identity).values(
            platform=actor.platform, external_id=actor.external_id, name=actor.name, account=new
        )
    )
    return new


def _new_place(connection: Connection, where: Place) -> str:
    new = uuid4().hex
    connection.execute(insert(place).values(id=new, platform=where.platform, external_id=where.external_id))
    return new


def _spot(new: NewRequest, owner: AccountId, where: str, seconds: float) -> Spot:
    return Spot(
        account=owner,
        lane=new.lane,
        place=where,
        models=new.models,
        shunned="\n".join(sorted(new.shunned)),
        seconds=seconds,
    )


def _weigh(connection: Connection, owner: AccountId, weight: float) -> None:
    """Give somebody their level's share, unless they have one of their own; it may be another than the last time."""
    connection.execute(_WEIGH, {"which": owner, "other": weight})


def _stay_within(connection: Connection, owner: AccountId, terms: Terms, seconds: float) -> None:
    """Raise `TooMuch` for a job of so many seconds that the day has no room for."""
    allowance, day = terms.allowance, terms.day
    if allowance is None or allowance.seconds is None or day is None:
        return
    words = overdrawn(allowance, spent(connection, owner, day.begins), seconds, day.left)
    if words is not None:
        raise TooMuch(words)


def _refuse(connection: Connection, new: NewRequest, owner: AccountId, where: str, terms: Terms) -> None:
    """Raise `TooMuch` unless the caps leave room. The counts are exact: nothing else is written meanwhile."""
    if terms.caps is None:
        return
    caps = caps_in_force(connection, terms.caps)
    waiting, places, before = connection.execute(_ASKED, {"owner": owner, "place": where}).one()
    asking = Asking(
        waiting_person=waiting,
        waiting_place=places,
        since_last=max(0.0, new.created - before) if before is not None else None,
    )
    words = refusal(caps if terms.allowance is None else terms.allowance.within(caps), asking)
    if words is not None:
        raise TooMuch(words)


def _refuse_dear(connection: Connection, new: NewRequest, owner: AccountId, purse: Purse | None) -> None:
    """Raise `TooMuch` if the person has had enough for today. What never ran cost nothing."""
    if purse is None or not new.paid:
        return
    ran = job.c.started.is_not(None) | job.c.state.not_in((State.FAILED, State.CANCELLED))
    mine = (job.c.account == owner) & job.c.paid & (job.c.created >= midnight(new.created)) & ran
    count, amount = connection.execute(
        select(func.count(), func.coalesce(func.sum(job.c.price), 0.0)).where(mine)
    ).one()
    words = too_dear(purse, Bill(jobs=count, dollars=amount), new.price)
    if words is not None:
        raise TooMuch(words)


def midnight(now: float) -> float:
    """When the server's own day began."""
    year, month, day = time.localtime(now)[:3]
    return time.mktime((year, month, day, 0, 0, 0, 0, 0, -1))


def _insert_request(connection: Connection, new: NewRequest, owner: AccountId, where: str) -> None:
    connection.execute(
        _NEW_REQUEST,
        {
            "id": new.request,
            "event_key": new.event_key,
            "account": owner,
            "actor_platform": new.actor.platform,
            "actor_external_id": new.actor.external_id,
            "place": where,
            "command": new.command,
            "fingerprint": new.fingerprint,
            "created": new.created,
        },
    )


def _insert_job(connection: Connection, new: NewRequest, spot: Spot, plan: Plan) -> None:
    guess, held, shown = promise(connection, spot, plan, new.created)
    connection.execute(
        _NEW_JOB,
        {
            "id": new.job,
            "request": new.request,
            **spot.key,
            "parent_job": new.parent.job if new.parent else None,
            "parent_output": new.parent.index if new.parent else None,
            "workflow": new.workflow,
            "version": new.version,
            "values": dict(new.values),
            "patch": [asdict(setting) for setting in new.patch],
            "seed": str(new.seed) if new.seed is not None else None,
            "state": State.QUEUED,
            "attempt": 0,
            "failures": 0,
            "cancel_requested": False,
            "fraction": 0.0,
            "created": new.created,
            "pixels": new.work.pixels,
            "steps": new.work.steps,
            "batch": new.work.batch,
            "estimate": spot.seconds,
            "guess": guess,
            "held": held,
            "early": new.created + shown.low,
            "late": new.created + shown.high,
            "revision": new.revision,
            "paid": new.paid,
            "price": new.price,
            "reading": None if new.reading == AS_WRITTEN else _kept(new.reading),
        },
    )
    if new.inputs:
        connection.execute(insert(input_), [{"job": new.job, **asdict(image)} for image in new.inputs])


def _kept(reading: Reading) -> dict[str, object]:
    return {"texts": dict(reading.texts), "remarks": list(reading.remarks)}


def _insert_message(connection: Connection, new: NewRequest, where: str) -> None:
    connection.execute(
        _NEW_MESSAGE,
        {
            "id": new.message,
            "request": new.request,
            "place": where,
            "adapter": new.adapter,
            "address": dict(new.address),
            "wanted": 1,
            "shown": 0,
            "removed": False,
            "dead": False,
            "transient": new.transient,
            "parked": False,
            "spoiler": new.spoiler,
        },
    )
