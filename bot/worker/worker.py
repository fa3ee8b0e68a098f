"""The worker of one backend."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import structlog

from bot.contract.values import Actor, JobId
from bot.errors import BackendError, LeaseLost, NoRoom
from bot.feed import Ear, Live, Topic
from bot.jobs.models import Attempt
from bot.scheduling.holds import Hold, hold_of
from bot.store.holding import LeaseTiming, while_held
from bot.store.leases import Held
from bot.worker.elsewhere import lease_name
from bot.worker.regain import Regain
from bot.worker.run import Run, Tools

log = structlog.get_logger(__name__)

COMMITTED = 2
"""Attempts that a backend has at once: one runs, one waits there so that the GPU never does."""

LOOK_SECONDS = 1.0
"""How often the store is looked at for what another process wrote."""

IDLE_SECONDS = 0.05


class Worker:
    """Holds one backend's lease and keeps the backend busy. `only` leaves other people's jobs alone."""

    def __init__(
        self,
        tools: Tools,
        owner: str,
        timing: LeaseTiming,
        *,
        only: Actor | None = None,
        stopping: asyncio.Event | None = None,
    ) -> None:
        """Once `stopping` is set nothing more is claimed."""
        self._tools = tools
        self._owner = owner
        self._timing = timing
        self._only = only
        self._stopping = stopping or asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        """Whether the disk has room for results."""
        self._runs: dict[JobId, Run] = {}
        self._ear: Ear | None = None
        self._alone = False
        self._regain = Regain(tools.backend, self.lease, tools.store.shunning)
        self._swept = False
        """Whether the server has no attempt whose job went elsewhere."""

    @property
    def lease(self) -> str:
        """The name under which the backend is held, and its jobs are noted."""
        return lease_name(self._tools.backend.url)

    async def run(self) -> None:
        """Work until cancelled, whatever happens."""
        while True:
            try:
                await while_held(self._tools.store.leases, self.lease, self._owner, self._timing, self._serve)
            except Exception as error:  # a worker's loop: it logs and goes on
                if not _no_room(error):
                    log.exception("worker failed", backend=self._tools.backend.name)
                else:
                    log.error("the database's disk is full: nothing goes on here until there is room")
                    await self._tools.spool.wait_for_room()
            await asyncio.sleep(LOOK_SECONDS)

    async def idle(self) -> None:
        """Wait until nothing is in this backend's hand."""
        while True:
            if not self._runs:
                return
            await asyncio.sleep(IDLE_SECONDS)

    async def _serve(self, held: Held) -> None:
        self._runs.clear()
        self._alone = False
        self._swept = False
        backend, backends = self._tools.backend, self._tools.store.backends
        backend.client_id = await backends.client_id(backend.url)  # who held it before may have got a new one
        slots = asyncio.Semaphore(COMMITTED)
        async with asyncio.TaskGroup() as group:
            group.create_task(backend.listen())
            group.create_task(self._watch(held))
            for attempt in await self._tools.store.queue.adopt(held):
                log.info("job taken over", job=attempt.job.id, state=attempt.job.state)
                await slots.acquire()
                group.create_task(self._carry(attempt, slots))
            await self._claim(held, slots, group)

    async def _claim(self, held: Held, slots: asyncio.Semaphore, group: asyncio.TaskGroup) -> None:
        queue = self._tools.store.queue
        with self._tools.feed.ear(Topic.QUEUED | Topic.STEERED) as self._ear:
            while True:
                if self._alone:  # it was the last that waited, and nobody has come since
                    await self._ear.news(LOOK_SECONDS)
                await slots.acquire()
                if not self._tools.backend.up:
                    await queue.unload(held)
                    await self._tools.backend.wait_up()
                await self._sweep(held)
                await self._tools.backend.after_others()
                await self._room.wait()
                if self._stopping.is_set():
                    return
                await self._regain.look()
                attempt = await queue.claim(
                    held,
                    str(uuid4()),
                    now=time.time(),
                    rules=self._tools.rules,
                    only=self._only,
                    posting=True,
                )
                self._alone = attempt is not None and attempt.last
                if attempt is not None:
                    group.create_task(self._carry(attempt, slots, claimed=True))
                else:
                    slots.release()
                    await self._ear.news(LOOK_SECONDS)

    async def _sweep(self, held: Held) -> None:
        """End attempts there whose jobs went elsewhere meanwhile: their results are nobody's."""
        if self._swept:
            return
        self._swept = True
        queue = self._tools.store.queue
        left = await queue.left_on(held)
        if not left:
            return
        try:
            await self._tools.backend.cancel(*left)
        except BackendError as error:
            self._swept = False
            log.info("what was left there could not be ended yet", reason=str(error))
        else:
            log.info("ended there what had gone elsewhere", prompts=left)
            await queue.taken_away(left)

    async def _carry(self, attempt: Attempt, slots: asyncio.Semaphore, *, claimed: bool = False) -> None:
        released = False

        def executed() -> None:
            nonlocal released
            if not released:
                released = True
                slots.release()
                if (
                    self._ear is not None and not self._alone
                ):  # what had to wait for an idle backend may be claimed now
                    self._ear.stir()

        run = Run(self._tools, attempt, executed, claimed=claimed)
        self._runs[attempt.job.id] = run
        try:
            await run.carry()
        except (LeaseLost, NoRoom):
            raise  # what can't be written can't be ended either: whoever holds the lease next takes the job up
        except Exception:  # a worker's loop: one job's trouble must not be the others'
            log.exception("a job could not be carried through", job=attempt.job.id)
            await run.stumble()
        finally:
            self._runs.pop(attempt.job.id, None)
            self._swept = self._swept and not run.left_there

    async def _watch(self, held: Held) -> None:
        """Keep progress in the store, and stop what somebody asked to stop: here at once, elsewhere soon."""
        saved: dict[JobId, Live] = {}
        told: tuple[bool, int] | None = None
        with self._tools.feed.ear(Topic.CANCEL | Topic.STEERED) as ear:
            while True:
                await self._save_progress(saved)
                told = await self._tell(told)
                await self._look_for_room()
                for job in await self._tools.store.queue.to_cancel(held):
                    if job in self._runs:
                        await self._runs[job].cancel()
                await self._heed(held)
                await ear.news(LOOK_SECONDS)

    async def _heed(self, held: Held) -> None:
        """Do what a hold of this backend asks for beyond claiming nothing."""
        switches, now = self._tools.store.switches, time.time()
        hold = hold_of(await switches.read(), self._tools.rules.plan, held.name, now)
        if hold is None or not hold.clears:
            return
        for run in list(self._runs.values()):
            if hold.hand_over or not run.begun:
                await run.hand_over()
        if hold.frees and not self._runs and self._tools.backend.up:
            await self._free(held, hold)

    async def _free(self, held: Held, hold: Hold) -> None:
        """Give the GPU's memory back, once for each hold."""
        if await self._tools.store.switches.freed(held.name, hold):
            return
        try:
            await self._tools.backend.routes.free(free_memory=True)
        except BackendError as error:
            log.warning("the memory is not given back yet", detail=str(error))
            return
        await self._tools.store.queue.unload(held)
        await self._tools.store.switches.note_freed(held.name, hold)
        log.info("the GPU's memory is given back", backend=self._tools.backend.name, reason=hold.reason)

    async def _look_for_room(self) -> None:
        """Begin nothing while its result would find no room."""
        room = await self._tools.spool.has_room()
        if room and not self._room.is_set():
            log.info("there is room on the disk again")
            self._room.set()
        elif not room and self._room.is_set():
            log.error("the disk of DATA_DIR is full: nothing more is begun until there is room")
            self._room.clear()

    async def _tell(self, told: tuple[bool, int] | None) -> tuple[bool, int]:
        """Let other processes know how the server is, when that changed."""
        backend = self._tools.backend
        now = (backend.up, backend.busy_with)
        if now != told:
            await self._tools.store.backends.tell(backend.url, up=backend.up, others=backend.busy_with)
        return now

    async def _save_progress(self, saved: dict[JobId, Live]) -> None:
        moved = [
            (run.attempt, run.live.fraction, run.live.node)
            for job, run in self._runs.items()
            if run.live is not None and run.live is not saved.get(job)
        ]
        if moved:
            await self._tools.store.queue.progress(moved)
        saved.clear()
        saved.update({job: run.live for job, run in self._runs.items() if run.live is not None})


def _no_room(error: Exception) -> bool:
    """Whether the disk is all that was wrong."""
    if isinstance(error, ExceptionGroup):
        return error.subgroup(NoRoom) is not None
    return isinstance(error, NoRoom)
