"""Ending what runs beside."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from bot.tasks import drop


async def _fail() -> None:
    raise ValueError("nobody's")


async def test_what_is_dropped_is_over_and_nobody_is_told_of_its_errors() -> None:
    """Neither of one that runs nor of one that had failed before; what is not there is left out."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    failed, endless = asyncio.create_task(_fail()), asyncio.create_task(asyncio.Event().wait())
    await asyncio.wait({failed})
    await drop(failed, None, endless)
    assert (failed.done(), endless.cancelled()) == (True, True)
    del failed
    gc.collect()
    assert told == []
