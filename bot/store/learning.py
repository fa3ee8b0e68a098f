"""What was learned of how long things take, and what is made of it for a job that begins to wait."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, func, select

from bot.contract.values import AccountId
from bot.jobs.work import Lane, Work
from bot.scheduling import estimates
from bot.scheduling.choice import LOAD_SECONDS
from bot.scheduling.estimates import Known, Range
from bot.scheduling.holds import Plan, still
from bot.scheduling.place import Waiting, ahead, wait_seconds
from bot.store.backends import others_everywhere
from bot.store.flows import IS_LIVE, Spot
from bot.store.rows import put_all
from bot.store.switches import holds_of
from bot.store.tables import account, estimate, flow, job, loaded

_LANES = {str(each): each for each in Lane}
_KNOWN = select(estimate).where(estimate.c.key.in_(bindparam("keys", expanding=True)))
_AT_WORK = select(
    select(func.sum(job.c.charged)).where(IS_LIVE).scalar_subquery().label("busy"),
    others_everywhere().scalar_subquery().label("others"),
    select(loaded.c.backend).where(loaded.c.models == bindparam("which")).exists().label("held"),
)
_WAITING = (
    select(flow.c.account, flow.c.lane, flow.c.vtime, account.c.weight, flow.c.waiting, flow.c.seconds)
    .join(account, account.c.id == flow.c.account)
    .where(flow.c.waiting > 0)
)


def known(connection: Connection, keys: Iterable[str]) -> Known:
    """What is known under these keys."""
    rows = connection.execute(_KNOWN, {"keys": list(keys)})
    return {row.key: tuple(row.latest) for row in rows}


def run_estimate(connection: Connection, work: Work) -> float:
    """Seconds that a run takes on any backend."""
    keys = (*estimates.run_keys(work, None), *estimates.unit_keys(work, None))
    return estimates.run_seconds(known(connection, keys), work)


def load_estimate(connection: Connection, models: str) -> float:
    """Seconds that these models take to load."""
    return estimates.load_seconds(known(connection, [estimates.load_key(models)]), models, LOAD_SECONDS)


def promise(connection: Connection, spot: Spot, plan: Plan, now: float) -> tuple[float, bool, Range]:
    """For the job that was the last to join its person's flow: seconds until it is done, as far as can be known;
    whether a backend has its models loaded; and the range that is shown. Backends that take no jobs `now` count
    for nothing; while none does, it is counted from when one does, as far as that is known."""
    waiting = flows_waiting(connection)
    mine = next(each for each in waiting if (each.account, each.lane) == (spot.account, spot.lane))
    before = ahead(mine, mine.jobs - 1, mine.seconds - spot.seconds, waiting)
    work = connection.execute(_AT_WORK, {"which": spot.models}).one()
    busy = (work.busy or 0.0) + work.others * estimates.FIRST_GUESS
    holds = holds_of(connection, plan, now, but=frozenset(spot.shunned.split("\n")))
    servers = sum(hold is None for hold in holds)
    stands = still(holds)
    closed = max(0.0, stands.until - now) if stands is not None and stands.until is not None else 0.0
    guess = closed + wait_seconds(spot.lane, before, waiting, busy, servers) + spot.seconds
    held = not spot.models or bool(work.held)
    taught = known(connection, [estimates.guess_key(guess, held=held)])
    return guess, held, estimates.shown_range(taught, guess, held=held)


def flows_waiting(connection: Connection) -> list[Waiting]:
    """Everybody who waits, in each lane."""
    return [
        Waiting(AccountId(owner), _LANES[lane], vtime, weight, jobs, max(0.0, seconds))
        for owner, lane, vtime, weight, jobs, seconds in connection.execute(_WAITING)
    ]


def learn_run(
    connection: Connection, work: Work, backend: str, seconds: float, had_to_load: str | None
) -> None:
    """A run on a backend took so long; `had_to_load` are the models that it loaded."""
    keys = [*estimates.run_keys(work, backend), *estimates.unit_keys(work, backend)]
    if had_to_load is not None:
        keys.append(estimates.load_key(had_to_load))
    before = known(connection, keys)
    lessons = estimates.lessons(before, work, backend, seconds, had_to_load, LOAD_SECONDS)
    _keep(connection, before, list(lessons))


def learn_promise(connection: Connection, guess: float, seconds: float, *, held: bool) -> None:
    """What had been guessed to take `guess` seconds took so many."""
    key, value = estimates.outcome(guess, seconds, held=held)
    _keep(connection, known(connection, [key]), [(key, value)])


def _keep(connection: Connection, before: Known, lessons: list[tuple[str, float]]) -> None:
    learnt = [
        {"key": key, "latest": list(estimates.learn(before.get(key, ()), round(value, 3)))}
        for key, value in lessons
    ]
    put_all(connection, estimate, ("key",), learnt)
