"""What tests share: programs to speak to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.processes import Program, bot_program, simulator_program


@pytest.fixture
async def simulated(tmp_path: Path) -> AsyncIterator[Program]:
    """A simulated ComfyUI as a process."""
    program = simulator_program(tmp_path, "--step-seconds", "0.02")
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
