"""Films in a message, and groups that become supergroups."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp

from tests.asking import ready
from tests.processes import Program, running
from tests.telegram.conftest import telegram_bot
from tests.telegram.double import Telegram
from tests.telegram.people import ANN, BOB, OLD_GROUP
from tests.telegram.wire import Json

SMALL = "--width 64 --height 64 --steps 4"

FILM: Json = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 96, "height": 64, "batch_size": 12, "color": 0},
    },
    "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 4.0}},
    "3": {
        "class_type": "SaveVideo",
        "inputs": {"video": ["2", 0], "filename_prefix": "film", "format": "auto", "codec": "auto"},
    },
}


def _film_workflow(folder: Path) -> None:
    own = folder / "data" / "workflows" / "film"
    own.mkdir(parents=True)
    (own / "graph.json").write_text(json.dumps(FILM))
    (own / "workflow.toml").write_text(
        'title = "Film"\ndescription = "Three seconds"\n\n[parameters]\ncolour = { to = "1.color", type = "integer" }\n'
    )


async def test_a_film_plays_in_its_message(
    tmp_path: Path, telegram: Telegram, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Telegram is told of its shape and length, and gets a still of it."""
    _film_workflow(tmp_path)
    async with running(telegram_bot(tmp_path, simulated.url, telegram)) as bot:
        await telegram.updates.polled.wait()
        await ready(http, bot.url)
        card = await telegram.card(await telegram.write("/film --spoiler"))
    assert (card.kinds[-1], card.spoiler) == ("video", True)
    told = card.raw["media"]
    assert (told["width"], told["height"], told["duration"]) == (96, 64, 3)
    assert told["supports_streaming"] is True
    assert card.still is not None
    assert card.still.size == (96, 64)
    assert telegram.of(ANN["id"]) == [card]


async def test_a_group_that_moves_stays_the_same_place(
    tmp_path: Path, telegram: Telegram, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """A card that is not finished goes on where the group is now; everybody there is served as before."""
    allowed = str(OLD_GROUP["id"])
    async with running(telegram_bot(tmp_path, simulated.url, telegram, TELEGRAM_ALLOWED=allowed)) as bot:
        await telegram.updates.polled.wait()
        await ready(http, bot.url)
        first = await telegram.card(await telegram.write(f"/imagine a fox {SMALL}", by=BOB, chat=OLD_GROUP))
        asked = await telegram.write("/imagine an owl --steps 100", by=BOB, chat=OLD_GROUP)
        await telegram.until(lambda: telegram.replying(asked))
        new = await telegram.move(OLD_GROUP)
        await telegram.until(lambda: any("Again" in shown.buttons for shown in telegram.of(new["id"])))
        (owl,) = telegram.of(new["id"])
        assert (owl.kinds[-1], "an owl" in owl.words) == ("photo", True)

        await bot.kill()
        await bot.start()
        after = await telegram.card(await telegram.write(f"/imagine a cat {SMALL}", by=BOB, chat=new))
        assert after.kinds[-1] == "photo"
        edited = await telegram.card(await telegram.write("at night", by=BOB, chat=new, reply=owl))
        assert "at night" in edited.words
        press = await telegram.press(first, "Info", by=BOB)
        await telegram.until(lambda: telegram.rested(press))
    assert telegram.answers[-1]["text"].startswith("/imagine\nprompt: a fox")
