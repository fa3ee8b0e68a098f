"""Killed at any moment: the message that was promised ends with its pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.asking import ready
from tests.discord.double import Discord
from tests.discord.limits import Json
from tests.discord.payloads import TOKEN
from tests.discord.records import Asked
from tests.processes import Program, bot_program, simulator_program

SMALL = {"width": 64, "height": 64, "steps": 4}
VALUES = {**SMALL, "steps": 30}

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
    "last edit begins": lambda discord, asked: discord.uploading(asked, ".png"),
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
    discord: Discord, bot: Program, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """With what ComfyUI offers; a second start sends them only if they are not the same, also while that is off."""
    await ready(http, bot.url)
    await discord.until(lambda: "karras" in _choices(discord, "scheduler"))
    await discord.until(lambda: _logged(bot, "commands are published") == discord.syncs)
    published = {command["name"] for command in discord.commands}
    assert published == {
        *("imagine", "edit", "vary", "inpaint", "img2img", "sdxl", "sdxl-inpaint"),
        *("queue", "help", "quota"),
        *("muralist", "workflow", "gpu", "backend"),
        *("Edit", "Use as input", "Info"),
    }
    syncs = discord.syncs
    await bot.stop()
    await simulated.stop()
    await discord.until(lambda: not discord.connected.is_set())
    await bot.start()
    await discord.until(lambda: _logged(bot, "commands are as they were published"))
    await discord.connected.wait()
    asked = await discord.slash("help")
    await discord.until(lambda: asked.message and asked.message.words)
    assert asked.message is not None
    assert asked.message.ephemeral
    assert discord.syncs == syncs


async def test_a_command_is_taken_while_comfyui_is_off(
    discord: Discord, bot: Program, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Its card says the place that it has, and becomes the picture when ComfyUI returns."""
    await ready(http, bot.url)
    await simulated.kill()
    first = await discord.slash("imagine", prompt="a red fox", **SMALL)
    await discord.until(lambda: _showing("ComfyUI is off. You are 1st when it returns.")(discord, first))
    second = await discord.slash("imagine", prompt="an owl", **SMALL)
    await discord.until(lambda: _showing("ComfyUI is off. You are 2nd when it returns.")(discord, second))
    await simulated.start()
    await discord.until(lambda: _showing("Seed")(discord, first) and _showing("Seed")(discord, second))
    assert [len(asked.message.gallery) for asked in (first, second) if asked.message] == [1, 1]


async def test_a_connection_that_breaks_is_taken_up_again(
    discord: Discord, bot: Program, http: aiohttp.ClientSession
) -> None:
    """What was asked meanwhile is told then, and done once; a session that Discord forgot is begun anew."""
    await ready(http, bot.url)
    await discord.gateway.drop()
    missed = await discord.slash("imagine", prompt="a red fox", **SMALL)
    await discord.until(lambda: missed.message and "Again" in missed.message.buttons)
    assert (len(discord.identified), len(discord.resumed)) == (1, 1)
    assert discord.resumed[0]["session_id"] == "session-1"
    await discord.gateway.drop(forgotten=True)
    await discord.connected.wait()
    assert (len(discord.identified), len(discord.resumed)) == (2, 1)
    asked = await discord.slash("imagine", prompt="an owl", **SMALL)
    await discord.until(lambda: asked.message and "Again" in asked.message.buttons)
    assert [message.id for message in discord.messages.values()] == [
        each.message.id for each in (missed, asked) if each.message
    ]


def _choices(discord: Discord, option: str) -> set[str]:
    """What /imagine was published with."""
    imagine: Json = next((each for each in discord.commands if each["name"] == "imagine"), {"options": []})
    found = [each for each in imagine["options"] if each["name"] == option]
    return {choice["value"] for each in found for choice in each.get("choices", ())}


def _logged(bot: Program, event: str) -> int:
    """How often the bot has said so."""
    return bot.log.read_text().count(f'"{event}"')
