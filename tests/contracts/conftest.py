"""A chat on each platform."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest

from tests.contracts import at_the_terminal, on_discord, on_telegram, on_the_web
from tests.contracts.chats import Chat
from tests.processes import Program

Opened = Callable[[Path, str, aiohttp.ClientSession], AbstractAsyncContextManager[Chat]]

OPENED: dict[str, Opened] = {
    "discord": on_discord.opened,
    "telegram": on_telegram.opened,
    "web": on_the_web.opened,
    "terminal": at_the_terminal.opened,
}


@pytest.fixture
async def chat(
    request: pytest.FixtureRequest, tmp_path: Path, simulated: Program, http: aiohttp.ClientSession
) -> AsyncIterator[Chat]:
    """The bot, reached on the platform that the test names."""
    async with OPENED[request.param](tmp_path, simulated.url, http) as chat:
        yield chat
