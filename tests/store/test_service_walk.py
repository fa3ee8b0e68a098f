"""Random walks of people with models that must be loaded: nobody who waits is passed over for longer than the slack."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from bot.jobs.models import Attempt
from bot.jobs.states import State
from bot.scheduling.allowance import Allowance
from bot.scheduling.terms import Terms
from bot.store.claims import Rules
from bot.store.tables import flow, identity, job
from tests.builders import new_request
from tests.store.conftest import Fresh
from tests.store.test_queue_walk import BACKENDS, PICK, SEVERAL, WEIGHTS, Walk, walks

SLACK = 10.0
"""Seconds; less than a run of unknown length, so that walks come to its end."""

PEOPLE = sorted(WEIGHTS)
LOADS = ("flux", "sdxl", "wan")


class ServiceWalk(Walk):
    """Seconds as they are charged: jobs take what was thought, since what they take otherwise is made good later."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = self.claims = 0
        self.hand: list[Attempt] = []
        self.served: Counter[str] = Counter()
        """What each person has had, by weight."""
        self.dearest: Counter[str] = Counter()
        """The longest job with its loading that each person has had, by weight."""
        self.since: dict[str, tuple[dict[str, float], dict[str, float]]] = {}
        """Of each who waits, when they began to: what everybody had had, and where everybody stood, or began later."""

    @rule(who=st.sampled_from(PEOPLE), models=st.sampled_from(LOADS), times=SEVERAL)
    def add(self, who: str, models: str, times: int) -> None:
        """Somebody asks for pictures."""
        for _ in range(times):
            self._add(who, models)

    def _add(self, who: str, models: str) -> None:
        key = str(self.asked)
        terms = Terms(allowance=Allowance(weight=WEIGHTS[who]))
        self.do(self.store.requests.add(new_request(key, who=who, models=models), terms))
        self.asked += 1
        stand = {name: vtime for name, (_, vtime) in self.flows().items()}
        self.since.setdefault(who, (dict(self.served), stand))
        for _, stood in self.since.values():
            stood.setdefault(who, stand[who])

    @rule(name=st.sampled_from(BACKENDS), times=SEVERAL)
    def claim(self, name: str, times: int) -> None:
        """A backend takes what is loaded there, or leaves something to the other, or loads."""
        for _ in range(times):
            self._claim(name)
            self.the_gap_is_bounded()

    def _claim(self, name: str) -> None:
        self.claims += 1
        prompt, rules = f"p{self.claims}", Rules(slack=SLACK)
        before = self.flows()
        mine = self.do(self.store.queue.claim(self.held[name], prompt, now=1500.0, rules=rules))
        if mine is None:
            return
        who = self.owner(mine)
        cost = self.charged(mine) / WEIGHTS[who]
        self.served[who] += cost  # type: ignore[assignment]
        self.dearest[who] = max(self.dearest[who], cost)  # type: ignore[assignment]
        self.hand.append(mine)
        least = min(vtime for waiting, vtime in before.values() if waiting)
        assert before[who][1] <= least + SLACK
        for each, (waiting, _) in self.flows().items():
            if not waiting:
                self.since.pop(each, None)

    @precondition(lambda self: self.hand)
    @rule(which=PICK)
    def finish(self, which: int) -> None:
        """A job takes as long as was thought."""
        mine = self.hand.pop(which % len(self.hand))
        took = self.charged(mine)
        self.do(self.store.queue.advance(mine, State.POSTING))
        self.do(self.store.queue.advance(mine, State.RUNNING, started=2000.0))
        self.do(self.store.queue.finish(mine, State.DONE, now=2000.0 + took))

    @invariant()
    def the_gap_is_bounded(self) -> None:
        """Since somebody waits, nobody had more beyond what they had, by weight, than the slack, a job and its loading;
        and by how much less they had had before."""
        stand = {name: vtime for name, (_, vtime) in self.flows().items()}
        for who, (had, stood) in self.since.items():
            own = self.served[who] - had.get(who, 0.0)
            for other in stand.keys() - {who}:
                ahead = max(0.0, stood[who] - stood[other])
                gap = self.served[other] - had.get(other, 0.0) - own
                assert gap <= SLACK + self.dearest[other] + ahead + 1e-6

    def flows(self) -> dict[str, tuple[int, float]]:
        """Of each person: jobs that wait, and virtual time."""
        columns = (identity.c.external_id, flow.c.waiting, flow.c.vtime)
        query = select(*columns).join(flow, flow.c.account == identity.c.account)
        return {who: (waiting, vtime) for who, waiting, vtime in self.rows(query)}

    def owner(self, mine: Attempt) -> str:
        """Whose it is."""
        query = select(identity.c.external_id).where(identity.c.account == mine.job.account)
        return str(self.rows(query)[0][0])

    def charged(self, mine: Attempt) -> float:
        """What it was charged."""
        return float(self.rows(select(job.c.charged).where(job.c.id == mine.job.id))[0][0])


def test_nobody_who_waits_is_passed_over(kind: str, fresh: Fresh) -> None:
    """However they come and go, whatever they need, on two backends."""
    walk: Any = type("Drawn", (ServiceWalk,), {"fresh": staticmethod(fresh)})
    run_state_machine_as_test(walk, settings=walks(kind))
