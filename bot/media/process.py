"""Runs work on media in a process of its own, which a time limit or a cancelled task really ends.

A thread can't be ended, shares its memory with the bot and takes the bot along when a decoder crashes. A
fresh process costs some 60 ms (Python with Pillow; 80 ms with PyAV, measured) and needs no upkeep: nothing
that one file did to a decoder is there for the next. It gets no secrets in its environment.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, get_type_hints
from weakref import WeakKeyDictionary

import bot
from bot.errors import MediaRejected
from bot.media.errors import DoesNotFit

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What a piece of work may use: seconds on the clock, bytes of address space.

    Long work (`slow`) waits in a queue of its own, so that a clip that is encoded holds up no picture.
    `memory` is kept by the system where it can (Linux; not on Windows and macOS).
    """

    seconds: float
    memory: int
    slow: bool = False


QUICK: Final = Bounds(seconds=40, memory=1536 * 2**20)
LONG: Final = Bounds(seconds=300, memory=3072 * 2**20, slow=True)

TOO_LONG = "That file takes too long to work on. Send a smaller or simpler one."
CRASHED = "That file can't be read. Save it anew, then send it again."

_ERRORS: Final = {"MediaRejected": MediaRejected, "DoesNotFit": DoesNotFit}
_PASSED_ON: Final = ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH")

_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, asyncio.Semaphore]] = WeakKeyDictionary()
"""How many processes run at once is the machine's affair, so it is counted here and by nobody's object."""


async def run(bounds: Bounds, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """What `function` returns, called in another process.

    `function` stands in `bot.media.inside`, takes paths, numbers, strings and lists of them, and returns a
    flat dataclass of such values or None. Raises `MediaRejected` and `DoesNotFit` as it does; `MediaRejected`
    too if it takes too long, needs too much memory or takes its process down.
    """
    order = {
        "module": function.__module__,
        "function": function.__name__,
        "args": args,
        "kwargs": kwargs,
        "memory": bounds.memory,
        "seconds": bounds.seconds,
    }
    async with _slot(slow=bounds.slow), _process() as process:
        sent = json.dumps(order, default=_path).encode()
        try:
            answer, _ = await asyncio.wait_for(process.communicate(sent), bounds.seconds)
        except TimeoutError as error:
            raise MediaRejected(TOO_LONG) from error
    if not answer:
        raise MediaRejected(CRASHED)
    return _unpacked(function, json.loads(answer))


def _slot(*, slow: bool) -> asyncio.Semaphore:
    cores = os.cpu_count() or 1
    fresh = {False: asyncio.Semaphore(cores), True: asyncio.Semaphore(max(1, cores // 2))}
    return _slots.setdefault(asyncio.get_running_loop(), fresh)[slow]


@asynccontextmanager
async def _process() -> AsyncIterator[Process]:
    """A child that is gone when this ends, however it ends."""
    root = str(Path(bot.__file__).parents[1])
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.media.inside"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=root,
        env=environment | {"PYTHONPATH": root, "PYTHONUTF8": "1", "MALLOC_ARENA_MAX": "2"},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.shield(process.wait())


def _path(value: object) -> dict[str, str]:
    if isinstance(value, Path):
        return {"path": str(value.resolve())}
    raise TypeError(f"{value!r} can't be sent to another process")


def _unpacked(function: Callable[..., R], answer: dict[str, Any]) -> R:
    if "error" in answer:
        raise _ERRORS[answer["error"]](answer["text"])
    if "bug" in answer:
        raise RuntimeError(answer["bug"])
    value = answer["value"]
    if value is not None:
        value = get_type_hints(function)["return"](**value)
    return value  # type: ignore[no-any-return]
