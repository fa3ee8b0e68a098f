"""Doing something for as long as this process holds a lease."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

import structlog

from bot.errors import LeaseLost
from bot.store.leases import Held, Leases, Seen

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaseTiming:
    """Seconds: between two beats, and without a beat until an observer takes the lease."""

    beat: float = 1.0
    dead: float = 6.0


async def while_held(
    leases: Leases, name: str, owner: str, timing: LeaseTiming, body: Callable[[Held], Awaitable[None]]
) -> None:
    """Wait for a lease, then run `body`, which ends early when the lease is lost. The lease is given back."""
    held = await _acquire(leases, name, owner, timing)
    log.info("lease taken", lease=name, epoch=held.epoch)
    leases.beats[name] = time.monotonic()
    try:
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(_keep(leases, held, timing))
            await body(held)
            beating.cancel()
    except* LeaseLost as lost:
        log.warning("lease lost", lease=name, epoch=held.epoch, reason=str(lost.exceptions[0]))
    finally:
        leases.beats.pop(name, None)
        await asyncio.shield(leases.give_back(held))


async def _acquire(leases: Leases, name: str, owner: str, timing: LeaseTiming) -> Held:
    """Take the lease once it is free, or once its holder has shown no new beat for `timing.dead` seconds."""
    last: Seen | None = None
    since = time.monotonic()
    while True:
        seen = await leases.look(name)
        if seen != last:
            last, since = seen, time.monotonic()
        free = seen is None or seen.owner is None
        if free or time.monotonic() - since >= timing.dead:
            held = await leases.take(name, owner, seen)
            if held is not None:
                return held
        else:
            await asyncio.sleep(timing.beat / 2)


async def _keep(leases: Leases, held: Held, timing: LeaseTiming) -> NoReturn:
    """Beat. A beat that can't be written in time is as good as a lost lease: others may have taken it."""
    while True:
        await asyncio.sleep(timing.beat)
        beating = asyncio.ensure_future(leases.beat(held))
        try:  # not `timeout`: a cancelled statement still waits until the database is free
            await asyncio.wait({beating}, timeout=timing.dead - timing.beat)
            if not beating.done():
                raise LeaseLost(f"no beat for {held.name} could be written in time")
            beating.result()
            leases.beats[held.name] = time.monotonic()
        finally:
            beating.cancel()
