"""Takes back jobs from backends that nobody serves any more: taken out of the settings while they had some."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

import structlog

from bot.store.holding import LeaseTiming, while_held
from bot.store.leases import Held
from bot.store.store import Store

log = structlog.get_logger(__name__)

RESTART_SECONDS = 60.0
"""A worker that was seen alive and stops may be starting anew: its jobs are left to it for so long."""


async def take_back(store: Store, served: Collection[str], owner: str, timing: LeaseTiming) -> None:
    """Queue again what backends outside `served` had in hand, once nobody has served them for a while."""

    async def release(held: Held) -> None:
        for attempt in await store.queue.adopt(held):
            log.warning("job taken back from a backend that is gone", job=attempt.job.id, backend=held.name)
            await store.queue.requeue(attempt, "backend gone", failed=False)

    async def look_after(name: str) -> None:
        await _unserved(store, name, timing)
        await while_held(store.leases, name, owner, timing, release)

    names = await store.queue.backends_in_hand() - set(served)
    await asyncio.gather(*(look_after(name) for name in names))


async def _unserved(store: Store, name: str, timing: LeaseTiming) -> None:
    """Wait until a lease has shown no sign of life for `timing.dead`, or longer if it ever did."""
    seen, since, patience = await store.leases.look(name), time.monotonic(), timing.dead
    while time.monotonic() - since < patience:
        await asyncio.sleep(timing.beat)
        now = await store.leases.look(name)
        if now != seen:
            seen, since, patience = now, time.monotonic(), max(timing.dead, RESTART_SECONDS)
