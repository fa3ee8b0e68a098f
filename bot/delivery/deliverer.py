"""One adapter's delivery.

Durable changes raise a message's wanted revision in the store; progress only stirs the feed. Either way the
message is drawn as it stands when its turn comes. A final is never dropped: the revision stays wanted until
the adapter has shown it, through errors, pauses and restarts.
"""

from __future__ import annotations

import asyncio
import time

import structlog

from bot.cards.board import Board
from bot.contract.card import Card
from bot.contract.ports import Adapter
from bot.contract.values import MessageId
from bot.delivery.pacing import Pacer
from bot.errors import AddressGone, SlowDown
from bot.feed import Ear, Feed
from bot.jobs.models import MessageView
from bot.jobs.states import ENDS
from bot.store.holding import LeaseTiming, while_held
from bot.store.leases import Held
from bot.store.store import Store

log = structlog.get_logger(__name__)

BATCH = 100
"""Messages that are looked at in one go."""

LOOK_SECONDS = 1.0
AT_ONCE = 8
RETRY_FIRST, RETRY_MOST = 1.0, 60.0


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
        self._dirty: dict[MessageId, MessageView] = {}
        self._busy: set[MessageId] = set()
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
        limit = asyncio.Semaphore(AT_ONCE)
        with self._feed.ear(progress=True) as ear:
            async with asyncio.TaskGroup() as group:
                while True:
                    for view in await self._store.messages.due(self._adapter.name, BATCH):
                        self._dirty[view.id] = view
                    for message in self._pacer.due(self._dirty.keys() - self._busy, time.monotonic()):
                        view = self._dirty.pop(message)
                        self._busy.add(message)
                        group.create_task(self._deliver(view, limit))
                    await self._hear(ear)

    async def _hear(self, ear: Ear) -> None:
        """Wait for news, or for the first message that may be edited again, and note what to draw."""
        pause = self._pacer.wait(self._dirty.keys() - self._busy, time.monotonic())
        seconds = LOOK_SECONDS if pause is None else min(LOOK_SECONDS, max(pause, 0.01))
        heard = await ear.news(seconds)
        if heard:
            for view in await self._store.messages.of_jobs(sorted(heard)):
                if view.adapter == self._adapter.name and not view.removed:
                    self._dirty[view.id] = view
        elif pause is None:
            for view in await self._store.messages.waiting(self._adapter.name, BATCH):
                self._dirty[view.id] = view

    async def _deliver(self, view: MessageView, limit: asyncio.Semaphore) -> None:
        """Show one message as it stands."""
        try:
            async with limit:
                await self._show(view)
            self._tries.pop(view.id, None)
        except AddressGone as error:
            log.warning("message is gone", message=view.id, detail=str(error))
            await self._store.messages.give_up(view.id)
        except SlowDown as error:
            self._pacer.pause(view.id, time.monotonic() + error.retry_after)
        except Exception:  # an adapter's callback: logged and tried again
            tries = self._tries.get(view.id, 0)
            self._tries[view.id] = tries + 1
            self._pacer.pause(view.id, time.monotonic() + min(RETRY_FIRST * 2**tries, RETRY_MOST))
            log.exception("a card could not be shown", message=view.id, tries=tries + 1)
        finally:
            self._busy.discard(view.id)

    async def _show(self, view: MessageView) -> None:
        if view.removed:
            await self._adapter.remove(view.address)
        else:
            card = await self._board.card(view)
            if card != self._last.get(view.id) or view.wanted > view.shown:
                await self._adapter.show(view.address, card)
                self._pacer.edited(view.id, time.monotonic())
                self._last[view.id] = card
        if view.wanted > view.shown:
            await self._store.messages.shown(view)
        if view.removed or view.job.state in ENDS:
            self._pacer.forget(view.id)
            self._last.pop(view.id, None)
