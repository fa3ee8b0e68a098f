"""Messages: what each should show and shows, and who may see it."""

from __future__ import annotations

from dataclasses import replace

from bot.contract.values import JobId, MessageId
from bot.jobs.models import Attempt, InputImage, MessageView
from bot.jobs.states import State
from bot.scheduling.place import ahead
from bot.store.database import Database
from bot.store.leases import Held
from bot.store.store import Store
from tests.builders import everything, new_output, new_request, place


async def _view(store: Store, job: str = "job-1") -> MessageView:
    view = await store.messages.of_job(JobId(job))
    assert view is not None
    return view


async def _claim(store: Store, held: Held, prompt_id: str) -> Attempt:
    mine = await store.queue.claim(held, prompt_id, now=1500.0)
    assert mine is not None
    return mine


async def _done(store: Store, held: Held, *hashes: str) -> Attempt:
    """The next job ends with outputs of these hashes."""
    mine = await _claim(store, held, f"p-{hashes}")
    outputs = [new_output(sha256, n) for n, sha256 in enumerate(hashes)]
    await store.queue.finish(mine, State.DONE, now=2000.0, outputs=outputs)
    return mine


async def _due(store: Store, adapter: str = "test", limit: int = 10) -> list[str]:
    return [view.id for view in (await store.messages.unsettled(adapter, limit))[2]]


async def test_a_new_message_is_due_until_it_is_shown(store: Store) -> None:
    """What the store wants shown is there for its adapter alone, whole, and then done with."""
    await store.requests.add(new_request())
    assert (await store.messages.unsettled("test", 10))[2] == [await _view(store)]
    assert await _due(store, "other") == []
    await store.messages.shown(await _view(store))
    assert await _due(store) == []
    assert (await _view(store)).shown == 1


async def test_showing_what_is_old_leaves_the_final_due(store: Store, held: Held) -> None:
    """The card was drawn before the job ended: the end is still wanted."""
    await store.requests.add(new_request())
    old = await _view(store)
    await _done(store, held, "aa")
    await store.messages.shown(old)
    assert await _due(store) == ["message-1"]
    await store.messages.shown(await _view(store))
    assert await _due(store) == []


async def test_what_is_shown_never_goes_back(store: Store, held: Held) -> None:
    """A slow delivery that ends after a newer one does not undo it."""
    await store.requests.add(new_request())
    old = await _view(store)
    await _done(store, held, "aa")
    await store.messages.shown(await _view(store))
    await store.messages.shown(old)
    view = await _view(store)
    assert (view.wanted, view.shown) == (2, 2)


async def test_the_oldest_are_due_first(store: Store) -> None:
    """Also when there are more than can be looked at in one go."""
    for n in range(4):
        await store.requests.add(new_request(f"{n}"))
    await store.messages.shown(await _view(store, "job-0"))
    assert await _due(store, limit=2) == ["message-1", "message-2"]


async def test_a_message_that_is_given_up_is_due_no_more(store: Store, held: Held) -> None:
    """Its address is gone; its job and pictures stay."""
    await store.requests.add(new_request())
    await store.messages.give_up((await _view(store)).id)
    assert (await store.messages.unsettled("test", 10))[0] == []
    await _done(store, held, "aa")
    assert await _due(store) == []
    view = await _view(store)
    assert (view.job.state, view.outputs) == (State.DONE, (new_output("aa"),))


async def test_those_that_wait_are_found_by_adapter(store: Store, held: Held) -> None:
    """Jobs that a backend has, and other adapters' messages, are not among them."""
    await store.requests.add(new_request("1"))
    await store.requests.add(new_request("2"))
    await store.requests.add(new_request("3", adapter="other"))
    await _claim(store, held, "p1")
    assert [view.id for view in (await store.messages.unsettled("test", 10))[0]] == ["message-2"]


async def test_a_place_sees_its_own_messages_alone(store: Store) -> None:
    """Not another room's, nor those of a room with the same id on another platform."""
    elsewhere = replace(place(), platform="other")
    await store.requests.add(new_request("1"))
    await store.requests.add(new_request("2", where="attic"))
    await store.requests.add(new_request("3", place=elsewhere))
    await store.requests.add(new_request("4", who="bob"))
    found = {
        where: [view.id for view in await store.messages.of_place(where, 10)]
        for where in (place(), place("attic"), elsewhere, place("nowhere"))
    }
    assert found == {
        place(): ["message-1", "message-4"],
        place("attic"): ["message-2"],
        elsewhere: ["message-3"],
        place("nowhere"): [],
    }


async def test_a_place_shows_its_newest_oldest_first(store: Store, held: Held) -> None:
    """The limit cuts off the oldest, and what was removed is not counted."""
    for n in range(4):
        await store.requests.add(new_request(f"{n}"))
    await store.queue.cancel(JobId("job-3"), now=2000.0)
    await store.messages.remove((await _view(store, "job-3")).id, JobId("job-3"))
    assert [view.id for view in await store.messages.of_place(place(), 2)] == ["message-1", "message-2"]


async def test_removing_wants_the_message_away_and_names_the_orphans(store: Store, held: Held) -> None:
    """Bytes that another job gave out or starts from are kept; the job stays, without its outputs."""
    for key in ("1", "2"):
        await store.requests.add(new_request(key))
    await _done(store, held, "lone", "shared", "started")
    await _done(store, held, "shared")
    inputs = (InputImage(parameter="image", node="10", input="image", sha256="started"),)
    await store.requests.add(new_request("3", inputs=inputs))
    await store.messages.shown(await _view(store))
    view = await _view(store)
    assert await store.messages.remove(view.id, view.job.id) == ["lone"]
    gone = await _view(store)
    assert (gone.removed, gone.outputs, gone.wanted, gone.shown) == (True, (), 3, 2)
    assert gone.job == view.job
    assert await _due(store) == ["message-1", "message-2", "message-3"]
    assert await store.messages.remove((await _view(store, "job-2")).id, JobId("job-2")) == ["shared"]


async def test_removing_twice_is_removing_once(store: Store, held: Held, database: Database) -> None:
    """The second time there is nothing left to take away."""
    await store.requests.add(new_request())
    await _done(store, held, "aa")
    view = await _view(store)
    assert await store.messages.remove(view.id, view.job.id) == ["aa"]
    before = await everything(database)
    assert await store.messages.remove(view.id, view.job.id) == []
    assert await everything(database) == before


async def test_outputs_come_in_their_order_to_their_own_jobs(store: Store, held: Held) -> None:
    """Several messages read at once do not mix."""
    for key in ("1", "2"):
        await store.requests.add(new_request(key))
    await _done(store, held, "cc", "bb", "aa")
    await _done(store, held, "dd")
    views = await store.messages.of_jobs([JobId("job-1"), JobId("job-2"), JobId("job-9")])
    assert {view.job.id: [output.blob.sha256 for output in view.outputs] for view in views} == {
        "job-1": ["cc", "bb", "aa"],
        "job-2": ["dd"],
    }
    assert await store.messages.of_jobs([]) == []


async def test_the_line_tells_the_order_of_claims(store: Store, held: Held) -> None:
    """The jobs before each one that waits are as many as are then claimed before it."""
    for n, who in enumerate(("ann", "ann", "bob", "ann", "cid", "bob", "cid", "cid")):
        await store.requests.add(new_request(f"{n}", who=who))
    for n in range(2):
        await _claim(store, held, f"p{n}")
    waiting = (await store.messages.unsettled("test", 10))[0]
    flows, turns, loaded, others = await store.messages.line([view.job.id for view in waiting])
    mine = {flow.account: flow for flow in flows}
    found = {job: ahead(mine[turn.account], turn.nth, turn.before, flows).jobs for job, turn in turns.items()}
    claimed = [(await _claim(store, held, f"q{n}")).job.id for n in range(6)]
    assert {job: n for n, job in enumerate(claimed)} == found
    assert (loaded, others) == (frozenset(), 0)
    assert await store.messages.line([JobId("job-0")]) == ([], {}, frozenset(), 0)


async def test_the_queue_in_numbers(store: Store, held: Held) -> None:
    """Waiting, in hand, in hand of one backend, and ended by how."""
    assert await store.messages.totals() == (0, 0)
    for n in range(5):
        await store.requests.add(new_request(f"{n}"))
    await _done(store, held, "aa")
    await _claim(store, held, "p1")
    await store.queue.cancel(JobId("job-4"), now=2000.0)
    assert await store.messages.totals() == (2, 1)
    assert (await store.messages.running_on("backend:a"), await store.messages.running_on("backend:b")) == (
        1,
        0,
    )
    assert await store.messages.ended() == {State.DONE: 1, State.CANCELLED: 1}


async def test_an_unknown_job_has_no_message(store: Store) -> None:
    """It is answered with nothing, not with an error."""
    assert await store.messages.of_job(JobId("job-1")) is None


async def test_a_message_whose_address_expired_waits_for_the_next(store: Store) -> None:
    """It is not due until a press renewed it; then it is, at its new address."""
    await store.requests.add(new_request(transient=True, spoiler=True))
    await store.messages.park(MessageId("message-1"))
    assert (await store.messages.unsettled("test", 10))[2] == []
    assert (await store.messages.unsettled("test", 10))[0] == []
    view = await store.messages.of_job(JobId("job-1"))
    assert view is not None
    assert (view.reachable, view.transient, view.spoiler) == (False, True, True)

    await store.messages.renew(MessageId("message-1"), {"token": "new"})
    (due,) = (await store.messages.unsettled("test", 10))[2]
    assert (due.address, due.reachable, due.wanted) == ({"token": "new"}, True, 2)
    await store.messages.shown(due)
    assert (await store.messages.unsettled("test", 10))[2] == []


async def test_a_message_that_moved_is_found_where_it_is(store: Store) -> None:
    """The same event again is told its new address, and none once it is gone."""
    await store.requests.add(new_request())
    await store.messages.move(MessageId("message-1"), {"chat": "private"})
    known = await store.requests.find("event-1")
    assert known is not None
    assert known.address == {"chat": "private"}
    await store.messages.give_up(MessageId("message-1"))
    known = await store.requests.find("event-1")
    assert known is not None
    assert known.address is None
