"""Takes back jobs from backends that nobody serves any more: taken out of the settings while they had some."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import structlog

from bot.store.holding import LeaseTiming, while_held
from bot.store.leases import Held
from bot.store.store import Store

log = structlog.get_logger(__name__)


async def take_back(store: Store, served: Collection[str], owner: str, timing: LeaseTiming) -> None:
    """Queue again what backends outside `served` had in hand, once their leases are free or dead."""

    async def release(held: Held) -> None:
        for attempt in await store.queue.adopt(held):
            log.warning("job taken back from a backend that is gone", job=attempt.job.id, backend=held.name)
            await store.queue.requeue(attempt, "backend gone", failed=False)

    names = await store.queue.backends_in_hand() - set(served)
    await asyncio.gather(*(while_held(store.leases, name, owner, timing, release) for name in names))
