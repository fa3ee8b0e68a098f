"""The real entry point against a Discord over sockets."""

from __future__ import annotations

import io
import logging

import aiohttp
import pytest
from PIL import Image

from tests.asking import fault, ready
from tests.discord.double import Discord
from tests.discord.records import Message
from tests.processes import Program

log = logging.getLogger(__name__)

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
    assert list(message.buttons) == ["Again", "Edit", "Vary", "Info", "Delete"]
    assert [m.id for m in discord.messages.values()] == [message.id]
    assert {status for _, _, status in discord.requests if status >= 400} == set()


async def test_words_in_reply_to_the_result_go_on_from_it(
    discord: Discord, bot: Program, http: aiohttp.ClientSession
) -> None:
    """The answer is a new message in reply, made from that picture; and again from there."""
    await ready(http, bot.url)
    asked = await discord.slash("imagine", prompt="a red fox", **SMALL)
    first = await discord.until(lambda: _finished(asked.message))
    chain = [first]
    for words in ("make it night", "add rain", "and a moon", "in oil", "as a card"):
        written = await discord.write(words, reply_to=chain[-1])
        answers = await discord.until(
            lambda: [m for m in discord.messages.values() if _finished(m) and m not in chain]
        )
        assert answers[0].payload["message_reference"]["message_id"] == written
        assert words in answers[0].words
        chain.append(answers[0])
    assert len({message.gallery[0] for message in chain}) == 6


async def test_a_button_makes_another_and_leads_there_when_pressed_again(
    discord: Discord, bot: Program, http: aiohttp.ClientSession
) -> None:
    """Again is a message of its own; the second press tells the presser where it is."""
    await ready(http, bot.url)
    asked = await discord.slash("imagine", prompt="a red fox", **SMALL)
    first = await discord.until(lambda: _finished(asked.message))
    pressed = await discord.press(first, "Again")
    child = await discord.until(lambda: _finished(pressed.message))
    assert child.gallery != first.gallery

    again = await discord.press(first, "Again")
    told = await discord.until(
        lambda: [m for m in discord.messages.values() if m.token == again.token and m is not again.message]
    )
    assert told[0].ephemeral
    assert f"/{child.channel}/{child.id}" in told[0].words
    await discord.until(lambda: again.message and again.message.deleted)

    deleting = await discord.press(child, "Delete")
    await discord.until(lambda: child.deleted)
    assert deleting.kind == 6
    anew = await discord.press(first, "Again")
    await discord.until(lambda: _finished(anew.message))


@pytest.mark.parametrize("private", [True, False])
async def test_a_card_that_only_a_press_renews_is_fetched_after_its_token_has_ended(
    discord: Discord, bot: Program, simulated: Program, http: aiohttp.ClientSession, private: bool
) -> None:
    """An ephemeral one, or one in a server that the bot is not in. From its first second it has the button."""
    await ready(http, bot.url)
    await fault(http, simulated.url, "hang")
    discord.carried = not private
    asked = await discord.slash(
        "imagine", prompt="a red fox", **SMALL, **({"private": True} if private else {})
    )
    message = await discord.until(lambda: asked.message and asked.message.buttons and asked.message)
    assert message.ephemeral is private
    assert list(message.buttons) == ["Cancel", "Fetch result"]
    discord.token_seconds = 0.0
    await fault(http, simulated.url, "unhang")
    await discord.until(lambda: any(status == 401 for _, _, status in discord.requests))
    discord.token_seconds = 900.0
    await discord.press(message, "Fetch result")
    await discord.until(lambda: _finished(message))
    assert sum(status == 401 for _, _, status in discord.requests) == 1
    assert not [path for _, path, _ in discord.requests if "/channels/" in path]


async def test_fifty_at_once_in_one_channel(
    discord: Discord, bot: Program, http: aiohttp.ClientSession
) -> None:
    """Everybody's first card is there at once, every final comes, and Discord refuses nothing."""
    await ready(http, bot.url)
    asked = [await discord.slash("imagine", user=100 + n, prompt=f"fox {n}", **SMALL) for n in range(50)]
    await discord.until(lambda: all(_finished(each.message) for each in asked), 110)

    waits = sorted(each.message.history[0][0] - each.sent for each in asked if each.message)
    acknowledged = sorted(each.acknowledged - each.sent for each in asked if each.acknowledged)
    log.info("first card after %.2f s, the slowest after %.2f s", waits[25], waits[-1])
    assert len({each.message.gallery[0] for each in asked if each.message}) == 50
    assert acknowledged[-1] < 3
    assert discord.buckets.refused == 0
    assert {status for _, _, status in discord.requests if status >= 400} == set()


def _finished(message: Message | None) -> Message | None:
    """The message once it shows its picture for good."""
    return message if message is not None and message.gallery and "Again" in message.buttons else None
