"""Several jobs in a group: one message shows how far they are, until they have ended."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.settings import TelegramSettings
from bot.contract.ports import Shared
from tests.asking import ready
from tests.processes import simulator_program
from tests.telegram.conftest import telegram_bot
from tests.telegram.double import Telegram
from tests.telegram.people import ANN, BOB, GROUP
from tests.telegram.records import Shown
from tests.telegram.wire import Json

TITLE = "2 in the making"
IMAGINE = "/imagine a red fox --width 64 --height 64 --steps 100"


def test_groups_share_and_private_chats_do_not() -> None:
    """By topic: what is in another one is not shown."""
    adapter = TelegramAdapter(TelegramSettings(), "1:token")
    address: Json = {"chat": -7, "thread": 3, "message": None, "reply": None, "media": False, "parts": []}
    for message in (5, 6):
        found = adapter.shared({"chat": -7, "thread": 3, "message": message, "reply": 4, "media": True})
        assert found is not None
        assert (found.address, round(found.rate, 2)) == (address, 0.33)
    other = adapter.shared({"chat": -7, "message": 5})
    assert isinstance(other, Shared)
    assert other.address == {**address, "thread": None}
    assert adapter.shared({"chat": 7, "message": 5}) is None


async def test_one_message_for_two_jobs(
    tmp_path: Path, telegram: Telegram, http: aiohttp.ClientSession
) -> None:
    """It comes on, outlives a kill without a second one, and is gone when both have their pictures."""
    async with AsyncExitStack() as stack:
        servers = [simulator_program(tmp_path / name, "--step-seconds", "0.15") for name in "ab"]
        for server in servers:
            server.log.parent.mkdir()
            await server.start()
            stack.push_async_callback(server.stop)
        program = telegram_bot(tmp_path, ",".join(server.url for server in servers), telegram)
        await program.start()
        stack.push_async_callback(program.stop)
        await telegram.updates.polled.wait()
        await ready(http, program.url)

        def boards() -> list[Shown]:
            return [shown for shown in telegram.of(GROUP["id"]) if TITLE in shown.history[0]]

        asked = [await telegram.write(IMAGINE, by=person, chat=GROUP) for person in (ANN, BOB)]
        await telegram.until(lambda: boards() and len(boards()[0].history) >= 3)
        assert all(person["first_name"] in boards()[0].words for person in (ANN, BOB))
        assert "reply" not in boards()[0].raw or boards()[0].raw["reply"] is None

        await program.kill()
        edits = len(boards()[0].history)
        await program.start()
        await telegram.until(lambda: not boards() or len(boards()[0].history) > edits)
        assert (
            len(
                [
                    call
                    for call in telegram.calls
                    if TITLE in str(call[1].get("text")) and call[0] == "sendMessage"
                ]
            )
            == 1
        )
        for each in asked:
            assert (await telegram.card(each)).kinds[-1] == "photo"
        await telegram.until(lambda: not boards())
        assert len(telegram.of(GROUP["id"])) == 2
