"""Random walks over everything that can happen to jobs, beside a model that fits on a page."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Select, func, insert, select

from bot.contract.values import JobId
from bot.errors import LeaseLost, TooMuch
from bot.jobs.models import Attempt
from bot.jobs.states import ENDS, LIVE, State, sources
from bot.jobs.work import Lane
from bot.scheduling.allowance import Allowance
from bot.scheduling.caps import Caps
from bot.scheduling.lanes import SHARES
from bot.scheduling.terms import Terms
from bot.store.claims import Rules
from bot.store.database import Database
from bot.store.leases import Held
from bot.store.store import Store, open_store
from bot.store.tables import account, attempt, flow, identity, job, lane, line
from tests.builders import actor, new_request
from tests.store.conftest import Fresh

WEIGHTS = {"ann": 1.0, "bob": 2.0, "cid": 0.5}
PLACES = ("hall", "room")
BACKENDS = ("backend:a", "backend:b")
CAPS = Caps(waiting_person=4, waiting_place=6, running_person=2, running_place=2)
PICK = st.integers(0, 1000)
SEVERAL = st.integers(1, 3)


def walks(kind: str) -> settings:
    """How many are drawn, fewer on PostgreSQL, where a step takes longer."""
    most = 20 if kind == "sqlite" else 8
    return settings(
        max_examples=most, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )


@dataclass(kw_only=True)
class Model:
    """What a job should be like. `charged` in seconds."""

    who: str
    where: str
    lane: Lane
    state: State = State.QUEUED
    number: int = 0
    backend: str | None = None
    epoch: int | None = None
    cancel: bool = False
    started: float | None = None
    charged: float = 0.0
    outcomes: list[str | None] = field(default_factory=list)

    def takes(self, mine: Attempt, to: State) -> bool:
        """Whether a write of this attempt is the job's holder's, and leads somewhere."""
        return (mine.number, mine.epoch) == (self.number, self.epoch) and self.state in sources(to)

    @property
    def alike(self) -> tuple[str, str, Lane]:
        """What jobs of one line have in common."""
        return self.who, self.where, self.lane

    @property
    def capped(self) -> bool:
        """The owner's own have no caps."""
        return self.lane is not Lane.ADMIN


class Walk(RuleBasedStateMachine):
    """A store of its own, and what its tables hold. The backends are held, and people are known: equals go by account,
    so in every replay alike."""

    fresh: ClassVar[Fresh]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        url = self.stack.enter_context(type(self).fresh())
        self.store: Store = self.do(self.stack.enter_async_context(open_store(url)))
        self.database: Database = self.do(self.stack.enter_async_context(Database(url)))
        self.do(self.database.write(_know_people))
        self.held: dict[str, Held] = {
            name: self.do(self.store.leases.take(name, "me", None)) for name in BACKENDS
        }

    def do(self, step: Coroutine[Any, Any, Any]) -> Any:
        """Run one step to its end."""
        return self.runner.run(step)

    def rows(self, query: Select[Any]) -> list[tuple[Any, ...]]:
        """What a query finds."""
        found = self.do(self.database.read(lambda connection: connection.execute(query).all()))
        return [tuple(row) for row in found]

    def teardown(self) -> None:
        """Close it and take it away."""
        self.do(self.stack.aclose())
        self.runner.close()


def _know_people(connection: Connection) -> None:
    for who, weight in WEIGHTS.items():
        known = actor(who)
        connection.execute(insert(account).values(id=who, created=1.0, weight=weight))
        connection.execute(
            insert(identity).values(
                platform=known.platform, external_id=known.external_id, name=known.name, account=who
            )
        )


class QueueWalk(Walk):
    """After every step, the store's jobs, charges and counters are the model's."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, Model] = {}
        self.attempts: list[Attempt] = []
        self.stood: dict[tuple[str, Lane], float] = {}
        """Everybody's virtual time before the step."""
        self.paid: Counter[tuple[str, Lane]] = Counter()
        """What everybody's jobs had been charged before the step, in seconds."""
        self.woken: set[tuple[str, Lane]] = set()
        """Who began to wait in the step."""

    @initialize(where=st.sampled_from(PLACES))
    def all_ask(self, where: str) -> None:
        """More wait in one place than may run there."""
        for who in WEIGHTS:
            self._add(who, where, Lane.INTERACTIVE)

    def count(self, *states: State, **those: object) -> int:
        """The jobs in these states that are so."""
        return sum(
            model.state in states and all(getattr(model, name) == value for name, value in those.items())
            for model in self.jobs.values()
        )

    @rule(
        who=st.sampled_from(sorted(WEIGHTS)),
        where=st.sampled_from(PLACES),
        into=st.sampled_from((Lane.INTERACTIVE, Lane.INTERACTIVE, Lane.BACKGROUND, Lane.ADMIN)),
        times=SEVERAL,
    )
    def add(self, who: str, where: str, into: Lane, times: int) -> None:
        """Somebody asks for pictures, and gets places in the queue if the caps leave room."""
        for _ in range(times):
            self._add(who, where, into)

    def _add(self, who: str, where: str, into: Lane) -> None:
        key = str(len(self.jobs))
        new = new_request(key, who=who, where=where, lane=into)
        caps = None if into is Lane.ADMIN else CAPS
        full = caps is not None and (
            self.count(State.QUEUED, who=who) >= 4 or self.count(State.QUEUED, where=where) >= 6
        )
        terms = Terms(caps=caps, allowance=Allowance(weight=WEIGHTS[who]))
        if full:
            with pytest.raises(TooMuch):
                self.do(self.store.requests.add(new, terms))
            return
        self.do(self.store.requests.add(new, terms))
        if not self.count(State.QUEUED, who=who, lane=into):
            self.woken.add((who, into))
        self.jobs[f"job-{key}"] = Model(who=who, where=where, lane=into)

    @rule(name=st.sampled_from(BACKENDS), times=SEVERAL)
    def claim(self, name: str, times: int) -> None:
        """The next jobs that the caps let run: of their lines the oldest. None only if there is none."""
        for _ in range(times):
            self._claim(name)

    def _claim(self, name: str) -> None:
        held = self.held[name]
        prompt, rules = f"p{len(self.attempts)}", Rules(caps=CAPS)
        mine = self.do(self.store.queue.claim(held, prompt, now=1500.0, rules=rules))
        may = [key for key, model in self.jobs.items() if self.may_run(model)]
        if mine is None:
            assert may == []
            return
        model = self.jobs[mine.job.id]
        assert mine.job.id == next((key for key in may if self.jobs[key].alike == model.alike), None)
        assert mine.job.cancel_requested == model.cancel
        model.state, model.number, model.backend = State.CLAIMED, model.number + 1, name
        model.epoch, model.started = held.epoch, None
        model.charged = self.rows(select(job.c.estimate).where(job.c.id == mine.job.id))[0][0]
        model.outcomes.append(None)
        assert model.charged > 0
        assert mine.number == model.number
        self.attempts.append(mine)

    def may_run(self, model: Model) -> bool:
        """Whether it waits and the caps leave room for it."""
        if model.state is not State.QUEUED:
            return False
        running = self.count(*LIVE, who=model.who), self.count(*LIVE, where=model.where)
        return not model.capped or max(running) < 2

    @precondition(lambda self: self.attempts)
    @rule(which=PICK, to=st.sampled_from(LIVE))
    def advance(self, which: int, to: State) -> None:
        """A step by an attempt that may long be over."""
        mine = self.attempts[which % len(self.attempts)]
        columns = {"started": 1600.0} if to is State.RUNNING else {}
        if self._write(mine, to, self.store.queue.advance(mine, to, **columns)):
            model = self.jobs[mine.job.id]
            model.state, model.started = to, columns.get("started", model.started)

    @precondition(lambda self: self.attempts)
    @rule(which=PICK, end=st.sampled_from(ENDS), took=st.integers(0, 90))
    def finish(self, which: int, end: State, took: int) -> None:
        """An end by an attempt that may long be over. It costs what it took, if it ran."""
        mine = self.attempts[which % len(self.attempts)]
        if self._write(mine, end, self.store.queue.finish(mine, end, now=1600.0 + took)):
            model = self.jobs[mine.job.id]
            model.state, model.outcomes[-1] = end, end
            model.charged = float(took) if model.started is not None else 0.0

    @precondition(lambda self: self.attempts)
    @rule(which=PICK, failed=st.booleans())
    def requeue(self, which: int, failed: bool) -> None:
        """A step back by an attempt that may long be over. It costs nothing."""
        mine = self.attempts[which % len(self.attempts)]
        if self._write(mine, State.QUEUED, self.store.queue.requeue(mine, "back", failed=failed)):
            model = self.jobs[mine.job.id]
            if not self.count(State.QUEUED, who=model.who, lane=model.lane):
                self.woken.add((model.who, model.lane))
            model.state, model.backend, model.epoch, model.outcomes[-1] = State.QUEUED, None, None, "back"
            model.charged = 0.0

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

    @rule(name=st.sampled_from(BACKENDS))
    def another_takes_over(self, name: str) -> None:
        """The lease changes hands, and with it all jobs in hand."""
        seen = self.do(self.store.leases.look(name))
        held = self.held[name] = self.do(self.store.leases.take(name, "other", seen))
        adopted = self.do(self.store.queue.adopt(held))
        mine = [key for key, model in self.jobs.items() if model.state in LIVE and model.backend == name]
        assert [attempt.job.id for attempt in adopted] == mine
        for key in mine:
            self.jobs[key].epoch = held.epoch
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
        """State, attempt, holder, wish and charge of every job."""
        columns = (job.c.id, job.c.state, job.c.attempt, job.c.epoch, job.c.cancel_requested, job.c.charged)
        assert self.rows(select(*columns).order_by(job.c.number)) == [
            (name, model.state, model.number, model.epoch, model.cancel, model.charged)
            for name, model in self.jobs.items()
        ]

    @invariant()
    def attempts_are_closed_once(self) -> None:
        """Every attempt's outcome, in order."""
        rows = self.rows(select(attempt.c.job, attempt.c.outcome).order_by(attempt.c.number))
        for name, model in self.jobs.items():
            assert [outcome for owner, outcome in rows if owner == name] == model.outcomes

    @invariant()
    def counters_are_a_recount(self) -> None:
        """What flows keep is what counting the jobs gives."""
        columns = (identity.c.external_id, flow.c.lane, flow.c.waiting, flow.c.running)
        rows = self.rows(select(*columns).join(flow, flow.c.account == identity.c.account))
        flows = {(model.who, model.lane) for model in self.jobs.values()}
        assert sorted(rows) == sorted(
            (who, into, self.count(State.QUEUED, who=who, lane=into), self.count(*LIVE, who=who, lane=into))
            for who, into in flows
        )

    @invariant()
    def lines_are_a_recount(self) -> None:
        """Each line has the jobs and the work that wait in it."""
        alike = (job.c.account, job.c.lane, job.c.place, job.c.models, job.c.shunned)
        waits = job.c.state == State.QUEUED
        counted = select(*alike, func.count(), func.sum(job.c.estimate)).where(waits).group_by(*alike)
        kept = select(*(line.c[column.name] for column in alike), line.c.waiting, line.c.seconds)
        found, expected = sorted(self.rows(kept)), sorted(self.rows(counted))
        assert [row[:6] for row in found] == [row[:6] for row in expected]
        assert [row[6] for row in found] == pytest.approx([row[6] for row in expected])

    @invariant()
    def charges_are_conserved(self) -> None:
        """People have what their jobs are charged more, by weight, and lanes all of it, by share. Beside that virtual
        time moves only for those who begin to wait: to where others stand, and never back."""
        columns = (identity.c.external_id, flow.c.lane, flow.c.vtime)
        rows = self.rows(select(*columns).join(flow, flow.c.account == identity.c.account))
        stand = {(str(who), Lane(into)): float(vtime) for who, into, vtime in rows}
        paid: Counter[tuple[str, Lane]] = Counter()
        for model in self.jobs.values():
            paid[model.who, model.lane] += model.charged  # type: ignore[assignment]
        furthest = {
            into: max(vtime for (_, each), vtime in self.stood.items() if each is into)
            for into in {into for _, into in self.stood}
        }
        for whose, vtime in stand.items():
            before = self.stood.get(whose, 0.0)
            moved = vtime - before - (paid[whose] - self.paid[whose]) / WEIGHTS[whose[0]]
            most = max(0.0, furthest.get(whose[1], 0.0) - before) if whose in self.woken else 0.0
            assert -1e-6 < moved < most + 1e-6
        for name, vtime in self.rows(select(lane.c.name, lane.c.vtime)):
            all_paid = sum(seconds for (_, into), seconds in paid.items() if into == name)
            assert vtime > all_paid / SHARES[Lane(name)] - 1e-6
        self.stood, self.paid, self.woken = stand, paid, set()

    @invariant()
    def caps_hold(self) -> None:
        """Nobody and no place has more in hand than it may; the owner's own are not counted."""
        for model in self.jobs.values():
            assert self.count(*LIVE, who=model.who, capped=True) <= 2
            assert self.count(*LIVE, where=model.where, capped=True) <= 2


def test_walks_keep_the_store_and_the_model_alike(kind: str, fresh: Fresh) -> None:
    """Hypothesis draws the walks, and shrinks one that leads astray."""
    walk = type("Drawn", (QueueWalk,), {"fresh": staticmethod(fresh)})
    run_state_machine_as_test(walk, settings=walks(kind))
