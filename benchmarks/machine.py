"""Cores and processes: the server has one core to itself, the client under test another."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parent.parent
LONGEST_LINE = 2**25
STOP_SECONDS = 15.0


def cores() -> tuple[int, int] | None:
    """The core of the server and that of the client; None where processes can't be kept to cores."""
    if sys.platform == "win32" or sys.platform == "darwin":
        return None
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[-1]) if len(allowed) > 1 else None


def pin(core: int | None, process: int = 0) -> None:
    """Keep a process (0: this one) to one core, where the system can do that."""
    if core is not None and sys.platform != "win32" and sys.platform != "darwin":
        os.sched_setaffinity(process, {core})


def describe() -> str:
    """This machine in a line."""
    pinned = "server and client on a core each" if cores() else "processes are not kept to cores"
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"{system}, Python {platform.python_version()}; {pinned}"


class Child:
    """A process of ours that is spoken to by lines: `python -m ...` in a folder, its log in that folder too.

    It ends when its standard input ends, or is told to; one that does neither is killed.
    """

    def __init__(self, name: str, arguments: list[str], folder: Path, core: int | None) -> None:
        self._name = name
        self._arguments = arguments
        self._folder = folder
        self._core = core
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                *self._arguments,
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                limit=LONGEST_LINE,
            )
        pin(self._core, self._process.pid)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running
        assert process.stdin is not None
        process.stdin.close()
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def log(self) -> Path:
        """Where its standard error goes."""
        return self._folder / f"{self._name}.log"

    async def line(self) -> str:
        """The next line that it says. Raises `RuntimeError` with the end of its log if it has ended."""
        out = self._running.stdout
        assert out is not None
        line = (await out.readline()).decode()
        if not line:
            raise RuntimeError(
                f"{self._name} has ended: {self.log.read_text(encoding='utf-8', errors='replace')[-2000:]}"
            )
        return line

    async def ask(self, question: Mapping[str, Any]) -> Any:
        """Send a line of JSON and read the answer."""
        into = self._running.stdin
        assert into is not None
        into.write(json.dumps(question).encode() + b"\n")
        await into.drain()
        return json.loads(await self.line())

    @property
    def _running(self) -> Process:
        assert self._process is not None, "not started"
        return self._process
