"""`muralist run` and `muralist demo`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Annotated

import typer

from bot.app import load_adapters, open_app
from bot.comfy.discover import PORTS, find_local
from bot.contract.ports import Adapter
from bot.errors import ConfigError
from bot.logs import set_up_logs
from bot.settings import Settings, read_settings
from bot.tasks import end

LET_GO_SECONDS = 5.0
"""How long letting go of leases and connections may take."""

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP") if hasattr(signal, name)
]
"""Ctrl-C, what service managers send, Ctrl-Break on Windows, and a terminal that is closed."""

EXAMPLE = "/imagine a red fox in snow"


class Role(StrEnum):
    """What a process does."""

    ALL = "all"
    CHAT = "chat"
    WORKER = "worker"


def run(
    role: Annotated[
        Role,
        typer.Option(
            help="chat: only the platforms; worker: only the ComfyUI servers. They share DATABASE_URL."
        ),
    ] = Role.ALL,
) -> None:
    """Serve every platform that is set up, until Ctrl-C."""
    settings = read_settings()
    set_up_logs(settings.log_format)
    adapters = [] if role is Role.WORKER else load_adapters()
    works = role is not Role.CHAT
    until_stopped(lambda told: _serve(settings, adapters, told, works=works), settings.stop_seconds)


def demo() -> None:
    """Try it: with the ComfyUI that runs on this machine, or with a simulated one."""
    settings = read_settings()
    set_up_logs(settings.log_format)
    adapters = load_adapters()
    until_stopped(lambda told: _demo(settings, adapters, told), settings.stop_seconds)


async def _serve(
    settings: Settings, adapters: Sequence[Adapter], told: asyncio.Event, *, works: bool = True
) -> None:
    async with open_app(settings) as app:
        aside = [asyncio.create_task(_announce(adapter)) for adapter in adapters]
        aside.append(asyncio.create_task(_pass_on(told, app.stopping)))
        try:
            await app.serve(adapters, works=works)
        finally:
            for task in aside:
                task.cancel()


async def _pass_on(told: asyncio.Event, stopping: asyncio.Event) -> None:
    await told.wait()
    stopping.set()


async def _announce(adapter: Adapter) -> None:
    typer.echo(f"{await adapter.opened()} and write {EXAMPLE}")


async def _demo(settings: Settings, adapters: Sequence[Adapter], told: asyncio.Event) -> None:
    """Its own folder: what a demonstration draws has no place among the owner's pictures."""
    found = await find_local()
    own = settings.model_copy(update={"data_dir": settings.data_dir / "demo", "database_url": None})
    if found:
        typer.echo(f"Using the ComfyUI at {found[0]}.")
        await _serve(own.model_copy(update={"comfyui_urls": (found[0],)}), adapters, told)
        return
    typer.echo(
        f"No ComfyUI was found on this machine (ports {PORTS[0]} and {PORTS[1]}-{PORTS[-1]}), "
        "so pictures come from the simulator: drawn, not sampled."
    )
    async with _simulator() as url:
        await _serve(own.model_copy(update={"comfyui_urls": (url,)}), adapters, told)


@asynccontextmanager
async def _simulator() -> AsyncIterator[str]:
    """A simulated ComfyUI as its own process, on a free port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulator", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        url = next((word for word in line.split() if word.startswith("http://")), None)
        if url is None:
            raise ConfigError("The simulator did not start. `muralist simulate` says why.")
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def until_stopped(work: Callable[[asyncio.Event], Coroutine[None, None, None]], seconds: float) -> None:
    """Run to the end, or until Ctrl-C or SIGTERM: the first asks it to end in order, the second ends it at once.

    `work` is told by its event. Whatever holds it up, the process has ended `seconds` and `LET_GO_SECONDS` later.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_stoppable(work, seconds))


async def _stoppable(work: Callable[[asyncio.Event], Coroutine[None, None, None]], seconds: float) -> None:
    told, at_once = asyncio.Event(), asyncio.Event()
    with _signals(told, at_once, seconds):
        task, waiting = asyncio.create_task(work(told)), asyncio.create_task(at_once.wait())
        try:
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            if not task.done():
                await end(task)
    if not at_once.is_set():
        task.result()


@contextlib.contextmanager
def _signals(told: asyncio.Event, at_once: asyncio.Event, seconds: float) -> Iterator[None]:
    """Have the ways to stop a program set these, while the block lasts."""
    loop, limits = asyncio.get_running_loop(), list[threading.Timer]()

    def stop() -> None:
        if told.is_set():
            at_once.set()
            return
        told.set()
        limits.append(threading.Timer(seconds + LET_GO_SECONDS, os._exit, [1]))
        limits[0].daemon = True  # it may be a thread of the database's that does not come to its end
        limits[0].start()

    for each in SIGNALS:
        try:
            loop.add_signal_handler(each, stop)
        except NotImplementedError:  # Windows, where Ctrl-C, Ctrl-Break and `terminate` come in other ways
            signal.signal(each, lambda *_: loop.call_soon_threadsafe(stop))
    try:
        yield
    finally:
        for each in limits:
            each.cancel()
