"""Doing something for as long as this process holds a lease."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

import structlog

from bot.errors import LeaseLost, NoRoom
from bot.store.alive import has_ended
from bot.store.leases import Held, Leases, Seen

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaseTiming:
    """Seconds: between two beats, and without a beat until an observer takes the lease."""

    beat: float = 1.0
    dead: float = 6.0


async def while_held(
    leases: Leases,
    name: str,
    owner: str,
    timing: LeaseTiming,
    body: Callable[[Held], Awaitable[None]],
    *,
    outlasts_full_disk: bool = False,
) -> None:
    """Wait for a lease, then run `body`, which ends early when the lease is lost. The lease is given back.

    `outlasts_full_disk`: the body goes on while no beat can be written for want of room: nor can anybody take it then.
    """
    held = await _acquire(leases, name, owner, timing)
    log.info("lease taken", lease=name, epoch=held.epoch)
    try:
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(_keep(leases, held, timing, outlasts_full_disk))
            await body(held)
            beating.cancel()
    except* LeaseLost as lost:
        log.warning("lease lost", lease=name, epoch=held.epoch, reason=str(lost.exceptions[0]))
    finally:
        leases.beats.pop(name, None)
        await asyncio.shield(leases.give_back(held))
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError  # asked for while the lease was lost: the group told only of that


async def _acquire(leases: Leases, name: str, owner: str, timing: LeaseTiming) -> Held:
    """Take the lease once it is free, its holder's process has ended, or showed no new beat for `timing.dead` seconds.

    Each look counts for a beat at most: while the database does not answer, no holder can show that it lives.
    """
    last: Seen | None = None
    quiet, looked = 0.0, time.monotonic()
    try:
        while True:
            seen, asked = await leases.look(name), time.monotonic()
            quiet = quiet + min(asked - looked, timing.beat) if seen == last else 0.0
            looked = asked
            _note(leases, name, last, seen)
            last = seen
            if seen is None or seen.owner is None or has_ended(seen.owner) or quiet >= timing.dead:
                held = await leases.take(name, owner, seen)
                if held is not None:
                    leases.beats[name] = asked
                    return held
            else:
                await asyncio.sleep(timing.beat / 2)
    finally:
        leases.others.pop(name, None)


def _note(leases: Leases, name: str, last: Seen | None, seen: Seen | None) -> None:
    """Keep in mind that another holder lives."""
    if seen == last or seen is None or seen.owner is None:
        return
    if last is None:
        log.info("the lease is another process's: standing by", lease=name)
    else:
        leases.others[name] = time.monotonic()


async def _keep(leases: Leases, held: Held, timing: LeaseTiming, outlasts_full_disk: bool) -> NoReturn:
    """Beat. A beat that can't be written in time is as good as a lost lease: others may have taken it."""
    while True:
        await asyncio.sleep(timing.beat)
        asked = time.monotonic()
        beating = asyncio.ensure_future(_beat(leases, held, outlasts_full_disk))
        try:  # not `timeout`: a cancelled statement still waits until the database is free
            await asyncio.wait({beating}, timeout=timing.dead - timing.beat)
            if not beating.done():
                raise LeaseLost(f"no beat for {held.name} could be written in time")
            beating.result()
            leases.beats[held.name] = asked
        finally:
            beating.cancel()


async def _beat(leases: Leases, held: Held, outlasts_full_disk: bool) -> None:
    try:
        await leases.beat(held)
    except NoRoom:
        seen = await leases.look(held.name)
        if seen is not None and (seen.owner, seen.epoch) != (held.owner, held.epoch):
            raise LeaseLost(f"the lease of {held.name} is somebody else's now") from None
        if not outlasts_full_disk:
            raise
