"""The adapter in the process of the test, connected to a Discord over sockets, on a core that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.client import Client
from adapters.discord.settings import DiscordSettings
from adapters.discord.where import Where
from bot.contract.card import Card
from tests.discord.double import Discord
from tests.discord.payloads import TOKEN
from tests.discord.scripted import ScriptedCore

DONE = Card(state="done", title="/imagine")
RUNNING = Card(state="running", title="half", fraction=0.5)


class Shop:
    """A connected bot, and a message that it promised."""

    def __init__(self, discord: Discord, client: Client, core: ScriptedCore) -> None:
        self.discord = discord
        self.client = client
        self.core = core

    async def promised(self, **changes: object) -> Where:
        """The address of an acknowledged command."""
        count = len(self.core.invoked)
        await self.discord.slash("imagine", prompt="a red fox")
        await self.discord.until(lambda: len(self.core.invoked) > count)
        return replace(Where.of(self.core.invoked[-1].address), **changes)  # type: ignore[arg-type]

    async def show(self, where: Where, card: Card = DONE) -> Where | None:
        """What delivery does."""
        return await self.client.post.show(where, card)


@asynccontextmanager
async def opened(discord: Discord, core: ScriptedCore) -> AsyncIterator[Shop]:
    """Connected for as long as the block."""
    adapter = DiscordAdapter(DiscordSettings(discord_api_base=discord.api), TOKEN)
    running = asyncio.create_task(adapter.run(core))
    connected = asyncio.create_task(discord.connected.wait())
    await asyncio.wait({running, connected}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    assert adapter._client is not None
    yield Shop(discord, adapter._client, core)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
