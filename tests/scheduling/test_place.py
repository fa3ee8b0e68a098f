"""Where somebody stands, against claims played to their end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.contract.values import AccountId
from bot.jobs.work import Lane
from bot.scheduling.place import Ahead, Waiting, ahead, wait_seconds

NAMES = [AccountId(name) for name in ("ann", "bob", "cid", "dan")]

PEOPLE = st.lists(
    st.builds(
        lambda account, vtime, weight, jobs, each: Waiting(
            account=account,
            lane=Lane.INTERACTIVE,
            vtime=float(vtime),
            weight=weight,
            jobs=jobs,
            seconds=float(jobs * each),
        ),
        st.sampled_from(NAMES),
        st.integers(0, 20),
        st.sampled_from([1.0, 2.0, 4.0]),
        st.integers(1, 6),
        st.sampled_from([4, 8]),
    ),
    min_size=1,
    unique_by=lambda person: person.account,
)


def _claims(people: list[Waiting]) -> list[Waiting]:
    """Who is served, in order, until nobody waits; each job of a person costs the same."""
    left = {person.account: [person.vtime, person.jobs] for person in people}
    known = {person.account: person for person in people}
    order = []
    while any(jobs for _, jobs in left.values()):
        account = min((vtime, account) for account, (vtime, jobs) in left.items() if jobs)[1]
        person = known[account]
        left[account][0] += person.seconds / person.jobs / person.weight
        left[account][1] -= 1
        order.append(person)
    return order


@given(people=PEOPLE)
def test_what_is_ahead_is_what_is_claimed_before(people: list[Waiting]) -> None:
    """People, jobs and seconds, for every job of everybody."""
    order = _claims(people)
    for mine in people:
        turns = [place for place, person in enumerate(order) if person == mine]
        for nth, turn in enumerate(turns):
            earlier = order[:turn]
            expected = Ahead(
                people=len({person.account for person in earlier} - {mine.account}),
                jobs=turn,
                seconds=sum(person.seconds / person.jobs for person in earlier),
            )
            assert ahead(mine, nth, nth * mine.seconds / mine.jobs, people) == expected


def _waiting(who: str, lane: Lane = Lane.INTERACTIVE, **changes: float) -> Waiting:
    given = {"vtime": 0.0, "weight": 1.0, "seconds": 30.0, **changes}
    return Waiting(account=AccountId(who), lane=lane, jobs=3, **given)


def test_other_lanes_are_no_people_ahead() -> None:
    """They take their share of the time instead."""
    ann, bob = _waiting("ann"), _waiting("bob", Lane.BACKGROUND)
    before = ahead(ann, 2, 20.0, [ann, bob])
    assert before == Ahead(people=0, jobs=2, seconds=20.0)
    assert wait_seconds(ann.lane, before, [ann], 0.0, 1) == 20.0
    assert wait_seconds(ann.lane, before, [ann, bob], 4.0, 1) == pytest.approx(24 + 20 * 0.05 / 0.45)
    behind = ahead(bob, 2, 20.0, [ann, bob])
    assert wait_seconds(bob.lane, behind, [ann, bob], 0.0, 1) == 50.0, "all that is interactive goes before"


def test_jobs_of_no_known_length() -> None:
    """Count as jobs and take no time."""
    ann, bob = _waiting("ann", vtime=1.0), _waiting("bob", seconds=0.0)
    assert ahead(ann, 0, 0.0, [ann, bob]) == Ahead(people=1, jobs=3, seconds=0.0)
    assert ahead(bob, 0, 0.0, [ann, bob]) == Ahead(people=0, jobs=0, seconds=0.0)


def test_more_backends_take_less_time() -> None:
    """In proportion; without any it is as with one."""
    before = Ahead(people=1, jobs=3, seconds=30.0)
    assert [wait_seconds(Lane.INTERACTIVE, before, [], 10.0, n) for n in (0, 1, 2)] == [40.0, 40.0, 20.0]
