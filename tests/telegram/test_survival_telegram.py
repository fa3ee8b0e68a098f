"""Killed at any moment: the message that was begun ends with its picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.asking import fault, ready
from tests.processes import Program, running, simulator_program
from tests.telegram.conftest import telegram_bot
from tests.telegram.double import Telegram
from tests.telegram.people import ANN
from tests.telegram.records import Shown
from tests.telegram.wire import Json, Refused

Moment = Callable[[Telegram, Json], bool]
STEPS, SLOW_STEP, QUICK_STEP = 100, 0.2, 0.02
"""The job lasts as long as the moment needs, and ends soon after it."""


def _edited_to_say(words: str) -> Moment:
    """Only an edit counts: when there is one, the first send was noted before."""

    def look(telegram: Telegram, asked: Json) -> bool:
        return any(words in each for shown in telegram.replying(asked)[:1] for each in shown.history[1:])

    return look


def _done(telegram: Telegram, *names: str) -> int:
    return sum(name in names for name, _, _ in telegram.calls)


def _begun(telegram: Telegram, *names: str) -> int:
    return sum(name in names for name in telegram.begun)


EDITS = ("editMessageText", "editMessageCaption", "editMessageMedia")

MOMENTS: dict[str, Moment] = {
    "message delivered": lambda telegram, _asked: telegram.updates.delivered,
    "delivery confirmed": lambda telegram, _asked: telegram.updates.confirmed,
    "first edit begins": lambda telegram, _asked: _begun(telegram, *EDITS) >= 1,
    "first edit done": lambda telegram, _asked: _done(telegram, *EDITS) >= 1,
    "bar": _edited_to_say("▱"),
    "sampling": _edited_to_say("Sampler"),
    "preview": lambda telegram, _asked: _done(telegram, "editMessageMedia") >= 1,
    "second edit done": lambda telegram, _asked: _done(telegram, *EDITS) >= 2,
    "a later edit begins": lambda telegram, _asked: _begun(telegram, *EDITS) >= 3,
    "done": lambda telegram, asked: any("Seed" in shown.words for shown in telegram.replying(asked)),
}


@pytest.mark.parametrize("moment", MOMENTS)
async def test_the_same_message_ends_with_the_picture(
    tmp_path: Path, telegram: Telegram, http: aiohttp.ClientSession, moment: str
) -> None:
    """SIGKILL at this moment; the bot that is started next finishes what was begun, once."""
    step = QUICK_STEP if moment == "done" else SLOW_STEP
    async with (
        running(simulator_program(tmp_path, "--step-seconds", str(step))) as comfyui,
        running(telegram_bot(tmp_path, comfyui.url, telegram)) as bot,
    ):
        await telegram.updates.polled.wait()
        await ready(http, bot.url)
        asked = await telegram.write(f"/imagine a red fox --width 64 --height 64 --steps {STEPS}")
        await telegram.until(lambda: MOMENTS[moment](telegram, asked))
        await bot.kill()
        await fault(http, comfyui.url, "pace", step_seconds=QUICK_STEP)
        before, noted = [shown.id for shown in telegram.of(ANN["id"])], _begun(telegram, *EDITS) > 0
        await bot.start()
        card = await _finished(telegram, asked)
        assert await bot.stop() == 0

    assert card.kinds[-1] == "photo"
    assert card.picture.size == (64, 64)
    assert "a red fox" in card.words
    if noted:
        assert [shown.id for shown in telegram.of(ANN["id"])] == before == [card.id]
    else:
        assert [shown.kinds for shown in telegram.of(ANN["id"]) if shown is not card] in ([], [["text"]])
    assert len((tmp_path / "comfyui" / "runs.jsonl").read_text().splitlines()) <= 2


async def test_killed_as_its_first_message_is_sent(
    tmp_path: Path, telegram: Telegram, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Telegram's first send has no key: a stale message without a picture may be left, and one has the picture."""
    async with running(telegram_bot(tmp_path, simulated.url, telegram)) as bot:
        await telegram.updates.polled.wait()
        await ready(http, bot.url)
        asked = await telegram.write("/imagine a red fox --width 64 --height 64 --steps 4")
        await telegram.until(lambda: "sendMessage" in telegram.begun)
        await bot.kill()
        await bot.start()
        card = await _finished(telegram, asked)
        assert [shown.kinds for shown in telegram.of(ANN["id"]) if shown is not card] in ([], [["text"]])
        assert await bot.stop() == 0


async def test_a_result_that_is_there_before_its_first_message(
    tmp_path: Path, telegram: Telegram, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Words go first and are noted, so that a kill as the picture is put there leaves no second picture."""
    async with running(telegram_bot(tmp_path, simulated.url, telegram)) as bot:
        await telegram.updates.polled.wait()
        await ready(http, bot.url)
        telegram.faults = {"sendMessage": [Refused(429, "Too Many Requests: retry after 4", retry_after=4)]}
        asked = await telegram.write("/imagine a red fox --width 64 --height 64 --steps 4")
        await telegram.until(lambda: "editMessageMedia" in telegram.begun)
        await bot.kill()
        await bot.start()
        card = await _finished(telegram, asked)
        assert await bot.stop() == 0
    assert telegram.of(ANN["id"]) == [card]
    assert card.kinds[0] == "text"
    assert card.picture.size == (64, 64)


async def _finished(telegram: Telegram, asked: Json) -> Shown:
    """The one message that has the result."""
    await telegram.until(lambda: any("Again" in shown.buttons for shown in telegram.replying(asked)))
    (card,) = [shown for shown in telegram.replying(asked) if "Again" in shown.buttons]
    return card
