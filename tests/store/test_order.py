"""Whose job is next on which backend: turns, what is loaded there, who can run it, caps."""

from __future__ import annotations

from bot.contract.overview import Change
from bot.jobs.states import State
from bot.jobs.work import Lane
from bot.scheduling.caps import Caps
from bot.scheduling.holds import Switch, Turned
from bot.store.claims import Rules
from bot.store.database import Database
from bot.store.leases import Held
from bot.store.store import Store
from tests.builders import actor, new_request
from tests.store.claiming import claim, flows, make, take


async def test_claims_go_round_in_turns(store: Store, held: Held) -> None:
    """However many one person has sent first, everybody who waits is served in every round."""
    people = {"ann": 4, "bob": 2, "cid": 1}
    for who, count in people.items():
        for n in range(count):
            await store.requests.add(new_request(f"{who}-{n}", who=who))
    rounds = [{(await claim(store, held, f"p{r}{n}")).job.id for n in range(k)} for r, k in enumerate((3, 2))]
    assert rounds == [{"job-ann-0", "job-bob-0", "job-cid-0"}, {"job-ann-1", "job-bob-1"}]
    assert [(await claim(store, held, f"q{n}")).job.id for n in range(2)] == ["job-ann-2", "job-ann-3"]


async def test_a_long_job_saves_up_no_turns(store: Store, held: Held) -> None:
    """While one of ann's ran, bob had many; then both wait, and neither is served again and again."""
    await store.requests.add(new_request("ann-0", who="ann"))
    await claim(store, held, "long")
    for n in range(8):
        await store.requests.add(new_request(f"bob-{n}", who="bob"))
    for n in range(4):
        assert (await make(store, held, f"p{n}")).job.id == f"job-bob-{n}"
    for n in range(1, 5):
        await store.requests.add(new_request(f"ann-{n}", who="ann"))
    order = [(await claim(store, held, f"q{n}")).job.id for n in range(4)]
    assert {tuple(sorted(order[:2])), tuple(sorted(order[2:]))} == {
        ("job-ann-1", "job-bob-4"),
        ("job-ann-2", "job-bob-5"),
    }


async def test_a_job_that_comes_back_brings_one_turn_and_no_more(store: Store, held: Held) -> None:
    """The claim is refunded, so the job is next; those sent after it take turns with everybody's."""
    await store.requests.add(new_request("ann-0", who="ann"))
    mine = await claim(store, held, "lost")
    for n in range(8):
        await store.requests.add(new_request(f"bob-{n}", who="bob"))
    for n in range(4):
        await make(store, held, f"p{n}")
    await store.queue.requeue(mine, "no answer", failed=False)
    for n in range(1, 5):
        await store.requests.add(new_request(f"ann-{n}", who="ann"))
    order = [(await claim(store, held, f"q{n}")).job.id for n in range(5)]
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


async def test_whoever_comes_while_a_guess_runs_is_not_left_behind(store: Store, held: Held) -> None:
    """Two unknown jobs are charged by guess and turn out to be short: bob, who came meanwhile, has his turn."""
    for n in range(6):
        await store.requests.add(new_request(f"ann-{n}", who="ann"))
    first = [await claim(store, held, f"p{n}") for n in range(2)]
    await store.requests.add(new_request("bob-0", who="bob"))
    for mine in first:
        await store.queue.advance(mine, State.RUNNING, started=1500.0)
        await store.queue.finish(mine, State.DONE, now=1500.5)
    assert "job-bob-0" in [(await make(store, held, f"q{n}")).job.id for n in range(2)]


async def test_what_was_charged_becomes_what_it_took(store: Store, held: Held, database: Database) -> None:
    """Twenty seconds by guess, fifty in truth; and the next one is thought to take fifty."""
    await store.requests.add(new_request("1", who="ann"))
    mine = await claim(store, held)
    await store.queue.advance(mine, State.RUNNING, started=1500.0)
    await store.queue.finish(mine, State.DONE, now=1550.0)
    assert await flows(database) == {"job-1": (50.0, 0, 0)}
    await store.requests.add(new_request("2", who="bob"))
    await claim(store, held, "p2")
    assert (await flows(database))["job-2"] == (100.0, 0, 1)


async def test_loaded_models_go_first(store: Store, held: Held) -> None:
    """A backend with work in hand takes nothing that must load first; another takes what is not loaded here."""
    await store.requests.add(new_request("1", who="ann", models="flux"))
    await claim(store, held, "p1")
    await store.requests.add(new_request("2", who="bob", models="sdxl"))
    await store.requests.add(new_request("3", who="cid", models="flux"))
    assert (await claim(store, held, "p2")).job.id == "job-3"
    assert await store.queue.claim(held, "p3", now=1500.0) is None
    assert (await claim(store, await take(store.leases, "backend:b"), "p3")).job.id == "job-2"


async def test_models_are_left_to_the_backend_that_has_them_until_it_does_not_answer(
    store: Store, held: Held
) -> None:
    """One that is idle comes to them soon; one that is gone never does."""
    await store.requests.add(new_request("1", models="flux"))
    await make(store, held, "p1")
    await store.requests.add(new_request("2", models="flux"))
    other = await take(store.leases, "backend:b")
    assert await store.queue.claim(other, "p2", now=1600.0) is None
    await store.queue.unload(held)
    assert (await claim(store, other, "p2")).job.id == "job-2"


async def test_models_are_not_left_to_a_backend_that_takes_no_jobs(store: Store, held: Held) -> None:
    """It answers, and has them loaded, and an admin has drained it."""
    await store.requests.add(new_request("1", models="flux"))
    await make(store, held, "p1")
    await store.requests.add(new_request("2", models="flux"))
    other = await take(store.leases, "backend:b")
    change = Change(at=1500.0, by=actor("ann"), what="drain", whom="a")
    await store.switches.turn(Switch.DRAINED, held.name, Turned(since=1500.0), change)
    assert (await claim(store, other, "p2")).job.id == "job-2"


async def test_a_job_keeps_away_from_a_backend_that_failed_it(store: Store, held: Held) -> None:
    """Another takes it; the others' jobs are no matter."""
    await store.requests.add(new_request("1"))
    mine = await claim(store, held)
    await store.queue.requeue(mine, "node_failed", failed=True, shun=[held.name])
    assert await store.queue.claim(held, "p2", now=1500.0) is None
    again = await claim(store, await take(store.leases, "backend:b"), "p2")
    assert (again.job.id, again.job.shunned, again.job.failures) == ("job-1", (held.name,), 1)


async def test_a_job_never_goes_to_a_backend_that_cannot_run_it(store: Store, held: Held) -> None:
    """Known when it was asked for; it waits for one that can, and whoever comes after it is served."""
    await store.requests.add(new_request("1", shunned=(held.name,)))
    assert await store.queue.claim(held, "p1", now=1500.0) is None
    await store.requests.add(new_request("2"))
    assert (await claim(store, held, "p2")).job.id == "job-2"
    able = await claim(store, await take(store.leases, "backend:b"), "p3")
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
    names = [(await make(store, held, f"p{n}")).job.id for n in range(30)]
    assert 2 <= sum("later" in name for name in names) <= 4
