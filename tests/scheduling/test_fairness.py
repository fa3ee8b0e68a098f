"""Turns by virtual time, against simulations of the same claims."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.contract.values import AccountId
from bot.scheduling.fairness import Flow, next_flow, people_ahead, wake

NAMES = [AccountId(name) for name in ("ann", "bob", "cid", "dan")]

FLOWS = st.lists(
    st.builds(
        Flow,
        account=st.sampled_from(NAMES),
        vtime=st.one_of(st.integers(0, 6).map(float), st.integers(0, 24).map(lambda n: n / 4)),
        waiting=st.integers(0, 6),
    ),
    unique_by=lambda flow: flow.account,
)


def _claims(flows: list[Flow], cost: float = 1.0) -> list[AccountId]:
    """Who is served, in order, until nobody waits."""
    left = {flow.account: flow for flow in flows}
    order = []
    while (chosen := next_flow(list(left.values()))) is not None:
        left[chosen.account] = replace(chosen, vtime=chosen.vtime + cost, waiting=chosen.waiting - 1)
        order.append(chosen.account)
    return order


def test_the_least_served_is_next() -> None:
    """Those with nothing waiting are passed over; equals go by account, however they are listed."""
    ann, bob, cid = (Flow(account=name, vtime=1.0, waiting=1) for name in NAMES[:3])
    idle = Flow(account=NAMES[3], vtime=0.0, waiting=0)
    assert next_flow([]) is None
    assert next_flow([idle]) is None
    assert next_flow([bob, idle, ann, cid]) == ann
    assert next_flow([ann, bob, replace(cid, vtime=0.5)]) == replace(cid, vtime=0.5)


@given(flows=FLOWS)
def test_the_order_of_the_list_does_not_matter(flows: list[Flow]) -> None:
    """Every process that reads the same flows comes to the same choice."""
    assert next_flow(flows) == next_flow(flows[::-1])


@given(waiting=st.lists(st.integers(0, 8), min_size=1, max_size=4), start=st.integers(0, 5))
def test_equal_costs_are_rounds(waiting: list[int], start: int) -> None:
    """Nobody is served twice before all others who wait were served once, however much each has sent."""
    flows = [
        Flow(account=name, vtime=float(start), waiting=count)
        for name, count in zip(NAMES, waiting, strict=False)
    ]
    expected = [flow.account for nth in range(max(waiting)) for flow in flows if flow.waiting > nth]
    assert _claims(flows) == expected


@given(flows=FLOWS, cost=st.sampled_from([0.5, 1.0, 2.0]), data=st.data())
def test_the_people_ahead_are_those_claimed_before(
    flows: list[Flow], cost: float, data: st.DataObject
) -> None:
    """The place in line that a card shows is what a simulation of the claims gives, for every waiting job."""
    order = _claims(flows, cost)
    for mine in flows:
        turns = [place for place, account in enumerate(order) if account == mine.account]
        others = flows if data.draw(st.booleans()) else [flow for flow in flows if flow != mine]
        assert [people_ahead(mine, nth, others, cost) for nth in range(mine.waiting)] == turns


@given(vtime=st.integers(0, 100).map(float), now=st.integers(0, 100).map(float))
def test_waking_saves_up_no_credit(vtime: float, now: float) -> None:
    """Nobody comes back with less than the present, nor loses what they owe."""
    assert wake(vtime, now) == max(vtime, now)


def test_whoever_was_away_is_not_served_again_and_again() -> None:
    """Ann comes back after bob had a hundred turns: from then on they alternate."""
    bob = Flow(account=NAMES[1], vtime=100.0, waiting=4)
    ann = Flow(account=NAMES[0], vtime=wake(2.0, bob.vtime), waiting=4)
    assert _claims([bob, ann]) == ["ann", "bob"] * 4


STEPS = st.lists(st.sampled_from([*NAMES, "claim", "claim"]), max_size=80)


@given(steps=STEPS)
def test_nobody_who_waits_is_passed_over(steps: list[str]) -> None:
    """People come and go as they like: between two turns of one who waits, nobody has more than two."""
    flows = {name: Flow(account=name, vtime=0.0, waiting=0) for name in NAMES}
    since: dict[AccountId, Counter[AccountId]] = {}
    for step in steps:
        if step == "claim":
            chosen = next_flow(list(flows.values()))
            if chosen is not None:
                flows[chosen.account] = replace(chosen, vtime=chosen.vtime + 1, waiting=chosen.waiting - 1)
                _served(chosen, since)
        else:
            name = AccountId(step)
            if flows[name].waiting == 0:
                flows[name] = replace(flows[name], vtime=wake(flows[name].vtime, _now(flows, name)))
                since[name] = Counter()
            flows[name] = replace(flows[name], waiting=flows[name].waiting + 1)


def _served(chosen: Flow, since: dict[AccountId, Counter[AccountId]]) -> None:
    del since[chosen.account]
    if chosen.waiting > 1:
        since[chosen.account] = Counter()
    for turns in since.values():
        turns[chosen.account] += 1
        assert turns[chosen.account] <= 2


def _now(flows: dict[AccountId, Flow], name: AccountId) -> float:
    """The store's rule for the virtual time at which a flow wakes."""
    others = [flow for flow in flows.values() if flow.account != name]
    waiting = [flow.vtime for flow in others if flow.waiting > 0]
    return min(waiting) if waiting else max(flow.vtime for flow in others)
