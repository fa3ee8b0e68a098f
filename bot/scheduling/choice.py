"""Which job a backend takes next: fair among people, and thrifty with the loading of models within bounds.

Lanes share the backends by virtual time, and people share a lane in the same way. Among the people within `slack`
virtual seconds of the least served, a backend takes the job whose models it has loaded, and leaves models that
another backend holds to that one. So `slack` bounds how much more somebody may get than anybody who waits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.contract.values import AccountId
from bot.jobs.work import Lane

SLACK_SECONDS = 900.0
"""As measured: with less, backends load models for a quarter of their time; with more, only the longest waits grow."""

LOAD_SECONDS = 15.0
"""What loading models costs while that is not known."""

PATIENCE = 3.0
"""So many times the loading of its models a job may wait for the backends that hold them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Jobs that wait and are alike to the scheduler: of one person, in one lane and place, with the same models.

    `vtime` is the person's virtual time in the lane, and `served` what that was when the line was served last or
    began to wait. `seconds` is the work of all its jobs. `shunned` backends have failed one of them. `front` is the
    place of a single job that an admin moved before all others, from 1.
    """

    account: AccountId
    lane: Lane
    place: str
    models: str
    vtime: float
    served: float
    seconds: float
    shunned: frozenset[str] = frozenset()
    front: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A backend that answers: the models that it is believed to have loaded, and the work in its hand, in seconds."""

    name: str
    loaded: frozenset[str] = frozenset()
    busy: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """How many more jobs may run at once, by person and by place. Admins and whoever is not named have no limit."""

    people: Mapping[AccountId, int] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)

    def admits(self, line: Line) -> bool:
        """Whether one more job of the line may run."""
        if line.lane is Lane.ADMIN or line.front is not None:
            return True
        return self.people.get(line.account, 1) > 0 and self.places.get(line.place, 1) > 0


def choose(
    lines: Sequence[Line],
    lanes: Mapping[Lane, float],
    here: Server,
    others: Sequence[Server] = (),
    *,
    room: Room | None = None,
    slack: float = SLACK_SECONDS,
    load: float = LOAD_SECONDS,
) -> Line | None:
    """The line whose oldest job the backend `here` takes; None if nobody waits or all is left to other backends.

    `lanes` are the virtual times of the lanes, `load` what loading models costs in seconds. While a backend works
    it takes only what it has loaded: the next job then begins without a gap, and one that must load first gains
    nothing by waiting there. What was moved to the front goes before all that, in its order.
    """
    possible = [
        line for line in lines if here.name not in line.shunned and (room is None or room.admits(line))
    ]
    fronts = [line for line in possible if line.front is not None]
    if fronts:
        return min(fronts, key=lambda line: line.front or 0)
    near = _near(possible, lanes, slack)
    chosen = [line for line in near if not line.models or line.models in here.loaded]
    if not chosen and here.busy <= 0:
        chosen = _not_left(near, others, load * PATIENCE)
    return min(chosen, key=lambda line: _turn(line, lanes), default=None)


def _turn(line: Line, lanes: Mapping[Lane, float]) -> tuple[object, ...]:
    """The least goes first. It decides among equals too, alike in every process."""
    return (lanes[line.lane], line.vtime, line.account, line.served, line.models, line.place)


def _near(lines: Sequence[Line], lanes: Mapping[Lane, float], slack: float) -> list[Line]:
    """Of the lanes near the least served, the people near the least served of theirs; and of each person all lines,
    unless one was passed by the person's others for so long that its turn has come."""
    first = min((lanes[line.lane] for line in lines), default=0.0)
    least: dict[Lane, float] = {}
    longest: dict[tuple[Lane, AccountId], float] = {}
    for line in lines:
        person = (line.lane, line.account)
        least[line.lane] = min(line.vtime, least.get(line.lane, line.vtime))
        longest[person] = min(line.served, longest.get(person, line.served))
    return [
        line
        for line in lines
        if lanes[line.lane] - first <= slack
        and line.vtime - least[line.lane] <= slack
        and (
            line.vtime - longest[line.lane, line.account] <= slack
            or line.served == longest[line.lane, line.account]
        )
    ]


def _not_left(near: Sequence[Line], others: Sequence[Server], patience: float) -> list[Line]:
    """The lines to which the backends that hold their models do not come soon enough."""
    work: dict[str, float] = defaultdict(float)
    for line in near:
        work[line.models] += line.seconds
    holding: dict[str, list[Server]] = defaultdict(list)
    for other in others:
        for models in other.loaded:
            holding[models].append(other)
    return [
        line for line in near if not _left(line, work[line.models], holding.get(line.models, ()), patience)
    ]


def _left(line: Line, work: float, holding: Sequence[Server], patience: float) -> bool:
    """Whether the backends that hold its models come to it soon enough."""
    if not holding:
        return False
    holders = [other for other in holding if other.name not in line.shunned] if line.shunned else holding
    return bool(holders) and work + sum(holder.busy for holder in holders) <= patience * len(holders)
