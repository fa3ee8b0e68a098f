"""burst: very many jobs at once, and very many people at once."""

from __future__ import annotations

import statistics

from benchmarks.compared import at_once
from benchmarks.report import Figure, at_least, at_most, beside, middle, percentile
from benchmarks.rig import Pair, open_pair, settle
from benchmarks.workload import Outcome, Workload

PEOPLE = 50
ROUNDS = 3
PEER_SECONDS = 20.0
"""How long another client gets for all jobs; what it has not done then is lost."""


async def measure(*, quick: bool) -> list[Figure]:
    """All figures of this row."""
    async with open_pair() as pair:
        for side in (pair.floor, pair.muralist):
            await side.run(Workload(workflow="flat", jobs=1))
        return [
            *await _jobs_at_once(pair, 30 if quick else 1000, quick=quick),
            *await _people_at_once(pair, 20 if quick else PEOPLE, 1 if quick else 3),
        ]


async def _jobs_at_once(pair: Pair, jobs: int, *, quick: bool) -> list[Figure]:
    """The middle of some rounds of both; other clients have one."""
    workload = Workload(workflow="flat", jobs=jobs, at_once=True, people=PEOPLE)
    what, rounds, floors = f"burst, {jobs} jobs at once", [], []
    for _ in range(1 if quick else ROUNDS):
        floors.append(await pair.floor.run(workload))
        await settle()
        rounds.append(_compare(what, floors[-1], await pair.muralist.run(workload)))
        await settle()
    peers = await at_once("flat", jobs, PEER_SECONDS, quick=quick)
    speed, lost, *others = middle(rounds)
    floor = statistics.median(_speed(each) for each in floors)
    return [
        beside(speed, {name: _speed(each) / floor for name, each in peers.items()}, most=True),
        beside(lost, {name: each.lost for name, each in peers.items()}),
        *others,
    ]


def _compare(what: str, floor: Outcome, ours: Outcome) -> list[Figure]:
    return [
        at_least(
            f"{what}: jobs a second, times the floor's",
            _speed(ours) / _speed(floor),
            0.7,
            f"the floor's {_speed(floor):.1f} a second (Muralist {_speed(ours):.1f})",
        ),
        at_most(f"{what}: lost", ours.lost, 0, f"the floor's {floor.lost}"),
        at_most(
            f"{what}: slowest, times the floor's",
            max(ours.walls) / max(floor.walls),
            1.5,
            f"the floor's {max(floor.walls):.2f} s (Muralist {max(ours.walls):.2f} s)",
        ),
        at_most(
            f"{what}: processor a job, times the floor's",
            ours.cpu / floor.cpu,
            1.5,
            f"the floor's {floor.cpu / floor.jobs * 1000:.1f} ms (Muralist {ours.cpu / ours.jobs * 1000:.1f} ms)",
        ),
        *_responsiveness(what, ours),
    ]


async def _people_at_once(pair: Pair, people: int, rounds: int) -> list[Figure]:
    """One job each. The worst of the rounds counts."""
    workload = Workload(workflow="flat", jobs=people, at_once=True, people=people)
    done = []
    for _ in range(rounds):
        await settle(1.0)
        done.append(await pair.muralist.run(workload))
    what = f"burst, {people} people at once"
    worst = max(done, key=_first_card)
    lost = sum(outcome.lost for outcome in done)
    return [
        at_most(f"{what}: lost", lost, 0, f"the {rounds * people} jobs of {rounds} rounds"),
        *_responsiveness(what, worst),
    ]


def _responsiveness(what: str, outcome: Outcome) -> list[Figure]:
    middle = statistics.median(outcome.first_cards) * 1000
    return [
        at_most(
            f"{what}: first card, p99, s", _first_card(outcome), 1.0, f"its own median of {middle:.0f} ms"
        ),
        at_most(
            f"{what}: longest block of the event loop, ms",
            outcome.block * 1000,
            50.0,
            "a task that wants to run every 5 ms",
        ),
    ]


def _first_card(outcome: Outcome) -> float:
    return percentile(outcome.first_cards, 0.99)


def _speed(outcome: Outcome) -> float:
    return len(outcome.walls) / outcome.seconds
