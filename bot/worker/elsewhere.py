"""Where a job may go that failed on one backend, or whose backend gave out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bot.comfy.backend import ComfyBackend
from bot.comfy.health import Condition
from bot.errors import BackendError, NodeFailed, OutOfMemory, Refused
from bot.store.backends import LEASES, Backends

LOOK_SECONDS = 1.0


def lease_name(url: str) -> str:
    """The name of a backend's lease, and of the backend in the store."""
    return LEASES + url


async def gave_out(here: ComfyBackend, backends: Backends, shunned: Sequence[str], seconds: float) -> None:
    """Return once a backend was of no use for so long while another could take over what it has."""
    since: float | None = None
    while True:
        if here.condition in (Condition.DOWN, Condition.STALLED):
            now = time.monotonic()
            since = now if since is None else since
            if now - since >= seconds and await backends.elsewhere({lease_name(here.url), *shunned}):
                return
        else:
            since = None
        await asyncio.sleep(LOOK_SECONDS)


def to_shun(
    error: BackendError, here: ComfyBackend, peers: Sequence[ComfyBackend], shunned: Sequence[str]
) -> set[str] | None:
    """The backends that a job keeps away from after this error; None if it has nowhere else to go.

    One that did not find the memory goes to a card with more; a card of which nothing is known may have it.
    """
    if not isinstance(error, NodeFailed | Refused):
        return None
    shun = {lease_name(here.url), *shunned}
    if isinstance(error, OutOfMemory):
        ours = _memory(here)
        smaller = [peer for peer in peers if (theirs := _memory(peer)) is not None and theirs <= (ours or 0)]
        shun |= {lease_name(peer.url) for peer in smaller}
    elsewhere = [peer for peer in peers if peer.up and lease_name(peer.url) not in shun]
    return shun if elsewhere else None


def _memory(backend: ComfyBackend) -> int | None:
    """Bytes of the largest device; None if that is not known."""
    devices = backend.stats.devices if backend.stats is not None else ()
    return max((device.vram_total for device in devices), default=None)
