"""A Discord, and the bot as a process on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route
from simcord.env import Env

from adapters.discord import publish
from adapters.discord.client import Client
from adapters.discord.settings import DiscordSettings
from tests.discord.double import Discord, serving
from tests.discord.payloads import TOKEN
from tests.discord.scenes import Scene
from tests.discord.scripted import ScriptedCore
from tests.discord.shop import Shop, opened
from tests.processes import Program, bot_program


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    """The world, served over sockets."""
    world = Discord()
    async with serving(world):
        yield world


@pytest.fixture
async def bot(tmp_path: Path, discord: Discord, simulated: Program) -> AsyncIterator[Program]:
    """`muralist run` with a token, connected."""
    program = bot_program(tmp_path, simulated.url, DISCORD_TOKEN=TOKEN, DISCORD_API_BASE=discord.api)
    await program.start()
    await discord.connected.wait()
    yield program
    await program.stop()


@pytest.fixture(autouse=True)
def _addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py keeps them in its classes."""
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)


@pytest.fixture
async def shop(discord: Discord) -> AsyncIterator[Shop]:
    """The adapter in this process; Discord over sockets."""
    async with opened(discord, ScriptedCore()) as shop:
        yield shop


@pytest.fixture
async def scene(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """The bot in a server. Its commands stay as they are: simcord would wait for the next look at them."""
    monkeypatch.setattr(publish, "LOOK_SECONDS", 3600.0)
    core = ScriptedCore()
    client = Client(core, DiscordSettings(discord_shards=1, discord_message_content=True))
    env = Env(client)
    await env.start()
    guild = env.create_guild()
    ann = guild.add_member(env.create_user("ann"))
    yield Scene(env=env, core=core, client=client, channel=guild.create_text_channel("art"), ann=ann)
    await env.shutdown()
    env.raise_errors()
