"""`muralist run` and `muralist demo`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Annotated

import typer

from bot.app import load_adapters, open_app
from bot.comfy.discover import PORTS, find_local
from bot.contract.ports import Adapter
from bot.errors import ConfigError
from bot.fleet import end
from bot.logs import set_up_logs
from bot.settings import Settings, read_settings

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
    until_stopped(_serve(settings, adapters, works=role is not Role.CHAT))


def demo() -> None:
    """Try it: with the ComfyUI that runs on this machine, or with a simulated one."""
    settings = read_settings()
    set_up_logs(settings.log_format)
    adapters = load_adapters()
    until_stopped(_demo(settings, adapters))


async def _serve(settings: Settings, adapters: Sequence[Adapter], *, works: bool = True) -> None:
    async with open_app(settings) as app:
        announcing = [asyncio.create_task(_announce(adapter)) for adapter in adapters]
        try:
            await app.serve(adapters, works=works)
        finally:
            for task in announcing:
                task.cancel()


async def _announce(adapter: Adapter) -> None:
    typer.echo(f"{await adapter.opened()} and write {EXAMPLE}")


async def _demo(settings: Settings, adapters: Sequence[Adapter]) -> None:
    """Its own folder: what a demonstration draws has no place among the owner's pictures."""
    found = await find_local()
    own = settings.model_copy(update={"data_dir": settings.data_dir / "demo", "database_url": None})
    if found:
        typer.echo(f"Using the ComfyUI at {found[0]}.")
        await _serve(own.model_copy(update={"comfyui_urls": (found[0],)}), adapters)
        return
    typer.echo(
        f"No ComfyUI was found on this machine (ports {PORTS[0]} and {PORTS[1]}-{PORTS[-1]}), "
        "so pictures come from the simulator: drawn, not sampled."
    )
    async with _simulator() as url:
        await _serve(own.model_copy(update={"comfyui_urls": (url,)}), adapters)


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


def until_stopped(work: Coroutine[None, None, None]) -> None:
    """Run to the end, or until Ctrl-C or SIGTERM, which both end it in order."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_stoppable(work))


async def _stoppable(work: Coroutine[None, None, None]) -> None:
    task, told = asyncio.create_task(work), asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGTERM, told.set)
    except NotImplementedError:  # Windows: its console sends Ctrl-C, which arrives as KeyboardInterrupt
        signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(told.set))
    waiting = asyncio.create_task(told.wait())
    try:
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        if not task.done():
            await end(task)
    if not told.is_set():
        task.result()
