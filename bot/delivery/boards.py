"""One message for all jobs that run in a busy place: when it is made, what it shows, and that it is taken away."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import structlog

from bot.cards.board import Board
from bot.contract.ports import Adapter, Shared
from bot.contract.values import Address, MessageId
from bot.delivery.pacing import Pacer, Standing
from bot.delivery.together import Busy, Together
from bot.errors import AddressExpired, AddressGone
from bot.jobs.models import MessageView
from bot.jobs.states import State
from bot.store.store import Store

log = structlog.get_logger(__name__)

KEPT = "board:"
"""The addresses of those that are there, kept under the place's own, so that none stays behind after a restart."""

RUNNING = (State.RUNNING, State.FETCHING)


@dataclass(kw_only=True, slots=True)
class _Made:
    """The message of a place. `address` is where it is to be or is, `there` whether it was sent."""

    address: Address
    there: bool
    views: list[MessageView] = field(default_factory=list)
    shown: tuple[float, frozenset[MessageId]] | None = None


class Boards:
    """Of one adapter. Such a message counts as one of the outbox: it is paced, moved, and kept beyond the process.

    It shows jobs of one address of the platform only. While it is there, the messages of these jobs show their
    beginnings and ends alone.
    """

    def __init__(self, adapter: Adapter, store: Store, board: Board, pacer: Pacer) -> None:
        self._adapter = adapter
        self._store = store
        self._board = board
        self._pacer = pacer
        self._together = Together()
        self._made: dict[str, _Made] = {}

    def __contains__(self, message: MessageId) -> bool:
        """Whether a message is such a one."""
        return message in self._made

    def __len__(self) -> int:
        """How many there are."""
        return len(self._made)

    async def load(self) -> None:
        """Know those that are there from before."""
        self._together = Together()
        kept = await self._store.memory.find(self._adapter.name, KEPT)
        self._made = {name: _Made(address=value["address"], there=True) for name, value in kept.items()}
        self._together.open.update(self._made)

    def look(self, views: Iterable[MessageView], now: float) -> None:
        """See what runs where, and where one message for all is better."""
        shared: dict[str, Shared] = {}
        running: dict[str, list[MessageView]] = {}
        for view in views:
            found = self._adapter.shared(view.address) if view.job.state in RUNNING else None
            if found is not None:
                name = KEPT + json.dumps(found.address, sort_keys=True)
                shared[name] = found
                running.setdefault(name, []).append(view)
        self._together.look(
            {name: Busy(jobs=len(jobs), rate=shared[name].rate) for name, jobs in running.items()}, now
        )
        for name in (self._together.open & shared.keys()) - self._made.keys():
            self._made[name] = _Made(address=shared[name].address, there=False)
        for name, made in list(self._made.items()):
            made.views = running.get(name, [])
            if name not in self._together.open and not made.there:
                self._forget(name)

    def covered(self) -> set[MessageId]:
        """The messages whose progress is shown so."""
        return {
            view.id
            for name, made in self._made.items()
            if made.there and name in self._together.open
            for view in made.views
        }

    def waiting(self) -> Iterator[tuple[MessageId, Standing]]:
        """Those that do not show what they should."""
        for name, made in self._made.items():
            if name not in self._together.open:
                yield MessageId(name), Standing(fraction=1.0, urgent=True, over=True)
            elif made.views and made.shown != self._state(made):
                yield MessageId(name), Standing(fraction=self._state(made)[0], urgent=False)

    def turn(self, message: MessageId, standing: Standing, now: float) -> bool:
        """Take a turn for one if the platform has one left; to take it away none is needed."""
        made = self._made[message]
        if standing.over:
            return self._pacer.turn(message, standing, now, lambda final, left: 0.0)
        ends = [
            self._pacer.left(view.id, Standing(fraction=self._board.fraction(view)[0], urgent=False), now)
            for view in made.views
        ]
        soonest = min((end for end in ends if end is not None), default=None)
        return self._pacer.turn(
            message,
            standing,
            now,
            lambda final, left: self._adapter.turn(made.address, final=final, left=soonest),
        )

    async def show(self, message: MessageId, now: float) -> None:
        """Send or edit one, or take it away. Raises `SlowDown`, and what the adapter does."""
        made = self._made[message]
        try:
            if message in self._together.open:
                await self._show(message, made, now)
            else:
                await self._adapter.remove(made.address)
                await self._drop(message)
        except (AddressGone, AddressExpired) as error:
            log.warning("a message for several jobs can't be shown", detail=str(error))
            self._together.shun(message, now)
            await self._drop(message)

    async def _show(self, message: MessageId, made: _Made, now: float) -> None:
        views, state = list(made.views), self._state(made)
        fractions = {view.id: self._board.fraction(view)[0] for view in views}
        moved = await self._adapter.show(made.address, self._board.together(views))
        made.there, made.shown = True, state
        if moved is not None:
            made.address = moved
            await self._store.memory.keep(self._adapter.name, message, {"address": dict(moved)})
        self._pacer.edited(message, now, state[0])
        for each, fraction in fractions.items():
            self._pacer.edited(each, now, fraction)

    def _state(self, made: _Made) -> tuple[float, frozenset[MessageId]]:
        """How far its jobs are on average, and which they are."""
        fractions = [self._board.fraction(view)[0] for view in made.views]
        return sum(fractions) / max(1, len(fractions)), frozenset(view.id for view in made.views)

    async def _drop(self, name: str) -> None:
        await self._store.memory.drop(self._adapter.name, name)
        self._forget(name)

    def _forget(self, name: str) -> None:
        self._made.pop(name, None)
        self._pacer.forget(MessageId(name))
