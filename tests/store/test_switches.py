"""What admins switch, do to others' jobs and read in the trail, on both kinds of database."""

from __future__ import annotations

from datetime import datetime

import pytest

from bot.contract.overview import Change
from bot.contract.values import AccountId, JobId
from bot.errors import TooMuch
from bot.jobs.states import State
from bot.scheduling.caps import Caps
from bot.scheduling.holds import EVERYWHERE, Hold, Hours, Plan, Reason, Switch, Turned
from bot.scheduling.terms import Terms
from bot.store.claims import Rules
from bot.store.leases import Held
from bot.store.statistics import Figure
from bot.store.store import Store, open_store
from tests.builders import actor, new_request

ROOT = actor("root")
NEVER = Plan(others=Hours(spans=((0, 1),)))
"""A minute after midnight: no test of these claims then."""


def change(what: str, whom: str = "", at: float = 1500.0) -> Change:
    """Something that the admin does."""
    return Change(at=at, by=ROOT, what=what, whom=whom)


async def claimed(store: Store, held: Held, rules: Rules | None = None) -> JobId | None:
    """The job that a backend takes next, if any."""
    mine = await store.queue.claim(held, f"p{await _attempts(store)}", now=43200.0, rules=rules)
    return mine.job.id if mine is not None else None


async def _attempts(store: Store) -> int:
    return len(await store.messages.in_hand())


async def other_backend(store: Store) -> Held:
    """Another backend's lease."""
    taken = await store.leases.take("backend:b", "me", None)
    assert taken is not None
    return taken


async def test_nothing_is_claimed_while_the_queue_is_paused(url: str, store: Store, held: Held) -> None:
    """By no process, and after a restart neither; once it goes on everything is as before."""
    await store.requests.add(new_request("1"))
    on = Turned(since=1500.0)
    assert await store.switches.turn(Switch.PAUSED, EVERYWHERE, on, change("pause", "the queue"))
    assert not await store.switches.turn(Switch.PAUSED, EVERYWHERE, on, change("pause", "the queue"))
    async with open_store(url) as again:
        assert await again.switches.read() == {(Switch.PAUSED, EVERYWHERE): on}
        assert await claimed(again, held) is None
        assert await again.switches.turn(Switch.PAUSED, EVERYWHERE, None, change("resume", at=1600.0))
    assert await claimed(store, held) == "job-1"
    assert await store.audit.newest(10) == [
        Change(at=1600.0, by=ROOT, what="resume", before="on", after="off"),
        Change(at=1500.0, by=ROOT, what="pause", whom="the queue", before="off", after="on"),
    ]
    assert len(await store.audit.newest(1)) == 1


@pytest.mark.parametrize("switch", [Switch.PAUSED, Switch.DRAINED, Switch.OWNERS])
async def test_one_backend_is_held_and_another_works(store: Store, held: Held, switch: Switch) -> None:
    """What is switched is that backend's alone."""
    await store.requests.add(new_request("1"))
    await store.switches.turn(switch, held.name, Turned(since=1500.0), change("hold"))
    assert await claimed(store, held) is None
    assert await claimed(store, await other_backend(store)) == "job-1"


async def test_outside_its_hours_a_backend_claims_nothing(store: Store, held: Held) -> None:
    """Unless it was taken by an admin."""
    await store.requests.add(new_request("1"))
    assert await claimed(store, held, Rules(plan=NEVER)) is None
    await store.switches.turn(Switch.BOTS, held.name, Turned(since=43000.0), change("gpu take"))
    assert await claimed(store, held, Rules(plan=NEVER)) == "job-1"


async def test_a_hold_gives_the_memory_back_once(store: Store, held: Held) -> None:
    """The next one does so again."""
    first, second = (Hold(reason=Reason.OWNERS, since=since) for since in (1.0, 2.0))
    assert not await store.switches.freed(held.name, first)
    await store.switches.note_freed(held.name, first)
    assert await store.switches.freed(held.name, first)
    assert not await store.switches.freed(held.name, second)


async def test_servers_come_and_go(store: Store) -> None:
    """One that is removed hands over what it has; one that comes again works as if it were new."""
    assert await store.switches.add("backend:http://b", "http://b", change("backend add", "b"))
    assert not await store.switches.add("backend:http://b", "http://b", change("backend add", "b"))
    assert await store.switches.added() == ["http://b"]
    assert await store.switches.remove("backend:http://b", change("backend remove", "b"))
    assert not await store.switches.remove("backend:http://b", change("backend remove", "b"))
    assert await store.switches.added() == []
    drained = {(Switch.DRAINED, "backend:http://b"): Turned(since=1500.0, hand_over=True)}
    assert await store.switches.read() == drained
    await store.switches.add("backend:http://b", "http://b", change("backend add", "b"))
    assert await store.switches.read() == {}
    said = [(line.what, line.before, line.after) for line in await store.audit.newest(10)]
    assert said == [
        ("backend add", "off", "on"),
        ("backend remove", "on", "off"),
        ("backend add", "off", "on"),
    ]


async def test_a_held_backend_shortens_nobodys_wait(store: Store, held: Held) -> None:
    """Two backends share the work before a job, a held one does not."""
    other = await other_backend(store)
    await store.requests.add(new_request("1"))
    await store.requests.add(new_request("2"))
    await store.switches.turn(Switch.DRAINED, other.name, Turned(since=1000.0), change("drain", at=1000.0))
    await store.requests.add(new_request("3"))
    await store.requests.add(new_request("4", shunned=(held.name,)))
    assert [await range_of(store, key) for key in "1234"] == [
        (1010.0, 1040.0),  # a run is guessed to take 20 s, half to twice as long
        (1015.0, 1060.0),
        (1030.0, 1120.0),
        (1040.0, 1160.0),
    ]


async def range_of(store: Store, key: str) -> tuple[float | None, float | None]:
    """When a job was thought to be done."""
    view = await store.messages.of_job(JobId(f"job-{key}"))
    assert view is not None
    return view.job.early, view.job.late


async def test_what_waits_through_a_pause_comes_so_much_later(store: Store, held: Held) -> None:
    """What was asked for meanwhile waits from then; what a backend has in hand was not held up. A pause of one
    backend beside another that works changes nothing."""
    for key in "12":
        await store.requests.add(new_request(key))
    assert await claimed(store, held) == "job-1"
    before = [await range_of(store, key) for key in "12"]
    await store.switches.turn(Switch.PAUSED, EVERYWHERE, Turned(since=1100.0), change("pause", at=1100.0))
    await store.requests.add(new_request("3", created=1400.0))
    third = await range_of(store, "3")
    await store.switches.turn(Switch.PAUSED, EVERYWHERE, None, change("resume", at=1700.0))
    assert [await range_of(store, key) for key in "123"] == [
        before[0],
        later(before[1], 600),
        later(third, 300),
    ]
    other = await other_backend(store)
    await store.switches.turn(Switch.PAUSED, other.name, Turned(since=1800.0), change("pause", at=1800.0))
    await store.switches.turn(Switch.PAUSED, other.name, None, change("resume", at=1900.0))
    assert await range_of(store, "3") == later(third, 300)


def later(given: tuple[float | None, float | None], seconds: float) -> tuple[float, float]:
    """A range, moved."""
    early, late = given
    assert early is not None
    assert late is not None
    return early + seconds, late + seconds


async def test_outside_the_hours_it_counts_from_their_begin(store: Store, held: Held) -> None:
    """If an admin takes the GPU before, from then."""
    noon = datetime(2026, 5, 4, 12).timestamp()  # noqa: DTZ001 - hours are the server's own
    evening = Terms(plan=Plan(others=Hours(spans=((13 * 60, 23 * 60),))))
    await store.requests.add(new_request("1", created=noon - 13.5 * 3600), evening)
    yesterday = await range_of(store, "1")
    assert yesterday == (noon - 13.5 * 3600 + 10, noon - 13.5 * 3600 + 40)
    await store.requests.add(new_request("2", created=noon), evening)
    opening = 3600 + 40
    assert await range_of(store, "2") == (noon + 0.5 * opening, noon + 2 * opening)
    taken, at = Turned(since=noon + 600), change("gpu take", at=noon + 600)
    await store.switches.turn(Switch.BOTS, held.name, taken, at, evening.plan)
    assert await range_of(store, "1") == later(yesterday, 13 * 3600 + 600)
    assert await range_of(store, "2") == later((noon + 0.5 * opening, noon + 2 * opening), 600 - 3600)


async def test_limits_of_admins_stand_in_place_of_the_settings(store: Store, held: Held) -> None:
    """For requests and for claims, at once; taken back the settings' hold again."""
    terms = Terms(caps=Caps(waiting_person=1))
    await store.requests.add(new_request("1"), terms)
    with pytest.raises(TooMuch, match="You have 1 picture waiting"):
        await store.requests.add(new_request("2"), terms)
    await store.switches.limit("waiting_person", 0, change("limits", "waiting-per-person"))
    await store.switches.limit("running_person", 1, change("limits", "running-per-person"))
    await store.switches.limit("cooldown", 0.5, change("limits", "cooldown"))
    assert await store.switches.limits() == {"waiting_person": 0, "running_person": 1, "cooldown": 0.5}
    with pytest.raises(TooMuch, match="Try again in 1 second"):
        await store.requests.add(new_request("2", created=1000.1), terms)
    await store.requests.add(new_request("2", created=1001.0), terms)
    assert [await claimed(store, held), await claimed(store, held)] == ["job-1", None]
    await store.switches.limit("running_person", None, change("limits", "running-per-person"))
    assert await claimed(store, held) == "job-2"


async def test_a_job_at_the_front_is_taken_first(store: Store, held: Held) -> None:
    """Whosever it is, in the order in which they were moved; its person pays for it as for any other."""
    for n, who in enumerate(("ann", "ann", "bob", "cid")):
        await store.requests.add(new_request(f"{n}", who=who))
    for n in (3, 1):
        assert await store.steering.front(JobId(f"job-{n}"), change("front", f"job-{n}"))
    assert await store.steering.front(JobId("job-3"), change("front", "job-3"))
    assert await store.steering.fronts() == ["job-3", "job-1"]
    _, turns, *_ = await store.messages.line([JobId(f"job-{n}") for n in range(4)])
    told = {job: (turn.front, turn.fronts) for job, turn in turns.items()}
    assert told == {"job-0": (False, 2), "job-1": (True, 1), "job-2": (False, 2), "job-3": (True, 0)}
    assert [await claimed(store, held) for _ in range(4)] == ["job-3", "job-1", "job-2", "job-0"]
    assert not await store.steering.front(JobId("job-0"), change("front", "job-0"))
    assert [(line.whom, line.after) for line in await store.audit.newest(10)] == [
        ("job-1", "front, 2"),
        ("job-3", "front, 1"),
    ]


async def test_a_person_is_cleared(store: Store, held: Held) -> None:
    """What waits ends, what runs goes on, and the others keep theirs."""
    for n in range(3):
        await store.requests.add(new_request(f"{n}"))
    assert await claimed(store, held) == "job-0"
    await store.requests.add(new_request("bob", who="bob"))
    (ann,) = await store.steering.people("TEST:ann")
    assert [person.actor for person in await store.steering.people("ANN")] == [ann.actor] == [actor("ann")]
    assert await store.steering.clear(ann.account, change("clear", "ann")) == ["job-1", "job-2"]
    assert await store.steering.clear(ann.account, change("clear", "ann")) == []
    assert await store.messages.totals() == (1, 1)
    found = {job: (await store.steering.jobs(job))[0].state for job in ("job-0", "job-1", "job-bob")}
    assert found == {"job-0": State.CLAIMED, "job-1": State.CANCELLED, "job-bob": State.QUEUED}
    assert [(line.before, line.after) for line in await store.audit.newest(10)] == [
        ("2 waiting", "none waiting")
    ]


async def test_anybodys_job_ends(store: Store, held: Held) -> None:
    """One that waits at once, one that runs by whoever has it; one that is over is no change."""
    await store.requests.add(new_request("1"))
    assert await claimed(store, held) == "job-1"
    await store.requests.add(new_request("2", who="bob"))
    assert [each.actor.name for each in await store.steering.jobs("job-")] == ["Bob", "Ann"]
    for job, had in (("job-2", State.QUEUED), ("job-2", State.CANCELLED), ("job-1", State.CLAIMED)):
        assert await store.steering.cancel(JobId(job), change("cancel-job", job)) is had
    assert await store.queue.to_cancel(held) == {JobId("job-1")}
    assert [(line.whom, line.before) for line in await store.audit.newest(10)] == [
        ("job-1", "claimed"),
        ("job-2", "queued"),
    ]


async def test_a_weight_is_a_persons_own(store: Store, held: Held) -> None:
    """Whoever weighs three times as much is served three times as often."""
    for n in range(12):
        await store.requests.add(new_request(f"ann-{n}", who="ann"))
        await store.requests.add(new_request(f"bob-{n}", who="bob"))
    (bob,) = await store.steering.people("bob")
    assert (bob.actor, bob.weight) == (actor("bob"), 1.0)
    await store.steering.weigh(bob.account, 3.0, change("limits", "weight of bob"))
    taken = [await claimed(store, held) for _ in range(12)]
    assert sum("bob" in str(job) for job in taken) == 9
    assert (await store.audit.newest(1))[0].after == "3"


async def test_figures_by_day_person_and_workflow(store: Store, held: Held) -> None:
    """What was asked for in the time, what became of it, and what it cost."""
    for n, who in enumerate(("ann", "ann", "bob")):
        await store.requests.add(new_request(f"{n}", who=who, created=1000.0 + n))
    for n in range(2):
        mine = await store.queue.claim(held, f"p-{n}", now=1005.0)
        assert mine is not None
        state = State.DONE if mine.job.id == "job-0" else State.FAILED
        await store.queue.advance(mine, State.RUNNING, started=1010.0)
        await store.queue.finish(mine, state, now=1022.0)
    first, second = await store.statistics.between([("a", 0.0, 1002.0), ("b", 1002.0, 2000.0)])
    assert first == Figure(of="a", asked=2, done=1, failed=0, seconds=12.0, wait=10.0)
    assert second == Figure(of="b", asked=1, done=0, failed=1, seconds=12.0, wait=8.0)
    assert await store.statistics.people(0.0, 5) == [
        Figure(of="Ann", asked=2, done=1, failed=0, seconds=12.0, wait=10.0),
        Figure(of="Bob", asked=1, done=0, failed=1, seconds=12.0, wait=8.0),
    ]
    assert await store.statistics.workflows(0.0, 5) == [
        Figure(of="imagine", asked=3, done=1, failed=1, seconds=24.0, wait=9.0)
    ]
    assert await store.statistics.workflows(3000.0, 5) == []


async def test_nobody_is_found_who_is_not_there(store: Store) -> None:
    """Nor any job."""
    assert await store.steering.people("nobody") == []
    assert await store.steering.jobs("%") == []
    assert await store.steering.clear(AccountId("none"), change("clear")) == []
    assert await store.audit.newest(10) == []
