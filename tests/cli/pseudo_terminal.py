"""A command at a terminal, with a person who reads and types."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.forks import Running
from tests.processes import clean_environment, free_port, put_database_for, start_python

PATIENCE = 120.0
_STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """`screen` is all that was printed, without colours."""

    def __init__(self, process: Running, descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor
        self._printed = asyncio.Event()
        self._raw = b""
        self._read_to = 0
        asyncio.get_running_loop().add_reader(descriptor, self._read)

    @property
    def raw(self) -> bytes:
        """All that was printed, as it was."""
        return self._raw

    @property
    def screen(self) -> str:
        """What a person has seen so far."""
        return _STYLES.sub("", self._raw.decode(errors="replace")).replace("\r\n", "\n")

    async def until(self, text: str) -> str:
        """Wait until this is printed, after what was waited for before. Returns what came up to its end."""
        async with asyncio.timeout(PATIENCE):
            while (found := self.screen.find(text, self._read_to)) < 0:
                if self._process.returncode is not None:
                    raise AssertionError(f"{text!r} was never printed:\n{self.screen}")
                self._printed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._printed.wait(), 0.2)
        begun, self._read_to = self._read_to, found + len(text)
        return self.screen[begun : self._read_to]

    def type(self, line: str = "") -> None:
        """Type a line and press Enter."""
        os.write(self._descriptor, f"{line}\n".encode())

    async def answer(self, question: bytes, reply: bytes) -> None:
        """Wait for a question to the terminal, and reply as one does: at once, without an Enter."""
        async with asyncio.timeout(PATIENCE):
            while question not in self._raw:
                self._printed.clear()
                await self._printed.wait()
        os.write(self._descriptor, reply)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    async def exit_code(self) -> int:
        """Wait for the end."""
        async with asyncio.timeout(PATIENCE):
            code = await self._process.wait()
        self._read()
        return code

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # the other side is closed
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._descriptor)
        self._raw += data
        self._printed.set()


@asynccontextmanager
async def at_terminal(folder: Path, *arguments: str, **settings: str) -> AsyncIterator[Terminal]:
    """`muralist ...` at a terminal of its own, in a folder."""
    put_database_for(folder, arguments, settings)
    ours, theirs = pty.openpty()
    process = await start_python(
        ["-m", "bot.cli", *arguments],
        cwd=folder,
        env={
            **clean_environment(),
            "DATA_DIR": str(folder / "data"),
            "WEB_PORT": str(free_port()),
            "COLUMNS": "200",
            "TERM": "xterm",
            **settings,
        },
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    terminal = Terminal(process, ours)
    try:
        yield terminal
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)
