"""Levels, bans and rules are kept; a day's GPU-seconds are counted, and what is too much is not stored."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from bot.contract.levels import Level
from bot.contract.overview import Change
from bot.contract.values import Actor, JobId
from bot.errors import TooMuch
from bot.jobs.standing import Ban, Kept, PlaceRule
from bot.jobs.states import State
from bot.scheduling.allowance import Allowance, Day, Spent
from bot.scheduling.caps import Caps
from bot.scheduling.terms import Terms
from bot.store.database import Database
from bot.store.leases import Held
from bot.store.store import Store
from bot.store.tables import account, job
from tests.builders import actor, everything, new_request

DAY = Day(begins=500.0, left=5.0)


def _change(at: float = 1000.0, what: str = "level") -> Change:
    return Change(at=at, by=actor("mod"), what=what, whom="test:ann", before="member", after="trusted")


async def test_levels_and_bans_of_known_and_unknown_people(store: Store) -> None:
    """Somebody may be given a level before they come; a ban ends by itself or by hand; names stay."""
    await store.requests.add(new_request(who="ann"))
    ann = replace(actor("ann"), name="ann")  # as somebody names her who has only her id
    nobody = Actor(platform="test", external_id="99", name="99")
    assert await store.standing.of(ann, 1000.0) == Kept()
    for who in (ann, nobody):
        await store.standing.give(who, Level.TRUSTED, _change())
        ban = Ban(reason="spam", by="test:mod", at=1000.0, until=1060.0)
        await store.standing.ban(who, ban, _change(what="ban"))
        assert await store.standing.of(who, 1059.0) == Kept(level=Level.TRUSTED, ban=ban)
        assert await store.standing.of(who, 1060.0) == Kept(level=Level.TRUSTED)
        assert not await store.standing.unban(who, _change(1060.0, "unban"))
        for_good = replace(ban, until=None)
        await store.standing.ban(who, for_good, _change(what="ban"))
        assert await store.standing.of(who, 10.0**10) == Kept(level=Level.TRUSTED, ban=for_good)
        assert await store.standing.unban(who, _change(2000.0, "unban"))
        assert not await store.standing.unban(who, _change(2000.0, "unban"))
        await store.standing.give(who, None, _change())
        assert await store.standing.of(who, 2000.0) == Kept()
    noted = [_change(), _change(what="ban"), _change(what="ban"), _change(2000.0, "unban"), _change()]
    assert await store.audit.newest(99) == [*noted[::-1], *noted[::-1]]
    assert await store.people.name(ann) == "Ann"
    assert await store.standing.called("test", "aNN") == [actor("ann")]
    assert await store.standing.called("test", "99") == [nobody]
    assert await store.standing.called("other", "Ann") == []


async def test_what_a_ban_ends(store: Store, held: Held) -> None:
    """Jobs that wait, in their order; with those that run, if so asked; nobody else's."""
    for key in ("1", "2", "3"):
        await store.requests.add(new_request(key))
    assert (await store.queue.claim(held, "p1", now=1001.0)) is not None
    await store.requests.add(new_request("4", who="bob"))
    waiting = [JobId("job-2"), JobId("job-3")]
    assert await store.standing.unfinished(actor(), running=False) == waiting
    assert await store.standing.unfinished(actor(), running=True) == [JobId("job-1"), *waiting]
    assert await store.standing.unfinished(actor("cy"), running=True) == []


async def test_rules_of_places(store: Store) -> None:
    """Each is replaced as a whole; nothing said is not no."""
    den = PlaceRule(
        platform="test", external_id="7", name="den", workflows=("edit", "imagine"), allowed=False
    )
    bare = PlaceRule(platform="test", external_id="8", name="", age_restricted=True)
    for rule in (replace(den, allowed=True), den, bare, replace(bare, platform="other")):
        await store.standing.rule(rule, _change(what="place"))
    assert await store.standing.rules("test") == [bare, den]
    await store.standing.rule(replace(den, workflows=()), _change(what="place"))
    assert await store.standing.rules("test") == [bare, replace(den, workflows=())]


async def _run(store: Store, held: Held, key: str, state: State, *, began: float, ended: float) -> None:
    """Carry the next job through to an end."""
    attempt = await store.queue.claim(held, f"prompt-{key}", now=began)
    assert attempt is not None
    assert attempt.job.id == f"job-{key}"
    await store.queue.advance(attempt, State.POSTING)
    await store.queue.advance(attempt, State.WAITING)
    await store.queue.advance(attempt, State.RUNNING, started=began)
    if state is State.DONE:
        await store.queue.advance(attempt, State.FETCHING)
    await store.queue.finish(attempt, state, now=ended)


async def test_a_day_counts_what_was_made_and_what_is_bound(
    store: Store, database: Database, held: Held
) -> None:
    """Done: as long as it took. Failed, cancelled while it waited, of another day: nothing. Waiting: as estimated."""
    await store.requests.add(new_request("1"))
    await _run(store, held, "1", State.DONE, began=400.0, ended=450.0)  # the day before
    await store.requests.add(new_request("2"))
    await _run(store, held, "2", State.DONE, began=1000.0, ended=1030.0)
    await store.requests.add(new_request("3"))
    await _run(store, held, "3", State.FAILED, began=1040.0, ended=1140.0)
    await store.requests.add(new_request("4"))
    await _run(store, held, "4", State.CANCELLED, began=1150.0, ended=1157.0)
    await store.requests.add(new_request("5"))
    await store.queue.cancel(JobId("job-5"), now=1160.0)
    await store.requests.add(new_request("6", who="bob"))
    await _run(store, held, "6", State.DONE, began=1200.0, ended=1300.0)
    assert await store.requests.spent(actor(), DAY.begins) == (Spent(used=37.0, bound=0.0), 40.0)
    assert await store.requests.spent(actor("cy"), DAY.begins) == (Spent(), 50.0)
    await store.requests.add(new_request("7"))
    await store.requests.add(new_request("8"))
    claimed = await store.queue.claim(held, "p7", now=1310.0)
    assert claimed is not None
    estimates = await database.read(
        lambda connection: connection.execute(
            select(job.c.id, job.c.charged, job.c.estimate).where(job.c.id.in_(["job-7", "job-8"]))
        ).all()
    )
    bound = sum(row.charged if row.id == "job-7" else row.estimate for row in estimates)
    assert bound > 0
    assert await store.requests.spent(actor(), DAY.begins) == (Spent(used=37.0, bound=bound), 40.0)


async def test_what_a_day_has_no_room_for_is_not_stored(store: Store, database: Database, held: Held) -> None:
    """The first takes 20 as far as is known; told is what was used, what waits and when it begins anew."""
    some = Terms(allowance=Allowance(seconds=45.0), day=DAY)
    await store.requests.add(new_request("1"), some)
    await _run(store, held, "1", State.DONE, began=1000.0, ended=1010.0)
    await store.requests.add(new_request("2"), some)
    await store.requests.add(new_request("3"), some)
    await store.requests.add(new_request("4"), some)
    before = await everything(database)
    with pytest.raises(TooMuch) as told:
        await store.requests.add(new_request("5"), some)
    assert str(told.value) == (
        "This takes about 10 GPU-seconds. You have used 10 of today's 45, and what waits takes about 30. "
        "They begin anew in 5 hours."
    )
    assert await everything(database) == before
    added = await store.requests.add(new_request("4"), some)  # the same event once more
    assert added.existing
    await store.requests.add(new_request("6"), Terms(allowance=Allowance(), day=DAY))
    await store.requests.add(new_request("7", who="bob"), some)


async def test_levels_give_a_weight_and_a_smaller_cap(store: Store, database: Database) -> None:
    """The weight is the one that the person has now; a level's cap never lifts everybody's."""
    caps = Caps(waiting_person=2)
    one = Terms(caps=caps, allowance=Allowance(waiting=1))
    await store.requests.add(new_request("1"), Terms(caps=caps, allowance=Allowance(weight=0.5, waiting=9)))
    await store.requests.add(new_request("2"), Terms(caps=caps, allowance=Allowance(weight=2.0, waiting=9)))
    with pytest.raises(TooMuch, match="2 pictures waiting"):
        await store.requests.add(new_request("3"), Terms(caps=caps, allowance=Allowance(waiting=9)))
    await store.requests.add(new_request("4", where="b", who="bob"), one)
    with pytest.raises(TooMuch, match="1 picture waiting"):
        await store.requests.add(new_request("5", where="b", who="bob"), one)
    weights = await database.read(lambda connection: connection.scalars(select(account.c.weight)).all())
    assert sorted(weights) == [1.0, 2.0]
