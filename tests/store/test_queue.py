"""Claims and every step of a job, each fenced against whoever has the job no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from bot.contract.values import JobId, Trouble
from bot.errors import LeaseLost
from bot.jobs.models import Attempt
from bot.jobs.states import ENDS, LIVE, State
from bot.store.database import Database
from bot.store.leases import Held, Leases
from bot.store.queue import Queue
from bot.store.store import Store
from bot.store.tables import attempt, flow
from tests.builders import everything, new_output, new_request
from tests.store.claiming import claim, flows, take

Write = Callable[[Queue, Attempt], Awaitable[None]]


async def _posting(queue: Queue, mine: Attempt) -> None:
    await queue.advance(mine, State.POSTING)


async def _requeue(queue: Queue, mine: Attempt) -> None:
    await queue.requeue(mine, "no answer", failed=True)


async def _done(queue: Queue, mine: Attempt) -> None:
    await queue.finish(mine, State.DONE, now=2000.0, outputs=[new_output("late")])


async def _failed(queue: Queue, mine: Attempt) -> None:
    await queue.finish(mine, State.FAILED, now=2000.0, error=Trouble(code="late", message="Too late."))


async def _cancelled(queue: Queue, mine: Attempt) -> None:
    await queue.finish(mine, State.CANCELLED, now=2000.0)


WRITES = [_posting, _requeue, _done, _failed, _cancelled]


async def _cannot_write(queue: Queue, mine: Attempt, database: Database) -> None:
    """Every write of this attempt is refused, or passed over if it is progress alone."""
    before = await everything(database)
    for write in WRITES:
        with pytest.raises(LeaseLost):
            await write(queue, mine)
    await queue.progress([(mine, 0.5, "KSampler")])
    assert await everything(database) == before


async def _state(store: Store, job_id: str = "job-1") -> State:
    view = await store.messages.of_job(JobId(job_id))
    assert view is not None
    return view.job.state


async def test_a_claim_hands_out_all_that_a_run_needs(store: Store, held: Held, database: Database) -> None:
    """The attempt has its number, prompt id, epoch and graph, and the flow has paid for it."""
    new = new_request()
    await store.requests.add(new)
    mine = await claim(store, held)
    view = await store.messages.of_job(new.job)
    assert view is not None
    assert mine == Attempt(
        job=view.job,
        number=1,
        prompt_id="p1",
        backend="backend:a",
        epoch=held.epoch,
        graph=new.graph,
        last=True,
    )
    assert (view.job.state, view.job.attempt, view.job.failures) == (State.CLAIMED, 1, 0)
    assert (await everything(database))["attempt"] == [("job-1", 1, "p1", "backend:a", held.epoch, None)]
    assert await flows(database) == {"job-1": (20.0, 0, 1)}
    assert await store.queue.claim(held, "p2", now=1500.0) is None


async def test_no_job_is_handed_out_twice(store: Store, held: Held, database: Database) -> None:
    """Two processes that claim as fast as they can share the jobs: each is claimed once."""
    for n in range(12):
        await store.requests.add(new_request(f"{n}", who=f"person-{n % 3}"))
    other = await take(Leases(database), "backend:b")

    async def claim_all(queue: Queue, mine: Held) -> list[JobId]:
        found: list[JobId] = []
        while (claimed := await queue.claim(mine, f"{mine.name}-{len(found)}", now=1500.0)) is not None:
            found.append(claimed.job.id)
        return found

    first, second = await asyncio.gather(claim_all(store.queue, held), claim_all(Queue(database), other))
    assert sorted([*first, *second]) == sorted(f"job-{n}" for n in range(12))
    assert all(row == (80.0, 0, 4) for row in (await flows(database)).values())


async def test_a_job_runs_to_its_end_once(store: Store, held: Held, database: Database) -> None:
    """Every step is noted; the end, its outputs and the wish to show them are there together."""
    await store.requests.add(new_request())
    mine = await claim(store, held)
    for to in LIVE[1:]:
        await store.queue.advance(mine, to, **({"started": 1500.0} if to is State.RUNNING else {}))
        assert await _state(store) is to
    await store.queue.finish(mine, State.DONE, now=2000.0, outputs=[new_output("aa"), new_output("bb", 1)])
    view = await store.messages.of_job(JobId("job-1"))
    assert view is not None
    assert (view.job.state, view.job.started, view.job.finished) == (State.DONE, 1500.0, 2000.0)
    assert view.outputs == (new_output("aa"), new_output("bb", 1))
    assert (view.wanted, view.shown) == (2, 0)
    assert await flows(database) == {"job-1": (500.0, 0, 0)}
    assert await database.read(lambda connection: connection.scalar(select(attempt.c.outcome))) == "done"


async def test_a_failure_keeps_its_reason(store: Store, held: Held) -> None:
    """What went wrong is there for the card, its code for programs."""
    await store.requests.add(new_request())
    trouble = Trouble(code="out_of_memory", message="The GPU ran out of memory. Make it smaller.")
    await store.queue.finish(await claim(store, held), State.FAILED, now=2000.0, error=trouble)
    view = await store.messages.of_job(JobId("job-1"))
    assert view is not None
    assert (view.job.state, view.job.error, view.outputs) == (State.FAILED, trouble, ())


@pytest.mark.parametrize("failed", [False, True])
async def test_a_job_goes_back_to_its_place(
    store: Store, held: Held, database: Database, failed: bool
) -> None:
    """Requeued, it is as it was but for its attempt; its flow is refunded; the next claim is attempt 2."""
    await store.requests.add(new_request("1"))
    await store.requests.add(new_request("2"))
    mine = await claim(store, held)
    await store.queue.advance(mine, State.RUNNING)
    await store.queue.progress([(mine, 0.5, "KSampler")])
    await store.queue.requeue(mine, "no answer", failed=failed)
    view = await store.messages.of_job(JobId("job-1"))
    assert view is not None
    assert view.job.failures == (1 if failed else 0)
    assert (view.job.state, view.job.fraction, view.job.node) == (State.QUEUED, 0.0, None)
    assert await flows(database) == dict.fromkeys(["job-1", "job-2"], (0.0, 2, 0))
    again = await claim(store, held, "p2")
    assert (again.job.id, again.number, again.prompt_id) == ("job-1", 2, "p2")
    rows = (await everything(database))["attempt"]
    assert [(row[1], row[2], row[5]) for row in rows] == [(1, "p1", "no answer"), (2, "p2", None)]


async def test_a_waiting_job_is_cancelled_at_once(store: Store, held: Held, database: Database) -> None:
    """Nobody has it, so it ends there, at no charge; asking again changes nothing."""
    await store.requests.add(new_request())
    assert await store.queue.cancel(JobId("job-1"), now=2000.0) is State.QUEUED
    before = await everything(database)
    assert await store.queue.cancel(JobId("job-1"), now=3000.0) is State.CANCELLED
    assert await everything(database) == before
    assert await flows(database) == {"job-1": (0.0, 0, 0)}
    assert await store.queue.claim(held, "p1", now=1500.0) is None


async def test_cancelling_a_job_in_hand_is_a_wish(store: Store, held: Held) -> None:
    """Whoever has the job learns of it, and may still finish first."""
    await store.requests.add(new_request())
    mine = await claim(store, held)
    other = await take(store.leases, "backend:b")
    assert await store.queue.to_cancel(held) == set()
    assert await store.queue.cancel(JobId("job-1"), now=2000.0) is State.CLAIMED
    assert await store.queue.to_cancel(held) == {JobId("job-1")}
    assert await store.queue.to_cancel(other) == set()
    assert await _state(store) is State.CLAIMED
    await store.queue.finish(mine, State.DONE, now=2000.0, outputs=[new_output("aa")])
    assert await store.queue.to_cancel(held) == set()
    assert await store.queue.cancel(JobId("job-1"), now=3000.0) is State.DONE
    assert await _state(store) is State.DONE


async def test_whoever_takes_the_lease_takes_the_jobs(store: Store, held: Held) -> None:
    """They come in their states and order, under the new epoch; other backends' stay where they are."""
    for n in range(4):
        await store.requests.add(new_request(f"{n}"))
    mine = [await claim(store, held, f"p{n}") for n in range(3)]
    await store.queue.advance(mine[1], State.RUNNING)
    await store.queue.finish(mine[2], State.DONE, now=2000.0)
    await claim(store, await take(store.leases, "backend:b"), "p3")
    assert await store.queue.backends_in_hand() == {"backend:a", "backend:b"}
    new = await take(store.leases)
    adopted = await store.queue.adopt(new)
    assert [(a.job.id, a.job.state, a.number, a.prompt_id, a.epoch) for a in adopted] == [
        ("job-0", State.CLAIMED, 1, "p0", new.epoch),
        ("job-1", State.RUNNING, 1, "p1", new.epoch),
    ]


async def test_writes_of_an_earlier_epoch_change_nothing(
    store: Store, held: Held, database: Database
) -> None:
    """Once another has adopted the job, whatever the old holder writes is refused whole."""
    await store.requests.add(new_request())
    mine = await claim(store, held)
    await store.queue.adopt(await take(store.leases))
    await _cannot_write(store.queue, mine, database)


async def test_writes_of_an_earlier_attempt_change_nothing(
    store: Store, held: Held, database: Database
) -> None:
    """Once the job went back and was claimed again, under the same epoch, its first attempt is over."""
    await store.requests.add(new_request())
    mine = await claim(store, held)
    await store.queue.requeue(mine, "no answer", failed=False)
    await claim(store, held, "p2")
    await _cannot_write(store.queue, mine, database)


async def test_a_job_that_went_back_is_nobodys(store: Store, held: Held, database: Database) -> None:
    """While it waits again, the attempt that was given up can write nothing."""
    await store.requests.add(new_request())
    mine = await claim(store, held)
    await store.queue.requeue(mine, "no answer", failed=False)
    await _cannot_write(store.queue, mine, database)


@pytest.mark.parametrize("end", ENDS)
async def test_an_end_is_entered_once(store: Store, held: Held, database: Database, end: State) -> None:
    """After the end, the very attempt that wrote it changes nothing any more, the same end included."""
    await store.requests.add(new_request())
    mine = await claim(store, held)
    await store.queue.finish(mine, end, now=1500.0)
    await _cannot_write(store.queue, mine, database)


async def test_without_the_lease_nothing_is_claimed_or_adopted(
    store: Store, held: Held, database: Database
) -> None:
    """A holder whose lease was taken, or given back, gets no jobs."""
    await store.requests.add(new_request())
    new = await take(store.leases)
    before = await everything(database)
    with pytest.raises(LeaseLost):
        await store.queue.claim(held, "p1", now=1500.0)
    with pytest.raises(LeaseLost):
        await store.queue.adopt(held)
    assert await everything(database) == before
    await store.leases.give_back(new)
    with pytest.raises(LeaseLost):
        await store.queue.claim(new, "p1", now=1500.0)


async def test_an_end_that_cannot_be_written_whole_is_not_written(
    store: Store, held: Held, database: Database
) -> None:
    """Two outputs at one index break the transaction: the job is still running, and may be finished again."""
    await store.requests.add(new_request())
    mine = await claim(store, held)
    before = await everything(database)
    with pytest.raises(IntegrityError, match=r"(?i)unique"):
        await store.queue.finish(mine, State.DONE, now=2000.0, outputs=[new_output("aa"), new_output("bb")])
    assert await everything(database) == before
    await store.queue.finish(mine, State.DONE, now=2000.0, outputs=[new_output("aa")])
    assert (await everything(database))["blob"] == [("aa", 3)]


async def test_counters_are_counted_again(store: Store, held: Held, database: Database) -> None:
    """Whatever the flows' counters say, a rebuild makes them what the jobs' states are."""
    for n in range(3):
        await store.requests.add(new_request(f"{n}"))
    await store.requests.add(new_request("3", who="bob"))
    await claim(store, held)
    right = await flows(database)
    await database.write(
        lambda connection: connection.execute(update(flow).values(waiting=77, running=-5, seconds=3.0))
    )
    await store.queue.rebuild_flows()
    assert await flows(database) == right
