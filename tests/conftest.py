"""What tests share: programs to speak to."""

from __future__ import annotations

import gc
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.processes import Program, bot_program, fork_programs, simulator_program

# A shell starts what it puts behind it deaf to Ctrl-C, and so would be all that is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)
fork_programs()
gc.disable()


def pytest_collection_finish() -> None:
    """All that was made until now stays: nobody need look through it for what can be thrown away."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def no_program_outlives_its_test() -> Iterator[None]:
    """A test that fails half-way leaves nothing running that would slow the others."""
    before = set(Program.alive)
    yield
    for program in Program.alive - before:
        program.abandon()


@pytest.fixture
async def simulated(tmp_path: Path) -> AsyncIterator[Program]:
    """A simulated ComfyUI as a process."""
    program = simulator_program(tmp_path, "--step-seconds", "0.02")
    await program.start()
    yield program
    await program.stop()


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[Program]:
    """A simulated ComfyUI that takes a second for a step: what runs there goes on until it is stopped."""
    program = simulator_program(tmp_path, "--step-seconds", "1")
    await program.start()
    yield program
    await program.stop()


@pytest.fixture
async def served(tmp_path: Path, simulated: Program) -> AsyncIterator[Program]:
    """The bot as a process, with its page, on a simulated ComfyUI."""
    program = bot_program(tmp_path, simulated.url)
    await program.start()
    yield program
    await program.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A session without cookies: a program's."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session
