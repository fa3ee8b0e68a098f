"""Messages: what each should show, what it shows, and who may see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, delete, func, select, update

from bot.contract.values import AccountId, Actor, Address, JobId, MessageId, Place
from bot.jobs.models import MessageView
from bot.jobs.states import ENDS, LIVE, State
from bot.jobs.work import Lane
from bot.scheduling.place import Turn, Waiting
from bot.store.backends import others_everywhere
from bot.store.database import Database, reading, writing, writing_soon
from bot.store.flows import IS_LIVE, moved
from bot.store.learning import flows_waiting
from bot.store.rows import inputs_of, job_record, outputs_of
from bot.store.tables import flow, identity, input_, job, loaded, message, output, place, request


class Messages:
    """Reads messages with all that their cards are made of, and keeps the outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_job(self, job_id: JobId) -> MessageView | None:
        """The message that shows a job."""
        views = await self.of_jobs([job_id])
        return views[0] if views else None

    async def of_jobs(self, job_ids: Sequence[JobId]) -> list[MessageView]:
        """The messages that show these jobs."""
        return await self._views(_OF_JOBS, {"jobs": list(job_ids)}) if job_ids else []

    async def of_place(
        self, where: Place, limit: int, *, before: MessageId | None = None, words: str = ""
    ) -> list[MessageView]:
        """The newest messages of a place that were not removed, oldest first.

        With `before` those older than that message, with `words` those whose command and prompt have them all.
        """
        query = _of_place(_query(), where, before).order_by(message.c.number.desc())
        if words.strip():
            query = query.where(message.c.id.in_(await self._matching(where, before, words, limit)))
        return (await self._views(query.limit(limit)))[::-1]

    async def due(self, adapter: str, limit: int) -> list[MessageView]:
        """Messages of an adapter that do not show yet what they should, oldest first."""
        return await self._views(_DUE, {"owner": adapter, "most": limit})

    @reading
    def unsettled(
        self, connection: Connection, adapter: str, limit: int, *, line: bool = True
    ) -> tuple[list[MessageView], list[MessageView], list[MessageView]]:
        """An adapter's messages: those whose jobs have waited longest, whose place in line moves by itself; those whose
        jobs a backend has in hand, in whatever process that is; and those that do not show yet what they should.

        Without `line` nobody who waits is looked at."""
        which = {"owner": adapter, "most": limit}
        queries = (_QUEUED, _CARRIED, _DUE) if line else (_CARRIED, _DUE)
        *waiting, carried, due = (
            _records(connection, connection.execute(query, which).all()) for query in queries
        )
        return waiting[0] if waiting else [], carried, due

    @writing_soon
    def shown(self, connection: Connection, view: MessageView) -> None:
        """Note that a message shows what `view` wanted."""
        connection.execute(_SHOWN, {"which": view.id, "shown": view.wanted, "below": view.wanted})

    @writing
    def give_up(self, connection: Connection, message_id: MessageId) -> None:
        """Note that a message can never be shown again; its job and outputs stay."""
        _set(connection, message_id, dead=True)

    @writing
    def park(self, connection: Connection, message_id: MessageId) -> None:
        """Note that a message can't be changed until its address is renewed."""
        _set(connection, message_id, parked=True)

    @writing
    def move(self, connection: Connection, message_id: MessageId, address: Address) -> None:
        """Note the address that a message has from now on."""
        _set(connection, message_id, address=dict(address))

    @writing
    def renew(self, connection: Connection, message_id: MessageId, address: Address) -> None:
        """Note that a message can be reached again, at this address, and ask for it to be shown as it stands."""
        _set(connection, message_id, address=dict(address), parked=False, wanted=message.c.wanted + 1)

    @writing
    def remove(self, connection: Connection, message_id: MessageId, job_id: JobId) -> list[str]:
        """Ask for a message to be taken away and forget its outputs. Says which bytes nobody needs any more."""
        connection.execute(
            update(message)
            .where(message.c.id == message_id, message.c.removed.is_(False))
            .values(removed=True, wanted=message.c.wanted + 1)
        )
        had = select(output.c.sha256).where(output.c.job == job_id)
        hashes = set(connection.scalars(had))
        connection.execute(delete(output).where(output.c.job == job_id))
        still = select(output.c.sha256).union(select(input_.c.sha256)).subquery()
        used = set(connection.scalars(select(still.c.sha256).where(still.c.sha256.in_(hashes))))
        return sorted(hashes - used)

    @reading
    def line(
        self, connection: Connection, job_ids: Sequence[JobId]
    ) -> tuple[list[Waiting], dict[JobId, Turn], frozenset[str], int]:
        """Everybody who waits, the turn of each of these jobs that waits, the models that backends have loaded, and
        how many prompts of others keep all of them busy."""
        turns = {
            JobId(job_id): Turn(
                account=AccountId(owner),
                lane=Lane(lane),
                nth=nth,
                before=before,
                fronts=fronts,
                front=front is not None,
            )
            for job_id, owner, lane, front, nth, before, fronts in connection.execute(
                _TURNS, {"jobs": list(job_ids)}
            )
        }
        models = frozenset(connection.scalars(_LOADED))
        return flows_waiting(connection), turns, models, int(connection.scalar(_OTHERS) or 0)

    @reading
    def totals(self, connection: Connection) -> tuple[int, int]:
        """How many jobs wait and how many a backend has in hand."""
        query = select(func.coalesce(func.sum(flow.c.waiting), 0), func.coalesce(func.sum(flow.c.running), 0))
        waiting, running = connection.execute(query).one()
        return int(waiting), int(running)

    @reading
    def ended(self, connection: Connection) -> dict[State, int]:
        """How many jobs have ended, by how."""
        query = select(job.c.state, func.count()).where(job.c.finished.is_not(None)).group_by(job.c.state)
        return {State(state): count for state, count in connection.execute(query)}

    @reading
    def running_on(self, connection: Connection, backend: str) -> int:
        """How many jobs a backend has in hand."""
        query = select(func.count()).where(job.c.backend == backend, job.c.state.in_(LIVE))
        return connection.scalar(query) or 0

    @reading
    def in_hand(self, connection: Connection) -> list[tuple[MessageView, str | None]]:
        """What the backends have in hand on all platforms, longest first, each with its backend's lease."""
        rows = connection.execute(_query().where(job.c.state.in_(LIVE)).order_by(job.c.number)).all()
        views = _records(connection, rows)
        return [(view, row.backend) for view, row in zip(views, rows, strict=True)]

    async def all_waiting(self, limit: int) -> list[MessageView]:
        """Jobs that wait on all platforms, those that were asked for first."""
        return await self._views(
            _query().where(job.c.state == State.QUEUED).order_by(job.c.number).limit(limit)
        )

    async def failed(self, limit: int) -> list[MessageView]:
        """The jobs that failed last, the newest first."""
        query = _query().where(job.c.state == State.FAILED).order_by(job.c.finished.desc()).limit(limit)
        return await self._views(query)

    @reading
    def _matching(
        self, connection: Connection, where: Place, before: MessageId | None, words: str, limit: int
    ) -> list[MessageId]:
        """The newest messages with these words. Compared here: SQLite folds the case of ASCII letters only."""
        wanted = words.casefold().split()
        prompt = job.c["values"]["prompt"].as_string().label("prompt")
        query = select(message.c.id, request.c.command, prompt)
        query = query.join(request, request.c.id == message.c.request).join(
            job, job.c.request == request.c.id
        )
        query = _of_place(query.join(place, place.c.id == message.c.place), where, before)
        found: list[MessageId] = []
        for row in connection.execute(query.order_by(message.c.number.desc())):
            text = f"/{row.command} {row.prompt or ''}".casefold()
            if all(word in text for word in wanted):
                found.append(MessageId(row.id))
            if len(found) == limit:
                break
        return found

    @reading
    def _views(
        self, connection: Connection, query: Select[Any], values: Mapping[str, object] | None = None
    ) -> list[MessageView]:
        return _records(connection, connection.execute(query, values).all())


def _set(connection: Connection, message_id: MessageId, **values: Any) -> None:
    connection.execute(update(message).where(message.c.id == message_id).values(**values))


def _of_place(query: Select[Any], where: Place, before: MessageId | None) -> Select[Any]:
    """Narrow a query to what a place shows, and to what is older than a message."""
    query = query.where(
        place.c.platform == where.platform,
        place.c.external_id == where.external_id,
        message.c.removed.is_(False),
    )
    if before is None:
        return query
    older = message.alias()
    return query.where(
        message.c.number < select(older.c.number).where(older.c.id == before).scalar_subquery()
    )


def _reachable() -> ColumnElement[bool]:
    return and_(message.c.dead.is_(False), message.c.parked.is_(False))


def _query() -> Select[Any]:
    who = (identity.c.platform == request.c.actor_platform) & (
        identity.c.external_id == request.c.actor_external_id
    )
    return (
        select(
            job,
            message.c.id.label("message"),
            message.c.adapter,
            message.c.address,
            message.c.wanted,
            message.c.shown,
            message.c.removed,
            message.c.transient,
            message.c.spoiler,
            _reachable().label("reachable"),
            request.c.command,
            identity.c.platform.label("actor_platform"),
            identity.c.external_id.label("actor_external_id"),
            identity.c.name.label("actor_name"),
            place.c.platform.label("place_platform"),
            place.c.external_id.label("place_external_id"),
        )
        .join(request, request.c.id == job.c.request)
        .join(message, message.c.request == request.c.id)
        .join(place, place.c.id == message.c.place)
        .join(identity, who)
    )


def _records(connection: Connection, rows: Sequence[Any]) -> list[MessageView]:
    inputs = inputs_of(connection, [row.id for row in rows])
    outputs = outputs_of(connection, [row.id for row in rows if row.state in ENDS])
    return [
        MessageView(
            id=MessageId(row.message),
            adapter=row.adapter,
            address=row.address,
            actor=Actor(platform=row.actor_platform, external_id=row.actor_external_id, name=row.actor_name),
            place=Place(platform=row.place_platform, external_id=row.place_external_id),
            command=row.command,
            wanted=row.wanted,
            shown=row.shown,
            removed=row.removed,
            transient=row.transient,
            spoiler=row.spoiler,
            reachable=row.reachable,
            job=job_record(row, inputs.get(row.id, [])),
            outputs=tuple(outputs.get(row.id, [])),
        )
        for row in rows
    ]


def _ours() -> Select[Any]:
    """The messages of an adapter that can be reached, oldest first."""
    return (
        _query()
        .where(message.c.adapter == bindparam("owner"), _reachable())
        .order_by(message.c.number)
        .limit(bindparam("most"))
    )


def _turns() -> Select[Any]:
    own = job.alias()
    mine = (
        (own.c.state == State.QUEUED)
        & (own.c.account == job.c.account)
        & (own.c.lane == job.c.lane)
        & (own.c.number < job.c.number)
    )
    count = select(func.count()).where(mine).scalar_subquery()
    seconds = select(func.coalesce(func.sum(own.c.estimate), 0.0)).where(mine).scalar_subquery()
    front = job.alias()
    earlier = moved(front) & (job.c.front.is_(None) | (front.c.front < job.c.front))
    fronts = select(func.count()).where(earlier).scalar_subquery()
    return select(job.c.id, job.c.account, job.c.lane, job.c.front, count, seconds, fronts).where(
        job.c.id.in_(bindparam("jobs", expanding=True)), job.c.state == State.QUEUED
    )


_OF_JOBS = _query().where(job.c.id.in_(bindparam("jobs", expanding=True)))
_DUE = _ours().where(message.c.wanted > message.c.shown)
_QUEUED = _ours().where(job.c.state == State.QUEUED)
_CARRIED = _ours().where(IS_LIVE)
_TURNS = _turns()
_OTHERS = others_everywhere()
_LOADED = select(loaded.c.models)
_SHOWN = update(message).where(message.c.id == bindparam("which"), message.c.shown < bindparam("below"))
