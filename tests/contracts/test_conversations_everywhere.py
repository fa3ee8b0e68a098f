"""The same conversations on every platform, through the real entry point."""

from __future__ import annotations

import re

import aiohttp
import pytest
from PIL import Image

from tests.asking import fault, runs
from tests.contracts.chats import SMALL, Chat, File, png
from tests.processes import Program

CHATS = ["discord", "telegram", "web"]
EVERYWHERE = [*CHATS, "terminal"]
FEW = "--steps 4 --denoise 0.5"

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("chat", EVERYWHERE, indirect=True)
async def test_a_line_becomes_a_picture(chat: Chat, simulated: Program, http: aiohttp.ClientSession) -> None:
    """Of the size that was asked for, once."""
    asked = await chat.ask("/imagine a red fox --ar 2:1 --width 128 --no fog, rain --steps 4")
    card = await chat.card(asked, "Again")
    assert card.picture.size == (128, 64)
    if chat.name != "terminal":
        assert "a red fox" in card.words
    assert [run["outcome"] for run in await runs(http, simulated.url)] == ["success"]


@pytest.mark.parametrize("chat", EVERYWHERE, indirect=True)
async def test_each_result_is_the_next_ones_input(
    chat: Chat, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Five times in a row, by plain words in reply."""
    card = await chat.card(await chat.ask(f"/imagine a red fox {SMALL} --seed 1"), "Again")
    seen = [card.picture.convert("RGB").tobytes()]
    for words in ("make it night", "add snow", "and a moon", "in oil", "closer"):
        card = await chat.card(await chat.ask(f"{words} {FEW}", to=card), "Again")
        assert words in card.words or chat.name == "terminal"
        seen.append(card.picture.convert("RGB").tobytes())
    assert len(set(seen)) == 6
    assert len(await runs(http, simulated.url)) == 6


@pytest.mark.parametrize("chat", EVERYWHERE, indirect=True)
async def test_what_comes_out_depends_on_the_picture_that_is_sent(chat: Chat) -> None:
    """With its own command, as a file beside the words."""
    made = []
    for colour in ("red", "blue"):
        line = "/img2img a fox --seed 1 --steps 4 --denoise 0.2"
        asked = await chat.ask(line, files=[File(name=f"{colour}.png", data=png(colour))])
        picture = (await chat.card(asked, "Again")).picture.convert("RGB")
        made.append(picture.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))
    red, blue = made
    assert isinstance(red, tuple)
    assert isinstance(blue, tuple)
    assert (red[0] > red[2], blue[2] > blue[0]) == (True, True)


@pytest.mark.parametrize("chat", CHATS, indirect=True)
async def test_only_its_owner_cancels_a_job(
    chat: Chat, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """A stranger is told that it is none of theirs, and nothing changes."""
    await fault(http, simulated.url, "hang")
    card = await chat.card(await chat.ask(f"/imagine a red fox {SMALL}"), "Cancel")
    assert await chat.told(await chat.press(card, "Cancel", by="bob")) == "There is no such job of yours."
    await chat.press(card, "Cancel")
    await fault(http, simulated.url, "unhang")
    ended = await chat.again(card, "Cancelled")
    assert ended.buttons == ("Again", "Delete")


@pytest.mark.parametrize("chat", CHATS, indirect=True)
async def test_buttons_work_after_a_restart(
    chat: Chat, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Killed and started again: Again makes another, Info tells of the first."""
    card = await chat.card(await chat.ask(f"/imagine a red fox {SMALL}"), "Again")
    await chat.restart()
    another = await chat.card(await chat.press(card, "Again"), "Again")
    assert another.picture.size == (64, 64)
    assert another.picture.tobytes() != card.picture.tobytes()
    told = await chat.told(await chat.press(card, "Info"))
    assert told.splitlines()[:2] == ["/imagine", "prompt: a red fox"]
    assert len(await runs(http, simulated.url)) == 2


@pytest.mark.parametrize("chat", EVERYWHERE, indirect=True)
async def test_a_job_that_fails_says_what_to_do(chat: Chat) -> None:
    """In the same words everywhere."""
    asked = await chat.ask(f"/imagine please simulate out of memory {SMALL}")
    sentence = "The GPU ran out of memory. Try a smaller size or fewer pictures."
    if chat.name == "terminal":
        assert await chat.told(asked) == sentence
        return
    card = await chat.card(asked, "Again")
    assert card.words.splitlines()[:2] == ["That did not work", sentence]
    assert card.buttons == ("Again", "Delete")


@pytest.mark.parametrize("chat", CHATS, indirect=True)
async def test_an_admin_has_a_hand_on_the_queue(
    chat: Chat, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Paused, whoever asks is told; what is moved to the front is made first. Others are refused."""
    await chat.appoint()
    for line in ("/pause", "/gpu back", "/stats"):
        told = await chat.told(await chat.ask(line, by="bob"))
        assert told == "That is for admins. The owner names them in ADMINS."
    assert (await chat.told(await chat.ask("/pause"))).startswith("The queue is paused.")
    asked = [await chat.ask(f"/imagine a fox {words} {SMALL}", by="bob") for words in ("first", "second")]
    cards = [await chat.card(each, "Cancel") for each in asked]
    for card, place in zip(cards, ("1st", "2nd"), strict=True):
        await chat.again(card, f"The queue is paused by an admin. You are {place} when it goes on.")
    queue = await chat.told(await chat.ask("/queue"))
    jobs = re.findall(r"^([0-9a-f]{8}) .* /imagine: waits$", queue, re.MULTILINE)
    assert len(jobs) == 2, queue
    front = await chat.told(await chat.ask(f"/front {jobs[1]}"))
    assert re.fullmatch(rf"Job {jobs[1]} of .+ goes before all others\.", front), front
    await chat.again(cards[1], "You are 1st when it goes on.")
    assert await runs(http, simulated.url) == []
    assert await chat.told(await chat.ask("/resume")) == "The queue goes on."
    for each in asked:
        await chat.card(each, "Again")
    made = [run["extra_data"]["muralist"]["job"][:8] for run in await runs(http, simulated.url)]
    assert made == jobs[::-1]
