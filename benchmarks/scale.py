"""scale: claims, places in line and requests with very many jobs waiting, on SQLite and on PostgreSQL."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, func, insert, select

from benchmarks.report import Figure, at_least, at_most, percentile
from bot.contract.values import Actor, JobId, MessageId, Place, RequestId
from bot.jobs.models import NewRequest
from bot.jobs.states import State
from bot.jobs.work import Work
from bot.store.database import Database
from bot.store.flows import rebuild
from bot.store.leases import Held
from bot.store.store import Store, open_store
from bot.store.tables import account, flow, identity, job, message, place, request, workflow_version
from tests.postgres import Server, binaries

BACKENDS = 50
JOB_SECONDS = 2.0
HEADROOM = 4.0
"""So many times what all backends need."""

MODELS = tuple(f"model-{n}.safetensors" for n in range(6))
GRAPH = {"1": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}}}
AT_ONCE = 1000
"""Rows that are inserted together."""


@dataclass(kw_only=True, slots=True)
class Times:
    """Seconds of single calls, by what was called."""

    claim: list[float] = field(default_factory=list)
    place: list[float] = field(default_factory=list)
    enqueue: list[float] = field(default_factory=list)


async def measure(*, quick: bool) -> list[Figure]:
    """All figures of this row; on PostgreSQL only where one is installed."""
    with _sqlite() as make:
        figures = await _figures("scale, SQLite", make, quick=quick)
    programs = binaries()
    if programs is None:
        sys.stderr.write("scale: PostgreSQL is not installed, so it is not measured\n")
        return figures
    with _postgresql(programs) as make:
        return figures + await _figures("scale, PostgreSQL", make, quick=quick)


@contextmanager
def _sqlite() -> Iterator[Callable[[str], str]]:
    """Makes an empty database of a name, and says its URL."""
    with tempfile.TemporaryDirectory() as folder:
        yield lambda name: f"sqlite+aiosqlite:///{Path(folder) / name}.db"


@contextmanager
def _postgresql(programs: Path) -> Iterator[Callable[[str], str]]:
    server = Server(programs, durable=True)
    try:
        server.start()
        yield server.create
    finally:
        server.stop()


async def _figures(what: str, make: Callable[[str], str], *, quick: bool) -> list[Figure]:
    people, few, many, calls = (100, 100, 2000, 20) if quick else (1000, 1000, 100_000, 200)
    small, _ = await _times(make("small"), people, few, calls)
    large, size = await _times(make("large"), people, many, calls)
    needed = BACKENDS / JOB_SECONDS
    figures: list[Figure] = []
    for name in ("claim", "place", "enqueue"):
        before, after = getattr(small, name), getattr(large, name)
        middle, worst = statistics.median(after), percentile(after, 0.99)
        figures += [
            at_most(
                f"{what}, {name}: median with {many} waiting, times that with {few}",
                middle / statistics.median(before),
                2.0,
                f"{statistics.median(before) * 1000:.1f} ms; with {many}: {middle * 1000:.1f} ms, "
                f"99 of 100 within {worst * 1000:.1f} ms",
            ),
            at_least(
                f"{what}, {name}: one after another, times what {BACKENDS} backends need",
                1 / statistics.fmean(after) / needed,
                HEADROOM,
                f"{needed:.0f} a second at {JOB_SECONDS:.0f} s a job",
            ),
        ]
    against = (
        "the whole database, with request, message and indexes; nothing of a waiting job is kept in memory"
    )
    return [*figures, at_most(f"{what}, kB of a waiting job", size / 1000, 5.0, against)]


async def _times(url: str, people: int, jobs: int, calls: int) -> tuple[Times, float]:
    """Calls on a store of so many people with so many jobs waiting, and bytes a job."""
    async with open_store(url) as store, Database(url) as database:
        before = await database.read(_bytes)
        await _fill(database, people, jobs)
        size = (await database.read(_bytes) - before) / jobs
        held = [await store.leases.take(f"backend:{n}", "me", None) for n in range(BACKENDS)]
        taken = [each for each in held if each is not None]
        return await _call(store, taken, people, jobs, calls), size


def _bytes(connection: Connection) -> int:
    """The size of the database."""
    if connection.dialect.name == "postgresql":
        return int(connection.scalar(select(func.pg_database_size(func.current_database()))) or 0)
    pages, each = (connection.exec_driver_sql(f"PRAGMA page_{what}").scalar() for what in ("count", "size"))
    return int(pages or 0) * int(each or 0)


async def _call(store: Store, held: list[Held], people: int, jobs: int, calls: int) -> Times:
    times = Times()
    for n in range(calls):
        await _timed(times.enqueue, lambda n=n: store.requests.add(_request(n, people)))  # type: ignore[misc]
        waiting = JobId(f"job-{(n * 37) % jobs}")
        await _timed(times.place, lambda job=waiting: store.messages.line([job]))  # type: ignore[misc]
        where = held[n % len(held)]
        began = time.perf_counter()
        mine = await store.queue.claim(where, uuid4().hex, now=time.time())
        times.claim.append(time.perf_counter() - began)
        if mine is not None:
            await store.queue.advance(mine, State.RUNNING, started=time.time() - 9.0)
            await store.queue.finish(mine, State.DONE, now=time.time())
    return times


async def _timed(times: list[float], call: Callable[[], Awaitable[object]]) -> None:
    began = time.perf_counter()
    await call()
    times.append(time.perf_counter() - began)


def _request(n: int, people: int) -> NewRequest:
    key = uuid4().hex
    return NewRequest(
        request=RequestId(f"request-{key}"),
        event_key=key,
        fingerprint="",
        actor=Actor(platform="test", external_id=f"{(n * 7) % people}", name="Somebody"),
        place=Place(platform="test", external_id="room"),
        command="imagine",
        message=MessageId(f"message-{key}"),
        adapter="test",
        address={},
        job=JobId(f"new-{key}"),
        workflow="imagine",
        version="v1",
        graph=GRAPH,
        values={"prompt": "a red fox in snow"},
        patch=(),
        seed=n,
        models=MODELS[n % len(MODELS)],
        work=Work(workflow="imagine", pixels=2**20, steps=20),
        created=time.time(),
    )


async def _fill(database: Database, people: int, jobs: int) -> None:
    """As many requests as had been asked for one by one, only sooner."""
    await database.write(
        lambda connection: (
            connection.execute(insert(place).values(id="room", platform="test", external_id="room")),
            connection.execute(insert(workflow_version).values(version="v1", name="imagine", graph=GRAPH)),
            connection.execute(insert(account), [{"id": f"{n}", "created": 0.0} for n in range(people)]),
            connection.execute(
                insert(identity),
                [
                    {"platform": "test", "external_id": f"{n}", "account": f"{n}", "name": "Somebody"}
                    for n in range(people)
                ],
            ),
            connection.execute(
                insert(flow),
                [
                    {
                        "account": f"{n}",
                        "lane": "interactive",
                        "vtime": 0.0,
                        "waiting": 0,
                        "seconds": 0.0,
                        "running": 0,
                    }
                    for n in range(people)
                ],
            ),
        )
    )
    for first in range(0, jobs, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, jobs))
        rows = [_rows(n, people) for n in numbers]
        for table, which in ((request, 0), (job, 1), (message, 2)):
            chunk = [row[which] for row in rows]
            await database.write(lambda connection, t=table, c=chunk: connection.execute(insert(t), c))  # type: ignore[misc]
    await database.write(rebuild)


def _rows(n: int, people: int) -> tuple[dict[str, object], dict[str, object], dict[str, object]]:
    """A request, its job and its message."""
    owner = f"{n % people}"
    asked: dict[str, object] = {
        "id": f"request-{n}",
        "event_key": f"event-{n}",
        "account": owner,
        "actor_platform": "test",
        "actor_external_id": owner,
        "place": "room",
        "command": "imagine",
        "fingerprint": "",
        "created": float(n),
    }
    waits: dict[str, object] = {
        "id": f"job-{n}",
        "number": n + 1,
        "request": f"request-{n}",
        "account": owner,
        "place": "room",
        "models": MODELS[(n // people + n) % len(MODELS)],
        "workflow": "imagine",
        "version": "v1",
        "values": {"prompt": "a red fox in snow"},
        "patch": [{"node": "1", "input": "text", "value": "a red fox in snow"}],
        "seed": f"{n}",
        "state": State.QUEUED,
        "attempt": 0,
        "failures": 0,
        "cancel_requested": False,
        "fraction": 0.0,
        "created": float(n),
    }
    shows: dict[str, object] = {
        "id": f"message-{n}",
        "number": n + 1,
        "request": f"request-{n}",
        "place": "room",
        "adapter": "test",
        "address": {"chat": "room", "message": f"{n}"},
        "wanted": 1,
        "shown": 1,
        "removed": False,
        "dead": False,
    }
    return asked, waits, shows
