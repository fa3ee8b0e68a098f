"""Accepting requests: once each, with their account, place, job and message."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from bot.contract.values import JobId, OutputRef
from bot.errors import TooMuch
from bot.jobs.models import Added, Blob, InputImage, Job, MessageView
from bot.scheduling.caps import Caps
from bot.scheduling.terms import Terms
from bot.store.database import Database
from bot.store.requests import Requests
from bot.store.store import Store
from bot.store.tables import flow, identity, place
from tests.builders import actor, everything, new_request
from tests.builders import place as room


async def test_a_request_is_read_back_as_it_was_made(store: Store) -> None:
    """The message with its job holds everything that was asked, a seed of 0 too."""
    kept = Blob(sha256="aa", size=10)
    await store.requests.keep_blob(kept)
    inputs = (
        InputImage(parameter="image", node="10", input="image", sha256="aa"),
        InputImage(parameter="image", node="11", input="image", sha256="aa"),
    )
    new = new_request(inputs=inputs, parent=OutputRef(job=JobId("job-0"), index=2))
    added = await store.requests.add(new)
    account = await store.requests.account(actor())
    assert added == Added(
        request=new.request,
        job=new.job,
        message=new.message,
        address=new.address,
        fingerprint="same",
        existing=False,
    )
    assert account is not None
    assert await store.messages.of_job(new.job) == MessageView(
        id=new.message,
        adapter="test",
        address={"chat": "room", "message": "1"},
        actor=actor(),
        place=room(),
        command="imagine",
        wanted=1,
        shown=0,
        removed=False,
        job=Job(
            id=new.job,
            request=new.request,
            account=account,
            workflow="imagine",
            version="v1",
            values={"prompt": "a red fox", "seed": 0},
            patch=new.patch,
            seed=0,
            inputs=inputs,
            parent=OutputRef(job=JobId("job-0"), index=2),
            created=1000.0,
            early=1010.0,
            late=1040.0,
        ),
        outputs=(),
    )


async def test_seeds_keep_all_their_bits(store: Store) -> None:
    """The greatest seed comes back exactly: no float and no 63-bit integer stands between."""
    await store.requests.add(new_request(seed=2**64 - 1))
    view = await store.messages.of_job(JobId("job-1"))
    assert view is not None
    assert view.job.seed == 2**64 - 1


async def test_an_event_makes_one_request(store: Store, database: Database) -> None:
    """The same event key again changes nothing and says what the first one made, its fingerprint too."""
    first = await store.requests.add(new_request())
    before = await everything(database)
    again = await store.requests.add(new_request("2", event_key="event-1", who="bob", fingerprint="other"))
    assert asdict(again) == asdict(first) | {"existing": True}
    assert await store.requests.find("event-1") == again
    assert await store.requests.find("event-2") is None
    assert await everything(database) == before


async def test_an_event_that_comes_twice_at_once_makes_one_request(store: Store, database: Database) -> None:
    """Of many processes that hear the same event, one stores it and the others learn which."""
    others = Requests(database)
    answers = await asyncio.gather(
        *(
            side.add(new_request(f"{n}", event_key="same"))
            for n, side in enumerate([store.requests, others] * 5)
        )
    )
    assert len({answer.job for answer in answers}) == 1
    assert sorted(answer.existing for answer in answers) == [False] + [True] * 9
    assert len((await everything(database))["job"]) == 1


async def test_a_person_has_one_account_and_the_newest_name(store: Store, database: Database) -> None:
    """Asking again renews the name alone; another person, or that id on another platform, is somebody else."""
    assert await store.requests.account(actor()) is None
    await store.requests.add(new_request("1"))
    account = await store.requests.account(actor())
    renamed = replace(actor(), name="Queen Ann")
    elsewhere = replace(actor(), platform="other")
    await store.requests.add(new_request("2", actor=renamed))
    await store.requests.add(new_request("3", actor=elsewhere))
    await store.requests.add(new_request("4", who="bob"))
    assert await store.requests.account(actor()) == account
    assert (
        len({account, await store.requests.account(elsewhere), await store.requests.account(actor("bob"))})
        == 3
    )
    named, counted = (
        select(identity.c.platform, identity.c.name),
        select(flow.c.account, flow.c.waiting, flow.c.running),
    )
    names = await database.read(lambda connection: connection.execute(named).all())
    counters = await database.read(lambda connection: connection.execute(counted).all())
    assert sorted(tuple(row) for row in names) == [("other", "Ann"), ("test", "Bob"), ("test", "Queen Ann")]
    assert sorted(tuple(row)[1:] for row in counters) == [(1, 0), (1, 0), (2, 0)]
    assert dict(tuple(row)[:2] for row in counters)[account] == 2


async def test_a_place_is_kept_once(store: Store, database: Database) -> None:
    """Requests of one place share it; another place is another row."""
    for key, where in (("1", "room"), ("2", "room"), ("3", "attic")):
        await store.requests.add(new_request(key, where=where))
    found = await database.read(lambda connection: connection.scalars(select(place.c.external_id)).all())
    assert sorted(found) == ["attic", "room"]


async def test_a_workflow_that_was_edited_changes_no_job_that_waits(store: Store) -> None:
    """Each job is claimed with the graph that its version had when it was asked for."""
    edited = {"6": {"class_type": "Other", "inputs": {"text": ""}}}
    await store.requests.add(new_request("1"))
    await store.requests.add(new_request("2", version="v2", graph=edited))
    held = await store.leases.take("backend:a", "me", None)
    assert held is not None
    attempts = [await store.queue.claim(held, f"p{n}", now=1500.0) for n in range(2)]
    assert [attempt.graph for attempt in attempts if attempt is not None] == [new_request().graph, edited]


async def test_bytes_may_be_noted_twice(store: Store, database: Database) -> None:
    """The same upload again is the same row."""
    await store.requests.keep_blob(Blob(sha256="aa", size=10))
    await store.requests.keep_blob(Blob(sha256="aa", size=10))
    assert (await everything(database))["blob"] == [("aa", 10)]


async def test_a_request_that_cannot_be_stored_leaves_nothing(store: Store, database: Database) -> None:
    """An input that refers to bytes which are not there undoes the whole request."""
    missing = (InputImage(parameter="image", node="10", input="image", sha256="nowhere"),)
    before = await everything(database)
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        await store.requests.add(new_request(inputs=missing))
    assert await everything(database) == before


@pytest.mark.parametrize(
    ("caps", "words"),
    [
        (Caps(waiting_person=2), "You have 2 pictures waiting"),
        (Caps(waiting_place=3), "3 wait here already"),
        (Caps(cooldown=30.0), "Try again in 20 seconds"),
    ],
)
async def test_what_the_caps_leave_no_room_for_is_not_stored(
    store: Store, database: Database, caps: Caps, words: str
) -> None:
    """However it is asked for; the same event again is the first one still."""
    terms = Terms(caps=caps)
    await store.requests.add(new_request("1", where="room"), terms)
    await store.requests.add(new_request("2", where="room", created=1040.0), terms)
    await store.requests.add(new_request("3", where="room", who="bob"), terms)
    before = await everything(database)
    with pytest.raises(TooMuch, match=words):
        await store.requests.add(new_request("4", where="room", created=1050.0), terms)
    assert await everything(database) == before
    assert (await store.requests.add(new_request("2", where="room", created=1050.0), terms)).existing
    await store.requests.add(new_request("5", who="cid", where="hall"), terms)
