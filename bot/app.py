"""Composition: settings become a store, backends, workers, adapters and their deliveries."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from importlib.resources import files
from typing import cast
from uuid import uuid4

import structlog

from bot.cards.board import Board
from bot.comfy.backend import ComfyBackend
from bot.commands.core import BoundCore, spoken_for
from bot.contract.ports import Adapter
from bot.contract.values import Actor
from bot.delivery.deliverer import Deliverer
from bot.delivery.front import Front
from bot.delivery.meter import Meter
from bot.errors import ConfigError
from bot.feed import Feed
from bot.fleet import Fleet
from bot.media.spool import Spool
from bot.relay import Relay
from bot.scheduling.holds import Hold, hold_of
from bot.service.act import Act
from bot.service.grounds import Grounds
from bot.service.links import Links, read_secret
from bot.service.look import Look
from bot.service.moderate import Moderate
from bot.service.offering import Offering
from bot.service.outgoing import Outgoing
from bot.service.oversee import Oversee
from bot.service.people import People
from bot.service.quota import Quota
from bot.service.rights import Rights
from bot.service.servers import Servers
from bot.service.shelf import Shelf
from bot.service.steer import Steer
from bot.service.submit import Submit
from bot.service.vitals import Vitals
from bot.service.workshop import Workshop
from bot.settings import Settings
from bot.store.alive import name_process
from bot.store.claims import Rules
from bot.store.holding import LeaseTiming
from bot.store.store import Store, open_store
from bot.tasks import end
from bot.worker.caretaker import take_back
from bot.worker.elsewhere import lease_name
from bot.worker.run import Tools
from bot.worker.worker import Worker
from bot.workflow.draft import Draft
from bot.workflow.load import read_drafts
from bot.workflow.model import Role
from bot.workflow.vocabulary import Words

log = structlog.get_logger(__name__)

SERVED = ("web", "discord", "telegram")
"""The adapters that `muralist run` serves, by their folder's name."""

NOBODY = Actor(platform="", external_id="", name="nobody")
"""Whoever works for them begins nothing, and only looks after what a backend has in hand."""

SPOOL_MARK = ("core", "spool")
"""Where the database keeps what stands in the one folder that its pictures lie in."""

SWITCH_SECONDS = 0.001
"""How long a thread of the database may keep the event loop waiting for its turn in Python."""

COLLECT_EVERY = (2000, 20, 20)
"""Objects, and collections of younger ones, until the garbage collector looks at each generation again."""

TAKE_BACK_SECONDS = 60.0
"""How often jobs are looked for that servers have in hand with which nobody works."""
SHOWN_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """Everything but the platforms. `owner` names this process in leases; `bare`: see `Tools`.

    Once `stopping` is set `serve` ends in order, within `stop_seconds` and what it takes to let go of everything.
    """

    owner: str
    store: Store
    spool: Spool
    feed: Feed
    fleet: Fleet
    offering: Offering
    shelf: Shelf
    timing: LeaseTiming
    rights: Rights
    links: Links
    bare: bool
    rules: Rules
    meter: Meter
    vitals: Vitals
    stopping: asyncio.Event
    stop_seconds: float

    @property
    def servers(self) -> Servers:
        """The ComfyUI servers as the service sees them."""
        return self.fleet.servers

    def core(self, adapter: Adapter) -> BoundCore:
        """The core as an adapter sees it."""
        grounds = Grounds(self.store.standing, self.rights.policy)
        look = Look(self.store, self.board, self.feed, self.servers)
        submit = Submit(
            self.store,
            self.spool,
            self.feed,
            self.servers,
            self.offering,
            look,
            self.rights,
            grounds,
            self.rules,
        )
        return BoundCore(
            adapter=adapter.name,
            workshop=self.workshop,
            listed=adapter.limits.listed,
            offering=self.offering,
            submit=submit,
            acting=Act(
                self.store, self.spool, self.feed, look, submit, self.offering, self.rights, self.shelf
            ),
            look=look,
            people=People(self.store),
            rights=self.rights,
            moderate=Moderate(self.store, self.feed, self.rights),
            grounds=grounds,
            quota=Quota(self.store, self.rights),
            oversee=Oversee(self.store, self.spool, self.board, self.servers, self.rights),
            steer=Steer(self.store, self.feed, self.fleet, self.rules),
            statistics=self.store.statistics,
            outgoing=Outgoing(self.spool),
            links=self.links,
            memory=self.store.memory,
            vitals=self.vitals,
        )

    @property
    def workshop(self) -> Workshop:
        """Where workflows are added."""
        return Workshop(self.shelf, self.servers, self.store, self.spool, spoken_for())

    async def serve(self, adapters: Sequence[Adapter], *, works: bool = True) -> None:
        """Serve these adapters, and work if told so, until `stopping` is set, or cancelled.

        Raises `ConfigError` once none of the adapters can run as it is set up.
        """
        sys.setswitchinterval(SWITCH_SECONDS)
        _collect_rarely()
        await self._prepare()
        self.vitals.serves(adapter.name for adapter in adapters)
        fronts = [self._front(adapter) for adapter in adapters]
        work = [self.fleet.run(self._worker if works else None)]
        if adapters:
            work.append(self.servers.families.run(self.store.memory))
        if works:
            work.append(self._take_back())
        async with _background(*work, self.shelf.run(), *self._relay()):
            serving = asyncio.create_task(_serve_all(fronts))
            told = asyncio.create_task(self.stopping.wait())
            try:
                await asyncio.wait({serving, told}, return_when=asyncio.FIRST_COMPLETED)
                if serving.done():
                    raise serving.result()
                await self._wind_down(fronts)
            finally:
                told.cancel()
                await end(serving)

    async def _wind_down(self, fronts: Sequence[Front]) -> None:
        """Let what runs come to its end and be shown, for a while. What does not is handed over: it stays on its
        ComfyUI, and whoever holds the lease next takes it up."""
        log.info("stopping: nothing more is begun", seconds=self.stop_seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(self.stop_seconds):
                await asyncio.gather(*(worker.idle() for worker in self.fleet.workers))
                for front in fronts:
                    await self._shown(front)
                return
        log.info("stopping: the rest is handed over")

    async def _shown(self, front: Front) -> None:
        """Wait until every message of a platform shows what it should, as far as that is this process's to do."""
        while True:
            if not front.serves or not await self.store.messages.due(front.adapter.name, 1):
                return
            await asyncio.sleep(SHOWN_SECONDS)

    async def _prepare(self) -> None:
        await self.store.queue.rebuild_flows()
        if self.store.calls is not None:
            mark, new = await self.store.memory.once(*SPOOL_MARK, {"mark": uuid4().hex})
            await self.spool.claim(mark["mark"], new=new)
        await self.spool.tidy()

    def _relay(self) -> list[Coroutine[None, None, None]]:
        calls = self.store.calls
        return [] if calls is None else [Relay(self.feed, calls, self.spool, self.owner).run()]

    async def attend(self, adapter: Adapter, only: Actor) -> None:
        """Let one adapter do its work and end, working for nobody but this person meanwhile."""
        working = self.fleet.run(partial(self._worker, only=only))
        async with _background(working, self._deliverer(adapter).run(), *self._relay()):
            await adapter.run(self.core(adapter))

    async def _take_back(self) -> None:
        while True:
            served = [lease_name(backend.url) for backend in self.servers.backends]
            try:
                await take_back(self.store, served, self.owner, self.timing)
            except Exception:  # a worker's loop: it logs and goes on
                log.exception("jobs of servers that are gone can't be taken back")
            await asyncio.sleep(TAKE_BACK_SECONDS)

    def _worker(self, backend: ComfyBackend, only: Actor | None = None) -> Worker:
        tools = Tools(
            backend=backend,
            store=self.store,
            spool=self.spool,
            feed=self.feed,
            bare=self.bare,
            holds=partial(self.store.leases.surely_held, dead=self.timing.dead),
            rules=self.rules,
            peers=lambda: self.servers.backends,
        )
        return Worker(tools, self.owner, self.timing, only=only, stopping=self.stopping)

    def _front(self, adapter: Adapter) -> Front:
        delivering = self._deliverer(adapter)
        return Front(adapter, self.core(adapter), delivering, self.store.leases, self.owner, self.timing)

    def _deliverer(self, adapter: Adapter) -> Deliverer:
        return Deliverer(adapter, self.store, self.board, self.feed, self.owner, self.timing, self.meter)

    @property
    def board(self) -> Board:
        """Draws the cards of jobs."""
        offered, answering = self.offering.verbs, self.servers.answering
        return Board(self.store, self.spool, self.feed, answering, offered, time.time, self._holds)

    async def _holds(self) -> dict[str, Hold | None]:
        """Why each backend takes no jobs now."""
        switches, now = await self.store.switches.read(), time.time()
        names = [lease_name(backend.url) for backend in self.servers.backends]
        return {name: hold_of(switches, self.rules.plan, name, now) for name in names}


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[App]:
    """Open the store and begin to talk to the backends. Raises `ConfigError`."""
    drafts = read_workflows(settings)
    words = Words([settings.data_dir, settings.own_workflows])
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.database))
        feed = Feed()
        fleet = await stack.enter_async_context(Fleet(settings, store, feed))
        servers = fleet.servers
        spool, meter = Spool(settings.data_dir / "spool"), Meter()
        timing, stopping = LeaseTiming(), asyncio.Event()
        shelf = Shelf(drafts, store.library, feed, servers.schemas, settings.allow_nodes)
        await shelf.refresh()
        check_order(settings, shelf.names())
        yield App(
            owner=name_process(),
            store=store,
            spool=spool,
            feed=feed,
            fleet=fleet,
            offering=Offering(shelf.catalogue, servers, settings.workflow_order, words.now),
            shelf=shelf,
            timing=timing,
            rights=Rights(store.standing, settings.policy, settings.admins),
            links=Links(settings.public_url, await read_secret(store.memory)),
            bare=settings.embedded_workflows == "strip",
            rules=settings.rules,
            meter=meter,
            vitals=Vitals(store, servers, spool, meter, timing, stopping),
            stopping=stopping,
            stop_seconds=settings.stop_seconds,
        )


def _collect_rarely() -> None:
    """Keep the garbage collector from standing in everybody's way.

    All threads stand still while it looks at everything there is, for some 200 ms: what was there at the start stays,
    so it need not be looked at again, and what many jobs at once make is no garbage yet.
    """
    gc.set_threshold(*COLLECT_EVERY)
    if not gc.get_freeze_count():  # once in a process: later there may be garbage among it
        gc.collect()
        gc.freeze()


def read_workflows(settings: Settings) -> dict[str, Draft]:
    """The bundled workflows and the owner's above them, by name, as their files have them. Raises `ConfigError`."""
    return {**bundled_drafts(), **read_drafts([settings.own_workflows])}


@cache
def bundled_drafts() -> Mapping[str, Draft]:
    """The bundled workflows by name: read once, as they stay as they are."""
    return {name: replace(draft, bundled=True) for name, draft in read_drafts([files("workflows")]).items()}


def check_order(settings: Settings, names: Sequence[str]) -> None:
    """Raise `ConfigError` for a name that is none of these."""
    for name in settings.workflow_order:
        if name not in names:
            raise ConfigError(
                f'WORKFLOW_ORDER: there is no workflow "{name}". There are: {", ".join(names)}.'
            )
    for name in settings.workflow_levels:
        if name not in names and name not in set(Role):
            raise ConfigError(
                f'WORKFLOW_LEVELS: there is no workflow "{name}". There are: {", ".join(names)}.'
            )


def load_adapters(names: Sequence[str] = SERVED) -> list[Adapter]:
    """The adapters of these names that are set up. Raises `ConfigError` for settings that are wrong."""
    made = [import_module(f"adapters.{name}").create() for name in names]
    return [cast(Adapter, adapter) for adapter in made if adapter is not None]


@asynccontextmanager
async def _background(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Work that goes on for as long as the block."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        await asyncio.gather(*(end(task) for task in tasks))


async def _serve_all(fronts: Sequence[Front]) -> ConfigError:
    """Ends once none of them can run as it is set up, if there are any."""
    refused = await asyncio.gather(*(front.run() for front in fronts))
    if not refused:
        await asyncio.Event().wait()
    return refused[0]
