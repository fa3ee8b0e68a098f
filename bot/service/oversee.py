"""What admins see of everybody."""

from __future__ import annotations

import time

from bot.cards.board import Board
from bot.cards.notes import held
from bot.comfy.address import parse_address
from bot.comfy.backend import ComfyBackend
from bot.contract.overview import BackendReport, DeviceReport, FailedJob, Overview, StandingJob
from bot.contract.values import Actor
from bot.jobs.models import MessageView
from bot.jobs.states import State, outside
from bot.media.spool import Spool
from bot.scheduling.holds import EVERYWHERE, Switch
from bot.service.rights import OVERSEE, Rights
from bot.service.servers import Servers
from bot.store.requests import midnight
from bot.store.store import Store
from bot.worker.elsewhere import lease_name

SHOWN_WAITING = 100
SHOWN_FAILURES = 20
SHOWN_PEOPLE = 100
SHOWN_CHANGES = 20

NO_ROOM = "The disk of DATA_DIR is full: nothing more is begun until there is room."


class Oversee:
    """Reads; changes nothing. The right to look is checked here, at every look."""

    def __init__(self, store: Store, spool: Spool, board: Board, servers: Servers, rights: Rights) -> None:
        self._store = store
        self._spool = spool
        self._board = board
        self._servers = servers
        self._rights = rights

    async def overview(self, actor: Actor) -> Overview:
        """How everything stands. Raises `NotAllowed` unless `actor` is an admin."""
        await self._rights.require(actor, OVERSEE)
        now = time.time()
        running = await self._store.messages.in_hand()
        waiting = await self._store.messages.all_waiting(SHOWN_WAITING)
        total, _ = await self._store.messages.totals()
        ahead = await self._board.ahead(waiting)
        waiting.sort(key=lambda view: ahead.get(view.job.id, 0))
        fronts = list(await self._store.steering.fronts())
        waiting.sort(key=lambda view: view.job.id not in fronts)
        return Overview(
            at=now,
            waiting=tuple(self._standing(view, None) for view in waiting),
            more_waiting=max(0, total - len(waiting)),
            running=tuple(self._standing(view, backend) for view, backend in running),
            backends=await self._backends(),
            people=tuple(await self._store.people.reports(midnight(now), SHOWN_PEOPLE)),
            failures=tuple(_failed(view) for view in await self._store.messages.failed(SHOWN_FAILURES)),
            paused=(Switch.PAUSED, EVERYWHERE) in await self._store.switches.read(),
            changes=tuple(await self._store.audit.newest(SHOWN_CHANGES)),
        )

    def _standing(self, view: MessageView, backend: str | None) -> StandingJob:
        fraction, node = self._board.fraction(view)
        prompt = view.job.values.get("prompt")
        names = {lease_name(each.url): each.name for each in self._servers.backends}
        return StandingJob(
            job=view.job.id,
            actor=view.actor,
            command=view.command,
            prompt=prompt if isinstance(prompt, str) else "",
            state=outside(view.job.state),
            since=view.job.created if view.job.started is None else view.job.started,
            fraction=0.0 if view.job.state is State.QUEUED else fraction,
            node=node,
            backend=names.get(backend, "a server that is not in the settings") if backend else None,
        )

    async def _backends(self) -> tuple[BackendReport, ...]:
        holds, switches = await self._board.holds(), await self._store.switches.read()
        added = {parse_address(url).url for url in await self._store.switches.added()}
        full = None if await self._spool.has_room() else NO_ROOM
        return tuple(
            [
                BackendReport(
                    name=backend.name,
                    up=backend.up,
                    version=backend.version,
                    running=await self._store.messages.running_on(name),
                    trouble=backend.trouble or full,
                    devices=_devices(backend),
                    hold=held(holds.get(name)),
                    lent=not ((hold := holds.get(name)) is not None and hold.frees),
                    drained=(Switch.DRAINED, name) in switches,
                    added=backend.url in added,
                )
                for backend in self._servers.backends
                for name in [lease_name(backend.url)]
            ]
        )


def _devices(backend: ComfyBackend) -> tuple[DeviceReport, ...]:
    """As last told; none while it is away."""
    if not backend.up or backend.stats is None:
        return ()
    return tuple(
        DeviceReport(name=device.name, memory=device.vram_total, free=device.vram_free)
        for device in backend.stats.devices
    )


def _failed(view: MessageView) -> FailedJob:
    error = view.job.error
    return FailedJob(
        job=view.job.id,
        actor=view.actor,
        workflow=view.job.workflow,
        at=view.job.created if view.job.finished is None else view.job.finished,
        code="" if error is None else error.code,
        message="" if error is None else error.message,
    )
