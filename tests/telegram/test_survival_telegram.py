"""Killed at any moment: the message that was begun ends with its picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.asking import ready
from tests.processes import Program, simulator_program
from tests.telegram.conftest import telegram_bot
from tests.telegram.double import ANN, Shown, Telegram
from tests.telegram.wire import Json

Moment = Callable[[Telegram, Json], bool]


def _shown(telegram: Telegram, asked: Json) -> Shown | None:
    return next(iter(telegram.replying(asked)), None)


def _saying(words: str) -> Moment:
    def look(telegram: Telegram, asked: Json) -> bool:
        shown = _shown(telegram, asked)
        return shown is not None and words in shown.words

    return look


def _done(telegram: Telegram, *names: str) -> int:
    return sum(name in names for name, _, _ in telegram.calls)


def _begun(telegram: Telegram, *names: str) -> int:
    return sum(name in names for name in telegram.begun)


EDITS = ("editMessageText", "editMessageCaption", "editMessageMedia")

MOMENTS: dict[str, Moment] = {
    "message delivered": lambda telegram, _asked: telegram.delivered,
    "delivery confirmed": lambda telegram, _asked: telegram.confirmed,
    "first edit begins": lambda telegram, _asked: _begun(telegram, *EDITS) >= 1,
    "first edit done": lambda telegram, _asked: _done(telegram, *EDITS) >= 1,
    "bar": _saying("▱"),
    "sampling": _saying("Sampler"),
    "preview": lambda telegram, _asked: _done(telegram, "editMessageMedia") >= 1,
    "second edit done": lambda telegram, _asked: _done(telegram, *EDITS) >= 2,
    "a later edit begins": lambda telegram, _asked: _begun(telegram, *EDITS) >= 3,
    "done": _saying("Seed"),
}


@pytest.mark.parametrize("moment", MOMENTS)
async def test_the_same_message_ends_with_the_picture(
    tmp_path: Path, telegram: Telegram, http: aiohttp.ClientSession, moment: str
) -> None:
    """SIGKILL at this moment; the bot that is started next finishes what was begun, once."""
    comfyui = simulator_program(tmp_path, "--step-seconds", "0.2")
    await comfyui.start()
    bot = telegram_bot(tmp_path, comfyui.url, telegram)
    await bot.start()
    await telegram.polled.wait()
    await ready(http, bot.url)

    asked = await telegram.write("/imagine a red fox --width 64 --height 64 --steps 30")
    await telegram.until(lambda: MOMENTS[moment](telegram, asked))
    await bot.kill()
    before = [shown.id for shown in telegram.of(ANN["id"])]
    await bot.start()
    card = await telegram.card(asked)
    await telegram.until(lambda: telegram.polled.is_set())

    assert card.kinds[-1] == "photo"
    assert card.picture.size == (64, 64)
    assert "a red fox" in card.words
    assert [shown.id for shown in telegram.of(ANN["id"])] == (before or [card.id])
    assert len((tmp_path / "comfyui" / "runs.jsonl").read_text().splitlines()) <= 2
    assert await bot.stop() == 0
    await comfyui.stop()


async def test_killed_as_its_first_message_is_sent(
    tmp_path: Path, telegram: Telegram, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Telegram's first send has no key: a stale message may be left, and one message has the picture."""
    bot = telegram_bot(tmp_path, simulated.url, telegram)
    await bot.start()
    await telegram.polled.wait()
    await ready(http, bot.url)
    asked = await telegram.write("/imagine a red fox --width 64 --height 64 --steps 4")
    await telegram.until(lambda: "sendMessage" in telegram.begun)
    await bot.kill()
    await bot.start()
    await telegram.until(lambda: any(shown.kinds[-1] == "photo" for shown in telegram.replying(asked)))
    stale = [shown for shown in telegram.replying(asked) if shown.kinds[-1] != "photo"]
    assert len(telegram.replying(asked)) - len(stale) == 1
    assert len(stale) <= 1
    assert await bot.stop() == 0
