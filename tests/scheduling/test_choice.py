"""Which job a backend takes: examples, and what holds however people and backends come and go."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contract.values import AccountId
from bot.jobs.work import Lane
from bot.scheduling.choice import Line, Room, Server, choose
from bot.scheduling.fairness import wake
from bot.scheduling.lanes import SHARES

HERE = Server(name="here", loaded=frozenset({"flux"}))
LANES = dict.fromkeys(Lane, 0.0)


def line(who: str = "ann", models: str = "flux", **changes: Any) -> Line:
    """One job of 10 seconds."""
    plain = Line(
        account=AccountId(who),
        lane=Lane.INTERACTIVE,
        place="room",
        models=models,
        vtime=0.0,
        served=0.0,
        seconds=10.0,
    )
    return replace(plain, **changes)


def chosen(*lines: Line, **changes: Any) -> Line | None:
    """What HERE takes with a slack of 60 seconds, however the lines are listed."""
    given = {"lanes": LANES, "here": HERE, "slack": 60.0, "load": 15.0, **changes}
    found = choose(lines, **given)
    assert choose(lines[::-1], **given) == found
    return found


def test_nobody_waits() -> None:
    """Nothing is taken."""
    assert chosen() is None


def test_the_least_served_is_next() -> None:
    """Equals go by account."""
    ann, bob = line("ann", vtime=5.0), line("bob", vtime=4.0)
    assert chosen(ann, bob) == bob
    assert chosen(ann, replace(bob, vtime=5.0)) == ann


def test_what_was_moved_to_the_front_is_next() -> None:
    """Before lanes, turns, loaded models and caps, in its order; but not at a backend that failed it."""
    ann = line("ann", vtime=0.0)
    first = line("bob", "sdxl", vtime=1000.0, front=1, lane=Lane.BACKGROUND)
    second = line("cid", vtime=500.0, front=2)
    full = Room(people={AccountId("bob"): 0}, places={"room": 0})
    assert chosen(ann, second, first, room=full) == first
    assert chosen(ann, second, first, here=replace(HERE, busy=30.0)) == first
    assert chosen(ann, second, replace(first, shunned=frozenset({"here"}))) == second


@pytest.mark.parametrize(("vtime", "expected"), [(60.0, "bob"), (60.1, "ann")])
def test_a_loaded_model_goes_first_within_the_slack(vtime: float, expected: str) -> None:
    """Up to the slack and no further."""
    found = chosen(line("ann", "sdxl"), line("bob", "flux", vtime=vtime))
    assert found is not None
    assert found.account == expected


def test_what_needs_no_models_is_always_loaded() -> None:
    """An empty key needs none."""
    ann = line("ann", "")
    assert chosen(ann, here=Server(name="here", busy=5.0)) == ann


def test_a_working_backend_takes_only_what_it_has_loaded() -> None:
    """What must load first gains nothing by waiting there."""
    busy = replace(HERE, busy=3.0)
    assert chosen(line("ann", "sdxl"), here=busy) is None
    assert chosen(line("ann", "sdxl"), line("bob"), here=busy) == line("bob")


@pytest.mark.parametrize(
    ("seconds", "busy", "left"), [(10.0, 5.0, True), (20.0, 25.0, True), (20.0, 26.0, False)]
)
def test_models_are_left_to_the_backend_that_holds_them(seconds: float, busy: float, left: bool) -> None:
    """Unless it would not come to them within three times what loading costs."""
    other = Server(name="other", loaded=frozenset({"sdxl"}), busy=busy)
    ann = line("ann", "sdxl", seconds=seconds)
    assert chosen(ann, others=[other]) == (None if left else ann)


def test_nothing_is_left_to_a_backend_that_failed_it() -> None:
    """Nor taken by it."""
    other = Server(name="other", loaded=frozenset({"sdxl"}))
    ann = line("ann", "sdxl", shunned=frozenset({"other"}))
    assert chosen(ann, others=[other]) == ann
    assert chosen(ann, here=other) is None


def test_room_for_people_and_places() -> None:
    """Whoever has none is passed over, and holds nobody up."""
    ann, bob = line("ann"), line("bob", vtime=500.0, place="hall")
    assert chosen(ann, bob, room=Room(people={AccountId("ann"): 0})) == bob
    assert chosen(ann, bob, room=Room(places={"room": 0})) == bob
    assert chosen(ann, bob, room=Room(people={AccountId("ann"): 1}, places={"room": 1})) == ann


def test_ones_own_jobs_are_not_passed_for_ever() -> None:
    """A line that its person's others have passed by more than the slack is the only one of theirs."""
    old = line("ann", "sdxl", vtime=100.0, served=39.0)
    new = line("ann", "flux", vtime=100.0, served=90.0)
    assert chosen(old, new) == old
    assert chosen(replace(old, served=40.0), new) == new


@dataclass
class Hall:
    """A store as small as can be: people, lanes and backends, and everything that was given to whom."""

    vtime: dict[tuple[Lane, str], float] = field(default_factory=dict)
    lanes: dict[Lane, float] = field(default_factory=lambda: dict.fromkeys(Lane, 0.0))
    jobs: dict[tuple[Lane, str, str], int] = field(default_factory=lambda: defaultdict(int))
    served: dict[tuple[Lane, str, str], float] = field(default_factory=dict)
    loaded: dict[str, str] = field(default_factory=dict)

    def lines(self) -> list[Line]:
        """Whoever waits."""
        return [
            line(
                who,
                models,
                lane=lane,
                vtime=self.vtime[lane, who],
                served=self.served[lane, who, models],
                seconds=count,
            )
            for (lane, who, models), count in self.jobs.items()
            if count
        ]

    def send(self, lane: Lane, who: str, models: str) -> None:
        """One more job."""
        lines = self.lines()
        if not any(each.lane is lane for each in lines):
            present = [self.lanes[each.lane] for each in lines]
            self.lanes[lane] = wake(self.lanes[lane], min(present, default=max(self.lanes.values())))
        people = [each.vtime for each in lines if each.lane is lane]
        if not any((each.lane, each.account) == (lane, who) for each in lines):
            all_people = [vtime for (other, _), vtime in self.vtime.items() if other is lane]
            present_vtime = min(people, default=max(all_people, default=0.0))
            self.vtime[lane, who] = wake(self.vtime.get((lane, who), 0.0), present_vtime)
        if not self.jobs[lane, who, models]:
            self.served[lane, who, models] = self.vtime[lane, who]
        self.jobs[lane, who, models] += 1

    def claim(self, name: str, slack: float) -> tuple[Line, float] | None:
        """What a backend takes, and the seconds it costs."""
        others = [Server(name=other, loaded=frozenset({models})) for other, models in self.loaded.items()]
        here = Server(name=name, loaded=frozenset({self.loaded.get(name, "")}))
        found = choose(self.lines(), self.lanes, here, others, slack=slack, load=2.0)
        if found is None:
            return None
        key = (found.lane, str(found.account), found.models)
        seconds = 1.0 if self.loaded.get(name) == found.models else 3.0
        self.loaded[name] = found.models
        self.jobs[key] -= 1
        self.vtime[key[:2]] += seconds
        self.lanes[found.lane] += seconds / SHARES[found.lane]
        self.served[key] = self.vtime[key[:2]]
        return found, seconds


SENDS = st.tuples(st.sampled_from(["ann", "bob", "cid", "dan"]), st.sampled_from(["flux", "sdxl", "wan"]))
CLAIMS = st.sampled_from(["one", "two"])
STEPS = st.lists(st.one_of(SENDS, CLAIMS, CLAIMS), max_size=120)


@given(steps=STEPS, slack=st.sampled_from([0.0, 2.0, 10.0]))
def test_nobody_who_waits_falls_behind_by_more_than_the_slack(
    steps: list[tuple[str, str] | str], slack: float
) -> None:
    """However people come and go: slack, the longest job with its loading, and what they owed when they came back."""
    hall = Hall()
    got: dict[str, float] = defaultdict(float)
    since: dict[str, dict[str, float]] = {}
    owed: dict[str, float] = {}
    for step in steps:
        if isinstance(step, tuple):
            who, models = step
            if not any(each.account == who for each in hall.lines()):
                since[who] = dict(got)
                owed.pop(who, None)
            hall.send(Lane.INTERACTIVE, who, models)
            if hall.jobs[Lane.INTERACTIVE, who, models] == 1:
                owed.setdefault(
                    who, hall.vtime[Lane.INTERACTIVE, who] - min(each.vtime for each in hall.lines())
                )
        elif (found := hall.claim(step, slack)) is not None:
            got[found[0].account] += found[1]
        for each in hall.lines():
            mine = got[each.account] - since[each.account].get(each.account, 0.0)
            for other, seconds in got.items():
                assert (
                    seconds - since[each.account].get(other, 0.0) - mine <= slack + 3.0 + owed[each.account]
                )


@given(steps=STEPS)
def test_nothing_that_waits_is_left_for_ever(steps: list[tuple[str, str] | str]) -> None:
    """Once nobody sends any more, the backends empty the hall."""
    hall = Hall()
    for step in steps:
        if isinstance(step, tuple):
            hall.send(Lane.INTERACTIVE, *step)
        else:
            hall.claim(step, 10.0)
    left = sum(hall.jobs.values())
    for _ in range(left):
        assert hall.claim("one", 10.0) or hall.claim("two", 10.0)
    assert hall.lines() == []


@pytest.mark.parametrize("busy", [(Lane.BACKGROUND, Lane.INTERACTIVE), tuple(Lane)])
def test_every_lane_gets_its_share(busy: tuple[Lane, ...]) -> None:
    """The background at least a twentieth, beside lanes that never end, within the slack."""
    hall, got = Hall(), dict.fromkeys(busy, 0.0)
    for lane in busy:
        for n in range(3000):
            hall.send(lane, f"p{n % 3}", "flux")
    for _ in range(2000):
        found = hall.claim("one", 20.0)
        assert found is not None
        got[found[0].lane] += found[1]
    whole = sum(SHARES[lane] for lane in busy)
    for lane in busy:
        assert got[lane] >= 2000 * SHARES[lane] / whole - 24
    assert got[Lane.BACKGROUND] >= 0.04 * 2000


def test_an_idle_lane_costs_the_others_nothing() -> None:
    """And brings no credit along when it wakes."""
    hall = Hall()
    for _ in range(50):
        hall.send(Lane.INTERACTIVE, "ann", "flux")
    for _ in range(30):
        assert hall.claim("one", 0.0) is not None
    for _ in range(10):
        hall.send(Lane.BACKGROUND, "bob", "flux")
    taken = [found[0].lane for _ in range(20) if (found := hall.claim("one", 0.0)) is not None]
    assert taken.count(Lane.BACKGROUND) == 2
