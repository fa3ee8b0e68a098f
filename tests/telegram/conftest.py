"""A Telegram, and the bot as a process on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.asking import ready
from tests.processes import ROOT, Program, bot_program
from tests.telegram.double import Telegram, serving
from tests.telegram.limits import TOKEN
from tests.telegram.people import ANN, GROUP


@pytest.fixture
async def telegram() -> AsyncIterator[Telegram]:
    """The world, served over HTTP; nothing that it would refuse may have been asked of it."""
    world = Telegram()
    async with serving(world):
        yield world
    assert world.violations == []


@pytest.fixture
async def bot(
    tmp_path: Path, telegram: Telegram, simulated: Program, http: aiohttp.ClientSession
) -> AsyncIterator[Program]:
    """`muralist run` with a token, receiving; for Ann, and for everybody in the group."""
    program = telegram_bot(tmp_path, simulated.url, telegram)
    await program.start()
    await telegram.updates.polled.wait()
    await ready(http, program.url)
    yield program
    await program.stop()


def telegram_bot(folder: Path, comfyui: str, telegram: Telegram, **settings: str) -> Program:
    """`muralist run` on this Telegram."""
    usual = {
        "TELEGRAM_TOKEN": TOKEN,
        "TELEGRAM_API_BASE": telegram.url,
        "TELEGRAM_ALLOWED": f"{ANN['id']},{GROUP['id']}",
        "SSL_CERT_FILE": str(ROOT / "tests/simulator/localhost.pem"),  # httpx reads 140 others at each start
    }
    return bot_program(folder, comfyui, **{**usual, **settings})
