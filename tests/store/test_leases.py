"""Leases: taken when free or dead by the observer's clock, kept by beats, never held by two."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import make_url

from bot.errors import LeaseLost
from bot.store.database import Database
from bot.store.holding import LeaseTiming, while_held
from bot.store.leases import Held, Leases, Seen
from bot.store.postgres import LOCK
from bot.store.store import Store

NAME = "backend:a"
QUICK = LeaseTiming(beat=0.02, dead=0.4)
CALM = LeaseTiming(beat=0.1, dead=4.0)
"""For a holder that must keep its lease: a busy disk may take a second for one beat."""


class Body:
    """What is done under a lease: says when it began and how it ended, and goes on until told."""

    def __init__(self) -> None:
        self.held: Held | None = None
        self.began = asyncio.Event()
        self.leave = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, held: Held) -> None:
        """The body proper."""
        self.held = held
        self.began.set()
        try:
            await self.leave.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


async def _beats(leases: Leases, seconds: float) -> None:
    """Watch the holder beat for so long."""
    until, last = time.monotonic() + seconds, await leases.look(NAME)
    while time.monotonic() < until:
        while (seen := await leases.look(NAME)) == last:
            await asyncio.sleep(0)
        last = seen


async def test_the_first_takes_it_with_epoch_1(store: Store) -> None:
    """Nobody held it; afterwards everybody sees who does."""
    assert await store.leases.look(NAME) is None
    held = await store.leases.take(NAME, "ann", None)
    assert held == Held(name=NAME, owner="ann", epoch=1)
    assert await store.leases.look(NAME) == Seen(owner="ann", epoch=1, beat=0)


async def test_of_two_that_saw_it_free_one_gets_it(store: Store, database: Database) -> None:
    """Both looked before either took: one has it, the other learns that it was too slow."""
    sides = [store.leases, Leases(database)]
    taken = await asyncio.gather(*(side.take(NAME, f"{n}", None) for n, side in enumerate(sides)))
    assert sorted(held is None for held in taken) == [False, True]
    seen = await store.leases.look(NAME)
    again = await asyncio.gather(*(side.take(NAME, f"{n}", seen) for n, side in enumerate(sides)))
    assert [held.epoch for held in again if held is not None] == [2]


async def test_a_beat_between_looking_and_taking_saves_the_holder(store: Store) -> None:
    """An observer may only take what it saw: the holder has shown a sign of life since."""
    held = await store.leases.take(NAME, "ann", None)
    assert held is not None
    seen = await store.leases.look(NAME)
    await store.leases.beat(held)
    assert await store.leases.take(NAME, "bob", seen) is None
    assert await store.leases.look(NAME) == Seen(owner="ann", epoch=1, beat=1)


async def test_whoever_lost_it_can_neither_beat_nor_give_it_back(store: Store) -> None:
    """The old holder's beat raises, and its giving back leaves the new holder alone."""
    old = await store.leases.take(NAME, "ann", None)
    assert old is not None
    new = await store.leases.take(NAME, "bob", await store.leases.look(NAME))
    with pytest.raises(LeaseLost):
        await store.leases.beat(old)
    await store.leases.give_back(old)
    assert new == Held(name=NAME, owner="bob", epoch=2)
    assert await store.leases.look(NAME) == Seen(owner="bob", epoch=2, beat=0)


async def test_the_same_owner_in_another_epoch_is_another_holder(store: Store) -> None:
    """A process that took its own lease again has cut off what it did before."""
    old = await store.leases.take(NAME, "ann", None)
    assert old is not None
    await store.leases.take(NAME, "ann", await store.leases.look(NAME))
    with pytest.raises(LeaseLost):
        await store.leases.beat(old)


async def test_a_lease_given_back_is_free_at_once(store: Store) -> None:
    """The next holder need not wait until the last one is taken for dead."""
    held = await store.leases.take(NAME, "ann", None)
    assert held is not None
    await store.leases.give_back(held)
    body = Body()
    body.leave.set()
    async with asyncio.timeout(20):
        await while_held(store.leases, NAME, "bob", LeaseTiming(beat=1, dead=1000), body)
    assert body.held == Held(name=NAME, owner="bob", epoch=2)
    assert await store.leases.look(NAME) == Seen(owner=None, epoch=2, beat=0)


async def test_a_holder_that_beats_is_never_robbed(store: Store, database: Database) -> None:
    """Another wants it for much longer than the dead time, and gets it only once it is given back."""
    first, second = Body(), Body()
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(while_held(store.leases, NAME, "ann", CALM, first))
        await first.began.wait()
        group.create_task(while_held(Leases(database), NAME, "bob", CALM, second))
        await _beats(store.leases, 1.25 * CALM.dead)
        assert not second.began.is_set()
        first.leave.set()
        await second.began.wait()
        assert second.held == Held(name=NAME, owner="bob", epoch=2)
        second.leave.set()
    assert not first.cancelled.is_set()
    assert not second.cancelled.is_set()


async def test_a_holder_that_beats_no_more_is_taken_for_dead(store: Store) -> None:
    """After the dead time on the observer's own clock, and not before."""
    assert await store.leases.take(NAME, "killed", None) is not None
    body, began = Body(), time.monotonic()
    body.leave.set()
    async with asyncio.timeout(20):
        await while_held(store.leases, NAME, "bob", QUICK, body)
    assert time.monotonic() - began >= QUICK.dead
    assert body.held == Held(name=NAME, owner="bob", epoch=2)


async def test_a_lost_lease_ends_what_was_done_under_it(store: Store) -> None:
    """The holder learns at its next beat; its body is cancelled, and the new holder keeps the lease."""
    body = Body()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(while_held(store.leases, NAME, "ann", QUICK, body))
        await body.began.wait()
        new = None
        while new is None:
            new = await store.leases.take(NAME, "bob", await store.leases.look(NAME))
    assert body.cancelled.is_set()
    assert await store.leases.look(NAME) == Seen(owner="bob", epoch=2, beat=0)


async def test_an_end_asked_for_in_the_moment_in_which_the_lease_is_lost_is_heeded(store: Store) -> None:
    """The loss does not swallow it: whoever waits for the lease anew would never stop."""
    waiting = asyncio.get_running_loop().create_future()
    began = asyncio.Event()

    async def body(_held: Held) -> None:
        began.set()
        await waiting

    holding = asyncio.create_task(while_held(store.leases, NAME, "ann", QUICK, body))
    waiting.add_done_callback(lambda _waiting: holding.cancel())
    await began.wait()
    while await store.leases.take(NAME, "bob", await store.leases.look(NAME)) is None:
        pass
    with pytest.raises(asyncio.CancelledError):
        await holding


async def test_a_body_that_finds_the_lease_lost_ends_quietly(store: Store) -> None:
    """`LeaseLost` from a write is what a lost lease looks like from inside; it is no crash."""

    async def body(_held: Held) -> None:
        raise LeaseLost("somebody else's now")

    await while_held(store.leases, NAME, "ann", QUICK, body)
    assert await store.leases.look(NAME) == Seen(owner=None, epoch=1, beat=0)


async def test_a_body_that_breaks_gives_the_lease_back(store: Store) -> None:
    """Its error goes on, and the next holder may begin at once."""

    async def body(_held: Held) -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as raised:
        await while_held(store.leases, NAME, "ann", QUICK, body)
    assert raised.group_contains(ZeroDivisionError)
    assert await store.leases.look(NAME) == Seen(owner=None, epoch=1, beat=0)


async def test_stopping_gives_the_lease_back(store: Store) -> None:
    """A process that is told to stop leaves its lease free."""
    body = Body()
    holding = asyncio.create_task(while_held(store.leases, NAME, "ann", QUICK, body))
    await body.began.wait()
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    seen = await store.leases.look(NAME)
    assert seen is not None
    assert seen.owner is None


@asynccontextmanager
async def hogged(kind: str, url: str) -> AsyncIterator[None]:
    """Another process that keeps the right to write leases to itself."""
    if kind == "postgresql":
        hog = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string())
        await hog.execute("BEGIN; LOCK TABLE lease")
        yield
        await hog.close()
        return
    go = threading.Event()
    async with Database(url) as database, asyncio.TaskGroup() as group:
        group.create_task(database.write(lambda _connection: go.wait()))
        yield
        go.set()


async def test_a_holder_that_cannot_write_its_beat_stops(store: Store, kind: str, url: str) -> None:
    """While another process keeps the database to itself, the holder can't tell whether it was robbed."""
    body = Body()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(while_held(store.leases, NAME, "ann", QUICK, body))
        await body.began.wait()
        async with hogged(kind, url):
            await body.cancelled.wait()
    seen = await store.leases.look(NAME)
    assert seen is not None
    assert (seen.owner, seen.epoch) == (None, 1)


async def test_a_beat_waits_for_no_other_writer(store: Store, kind: str, url: str) -> None:
    """However long the others' writes take in the database of many processes, a holder that lives can show it."""
    if kind == "sqlite":
        pytest.skip("a file has one writer")
    held = await store.leases.take(NAME, "ann", None)
    assert held is not None
    hog = await asyncpg.connect(make_url(url).set(drivername="postgresql").render_as_string())
    await hog.execute(f"SELECT pg_advisory_lock({LOCK})")
    await store.leases.beat(held)
    await hog.close()
    assert await store.leases.look(NAME) == Seen(owner="ann", epoch=1, beat=1)


async def test_time_in_which_the_database_did_not_answer_counts_against_nobody(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes back after longer than the dead time: no beat could be written, so the holder may well live."""
    timing = LeaseTiming(beat=0.05, dead=1.0)
    held = await store.leases.take(NAME, "ann", None)
    assert held is not None
    others, robber, looks, again = Leases(database), Body(), 0, asyncio.Event()
    look = others.look

    async def away(name: str) -> Seen | None:
        nonlocal looks
        looks += 1
        if looks == 2:
            await asyncio.sleep(2 * timing.dead)
        elif looks == 4:
            await store.leases.beat(held)
            again.set()
        return await look(name)

    monkeypatch.setattr(others, "look", away)
    waiting = asyncio.create_task(while_held(others, NAME, "bob", timing, robber))
    await again.wait()
    assert await store.leases.look(NAME) == Seen(owner="ann", epoch=1, beat=1)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert robber.held is None


async def test_a_clock_that_jumps_expires_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour ahead, then an hour behind: only beats count, and those who wait for the lease go on waiting."""
    timing = LeaseTiming(beat=0.02, dead=2.0)
    held, robbed, clock = asyncio.Event(), asyncio.Event(), time.time

    async def hold(_held: Held) -> None:
        held.set()
        await asyncio.Event().wait()

    async def rob(_held: Held) -> None:
        robbed.set()

    holding = asyncio.create_task(while_held(store.leases, "backend:a", "me", timing, hold))
    await held.wait()
    waiting = asyncio.create_task(while_held(store.leases, "backend:a", "other", timing, rob))
    for jump in (3600.0, -3600.0):
        monkeypatch.setattr(time, "time", lambda jump=jump: clock() + jump)
        before = await store.leases.look("backend:a")
        assert before is not None
        while (seen := await store.leases.look("backend:a")) is not None and seen.beat < before.beat + 5:
            assert (seen.owner, seen.epoch) == ("me", 1)
            await asyncio.sleep(0.02)
    assert not robbed.is_set()
    for task in (holding, waiting):
        task.cancel()
    await asyncio.gather(holding, waiting, return_exceptions=True)
