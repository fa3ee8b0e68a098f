"""What people do on Telegram, with the bot as a process."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import aiohttp
from PIL import Image

from tests.asking import ready, runs
from tests.processes import Program, running
from tests.telegram.conftest import telegram_bot
from tests.telegram.double import Telegram
from tests.telegram.people import ANN, BOB, GROUP
from tests.telegram.wire import Json

SMALL = "--width 64 --height 64 --steps 4"


def picture(colour: str = "red", kind: str = "PNG", size: int = 64) -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, kind)
    return buffer.getvalue()


async def test_edit_by_reply_five_times_in_a_row(telegram: Telegram, bot: Program) -> None:
    """Words in answer to a picture edit it, and in answer to that, and to that."""
    asked = await telegram.write(f"/imagine a red fox {SMALL}")
    card = await telegram.card(asked)
    cards = [card.id]
    for words in ("make it night", "add snow", "and a moon", "in oil", "as a card"):
        asked = await telegram.write(words, reply=card)
        card = await telegram.card(asked)
        assert (words in card.words, card.kinds[-1]) == (True, "photo")
        cards.append(card.id)
    assert [shown.id for shown in telegram.of(ANN["id"])] == cards


async def test_pictures_as_input(telegram: Telegram, bot: Program) -> None:
    """A captioned photo, a reply to a document, a sticker; a photo without words is asked about."""
    words = f"--denoise 0.5 {SMALL.replace('--width 64 --height 64', '')}"
    captioned = await telegram.write(f"/img2img in oil {words}", **telegram.photo(picture()))
    assert (await telegram.card(captioned)).kinds[-1] == "photo"

    document = await telegram.write(**telegram.document(picture("blue")))
    question = await telegram.answer(document)
    assert question.words.startswith("Prompt")
    answered = await telegram.write("in ink", reply=question)
    assert (await telegram.card(answered)).kinds[-1] == "photo"

    replied = await telegram.write("in chalk", reply=document)
    assert (await telegram.card(replied)).kinds[-1] == "photo"

    telegram.files["st"] = picture(kind="WEBP", size=512)
    sticker = await telegram.write(
        sticker={
            "file_id": "st", "file_unique_id": "st", "type": "regular", "width": 512, "height": 512,
            "is_animated": False, "is_video": False,
        }
    )  # fmt: skip
    used = await telegram.write("/img2img in wax --steps 4", reply=sticker)
    assert (await telegram.card(used)).kinds[-1] == "photo"


async def test_too_large_is_said(telegram: Telegram, bot: Program) -> None:
    """By the size that Telegram tells, before anything is fetched."""
    large = telegram.document(picture(), size=21 * 2**20)
    asked = await telegram.write("/img2img in oil", **large)
    answer = await telegram.answer(asked)
    assert answer.words.strip() == "fox.png is too large: at most 20 MB. Send a smaller one."
    assert [name for name, _, _ in telegram.calls if name == "getFile"] == []


async def test_an_album_comes_as_one(telegram: Telegram, bot: Program) -> None:
    """Several messages, one order: it has more pictures than there is use for, which is said once."""
    first = await telegram.write("/img2img in oil", media_group_id="77", **telegram.photo(picture("red")))
    await telegram.write(media_group_id="77", **telegram.photo(picture("blue", size=65)))
    answer = await telegram.answer(first)
    assert answer.words.strip() == "/img2img takes 1 picture."
    assert len(telegram.of(ANN["id"])) == 1

    one = await telegram.write("in a reply", reply={**first, "chat": first["chat"]})
    assert (await telegram.card(one)).kinds[-1] == "photo"


async def test_in_a_group(telegram: Telegram, bot: Program) -> None:
    """What is meant for others is left alone; a topic is answered in its topic."""
    topic: Json = {"message_thread_id": 5, "is_topic_message": True}
    for words in ("/imagine@other_bot a cat", "/kick bob", "hello there", "nice @fox_bottle"):
        await telegram.write(words, by=BOB, chat=GROUP)
    asked = await telegram.write(f"/imagine@fox_bot a red fox {SMALL}", by=BOB, chat=GROUP, **topic)
    card = await telegram.card(asked)
    assert card.raw["thread"] == 5
    theirs = await telegram.write(by=BOB, chat=GROUP, **telegram.photo(picture()))
    await telegram.write("lovely", by=BOB, chat=GROUP, reply=theirs)
    edited = await telegram.write("@fox_bot make it night", by=ANN, chat=GROUP, reply=theirs)
    night = await telegram.card(edited)
    assert "make it night" in night.words
    assert "@fox_bot" not in night.words
    assert [shown.id for shown in telegram.of(GROUP["id"])] == [card.id, night.id]


async def test_strangers_are_told_who_they_are(telegram: Telegram, bot: Program) -> None:
    """Once, and nothing else is done for them."""
    asked = await telegram.write("/imagine a cat", by=BOB)
    answer = await telegram.answer(asked)
    assert answer.words.strip() == (
        "This bot is private. Your id is 1002. Its owner can let you in: /allow 1002, or the setting TELEGRAM_ALLOWED."
    )
    await telegram.write("/imagine a dog", by=BOB)
    help_ = await telegram.write("/help")
    await telegram.answer(help_)
    assert len(telegram.of(BOB["id"])) == 1


async def test_admins_let_people_and_chats_in(
    tmp_path: Path, telegram: Telegram, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """By /allow, beyond a restart, until /forbid; nobody else can, and their help does not tell of it."""
    settings = {"TELEGRAM_ALLOWED": "", "ADMINS": f"telegram:{ANN['id']}"}
    async with running(telegram_bot(tmp_path, simulated.url, telegram, **settings)) as program:
        await telegram.updates.polled.wait()
        await ready(http, program.url)
        stranger = await telegram.answer(await telegram.write("/imagine a cat", by=BOB))
        assert "/allow 1002" in stranger.words
        said = await telegram.answer(await telegram.write("/allow 1002"))
        assert said.words.strip() == "1002 is let in."
        helped = await telegram.answer(await telegram.write("/help", by=BOB))
        assert ("/queue" in helped.words, "/allow" in helped.words) == (True, False)
        assert "/allow" in (await telegram.answer(await telegram.write("/help"))).words
        refused = await telegram.answer(await telegram.write("/allow 1003", by=BOB))
        assert refused.words.strip() == "That is for admins. The owner names them in ADMINS."
        wrong = await telegram.answer(await telegram.write("/allow @bob"))
        assert wrong.words.startswith("An id is a number")

        await program.kill()
        await program.start()
        asked = await telegram.write(f"/imagine a red fox {SMALL}", by=BOB)
        assert (await telegram.card(asked)).kinds[-1] == "photo"
        question = await telegram.answer(await telegram.write("/forbid"))
        forbidden = await telegram.answer(await telegram.write("1002", reply=question))
        assert forbidden.words.strip() == "1002 is let in no longer."
        await telegram.write("/queue", by=BOB)
        again = await telegram.answer(await telegram.write("/forbid 1002"))
        assert again.words.startswith("1002 was not let in with /allow.")
        assert len(telegram.of(BOB["id"])) == 5  # turned away twice, help, refused, the picture


async def test_an_admin_is_served_without_being_listed(
    tmp_path: Path, telegram: Telegram, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Whom ADMINS names on Telegram; whom it names elsewhere stays a stranger, even under the same number."""
    admins = f"discord:{ANN['id']},telegram:{BOB['id']}"
    async with running(
        telegram_bot(tmp_path, simulated.url, telegram, TELEGRAM_ALLOWED="", ADMINS=admins)
    ) as program:
        await telegram.updates.polled.wait()
        await ready(http, program.url)
        asked = await telegram.write(f"/imagine a red fox {SMALL}", by=BOB)
        assert (await telegram.card(asked)).kinds[-1] == "photo"
        stranger = await telegram.write("/imagine a cat", by=ANN)
        assert "Your id is 1001." in (await telegram.answer(stranger)).words


async def test_buttons(
    telegram: Telegram, bot: Program, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Each is answered at once; again makes one of its own, once; originals are files; delete takes it away."""
    asked = await telegram.write(f"/imagine a red fox {SMALL}")
    card = await telegram.card(asked)
    for _ in range(2):
        press = await telegram.press(card, "Again")
        await telegram.until(partial(telegram.rested, press))
    again = await telegram.card({"chat": asked["chat"], "message_id": card.id})
    assert again.picture.size == (64, 64)
    assert len(await runs(http, simulated.url)) == 2

    await telegram.press(card, "Originals")
    await telegram.until(lambda: any(shown.kinds == ["document"] for shown in telegram.of(ANN["id"])))
    original = next(shown for shown in telegram.of(ANN["id"]) if shown.kinds == ["document"])
    assert (original.picture.format, original.picture.size) == ("PNG", (64, 64))

    await telegram.press(card, "Edit")
    await telegram.until(lambda: any("Prompt" in shown.words for shown in telegram.of(ANN["id"])))
    question = next(shown for shown in telegram.of(ANN["id"]) if "Prompt" in shown.words)
    assert question.raw["markup"]["force_reply"]
    edited = await telegram.write("at night", reply=question)
    assert "at night" in (await telegram.card(edited)).words

    await telegram.press(card, "Info")
    await telegram.until(lambda: any("steps: 4" in answer.get("text", "") for answer in telegram.answers))
    assert telegram.answers[-1]["show_alert"] is True
    await telegram.press(card, "Delete")
    await telegram.until(lambda: (ANN["id"], card.id) in telegram.deleted)


async def test_what_is_missing_is_asked(telegram: Telegram, bot: Program) -> None:
    """A bare command asks for words; a list is chosen from by pages or by a word of it."""
    bare = await telegram.write("/imagine --width 64 --height 64 --steps 4")
    question = await telegram.answer(bare)
    assert question.words.strip() == "Prompt\nWhat the picture shows"
    answered = await telegram.write("a red fox", reply=question)
    assert "a red fox" in (await telegram.card(answered)).words

    listing = await telegram.write(f"/imagine a red fox {SMALL} --sampler")
    shown = await telegram.answer(listing)
    first = list(shown.buttons)
    assert len(first) == 8 + 3
    await telegram.press(shown, ">")
    await telegram.until(lambda: list(shown.buttons) != first)
    await telegram.write("dpmpp sde", reply=shown)
    await telegram.until(lambda: "sde" in next(iter(shown.buttons)))
    assert all("dpmpp" in label and "sde" in label for label in list(shown.buttons)[:4])
    await telegram.press(shown, next(iter(shown.buttons)))
    await telegram.until(lambda: len(telegram.replying(listing)) == 2)
    await telegram.until(lambda: telegram.replying(listing)[1].kinds[-1] == "photo")


async def test_mistakes_are_told_with_what_was_meant(telegram: Telegram, bot: Program) -> None:
    """Unknown options and commands name the nearest."""
    option = await telegram.answer(await telegram.write("/imagine a fox --stpes 30"))
    command = await telegram.answer(await telegram.write("/imagin a fox"))
    assert (option.words, command.words) == (
        '/imagine has no option "stpes". Did you mean "steps"?',
        "There is no command /imagin. Did you mean /imagine?",
    )


async def test_several_pictures_are_one_sheet(telegram: Telegram, bot: Program) -> None:
    """With a button for each, hidden if wished; the originals come one by one."""
    asked = await telegram.write(f"/imagine a red fox {SMALL} --count 3 --spoiler yes")
    card = await telegram.card(asked)
    assert list(card.buttons) == [
        *("Again", "Edit 1", "Edit 2", "Edit 3", "Vary 1", "Vary 2", "Vary 3"),
        *("Info", "Originals", "Delete"),
    ]
    assert (card.kinds[-1], card.spoiler, card.picture.format) == ("photo", True, "JPEG")
    assert card.picture.width > 64
    await telegram.press(card, "Originals")
    await telegram.until(lambda: sum(s.kinds == ["document"] for s in telegram.of(ANN["id"])) == 3)


async def test_long_and_awkward_prompts_survive(telegram: Telegram, bot: Program) -> None:
    """Marks are words, 4,000 characters come back whole."""
    prompt = ("<b>&amp; \"fox\" 'x' 🦊 </code> " * 200)[:3990].strip()
    asked = await telegram.write(f"/imagine {prompt} {SMALL}")
    card = await telegram.card(asked)
    assert prompt[:250] in card.words
    await telegram.press(card, "Info")
    await telegram.until(lambda: any("steps: 4" in shown.words for shown in telegram.of(ANN["id"])))
    said = "".join(shown.words for shown in telegram.of(ANN["id"]) if shown.id != card.id)
    assert prompt in said


async def test_delivered_twice_is_done_once(
    telegram: Telegram, bot: Program, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Another update's id, the same message: one job, one card."""
    asked = await telegram.write(f"/imagine a red fox {SMALL}")
    await telegram.again(asked)
    card = await telegram.card(asked)
    await telegram.again(asked)
    await bot.stop()
    await bot.start()
    await telegram.again(asked)
    await telegram.answer(await telegram.write("/help"))
    assert [s.id for s in telegram.replying(asked)] == [card.id]
    assert len(await runs(http, simulated.url)) == 1
