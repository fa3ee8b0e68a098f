"""One adapter's delivery.

Durable changes raise a message's wanted revision in the store; progress only stirs the feed. Either way the
message is drawn as it stands when its turn comes. A final is never dropped: the revision stays wanted until
the adapter has shown it, through errors, pauses and restarts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass, replace

import structlog

from bot.cards.board import Board
from bot.contract.card import Card
from bot.contract.ports import Adapter
from bot.contract.values import JobId, MessageId
from bot.delivery.boards import Boards
from bot.delivery.meter import Meter
from bot.delivery.pacing import Pacer, Standing
from bot.errors import AddressExpired, AddressGone, SlowDown
from bot.feed import Ear, Feed, News, Topic
from bot.jobs.models import MessageView
from bot.jobs.states import ENDS, State
from bot.store.holding import LeaseTiming, while_held
from bot.store.leases import Held, lease_of
from bot.store.store import Store

log = structlog.get_logger(__name__)

BATCH = 100
"""Messages that are looked at in one go."""

LOOK_SECONDS = 1.0
LOOKED_AT = 20
"""Cards of those who wait that are looked at in a second: the more there are, the more rarely each is."""
AT_ONCE = 32
"""Messages that are being shown at one time."""

RETRY_FIRST, RETRY_MOST = 1.0, 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A message to show, with its card if that was drawn together with others'."""

    view: MessageView
    card: Card | None = None


class Deliverer:
    """Shows cards through an adapter for as long as this process holds the adapter's lease.

    One that several processes serve is shown by each of them to its own people; who holds the lease notes it.
    """

    def __init__(
        self,
        adapter: Adapter,
        store: Store,
        board: Board,
        feed: Feed,
        owner: str,
        timing: LeaseTiming,
        meter: Meter | None = None,
    ) -> None:
        self._adapter = adapter
        self._store = store
        self._board = board
        self._feed = feed
        self._owner = owner
        self._timing = timing
        self._meter = meter or Meter()
        self._pacer = Pacer(adapter.limits.edit_seconds)
        self._boards = Boards(adapter, store, board, self._pacer)
        self._dirty: dict[MessageId, Due] = {}
        self._busy: set[MessageId] = set()
        self._known: dict[JobId, MessageView | None] = {}  # None: another adapter's, or can't be reached
        self._stale: set[JobId] = set()
        self._over: set[JobId] = set()  # of these some that may have ended
        self._last: dict[MessageId, Card] = {}
        self._shown: dict[MessageId, int] = {}  # revisions, which what was read earlier does not know of
        self._ended: set[MessageId] = set()  # shown as they will stay; a read on its way may not know it
        self._tries: dict[MessageId, int] = {}
        self._notes = not adapter.limits.shared
        self._look_at_line = 0.0  # not before

    async def run(self) -> None:
        """Deliver until cancelled, whatever happens."""
        if self._adapter.limits.shared:
            await asyncio.gather(self.deliver(), self._while_held(self._be_who_notes))
        else:
            await self._while_held(self.deliver)

    async def deliver(self, _held: Held | None = None) -> None:
        """Deliver until cancelled, whatever happens, as one who holds the lease or needs none."""
        self._last.clear()  # others may have shown something since
        while True:
            try:
                await self._serve()
            except Exception:  # a worker's loop: it logs and goes on
                log.exception("delivery failed", adapter=self._adapter.name)
            await asyncio.sleep(LOOK_SECONDS)

    async def _while_held(self, body: Callable[[Held], Awaitable[None]]) -> None:
        name = lease_of(self._adapter.name)
        while True:
            try:
                await while_held(self._store.leases, name, self._owner, self._timing, body)
            except Exception:  # a worker's loop: it logs and goes on
                log.exception("delivery failed", adapter=self._adapter.name)
            await asyncio.sleep(LOOK_SECONDS)

    async def _be_who_notes(self, _held: Held) -> None:
        self._notes = True
        try:
            await asyncio.Event().wait()
        finally:
            self._notes = False

    async def _serve(self) -> None:
        self._dirty.clear()
        self._busy.clear()
        self._known.clear()
        self._stale.clear()
        self._over.clear()
        self._drop_ended()
        await self._boards.load()
        next_look = 0.0
        with self._feed.ear(Topic.CHANGED | Topic.PROGRESS) as ear:
            async with asyncio.TaskGroup() as group:
                while True:
                    if time.monotonic() >= next_look:
                        await self._look()
                        next_look = time.monotonic() + LOOK_SECONDS
                    for turn in await self._turns():
                        group.create_task(self._deliver(turn, ear))
                    self._take_in(await ear.news(self._pause(next_look)))
                    await self._read({job for job in self._stale if job not in self._known})

    async def _look(self) -> None:
        """What the store wants shown, whoever wrote it, and those not over: what they say may change by itself.

        Of those who wait it is their place in line; of those that another process runs how far they are; of all
        of them whether ComfyUI answers.
        """
        self._drop_ended()
        begun = time.monotonic()
        line = begun >= self._look_at_line or not self._notes
        waiting, carried, due = await self._store.messages.unsettled(self._adapter.name, BATCH, line=line)
        self._look_at_line = begun + len(waiting) / LOOKED_AT if line else self._look_at_line
        for view, card in await self._different(waiting):
            self._dirty[view.id] = Due(view=view, card=card)
        self._known.update({view.job.id: view for view in carried if view.id not in self._ended})
        for view, _ in await self._different(carried):
            self._dirty.setdefault(view.id, Due(view=view))
        for view in due:
            if view.id not in self._busy:
                self._dirty[view.id] = Due(view=view)
        unknown = {job for job in self._stale if self._known.get(job) is None}
        await self._read(unknown if self._notes else unknown | self._vanished(waiting, carried))
        self._look_at_places()

    def _vanished(self, waiting: Sequence[MessageView], carried: Sequence[MessageView]) -> set[JobId]:
        """Jobs that were not over at the last look. Who holds the lease may have noted their end as shown."""
        there = {view.job.id for view in (*waiting, *carried)}
        vanished = {job for job, view in self._known.items() if view is not None} - there
        self._known.update({view.job.id: view for view in waiting})
        return vanished

    async def _different(self, views: Sequence[MessageView]) -> list[tuple[MessageView, Card]]:
        """Those whose card says something else than what they show."""
        drawn = zip(views, await self._board.cards(views), strict=True)
        return [
            (view, card)
            for view, card in drawn
            if card != self._last.get(view.id) and view.id not in self._ended
        ]

    async def _turns(self) -> list[Due | MessageId]:
        """Those whose turn it is, as they stand now, and no more than can be shown at once."""
        if len(self._busy) >= AT_ONCE or not self._may_show():
            return []
        taken: list[Due] = []
        boards: list[MessageId] = []
        ready = self._pacer.due(self._waiting(), time.monotonic())
        while ready and len(self._busy) < AT_ONCE:
            asked, ready = ready[:AT_ONCE], ready[AT_ONCE:]
            await self._read({due.view.job.id for due in map(self._dirty.get, asked) if due} & self._stale)
            for message in asked:
                if len(self._busy) < AT_ONCE and message in self._dirty and self._has_turn(message):
                    self._busy.add(message)
                    taken.append(self._dirty.pop(message))
                elif len(self._busy) < AT_ONCE and message in self._boards and self._has_board_turn(message):
                    self._busy.add(message)
                    boards.append(message)
        return [*await self._in_line(taken), *boards]

    def _may_show(self) -> bool:
        """Whether no other process can be the one who shows cards there by now."""
        name, dead = lease_of(self._adapter.name), self._timing.dead
        return self._adapter.limits.shared or self._store.leases.surely_held(name, dead)

    def _waiting(self) -> dict[MessageId, Standing]:
        found = {
            message: self._standing(due.view)
            for message, due in self._dirty.items()
            if message not in self._busy
        }
        for message in self._boards.covered() & found.keys():
            if not found[message].urgent:
                del found[message]
        return found | {
            message: standing for message, standing in self._boards.waiting() if message not in self._busy
        }

    def _standing(self, view: MessageView) -> Standing:
        ends = view.removed or view.job.state in ENDS or view.job.id in self._over
        return Standing(fraction=self._board.fraction(view)[0], urgent=ends or self._wanted(view), over=ends)

    def _has_turn(self, message: MessageId) -> bool:
        """Take a turn for it if the platform has one left."""
        view = self._dirty[message].view
        if view.removed:
            return True
        return self._pacer.turn(
            message,
            self._standing(view),  # what might have been its end may have been none
            time.monotonic(),
            lambda final, left: self._adapter.turn(view.address, final=final, left=left),
        )

    def _has_board_turn(self, message: MessageId) -> bool:
        standing = dict(self._boards.waiting()).get(message)
        return standing is not None and self._boards.turn(message, standing, time.monotonic())

    async def _in_line(self, taken: list[Due]) -> list[Due]:
        """Those who wait are drawn together: one look at the line is enough for all of them."""
        waiting = [
            due.view
            for due in taken
            if due.card is None and due.view.job.state is State.QUEUED and not due.view.removed
        ]
        drawn = dict(zip((view.id for view in waiting), await self._board.cards(waiting), strict=True))
        return [replace(due, card=drawn.get(due.view.id, due.card)) for due in taken]

    def _pause(self, next_look: float) -> float:
        """Seconds until something is to be done even without news."""
        now = time.monotonic()
        until_look = max(0.0, next_look - now)
        if len(self._busy) >= AT_ONCE:
            return until_look
        until_edit = self._pacer.wait(self._waiting(), now)
        return until_look if until_edit is None else min(until_look, max(until_edit, 0.01))

    def _take_in(self, news: News) -> None:
        """What is known of the job is drawn again; after a change it is read again when its turn comes.

        What may be another adapter's is read at once, and then with the look at the store.
        """
        for job in news.changed | news.progressed:
            view = self._known.get(job)
            if view is not None:
                self._dirty[view.id] = Due(view=view)
        self._stale |= news.changed | {job for job in news.progressed if job not in self._known}
        self._over |= news.over

    async def _read(self, jobs: Set[JobId]) -> None:
        if not jobs:
            return
        self._stale -= jobs
        self._over -= jobs
        found = await self._store.messages.of_jobs(sorted(jobs))
        for view in found:
            ours = view.adapter == self._adapter.name and view.reachable
            over = view.job.state in ENDS
            if ours and (not over or self._wanted(view)):
                self._dirty[view.id] = Due(view=view)
            else:
                self._dirty.pop(view.id, None)
            if over:
                self._known.pop(view.job.id, None)
            else:
                self._known[view.job.id] = view if ours else None
        if len(self._boards) and any(view.job.state in ENDS for view in found):
            self._look_at_places()

    def _look_at_places(self) -> None:
        self._boards.look([view for view in self._known.values() if view is not None], time.monotonic())

    async def _deliver(self, turn: Due | MessageId, ear: Ear) -> None:
        """Show one message as it stands, or one for several jobs. Others have its place while it waits to be noted."""
        message = turn.view.id if isinstance(turn, Due) else turn
        to_note: MessageView | None = None
        try:
            if isinstance(turn, Due):
                to_note = await self._reach(turn)
            else:
                await self._boards.show(turn, time.monotonic())
            self._tries.pop(message, None)
        except SlowDown as error:
            self._meter.slowed[self._adapter.name] += 1
            self._pacer.pause(message, time.monotonic() + error.retry_after)
        except Exception:  # an adapter's callback: logged and tried again
            tries = self._tries.get(message, 0)
            self._tries[message] = tries + 1
            self._meter.failed[self._adapter.name] += 1
            self._pacer.pause(message, time.monotonic() + min(RETRY_FIRST * 2**tries, RETRY_MOST))
            log.exception("a card could not be shown", message=message, tries=tries + 1)
        finally:
            self._busy.discard(message)
            if self._dirty or message in self._boards:
                ear.stir()
        if to_note is not None:
            await self._note(to_note)

    async def _reach(self, due: Due) -> MessageView | None:
        """Show one message, or leave it alone from now on if it can't be reached. What is shown and not noted yet."""
        view = due.view
        try:
            return view if await self._show(view, due.card) else None
        except AddressGone as error:
            log.warning("message is gone", job=view.job.id, message=view.id, detail=str(error))
            self._meter.gone[self._adapter.name] += 1
            await self._store.messages.give_up(view.id)
            self._forget(view)
        except AddressExpired:
            await self._store.messages.park(view.id)
            self._forget(view)
        return None

    async def _note(self, view: MessageView) -> None:
        """Have the store know what a message shows. If that fails it is shown again."""
        try:
            await self._store.messages.shown(view)
        except Exception:  # a callback: what is not noted is still wanted
            log.exception("what was shown could not be noted", job=view.job.id, message=view.id)
            self._pacer.pause(view.id, time.monotonic() + RETRY_FIRST)
            if self._shown.get(view.id) == view.wanted:
                del self._shown[view.id]

    async def _show(self, view: MessageView, drawn: Card | None) -> bool:
        """Whether that it was shown is still to be noted. An end is noted before anything else is done with it."""
        wanted, begun = self._wanted(view), time.monotonic()
        if view.removed:
            if wanted:
                await self._adapter.remove(view.address)
        else:
            card = drawn or await self._board.card(view)
            if card != self._last.get(view.id) or wanted:
                moved = await self._adapter.show(view.address, card)
                if moved is not None:
                    await self._store.messages.move(view.id, moved)
                    self._stale.add(view.job.id)  # so that it is known by its new address
                self._pacer.edited(view.id, begun, card.fraction or 0.0)
                self._last[view.id] = card
                self._meter.edits[self._adapter.name] += 1
                if wanted and self._notes and view.job.state in ENDS:
                    self._meter.ends[self._adapter.name] += 1
        over = view.removed or view.job.state in ENDS
        if wanted and over and self._notes:
            await self._store.messages.shown(view)
        if wanted:
            self._shown[view.id] = view.wanted
        if over:
            self._end(view)
        return wanted and not over and self._notes

    def _end(self, view: MessageView) -> None:
        """It stays as it is: showing it once more would be an upload for nothing."""
        self._ended.add(view.id)
        self._pacer.forget(view.id)
        self._known.pop(view.job.id, None)
        due = self._dirty.get(view.id)
        if due is not None and due.view.wanted <= view.wanted:
            del self._dirty[view.id]

    def _drop_ended(self) -> None:
        """Every read from now on knows that they are shown."""
        for message in self._ended:
            self._last.pop(message, None)
            self._shown.pop(message, None)
        self._ended.clear()

    def _wanted(self, view: MessageView) -> bool:
        """Whether a change in the store is not shown yet. What another process noted says nothing of ours."""
        noted = view.shown if self._notes else 0
        return view.wanted > max(noted, self._shown.get(view.id, 0))

    def _forget(self, view: MessageView) -> None:
        """Leave a message alone that can't be reached, whatever comes of its job."""
        self._known[view.job.id] = None
        self._dirty.pop(view.id, None)
        self._pacer.forget(view.id)
        self._last.pop(view.id, None)
        self._shown.pop(view.id, None)
