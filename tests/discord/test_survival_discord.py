"""Killed at any moment: the message that was promised ends with its pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.asking import ready
from tests.discord.double import Discord
from tests.discord.payloads import TOKEN
from tests.discord.records import Asked
from tests.processes import Program, bot_program, simulator_program

VALUES = {"width": 64, "height": 64, "steps": 30}

Moment = Callable[[Discord, Asked], bool]


def _requests(discord: Discord, method: str) -> int:
    return sum(done == method for done, path, _ in discord.requests if "/webhooks/" in path)


def _showing(words: str) -> Moment:
    return lambda _discord, asked: asked.message is not None and words in asked.message.words


MOMENTS: dict[str, Moment] = {
    "acknowledged": lambda _discord, asked: asked.acknowledged is not None,
    "first edit begins": lambda discord, _asked: discord.begun.get("PATCH", 0) >= 1,
    "first edit done": lambda discord, _asked: _requests(discord, "PATCH") >= 1,
    "second edit begins": lambda discord, _asked: discord.begun.get("PATCH", 0) >= 2,
    "third edit begins": lambda discord, _asked: discord.begun.get("PATCH", 0) >= 3,
    "bar": _showing("▱"),
    "half done": lambda _discord, asked: bool(asked.message and asked.message.words.count("▰") >= 10),
    "preview": lambda _discord, asked: bool(asked.message and asked.message.gallery),
    "last edit begins": lambda discord, asked: discord.uploading(asked, "imagine"),
    "done": _showing("Seed"),
}


@pytest.mark.parametrize("moment", MOMENTS)
async def test_the_same_message_ends_with_the_pictures(
    tmp_path: Path, discord: Discord, http: aiohttp.ClientSession, moment: str
) -> None:
    """SIGKILL at this moment; the bot that is started next finishes what was promised, once."""
    comfyui = simulator_program(tmp_path, "--step-seconds", "0.15")
    await comfyui.start()
    bot = bot_program(tmp_path, comfyui.url, DISCORD_TOKEN=TOKEN, DISCORD_API_BASE=discord.api)
    await bot.start()
    await discord.connected.wait()
    await ready(http, bot.url)

    asked = await discord.slash("imagine", prompt="a red fox", **VALUES)
    await discord.until(lambda: MOMENTS[moment](discord, asked))
    await bot.kill()
    await bot.start()
    await discord.until(lambda: asked.message and "Again" in asked.message.buttons)

    assert asked.message is not None
    assert len(asked.message.gallery) == 1
    assert "a red fox" in asked.message.words
    assert [message.id for message in discord.messages.values()] == [asked.message.id]
    assert len((tmp_path / "comfyui" / "runs.jsonl").read_text().splitlines()) <= 2
    assert await bot.stop() == 0
    await comfyui.stop()


async def test_commands_are_published_once(
    tmp_path: Path, discord: Discord, bot: Program, http: aiohttp.ClientSession
) -> None:
    """A second start sends them only if they are not the same."""
    await ready(http, bot.url)
    await discord.until(lambda: discord.syncs)
    published = {command["name"] for command in discord.commands}
    assert published == {"imagine", "img2img", "queue", "help", "Edit", "Use as input", "Info"}
    syncs = discord.syncs
    await bot.stop()
    await bot.start()
    await discord.connected.wait()
    asked = await discord.slash("help")
    await discord.until(lambda: asked.message and asked.message.words)
    assert asked.message is not None
    assert asked.message.ephemeral
    assert discord.syncs == syncs
