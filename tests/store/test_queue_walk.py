"""Random walks over everything that can happen to jobs, beside a model that fits on a page."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from bot.contract.values import JobId
from bot.errors import LeaseLost
from bot.jobs.models import Attempt
from bot.jobs.states import ENDS, LIVE, State, sources
from bot.store.database import Database
from bot.store.leases import Held
from bot.store.store import Store, open_store
from bot.store.tables import attempt, flow, identity, job, line
from tests.builders import new_request, sqlite_url

PEOPLE = ("ann", "bob", "cid")
PICK = st.integers(0, 1000)


@dataclass
class Model:
    """What a job should be like."""

    who: str
    state: State = State.QUEUED
    number: int = 0
    epoch: int | None = None
    cancel: bool = False
    outcomes: list[str | None] = field(default_factory=list)

    def takes(self, mine: Attempt, to: State) -> bool:
        """Whether a write of this attempt is the job's holder's, and leads somewhere."""
        return (mine.number, mine.epoch) == (self.number, self.epoch) and self.state in sources(to)


class QueueWalk(RuleBasedStateMachine):
    """After every step, the store's jobs and counters are the model's."""

    migrated: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        shutil.copy(self.migrated, Path(self.folder.name) / "muralist.db")
        self.stack = AsyncExitStack()
        url = sqlite_url(Path(self.folder.name))
        self.store: Store = self.do(self.stack.enter_async_context(open_store(url)))
        self.database: Database = self.do(self.stack.enter_async_context(Database(url)))
        self.jobs: dict[str, Model] = {}
        self.attempts: list[Attempt] = []

    def do(self, step: Coroutine[Any, Any, Any]) -> Any:
        """Run one step to its end."""
        return self.runner.run(step)

    def teardown(self) -> None:
        """Close the file."""
        self.do(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()

    @initialize()
    def take_the_lease(self) -> None:
        """One backend, held from the start."""
        self.held: Held = self.do(self.store.leases.take("backend:a", "me", None))

    @rule(who=st.sampled_from(PEOPLE))
    def add(self, who: str) -> None:
        """Somebody asks for a picture."""
        key = str(len(self.jobs))
        self.do(self.store.requests.add(new_request(key, who=who)))
        self.jobs[f"job-{key}"] = Model(who=who)

    @rule()
    def claim(self) -> None:
        """The next job: of a waiting person the oldest."""
        mine = self.do(self.store.queue.claim(self.held, f"p{len(self.attempts)}", now=1500.0))
        waiting = [name for name, model in self.jobs.items() if model.state is State.QUEUED]
        if mine is None:
            assert waiting == []
            return
        model = self.jobs[mine.job.id]
        assert mine.job.id == next(name for name in waiting if self.jobs[name].who == model.who)
        assert mine.job.cancel_requested == model.cancel
        model.state, model.number, model.epoch = State.CLAIMED, model.number + 1, self.held.epoch
        model.outcomes.append(None)
        assert mine.number == model.number
        self.attempts.append(mine)

    @precondition(lambda self: self.attempts)
    @rule(which=PICK, to=st.sampled_from(LIVE))
    def advance(self, which: int, to: State) -> None:
        """A step by an attempt that may long be over."""
        mine = self.attempts[which % len(self.attempts)]
        if self._write(mine, to, self.store.queue.advance(mine, to)):
            self.jobs[mine.job.id].state = to

    @precondition(lambda self: self.attempts)
    @rule(which=PICK, end=st.sampled_from(ENDS))
    def finish(self, which: int, end: State) -> None:
        """An end by an attempt that may long be over."""
        mine = self.attempts[which % len(self.attempts)]
        if self._write(mine, end, self.store.queue.finish(mine, end, now=2000.0)):
            model = self.jobs[mine.job.id]
            model.state, model.outcomes[-1] = end, end

    @precondition(lambda self: self.attempts)
    @rule(which=PICK, failed=st.booleans())
    def requeue(self, which: int, failed: bool) -> None:
        """A step back by an attempt that may long be over."""
        mine = self.attempts[which % len(self.attempts)]
        if self._write(mine, State.QUEUED, self.store.queue.requeue(mine, "back", failed=failed)):
            model = self.jobs[mine.job.id]
            model.state, model.epoch, model.outcomes[-1] = State.QUEUED, None, "back"

    @precondition(lambda self: self.jobs)
    @rule(which=PICK)
    def cancel(self, which: int) -> None:
        """Somebody cancels a job, whatever has become of it."""
        name = list(self.jobs)[which % len(self.jobs)]
        model = self.jobs[name]
        assert self.do(self.store.queue.cancel(JobId(name), now=2000.0)) is model.state
        if model.state is State.QUEUED:
            model.state, model.cancel = State.CANCELLED, True
        elif model.state in LIVE:
            model.cancel = True

    @rule()
    def another_takes_over(self) -> None:
        """The lease changes hands, and with it all jobs in hand."""
        seen = self.do(self.store.leases.look("backend:a"))
        self.held = self.do(self.store.leases.take("backend:a", "other", seen))
        adopted = self.do(self.store.queue.adopt(self.held))
        mine = [name for name, model in self.jobs.items() if model.state in LIVE]
        assert [attempt.job.id for attempt in adopted] == mine
        for name in mine:
            self.jobs[name].epoch = self.held.epoch
        self.attempts += adopted

    def _write(self, mine: Attempt, to: State, step: Coroutine[Any, Any, Any]) -> bool:
        """Whether the write went through, which must be when the model says so."""
        allowed = self.jobs[mine.job.id].takes(mine, to)
        try:
            self.do(step)
        except LeaseLost:
            assert not allowed
            return False
        assert allowed
        return True

    @invariant()
    def jobs_are_the_models(self) -> None:
        """State, attempt, epoch and wish of every job."""
        columns = (job.c.id, job.c.state, job.c.attempt, job.c.epoch, job.c.cancel_requested)
        rows = self.do(self._rows(select(*columns).order_by(job.c.number)))
        assert [tuple(row) for row in rows] == [
            (name, model.state, model.number, model.epoch, model.cancel) for name, model in self.jobs.items()
        ]

    @invariant()
    def attempts_are_closed_once(self) -> None:
        """Every attempt's outcome, in order."""
        rows = self.do(self._rows(select(attempt.c.job, attempt.c.outcome).order_by(attempt.c.number)))
        for name, model in self.jobs.items():
            assert [outcome for owner, outcome in rows if owner == name] == model.outcomes

    @invariant()
    def counters_are_a_recount(self) -> None:
        """What flows keep is what counting the jobs gives."""
        columns = (identity.c.external_id, flow.c.waiting, flow.c.running)
        rows = self.do(self._rows(select(*columns).join(flow, flow.c.account == identity.c.account)))
        waiting = Counter(model.who for model in self.jobs.values() if model.state is State.QUEUED)
        running = Counter(model.who for model in self.jobs.values() if model.state in LIVE)
        people = {model.who for model in self.jobs.values()}
        assert sorted(tuple(row) for row in rows) == sorted(
            (who, waiting[who], running[who]) for who in people
        )

    @invariant()
    def lines_are_a_recount(self) -> None:
        """Each line has the jobs and the work that wait in it; what waits is charged nothing."""
        alike = (job.c.account, job.c.lane, job.c.place, job.c.models, job.c.shunned)
        waits = job.c.state == State.QUEUED
        counted = select(*alike, func.count(), func.sum(job.c.estimate)).where(waits).group_by(*alike)
        kept = select(*(line.c[column.name] for column in alike), line.c.waiting, line.c.seconds)
        assert sorted(tuple(row) for row in self.do(self._rows(kept))) == sorted(
            tuple(row) for row in self.do(self._rows(counted))
        )
        charged = select(func.sum(job.c.charged)).where(waits)
        assert not self.do(self._rows(charged))[0][0]

    async def _rows(self, query: Any) -> Any:
        return await self.database.read(lambda connection: connection.execute(query).all())


def test_walks_keep_the_store_and_the_model_alike(migrated: Path) -> None:
    """Hypothesis draws the walks, and shrinks one that leads astray."""
    QueueWalk.migrated = migrated
    few = settings(
        max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(QueueWalk, settings=few)


TURNS = st.lists(st.sampled_from([*PEOPLE, "claim", "claim", "finish"]), max_size=40)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(turns=TURNS)
def test_nobody_who_waits_is_passed_over(migrated: Path, turns: list[str]) -> None:
    """Between two turns of somebody who waits, nobody has more than two; however they come and go."""
    asyncio.run(_turns(migrated, turns))


async def _turns(migrated: Path, turns: list[str]) -> None:
    waiting: Counter[str] = Counter()
    since: dict[str, Counter[str]] = {}
    hand: list[Attempt] = []
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(migrated, Path(folder) / "muralist.db")
        async with open_store(sqlite_url(Path(folder))) as store:
            held = await store.leases.take("backend:a", "me", None)
            assert held is not None
            for n, turn in enumerate(turns):
                if turn in PEOPLE:
                    await store.requests.add(new_request(f"{turn}-{n}", who=turn))
                    waiting[turn] += 1
                    since.setdefault(turn, Counter())
                elif turn == "finish" and hand:
                    await store.queue.finish(hand.pop(0), State.DONE, now=2000.0)
                elif turn == "claim":
                    mine = await store.queue.claim(held, f"p{n}", now=1500.0)
                    if mine is not None:
                        hand.append(mine)
                        _served(mine.job.id.split("-")[1], waiting, since)


def _served(who: str, waiting: Counter[str], since: dict[str, Counter[str]]) -> None:
    waiting[who] -= 1
    del since[who]
    if waiting[who]:
        since[who] = Counter()
    for turns in since.values():
        turns[who] += 1
        assert turns[who] <= 2
