"""The real entry point against a Discord over sockets."""

from __future__ import annotations

import io

import aiohttp
from PIL import Image

from tests.asking import ready
from tests.discord.double import Discord
from tests.processes import Program

SMALL = {"width": 64, "height": 64, "steps": 4}


async def test_imagine_from_the_command_to_the_gallery(
    discord: Discord, bot: Program, http: aiohttp.ClientSession
) -> None:
    """One message through everything: acknowledged, queued, running, the picture."""
    await ready(http, bot.url)
    asked = await discord.slash("imagine", prompt="a red fox", **SMALL)
    await discord.until(lambda: asked.message and asked.message.gallery and "Again" in asked.message.buttons)

    message = asked.message
    assert message is not None
    assert asked.kind == 5
    picture = Image.open(io.BytesIO(message.gallery[0]))
    assert picture.size == (64, 64)
    assert "a red fox" in message.words
    assert list(message.buttons) == ["Again", "Use as input", "Info", "Delete"]
    assert [m.id for m in discord.messages.values()] == [message.id]
    assert {status for _, _, status in discord.requests if status >= 400} == set()
