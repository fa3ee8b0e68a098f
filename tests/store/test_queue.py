"""Claims and every step of a job, each fenced against whoever has the job no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from bot.contract.overview import Change
from bot.contract.values import JobId, Trouble
from bot.errors import LeaseLost
from bot.jobs.models import Attempt
from bot.jobs.states import ENDS, LIVE, State
from bot.jobs.work import Lane
from bot.scheduling.caps import Caps
from bot.scheduling.holds import Switch, Turned
from bot.store.claims import Rules
from bot.store.database import Database
from bot.store.leases import Held, Leases
from bot.store.queue import Queue
from bot.store.store import Store
from bot.store.tables import attempt, flow, job
from tests.builders import actor, everything, new_output, new_request

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


async def _claim(store: Store, held: Held, prompt_id: str = "p1") -> Attempt:
    claimed = await store.queue.claim(held, prompt_id, now=1500.0)
    assert claimed is not None
    return claimed


async def _make(store: Store, held: Held, prompt_id: str) -> Attempt:
    """The next job runs for as long as it was thought to."""
    mine = await _claim(store, held, prompt_id)
    await store.queue.advance(mine, State.RUNNING, started=1500.0)
    await store.queue.finish(mine, State.DONE, now=1520.0)
    return mine


async def _take(leases: Leases, name: str = "backend:a", owner: str = "other") -> Held:
    taken = await leases.take(name, owner, await leases.look(name))
    assert taken is not None
    return taken


async def _cannot_write(queue: Queue, mine: Attempt, database: Database) -> None:
    """Every write of this attempt is refused, or passed over if it is progress alone."""
    before = await everything(database)
    for write in WRITES:
        with pytest.raises(LeaseLost):
            await write(queue, mine)
    await queue.progress([(mine, 0.5, "KSampler")])
    assert await everything(database) == before


async def _flows(database: Database) -> dict[str, tuple[float, int, int]]:
    """Virtual time, waiting and running by person; accounts are random, people here have one job's name."""
    query = select(job.c.id, flow.c.vtime, flow.c.waiting, flow.c.running).join(
        flow, flow.c.account == job.c.account
    )
    rows = await database.read(lambda connection: connection.execute(query).all())
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


async def _state(store: Store, job_id: str = "job-1") -> State:
    view = await store.messages.of_job(JobId(job_id))
    assert view is not None
    return view.job.state


async def test_a_claim_hands_out_all_that_a_run_needs(store: Store, held: Held, database: Database) -> None:
    """The attempt has its number, prompt id, epoch and graph, and the flow has paid for it."""
    new = new_request()
    await store.requests.add(new)
    mine = await _claim(store, held)
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
    assert await _flows(database) == {"job-1": (20.0, 0, 1)}
    assert await store.queue.claim(held, "p2", now=1500.0) is None


async def test_claims_go_round_in_turns(store: Store, held: Held) -> None:
    """However many one person has sent first, everybody who waits is served in every round."""
    people = {"ann": 4, "bob": 2, "cid": 1}
    for who, count in people.items():
        for n in range(count):
            await store.requests.add(new_request(f"{who}-{n}", who=who))
    rounds = [
        {(await _claim(store, held, f"p{r}{n}")).job.id for n in range(k)} for r, k in enumerate((3, 2))
    ]
    assert rounds == [{"job-ann-0", "job-bob-0", "job-cid-0"}, {"job-ann-1", "job-bob-1"}]
    assert [(await _claim(store, held, f"q{n}")).job.id for n in range(2)] == ["job-ann-2", "job-ann-3"]


async def test_a_long_job_saves_up_no_turns(store: Store, held: Held) -> None:
    """While one of ann's ran, bob had many; then both wait, and neither is served again and again."""
    await store.requests.add(new_request("ann-0", who="ann"))
    await _claim(store, held, "long")
    for n in range(8):
        await store.requests.add(new_request(f"bob-{n}", who="bob"))
    for n in range(4):
        assert (await _make(store, held, f"p{n}")).job.id == f"job-bob-{n}"
    for n in range(1, 5):
        await store.requests.add(new_request(f"ann-{n}", who="ann"))
    order = [(await _claim(store, held, f"q{n}")).job.id for n in range(4)]
    assert {tuple(sorted(order[:2])), tuple(sorted(order[2:]))} == {
        ("job-ann-1", "job-bob-4"),
        ("job-ann-2", "job-bob-5"),
    }


async def test_a_job_that_comes_back_brings_one_turn_and_no_more(store: Store, held: Held) -> None:
    """The claim is refunded, so the job is next; those sent after it take turns with everybody's."""
    await store.requests.add(new_request("ann-0", who="ann"))
    mine = await _claim(store, held, "lost")
    for n in range(8):
        await store.requests.add(new_request(f"bob-{n}", who="bob"))
    for n in range(4):
        await _make(store, held, f"p{n}")
    await store.queue.requeue(mine, "no answer", failed=False)
    for n in range(1, 5):
        await store.requests.add(new_request(f"ann-{n}", who="ann"))
    order = [(await _claim(store, held, f"q{n}")).job.id for n in range(5)]
    assert order[0] == "job-ann-0"
    assert {order[1], order[2]} == {"job-ann-1", "job-bob-4"}
    assert {order[3], order[4]} == {"job-ann-2", "job-bob-5"}


async def test_a_claim_may_be_for_one_person_alone(store: Store, held: Held) -> None:
    """`only` leaves everybody else's jobs where they are, and finds nothing for a stranger."""
    await store.requests.add(new_request("1", who="ann"))
    await store.requests.add(new_request("2", who="bob"))
    mine = await store.queue.claim(held, "p1", now=1500.0, only=actor("bob"))
    assert mine is not None
    assert mine.job.id == "job-2"
    assert await store.queue.claim(held, "p2", now=1500.0, only=actor("bob")) is None
    assert await store.queue.claim(held, "p2", now=1500.0, only=actor("cid")) is None


async def test_no_job_is_handed_out_twice(store: Store, held: Held, database: Database) -> None:
    """Two processes that claim as fast as they can share the jobs: each is claimed once."""
    for n in range(12):
        await store.requests.add(new_request(f"{n}", who=f"person-{n % 3}"))
    other = await _take(Leases(database), "backend:b")

    async def claim_all(queue: Queue, mine: Held) -> list[JobId]:
        found: list[JobId] = []
        while (claimed := await queue.claim(mine, f"{mine.name}-{len(found)}", now=1500.0)) is not None:
            found.append(claimed.job.id)
        return found

    first, second = await asyncio.gather(claim_all(store.queue, held), claim_all(Queue(database), other))
    assert sorted([*first, *second]) == sorted(f"job-{n}" for n in range(12))
    assert all(row == (80.0, 0, 4) for row in (await _flows(database)).values())


async def test_a_job_runs_to_its_end_once(store: Store, held: Held, database: Database) -> None:
    """Every step is noted; the end, its outputs and the wish to show them are there together."""
    await store.requests.add(new_request())
    mine = await _claim(store, held)
    for to in LIVE[1:]:
        await store.queue.advance(mine, to, **({"started": 1500.0} if to is State.RUNNING else {}))
        assert await _state(store) is to
    await store.queue.finish(mine, State.DONE, now=2000.0, outputs=[new_output("aa"), new_output("bb", 1)])
    view = await store.messages.of_job(JobId("job-1"))
    assert view is not None
    assert (view.job.state, view.job.started, view.job.finished) == (State.DONE, 1500.0, 2000.0)
    assert view.outputs == (new_output("aa"), new_output("bb", 1))
    assert (view.wanted, view.shown) == (2, 0)
    assert await _flows(database) == {"job-1": (500.0, 0, 0)}
    assert await database.read(lambda connection: connection.scalar(select(attempt.c.outcome))) == "done"


async def test_a_failure_keeps_its_reason(store: Store, held: Held) -> None:
    """What went wrong is there for the card, its code for programs."""
    await store.requests.add(new_request())
    trouble = Trouble(code="out_of_memory", message="The GPU ran out of memory. Make it smaller.")
    await store.queue.finish(await _claim(store, held), State.FAILED, now=2000.0, error=trouble)
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
    mine = await _claim(store, held)
    await store.queue.advance(mine, State.RUNNING)
    await store.queue.progress([(mine, 0.5, "KSampler")])
    await store.queue.requeue(mine, "no answer", failed=failed)
    view = await store.messages.of_job(JobId("job-1"))
    assert view is not None
    assert view.job.failures == (1 if failed else 0)
    assert (view.job.state, view.job.fraction, view.job.node) == (State.QUEUED, 0.0, None)
    assert await _flows(database) == dict.fromkeys(["job-1", "job-2"], (0.0, 2, 0))
    again = await _claim(store, held, "p2")
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
    assert await _flows(database) == {"job-1": (0.0, 0, 0)}
    assert await store.queue.claim(held, "p1", now=1500.0) is None


async def test_cancelling_a_job_in_hand_is_a_wish(store: Store, held: Held) -> None:
    """Whoever has the job learns of it, and may still finish first."""
    await store.requests.add(new_request())
    mine = await _claim(store, held)
    other = await _take(store.leases, "backend:b")
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
    mine = [await _claim(store, held, f"p{n}") for n in range(3)]
    await store.queue.advance(mine[1], State.RUNNING)
    await store.queue.finish(mine[2], State.DONE, now=2000.0)
    await _claim(store, await _take(store.leases, "backend:b"), "p3")
    assert await store.queue.backends_in_hand() == {"backend:a", "backend:b"}
    new = await _take(store.leases)
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
    mine = await _claim(store, held)
    await store.queue.adopt(await _take(store.leases))
    await _cannot_write(store.queue, mine, database)


async def test_writes_of_an_earlier_attempt_change_nothing(
    store: Store, held: Held, database: Database
) -> None:
    """Once the job went back and was claimed again, under the same epoch, its first attempt is over."""
    await store.requests.add(new_request())
    mine = await _claim(store, held)
    await store.queue.requeue(mine, "no answer", failed=False)
    await _claim(store, held, "p2")
    await _cannot_write(store.queue, mine, database)


async def test_a_job_that_went_back_is_nobodys(store: Store, held: Held, database: Database) -> None:
    """While it waits again, the attempt that was given up can write nothing."""
    await store.requests.add(new_request())
    mine = await _claim(store, held)
    await store.queue.requeue(mine, "no answer", failed=False)
    await _cannot_write(store.queue, mine, database)


@pytest.mark.parametrize("end", ENDS)
async def test_an_end_is_entered_once(store: Store, held: Held, database: Database, end: State) -> None:
    """After the end, the very attempt that wrote it changes nothing any more, the same end included."""
    await store.requests.add(new_request())
    mine = await _claim(store, held)
    await store.queue.finish(mine, end, now=1500.0)
    await _cannot_write(store.queue, mine, database)


async def test_without_the_lease_nothing_is_claimed_or_adopted(
    store: Store, held: Held, database: Database
) -> None:
    """A holder whose lease was taken, or given back, gets no jobs."""
    await store.requests.add(new_request())
    new = await _take(store.leases)
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
    mine = await _claim(store, held)
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
    await _claim(store, held)
    right = await _flows(database)
    await database.write(
        lambda connection: connection.execute(update(flow).values(waiting=77, running=-5, seconds=3.0))
    )
    await store.queue.rebuild_flows()
    assert await _flows(database) == right


async def test_whoever_comes_while_a_guess_runs_is_not_left_behind(store: Store, held: Held) -> None:
    """Two unknown jobs are charged by guess and turn out to be short: bob, who came meanwhile, has his turn."""
    for n in range(6):
        await store.requests.add(new_request(f"ann-{n}", who="ann"))
    first = [await _claim(store, held, f"p{n}") for n in range(2)]
    await store.requests.add(new_request("bob-0", who="bob"))
    for mine in first:
        await store.queue.advance(mine, State.RUNNING, started=1500.0)
        await store.queue.finish(mine, State.DONE, now=1500.5)
    assert "job-bob-0" in [(await _make(store, held, f"q{n}")).job.id for n in range(2)]


async def test_what_was_charged_becomes_what_it_took(store: Store, held: Held, database: Database) -> None:
    """Twenty seconds by guess, fifty in truth; and the next one is thought to take fifty."""
    await store.requests.add(new_request("1", who="ann"))
    mine = await _claim(store, held)
    await store.queue.advance(mine, State.RUNNING, started=1500.0)
    await store.queue.finish(mine, State.DONE, now=1550.0)
    assert await _flows(database) == {"job-1": (50.0, 0, 0)}
    await store.requests.add(new_request("2", who="bob"))
    await _claim(store, held, "p2")
    assert (await _flows(database))["job-2"] == (100.0, 0, 1)


async def test_loaded_models_go_first(store: Store, held: Held) -> None:
    """A backend with work in hand takes nothing that must load first; another takes what is not loaded here."""
    await store.requests.add(new_request("1", who="ann", models="flux"))
    await _claim(store, held, "p1")
    await store.requests.add(new_request("2", who="bob", models="sdxl"))
    await store.requests.add(new_request("3", who="cid", models="flux"))
    assert (await _claim(store, held, "p2")).job.id == "job-3"
    assert await store.queue.claim(held, "p3", now=1500.0) is None
    assert (await _claim(store, await _take(store.leases, "backend:b"), "p3")).job.id == "job-2"


async def test_models_are_left_to_the_backend_that_has_them_until_it_does_not_answer(
    store: Store, held: Held
) -> None:
    """One that is idle comes to them soon; one that is gone never does."""
    await store.requests.add(new_request("1", models="flux"))
    await _make(store, held, "p1")
    await store.requests.add(new_request("2", models="flux"))
    other = await _take(store.leases, "backend:b")
    assert await store.queue.claim(other, "p2", now=1600.0) is None
    await store.queue.unload(held)
    assert (await _claim(store, other, "p2")).job.id == "job-2"


async def test_models_are_not_left_to_a_backend_that_takes_no_jobs(store: Store, held: Held) -> None:
    """It answers, and has them loaded, and an admin has drained it."""
    await store.requests.add(new_request("1", models="flux"))
    await _make(store, held, "p1")
    await store.requests.add(new_request("2", models="flux"))
    other = await _take(store.leases, "backend:b")
    change = Change(at=1500.0, by=actor("ann"), what="drain", whom="a")
    await store.switches.turn(Switch.DRAINED, held.name, Turned(since=1500.0), change)
    assert (await _claim(store, other, "p2")).job.id == "job-2"


async def test_a_job_keeps_away_from_a_backend_that_failed_it(store: Store, held: Held) -> None:
    """Another takes it; the others' jobs are no matter."""
    await store.requests.add(new_request("1"))
    mine = await _claim(store, held)
    await store.queue.requeue(mine, "node_failed", failed=True, shun=[held.name])
    assert await store.queue.claim(held, "p2", now=1500.0) is None
    again = await _claim(store, await _take(store.leases, "backend:b"), "p2")
    assert (again.job.id, again.job.shunned, again.job.failures) == ("job-1", (held.name,), 1)


async def test_a_job_never_goes_to_a_backend_that_cannot_run_it(store: Store, held: Held) -> None:
    """Known when it was asked for; it waits for one that can, and whoever comes after it is served."""
    await store.requests.add(new_request("1", shunned=(held.name,)))
    assert await store.queue.claim(held, "p1", now=1500.0) is None
    await store.requests.add(new_request("2"))
    assert (await _claim(store, held, "p2")).job.id == "job-2"
    able = await _claim(store, await _take(store.leases, "backend:b"), "p3")
    assert (able.job.id, able.job.shunned, able.job.failures) == ("job-1", (held.name,), 0)


async def test_caps_on_what_runs(store: Store, held: Held) -> None:
    """By person and by place, whatever waits."""
    for n, (who, where) in enumerate((("ann", "room"), ("ann", "hall"), ("bob", "room"), ("cid", "hall"))):
        await store.requests.add(new_request(f"{n}", who=who, where=where))
    rules = Rules(caps=Caps(running_person=1, running_place=1))
    found = [await store.queue.claim(held, f"p{n}", now=1500.0, rules=rules) for n in range(3)]
    assert found[2] is None
    first, second = (mine.job for mine in found[:2] if mine is not None)
    assert first.account != second.account
    everybody = [await store.queue.claim(held, f"q{n}", now=1500.0) for n in range(3)]
    assert [mine is None for mine in everybody] == [False, False, True]


async def test_the_background_gets_its_share(store: Store, held: Held) -> None:
    """One in ten beside the interactive lane, which is what remains of a twentieth without the owner's."""
    for n in range(40):
        await store.requests.add(new_request(f"now-{n}", who="ann"))
        await store.requests.add(new_request(f"later-{n}", who="bob", lane=Lane.BACKGROUND))
    names = [(await _make(store, held, f"p{n}")).job.id for n in range(30)]
    assert 2 <= sum("later" in name for name in names) <= 4
