"""Programs without a second of imports each: forked from one that has imported all that they need.

A fork is a process like any other: its own id, files, signals, environment and end. `Forks` is the side of the tests;
run as a program, this module is the process that is forked from.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Protocol

IMPORTED = (
    "adapters.discord.adapter",
    "adapters.telegram.adapter",
    "adapters.terminal",
    "adapters.web.adapter",
    "alembic.command",
    "asyncpg",
    "bot.cli.main",
    "bot.store.postgres",
    "bot.store.sqlite",
    "simulator.application",
    "simulator.cli",
    "simulator.server",
    "sqlalchemy.dialects.sqlite.aiosqlite",
)
"""What the programs use; what is not here is imported by each of them."""

READY = ("bot.app.bundled_drafts", "simulator.schema.build_all")
"""What every bot and every simulator makes once and then keeps."""

POSSIBLE = hasattr(os, "fork") and hasattr(os, "pidfd_open") and hasattr(socket, "send_fds")
_LONGEST = 2**20
_NUMBER = struct.Struct("i")
_PR_SET_PDEATHSIG = 1


class Running(Protocol):
    """What the tests use of a process, however it was started."""

    stdout: asyncio.StreamReader | None
    stderr: asyncio.StreamReader | None

    @property
    def pid(self) -> int:
        """Its id."""

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs."""

    def send_signal(self, signal: int) -> None:
        """Send it a signal."""

    def terminate(self) -> None:
        """SIGTERM."""

    def kill(self) -> None:
        """SIGKILL."""

    async def wait(self) -> int:
        """Wait for its end: how it ended."""

    async def communicate(self) -> tuple[bytes, bytes]:
        """Wait for its end: what it said on both outputs."""


class Forked:
    """A process that was forked; used like asyncio's, but of no event loop."""

    def __init__(
        self,
        pid: int,
        ended: int,
        stdout: asyncio.StreamReader | None,
        stderr: asyncio.StreamReader | None,
    ) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        self._ended = ended
        self._code: int | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        os.set_blocking(ended, False)

    @property
    def returncode(self) -> int | None:
        """How it ended; None while it runs."""
        if self._code is None:
            try:
                said = os.read(self._ended, _NUMBER.size)
            except BlockingIOError:
                return None
            os.close(self._ended)
            self._code = (
                _NUMBER.unpack(said)[0] if said else -signal.SIGKILL
            )  # what it was forked from is gone
        return self._code

    def send_signal(self, signal: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.returncode is None:
            os.kill(self.pid, signal)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait for its end: how it ended."""
        while (code := self.returncode) is None:
            await self._readable()
        return code

    async def communicate(self) -> tuple[bytes, bytes]:
        """Wait for its end: what it said on both outputs."""
        said = await asyncio.gather(*(_all_of(each) for each in (self.stdout, self.stderr)))
        await self.wait()
        return said[0], said[1]

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        told: asyncio.Future[None] = loop.create_future()
        self._waiting.add(told)
        loop.add_reader(self._ended, self._tell)
        try:
            await told
        finally:
            self._waiting.discard(told)
            if not self._waiting:
                loop.remove_reader(self._ended)

    def _tell(self) -> None:
        asyncio.get_running_loop().remove_reader(self._ended)
        for told in self._waiting:
            if not told.done():
                told.set_result(None)


async def _all_of(stream: asyncio.StreamReader | None) -> bytes:
    return await stream.read() if stream is not None else b""


class Forks:
    """The process that others are forked from; started when the first is asked for, ended with this one."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = environment
        self._line: socket.socket | None = None

    async def start(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: int | None = None,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
        start_new_session: bool = False,
    ) -> Forked:
        """Start what `python` with these arguments (`-m` or `-c`) would; the rest as asyncio has it."""
        if self._line is None:
            self._line = self._begin()
        ours, theirs = list[int | None](), list[int]()
        for wanted in (stdin, stdout, stderr):
            mine, its = _both_ends(wanted)
            ours.append(mine)
            theirs.append(its)
        told, telling = os.pipe()
        order = {"arguments": [*arguments], "cwd": str(cwd), "env": dict(env), "session": start_new_session}
        socket.send_fds(self._line, [json.dumps(order).encode()], [*theirs, telling])
        for each in (*theirs, telling):
            os.close(each)
        pid = _NUMBER.unpack(await asyncio.to_thread(os.read, told, _NUMBER.size))[0]
        return Forked(pid, told, await _reader(ours[1]), await _reader(ours[2]))

    def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = f"from tests.forks import serve; serve({theirs.fileno()})"
        with theirs:
            process = subprocess.Popen(
                [*self._command, sys.executable, "-c", program],
                env=dict(self._environment),
                pass_fds=[theirs.fileno()],
            )
        self.process = process
        atexit.register(process.wait)
        atexit.register(ours.close)  # before that: it is what ends the process
        return ours


def _both_ends(wanted: int | IO[Any] | None) -> tuple[int | None, int]:
    """The end of the tests, if they read it, and that of the program."""
    if wanted == PIPE:
        return os.pipe()
    if wanted is None or wanted == asyncio.subprocess.DEVNULL:
        return None, os.open(os.devnull, os.O_RDWR)
    return None, os.dup(wanted if isinstance(wanted, int) else wanted.fileno())


async def _reader(descriptor: int | None) -> asyncio.StreamReader | None:
    if descriptor is None:
        return None
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
    )
    return reader


class _Server:
    """Forks what is ordered, and tells how each ended."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._selector = selectors.DefaultSelector()
        self._selector.register(line, selectors.EVENT_READ)

    def next_program(self) -> Sequence[str] | None:
        """Serve until nobody orders any more: None; in a fork, what it is to run."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._line:
                    self._ended(key)
                    continue
                message, descriptors, _, _ = socket.recv_fds(self._line, _LONGEST, 4)
                if not message:
                    return None
                order = json.loads(message)
                if self._fork(descriptors[3]) == 0:
                    _become(order, descriptors[:3])
                    arguments: list[str] = order["arguments"]
                    return arguments
                for each in descriptors[:3]:
                    os.close(each)

    def _fork(self, telling: int) -> int:
        parent = os.getpid()
        if pid := os.fork():
            self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, telling))
            os.write(telling, _NUMBER.pack(pid))
            return pid
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        for key in [*self._selector.get_map().values()]:
            if key.fileobj is not self._line:
                os.close(key.fd)
                os.close(key.data[1])
        self._selector.close()
        self._line.close()
        os.close(telling)
        return 0

    def _ended(self, key: selectors.SelectorKey) -> None:
        pid, telling = key.data
        _, status = os.waitpid(pid, 0)
        self._selector.unregister(key.fileobj)
        os.close(key.fd)
        with suppress(BrokenPipeError):  # nobody wants to know any more
            os.write(telling, _NUMBER.pack(os.waitstatus_to_exitcode(status)))
        os.close(telling)


def _become(order: Mapping[str, Any], descriptors: Sequence[int]) -> None:
    """Have this fork be as if it had been started so; standard input and outputs are read and written unbuffered."""
    if order["session"]:
        os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(_SET_BY_IMPORTS | order["env"])
    time.tzset()


_SET_BY_IMPORTS: dict[str, str] = {}


def serve(descriptor: int) -> None:
    """Import everything, then fork what is ordered over this socket; returns in each fork once that has run."""
    before = dict(os.environ)
    for name in IMPORTED:
        import_module(name)
    for make_ready in READY:
        module, _, what = make_ready.rpartition(".")
        getattr(import_module(module), what)()
    _SET_BY_IMPORTS.update({name: value for name, value in os.environ.items() if name not in before})
    gc.collect()
    gc.freeze()
    arguments = _Server(socket.socket(fileno=descriptor)).next_program()
    if arguments is None:
        return
    kind, what, *rest = arguments
    sys.argv = [kind, *rest]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(what, {"__name__": "__main__"})  # noqa: S102
