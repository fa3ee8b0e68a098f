"""The bot and the simulator as processes of their own, as people run them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any, ClassVar

import aiohttp

from bot.store.store import open_store
from tests.forks import POSSIBLE, Forks, Running

ROOT = Path(__file__).parent.parent
START_SECONDS = 90.0
"""For a machine that has much else to do."""

LEASHED = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
"""What has a program end with the tests, however they end; Linux alone can do that."""

_FORKS: list[Forks] = []
_ELSEWHERE = frozenset({"DATA_DIR", "DATABASE_URL"})


def fork_programs() -> None:
    """From now on have programs forked, where the system can: each costs a second of imports less.

    Those that measure leave it be, and start them as people do.
    """
    if POSSIBLE and not _FORKS:
        _FORKS.append(Forks(LEASHED, clean_environment()))


async def start_python(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | IO[Any] | None = None,
    start_new_session: bool = False,
) -> Running:
    """`python` with these arguments, and what asyncio has for the rest; forked if programs are, and it is ours."""
    if _FORKS and env.get("PYTHONPATH") == str(ROOT):
        return await _FORKS[0].start(
            arguments,
            cwd=cwd,
            env=env,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=start_new_session,
        )
    return await asyncio.create_subprocess_exec(
        *(*LEASHED, sys.executable, *arguments),
        cwd=cwd,
        env=env,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=start_new_session,
    )


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Program:
    """One program that can be started, killed and started again, always at the same address."""

    alive: ClassVar[set[Program]] = set()
    """Those that were started and not ended."""

    def __init__(
        self, arguments: list[str], url: str, ready: str, environment: Mapping[str, str], log: Path
    ) -> None:
        self.url = url
        self.log = log
        self.arguments = arguments
        self._ready = ready
        self.environment = {**clean_environment(), **environment}
        self.patience = START_SECONDS
        """Seconds that it may take to answer."""
        self._process: Running | None = None

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = await start_python(
                self.arguments, cwd=self.log.parent, env=self.environment, stdout=DEVNULL, stderr=log
            )
        self.alive.add(self)
        async with asyncio.timeout(self.patience), aiohttp.ClientSession() as session:
            while not await self._answers(session):
                assert self._process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.05)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    async def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()
        self.alive.discard(self)

    def abandon(self) -> None:
        """End it where nobody did: its test failed, and the event loop is gone."""
        self.alive.discard(self)
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, and its exit code."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
        return await self.stopped()

    async def stopped(self) -> int:
        """Wait for its end: its exit code."""
        assert self._process is not None
        code = await self._process.wait()
        self.alive.discard(self)
        return code

    async def end(self) -> None:
        """End it if it still runs: one that is left over would hold up the servers that it asks."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(self.url + self._ready) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def running(program: Program) -> AsyncIterator[Program]:
    """Started, and ended whatever becomes of the test."""
    try:
        await program.start()
        yield program
    finally:
        await program.end()


def simulator_program(folder: Path, *options: str, port: int | None = None) -> Program:
    """A simulated ComfyUI whose files and record of runs outlive it."""
    port = port or free_port()
    arguments = ["-m", "simulator", "--port", str(port), "--data-dir", str(folder / "comfyui"), *options]
    return Program(arguments, f"http://127.0.0.1:{port}", "/system_stats", {}, folder / "simulator.log")


def bot_program(folder: Path, comfyui: str, **settings: str) -> Program:
    """`muralist run` with its own data directory, and in it a database whose tables are made."""
    if _FORKS and not settings.keys() & _ELSEWHERE:
        put_database(folder / "data")
    port = free_port()
    environment = {
        "DATA_DIR": str(folder / "data"),
        "COMFYUI_URLS": comfyui,
        "WEB_PORT": str(port),
        "LOG_FORMAT": "json",
        **settings,
    }
    arguments = ["-c", "from bot.cli import main; main()", "run"]
    return Program(arguments, f"http://127.0.0.1:{port}", "/healthz", environment, folder / "bot.log")


def put_database_for(folder: Path, arguments: Sequence[str], settings: Mapping[str, str]) -> None:
    """Put a database where a command that makes or lists pictures would make it; what lies there stays."""
    data, makes = folder / "data", arguments[:1] in (("imagine",), ("jobs",))
    if _FORKS and makes and not settings.keys() & _ELSEWHERE and not data.exists():
        put_database(data)


def put_database(folder: Path) -> None:
    """Put a database with nothing in its tables there, if there is none: to make one takes a while, each time."""
    file = folder / "muralist.db"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_new_database())


@cache
def _new_database() -> bytes:
    """As the migrations make it."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as aside:
        file = Path(folder) / "muralist.db"
        aside.submit(asyncio.run, _open_and_close(f"sqlite+aiosqlite:///{file}")).result()
        return file.read_bytes()


async def _open_and_close(url: str) -> None:
    async with open_store(url):
        pass


async def run_command(folder: Path, *arguments: str, **settings: str) -> tuple[int, bytes, str]:
    """`muralist ...` to its end: exit code, standard output, standard error."""
    process = await start_command(folder, *arguments, **settings)
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out, err.decode()


async def start_command(folder: Path, *arguments: str, **settings: str) -> Running:
    """Begin `muralist ...` in a folder, with its data there too; jobs find a database whose tables are made."""
    put_database_for(folder, arguments, settings)
    return await start_python(
        ["-c", "import sys; sys.argv[0] = 'muralist'; from bot.cli import main; main()", *arguments],
        cwd=folder,
        env={
            **clean_environment(),
            "DATA_DIR": str(folder / "data"),
            "WEB_PORT": str(free_port()),  # what else runs on this machine is no concern of the test's
            **settings,
        },
        stdout=PIPE,
        stderr=PIPE,
    )


async def wait_for_job(session: aiohttp.ClientSession, url: str, job: str) -> dict[str, Any]:
    """Follow a job's events to its final state."""
    last: dict[str, Any] = {}
    async with session.get(f"{url}/api/v1/jobs/{job}/events") as answer:
        assert answer.status == 200, await answer.text()
        event = ""
        async for raw in answer.content:
            name, _, value = raw.decode().strip().partition(": ")
            if name == "event":
                event = value
            elif name == "data" and event == "status":
                last = _json(value)
    return last


def _json(text: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(text)
    return value


def clean_environment() -> dict[str, str]:
    """This process's environment without settings that would reach the programs.

    They may keep what they compile: there are hundreds of them, and a start takes half as long again without.
    """
    ours = (
        "PYTHONDONTWRITEBYTECODE",
        "COMFYUI_",
        "WEB_",
        "DATA",
        "WORKFLOWS_",
        "LOG_",
        "DISCORD_",
        "TELEGRAM_",
        "ADMINS",
        "XDG_",
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
