"""Several processes that may chat, on one PostgreSQL: each platform is served by one, and the page by all."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import func, select

from bot.store.database import Database
from bot.store.tables import message
from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.asking import PATIENCE_SECONDS, ready
from tests.discord import double as on_discord
from tests.discord.double import Discord
from tests.discord.payloads import TOKEN
from tests.faults.page import opened
from tests.postgres import Server, running
from tests.processes import Program
from tests.processes import running as run
from tests.telegram import double as on_telegram
from tests.telegram.conftest import telegram_bot
from tests.telegram.double import Telegram
from tests.telegram.people import ANN

SMALL = {"width": 64, "height": 64, "steps": 4}
LINE = "--width 64 --height 64 --steps 4"


@pytest.fixture
def postgres() -> Iterator[Server]:
    """A database server of its own."""
    with running() as server:
        yield server


@pytest.mark.timeout(400)
@pytest.mark.skipif(os.name == "nt", reason="no program can be stopped and continued there")
async def test_whoever_stands_by_serves_the_platforms_once_their_holder_is_gone(
    tmp_path: Path, postgres: Server, http: aiohttp.ClientSession
) -> None:
    """Killed, stopped for so long that its lease is another's, and told to end: what was begun is shown, once."""
    discord, telegram = Discord(), Telegram()
    async with (
        on_discord.serving(discord),
        on_telegram.serving(telegram),
        Simulator(SimulatorSettings(port=0, step_seconds=0.02)) as comfyui,
    ):
        url = postgres.create("standing-by")
        one, other = (_chat(tmp_path, name, comfyui.url, url, discord, telegram) for name in ("one", "other"))
        async with run(one):
            await discord.connected.wait()
            await telegram.updates.polled.wait()
            await ready(http, one.url)
            async with run(other), opened(other.url) as page:
                await ready(http, other.url)
                await _once(lambda: _logged(other, "standing by") == 4)  # three platforms, one ComfyUI

                comfyui.faults.hang()
                asked = await discord.slash("imagine", prompt="a red fox", **SMALL)
                await discord.until(lambda: asked.message and asked.message.words)
                written = await telegram.write(f"/imagine an owl {LINE}")
                await telegram.answer(written)
                job = await page.say(f"/imagine a cat {LINE}")
                await page.card("a cat", job=job, state="queued")
                await _shown_first(url, "telegram")  # before that is noted, a kill has it sent once more
                await one.kill()
                await discord.until(lambda: len(discord.identified) == 2)
                comfyui.faults.unhang()
                await discord.until(lambda: asked.message and "Again" in asked.message.buttons)
                card = await telegram.card(written)
                await page.card("a cat", job=job, state="done")
                assert asked.message is not None
                assert len(asked.message.gallery) == 1
                assert list(discord.messages) == [asked.message.id]
                assert telegram.of(ANN["id"]) == [card]
                assert [each.outcome for each in comfyui.runs] == ["success"] * 3

                await one.start()
                comfyui.faults.hang()
                outlived = await discord.slash("imagine", prompt="a wolf", **SMALL)
                await discord.until(lambda: outlived.message and outlived.message.words)
                os.kill(other.pid, signal.SIGSTOP)
                await discord.until(lambda: len(discord.identified) == 3)
                comfyui.faults.unhang()
                await discord.until(lambda: outlived.message and "Again" in outlived.message.buttons)
                sent = _sent(discord)
                os.kill(other.pid, signal.SIGCONT)
                await _once(lambda: _logged(other, '"lease lost"') >= 3)
                assert _sent(discord) == sent
                assert len(discord.identified) == 3

                job = await page.say(f"/imagine a dog {LINE}")
                await page.card("a dog", job=job, state="done")
                assert await one.stop() == 0
                await discord.until(lambda: len(discord.identified) == 4)
                last = await telegram.write(f"/imagine a hen {LINE}")
                await telegram.card(last)
                assert [each.outcome for each in comfyui.runs] == ["success"] * 6


def _chat(
    folder: Path, name: str, comfyui: str, database: str, discord: Discord, telegram: Telegram
) -> Program:
    """A process that chats on both, and works."""
    tokens = {"DISCORD_TOKEN": TOKEN, "DISCORD_API_BASE": discord.api}
    program = telegram_bot(folder, comfyui, telegram, DATABASE_URL=database, **tokens)
    program.log = folder / f"{name}.log"
    return program


async def _shown_first(url: str, adapter: str) -> None:
    """Wait until it is known where the cards of an adapter are."""
    query = select(func.min(message.c.shown)).where(message.c.adapter == adapter)
    async with Database(url) as database, asyncio.timeout(PATIENCE_SECONDS):
        while not await database.read(lambda connection: connection.scalar(query)):
            await asyncio.sleep(0.05)


async def _once(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.05)


def _logged(program: Program, words: str) -> int:
    """How often it has said so."""
    return program.log.read_text().count(words)


def _sent(discord: Discord) -> list[tuple[str, str]]:
    """What was sent to people."""
    return [
        (method, path)
        for method, path, _ in discord.requests
        if method != "GET" and not path.endswith("commands")
    ]
