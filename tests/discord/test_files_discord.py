"""Files that no size makes small enough for the place: their card leads to them."""

from __future__ import annotations

import io
from pathlib import Path

import aiohttp
from PIL import Image

from tests.asking import ready
from tests.discord.double import Discord
from tests.discord.payloads import TOKEN
from tests.processes import Program, bot_program

PUBLIC = "https://pictures.example/muralist"


async def test_what_is_too_large_is_linked_where_the_page_is_public(
    tmp_path: Path, discord: Discord, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Whoever has the link may open it, without a token; with another key, or once it was deleted, nobody."""
    discord.told_bytes = 50
    settings = {"WEB_TOKEN": "sixteen letters or more", "PUBLIC_URL": PUBLIC}
    bot = bot_program(tmp_path, simulated.url, DISCORD_TOKEN=TOKEN, DISCORD_API_BASE=discord.api, **settings)
    await bot.start()
    await discord.connected.wait()
    await ready(http, bot.url)
    asked = await discord.slash("imagine", prompt="a red fox", width=64, height=64, steps=2)
    await discord.until(lambda: asked.message and "too large to be shown here" in asked.message.words)
    assert asked.message is not None
    assert asked.message.gallery == []
    link = asked.message.words.partition(f"]({PUBLIC}")[2].partition(")")[0]

    async with http.get(bot.url + link, headers={"Host": "pictures.example"}) as answer:
        assert (answer.status, answer.content_type) == (200, "image/png")
        assert Image.open(io.BytesIO(await answer.read())).size == (64, 64)
    folder, _, name = link.rpartition("/")
    async with http.get(f"{bot.url}{folder[:-1]}x/{name}") as answer:
        assert answer.status == 410
    job = link.split("/")[2]
    async with http.get(f"{bot.url}/api/v1/jobs/{job}/outputs/0") as answer:
        assert answer.status == 401

    await discord.press(asked.message, "Delete")
    await discord.until(lambda: asked.message and asked.message.deleted)
    async with http.get(bot.url + link) as answer:
        assert answer.status == 410
    assert await bot.stop() == 0
