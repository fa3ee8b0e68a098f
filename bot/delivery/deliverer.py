"""One adapter's delivery.

Durable changes raise a message's wanted revision in the store; progress only stirs the feed. Either way the
message is drawn as it stands when its turn comes. A final is never dropped: the revision stays wanted until
the adapter has shown it, through errors, pauses and restarts.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import structlog

from bot.cards.board import Board
from bot.contract.card import Card
from bot.contract.ports import Adapter
from bot.contract.values import JobId, MessageId
from bot.delivery.pacing import Pacer
from bot.errors import AddressExpired, AddressGone, SlowDown
from bot.feed import Feed, News
from bot.jobs.models import MessageView
from bot.jobs.states import ENDS, State
from bot.store.holding import LeaseTiming, while_held
from bot.store.leases import Held
from bot.store.store import Store

log = structlog.get_logger(__name__)

BATCH = 100
"""Messages that are looked at in one go."""

LOOK_SECONDS = 1.0
GATHER_SECONDS = 0.03
AT_ONCE = 32
RETRY_FIRST, RETRY_MOST = 1.0, 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A message to show, with its card if that was drawn together with others'."""

    view: MessageView
    card: Card | None = None


class Deliverer:
    """Shows cards through an adapter for as long as this process holds the adapter's lease."""

    def __init__(
        self, adapter: Adapter, store: Store, board: Board, feed: Feed, owner: str, timing: LeaseTiming
    ) -> None:
        self._adapter = adapter
        self._store = store
        self._board = board
        self._feed = feed
        self._owner = owner
        self._timing = timing
        self._pacer = Pacer(adapter.limits.edit_seconds)
        self._dirty: dict[MessageId, Due] = {}
        self._busy: set[MessageId] = set()
        self._known: dict[JobId, MessageView | None] = {}  # None: another adapter's, or can't be reached
        self._changed: set[JobId] = set()
        self._last: dict[MessageId, Card] = {}
        self._tries: dict[MessageId, int] = {}

    async def run(self) -> None:
        """Deliver until cancelled, whatever happens."""
        name = f"adapter:{self._adapter.name}"
        while True:
            try:
                await while_held(self._store.leases, name, self._owner, self._timing, self._serve)
            except Exception:  # a worker's loop: it logs and goes on
                log.exception("delivery failed", adapter=self._adapter.name)
            await asyncio.sleep(LOOK_SECONDS)

    async def _serve(self, _held: Held) -> None:
        self._dirty.clear()
        self._busy.clear()
        self._known.clear()
        limit = asyncio.Semaphore(AT_ONCE)
        next_look = 0.0
        with self._feed.ear(progress=True) as ear:
            async with asyncio.TaskGroup() as group:
                while True:
                    if time.monotonic() >= next_look:
                        await self._look()
                        next_look = time.monotonic() + LOOK_SECONDS
                    for message in self._pacer.due(self._dirty.keys() - self._busy, time.monotonic()):
                        self._busy.add(message)
                        group.create_task(self._deliver(self._dirty.pop(message), limit))
                    self._take_in(await ear.news(self._pause(next_look)))
                    if self._changed:  # what changes together is read together
                        await asyncio.sleep(GATHER_SECONDS)
                        self._take_in(await ear.news(0))
                    await self._read_again()

    async def _look(self) -> None:
        """What the store wants shown, whoever wrote it, and those not over: what they say may change by itself.

        Of those who wait it is their place in line; of those that another process runs how far they are; of all
        of them whether ComfyUI answers.
        """
        waiting = await self._store.messages.waiting(self._adapter.name, BATCH)
        for view, card in zip(waiting, await self._board.cards(waiting), strict=True):
            if card != self._last.get(view.id):
                self._dirty[view.id] = Due(view=view, card=card)
        for view in await self._store.messages.carried(self._adapter.name, BATCH):
            self._known[view.job.id] = view
            self._dirty.setdefault(view.id, Due(view=view))
        for view in await self._store.messages.due(self._adapter.name, BATCH):
            self._dirty[view.id] = Due(view=view)

    def _pause(self, next_look: float) -> float:
        """Seconds until something is to be done even without news."""
        now = time.monotonic()
        until_edit = self._pacer.wait(self._dirty.keys() - self._busy, now)
        until_look = max(0.0, next_look - now)
        return until_look if until_edit is None else min(until_look, max(until_edit, 0.01))

    def _take_in(self, news: News) -> None:
        """Progress draws what is known of the job again; a change has it read again."""
        for job in news.progressed:
            view = self._known.get(job)
            if view is not None:
                self._dirty[view.id] = Due(view=view)
        self._changed |= news.changed | (news.progressed - self._known.keys())

    async def _read_again(self) -> None:
        if not self._changed:
            return
        changed, self._changed = sorted(self._changed), set()
        views = await self._store.messages.of_jobs(changed)
        queued = [view for view in views if view.job.state is State.QUEUED and view.reachable]
        drawn = {view.id: card for view, card in zip(queued, await self._board.cards(queued), strict=True)}
        for view in views:
            ours = view.adapter == self._adapter.name and view.reachable
            if ours:
                self._dirty[view.id] = Due(view=view, card=drawn.get(view.id))
            if view.job.state in ENDS:
                self._known.pop(view.job.id, None)
            else:
                self._known[view.job.id] = view if ours else None

    async def _deliver(self, due: Due, limit: asyncio.Semaphore) -> None:
        """Show one message as it stands."""
        view = due.view
        try:
            async with limit:
                await self._show(view, due.card)
            self._tries.pop(view.id, None)
        except AddressGone as error:
            log.warning("message is gone", message=view.id, detail=str(error))
            await self._store.messages.give_up(view.id)
            self._forget(view)
        except AddressExpired:
            await self._store.messages.park(view.id)
            self._forget(view)
        except SlowDown as error:
            self._pacer.pause(view.id, time.monotonic() + error.retry_after)
        except Exception:  # an adapter's callback: logged and tried again
            tries = self._tries.get(view.id, 0)
            self._tries[view.id] = tries + 1
            self._pacer.pause(view.id, time.monotonic() + min(RETRY_FIRST * 2**tries, RETRY_MOST))
            log.exception("a card could not be shown", message=view.id, tries=tries + 1)
        finally:
            self._busy.discard(view.id)

    async def _show(self, view: MessageView, drawn: Card | None) -> None:
        if view.removed:
            if view.wanted > view.shown:
                await self._adapter.remove(view.address)
        else:
            card = drawn or await self._board.card(view)
            if card != self._last.get(view.id) or view.wanted > view.shown:
                moved = await self._adapter.show(view.address, card)
                if moved is not None:
                    await self._store.messages.move(view.id, moved)
                    self._changed.add(view.job.id)  # so that it is known by its new address
                self._pacer.edited(view.id, time.monotonic())
                self._last[view.id] = card
        if view.wanted > view.shown:
            await self._store.messages.shown(view)
        if view.removed or view.job.state in ENDS:
            self._pacer.forget(view.id)
            self._last.pop(view.id, None)
            self._known.pop(view.job.id, None)

    def _forget(self, view: MessageView) -> None:
        """Leave a message alone that can't be reached, whatever comes of its job."""
        self._known[view.job.id] = None
        self._dirty.pop(view.id, None)
        self._pacer.forget(view.id)
        self._last.pop(view.id, None)
