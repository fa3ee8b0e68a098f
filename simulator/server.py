"""A simulated ComfyUI server that can be started, killed and started again."""

import asyncio
import contextlib
import ssl
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web
from PIL import Image

from simulator.application import make_application
from simulator.counting import Counts
from simulator.faults import Faults
from simulator.folders import Folders
from simulator.machine import Machine
from simulator.memory import Memory
from simulator.runs import Run, RunLog
from simulator.settings import SimulatorSettings

EXAMPLE = "example.png"  # the picture that every ComfyUI has in its input folder


class Simulator:
    """The server while its `async with` block runs. Entering raises OSError when the port is taken."""

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        self.settings = settings or SimulatorSettings()
        self.faults = Faults(self, self.settings.path_prefix)
        self._counts = Counts()
        self.port = self.settings.port
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        self._stack = contextlib.AsyncExitStack()
        self._restart: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        scheme = "http" if self.settings.certificate is None else "https"
        return f"{scheme}://{self.settings.host}:{self.port}{self.settings.path_prefix}"

    @property
    def folder(self) -> Path:
        """Where input, output and temp are."""
        return self._folders.root

    @property
    def runs(self) -> list[Run]:
        """Every prompt that was really executed, oldest first, over all restarts."""
        return self._runs.runs

    @property
    def memory(self) -> Memory:
        """The memory of the card in this life of the server."""
        return self._machine.executor.memory

    async def __aenter__(self) -> Self:
        folder = self.settings.data_dir
        if folder is None:
            temporary = tempfile.TemporaryDirectory(prefix="simulator-", ignore_cleanup_errors=True)
            folder = Path(self._stack.enter_context(temporary))
        await asyncio.to_thread(self._open, folder)
        try:
            await self._start()
        except BaseException:
            await self._stop()
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._restart is not None:
            self._restart.cancel()
            await asyncio.gather(self._restart, return_exceptions=True)
        await self._stop()
        await self._stack.aclose()

    async def restart(self, downtime: float = 0.0) -> None:
        """Die without a word and come back after `downtime` seconds at the same port."""
        await self._stop()
        await asyncio.sleep(downtime)
        await self._start()

    def restart_soon(self, downtime: float) -> None:
        """`restart` as a task of its own, for whoever is killed by it."""
        self._restart = asyncio.create_task(self.restart(downtime))

    def deafen(self) -> None:
        """See Faults.deafen."""
        self._machine.hub.deafen()

    def drop_sockets(self, client_id: str | None) -> None:
        """See Faults.drop_sockets."""
        self._machine.hub.drop(client_id)

    def delay_messages(self, seconds: float) -> None:
        """See Faults.network_delay."""
        self._machine.hub.delay = seconds

    def hold_messages(self, *, held: bool) -> None:
        """See Faults.hold_messages."""
        self._machine.hub.hold(held=held)

    def send_raw(self, payload: str | bytes) -> None:
        """Send a frame to all websockets."""
        self._machine.hub.post_raw(payload)

    def clear_history(self) -> None:
        """See Faults.clear_history."""
        self._machine.queue.history.clear()

    def _open(self, folder: Path) -> None:
        self._folders = Folders(folder)
        self._folders.prepare()
        self._runs = RunLog(self._folders.root)
        example = self._folders.root / "input" / EXAMPLE
        if not example.exists():
            Image.radial_gradient("L").resize((512, 384)).convert("RGB").save(example)

    async def _start(self) -> None:
        await asyncio.to_thread(self._folders.prepare)
        await asyncio.sleep(self.settings.startup_seconds)
        self.faults.unhang()
        self._machine = Machine(self.settings, self._folders, self.faults, self._runs)
        self._machine.hub.delay = self.faults.delay
        self._tasks = [
            asyncio.create_task(self._machine.hub.publish()),
            asyncio.create_task(self._machine.work()),
        ]
        app = make_application(self._machine, self._counts)
        self._runner = runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, self.settings.host, self.port, ssl_context=_tls(self.settings))
        await site.start()
        self.port = runner.addresses[0][1]

    async def _stop(self) -> None:
        """End as a killed process does: nobody is told, every connection breaks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for connection in runner.server.connections if runner.server else ():
            if connection.transport is not None:
                connection.transport.abort()
        await runner.cleanup()


def _tls(settings: SimulatorSettings) -> ssl.SSLContext | None:
    """Raises OSError (ssl.SSLError too) for a certificate or key that can't be read."""
    if settings.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.certificate, settings.certificate_key)
    return context
