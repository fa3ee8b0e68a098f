"""Ending what runs beside."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

log = structlog.get_logger(__name__)

CANCEL_SECONDS = 1.0


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it has ended: a task group whose child fails just then forgets the first time."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_SECONDS)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("ended with an error", error=repr(error))


async def drop(*futures: asyncio.Future[Any] | None) -> None:
    """Cancel those that have not ended, and wait until they have; what they raise is nobody's."""
    given = [future for future in futures if future is not None]
    running = [future for future in given if not future.done()]
    for future in running:
        future.cancel()
    if running:
        await asyncio.gather(*running, return_exceptions=True)
    for future in given:
        if not future.cancelled():
            future.exception()  # looked at, so that nobody is told that it was not
