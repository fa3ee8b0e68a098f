"""What Telegram refuses, and how messages come."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp

from adapters.telegram.receive import SHOWN_WITH
from tests.asking import ready
from tests.processes import Program, free_port
from tests.telegram.conftest import telegram_bot
from tests.telegram.double import Telegram
from tests.telegram.limits import Pace
from tests.telegram.people import ANN, GROUP
from tests.telegram.wire import Json, Refused

IMAGINE = "/imagine a red fox --width 64 --height 64 --steps 4"


async def logged(program: Program, words: str) -> None:
    """Wait until the program has written this."""
    async with asyncio.timeout(90):
        while words not in program.log.read_text():
            await asyncio.sleep(0.05)


def too_many(seconds: int) -> Refused:
    """A 429."""
    return Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


async def test_a_final_outlives_every_refusal(telegram: Telegram, bot: Program) -> None:
    """Pauses, errors of Telegram's own, a picture that it can't show as one."""
    refusals = [
        too_many(1),
        Refused(500, "Internal Server Error"),
        Refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS", ours=False),
    ]
    telegram.faults = {"sendMessage": [too_many(1)], "editMessageMedia": refusals, "sendPhoto": refusals}
    card = await telegram.card(await telegram.write(IMAGINE))
    assert card.kinds[-1] in ("photo", "document")
    assert len(telegram.of(ANN["id"])) == 1
    assert refusals == []


async def test_a_message_that_is_gone_is_left_alone(telegram: Telegram, bot: Program) -> None:
    """Deleted by somebody, or the bot thrown out: one request, no more."""
    asked = await telegram.write("/imagine a red fox --width 64 --height 64 --steps 100")
    shown = await telegram.answer(asked)
    del telegram.messages[shown.chat, shown.id]
    await telegram.until(lambda: any(status == 400 for _, _, status in telegram.calls))
    other = await telegram.card(await telegram.write(IMAGINE))
    assert other.kinds[-1] == "photo"
    assert sum(status == 400 for _, _, status in telegram.calls) == 1

    blocked = [Refused(403, "Forbidden: bot was blocked by the user", ours=False)]
    telegram.faults = {"sendMessage": blocked, "sendPhoto": blocked}
    await telegram.write(IMAGINE)
    await telegram.until(lambda: any(status == 403 for _, _, status in telegram.calls))
    await telegram.card(await telegram.write(IMAGINE))
    assert sum(status == 403 for _, _, status in telegram.calls) == 1


async def test_cancel(telegram: Telegram, bot: Program) -> None:
    """By its button, in the message."""
    asked = await telegram.write("/imagine a red fox --width 64 --height 64 --steps 100")
    await telegram.until(lambda: telegram.replying(asked) and "Cancel" in telegram.replying(asked)[0].buttons)
    shown = telegram.replying(asked)[0]
    await telegram.press(shown, "Cancel")
    await telegram.until(lambda: "Cancelled" in shown.words)
    assert len(telegram.of(ANN["id"])) == 1


async def test_a_second_poller_stops_and_the_first_stays(
    tmp_path: Path, telegram: Telegram, simulated: Program, bot: Program
) -> None:
    """With a sentence that says what to do."""
    await telegram.card(await telegram.write(IMAGINE))
    folder = tmp_path / "other"
    folder.mkdir()
    other = telegram_bot(folder, simulated.url, telegram)
    await other.start()
    await logged(other, "another program receives for this Telegram bot. Stop it")
    await other.stop()
    card = await telegram.card(await telegram.write(IMAGINE))
    assert card.kinds[-1] == "photo"


async def test_a_token_that_telegram_does_not_know(
    tmp_path: Path, telegram: Telegram, simulated: Program
) -> None:
    """Names the setting; the page goes on."""
    program = telegram_bot(tmp_path, simulated.url, telegram, TELEGRAM_TOKEN="123456:wrong-secret")
    await program.start()
    await logged(program, "TELEGRAM_TOKEN: Telegram does not know that token")
    assert "wrong-secret" not in program.log.read_text()
    assert await program.stop() == 0


async def test_a_webhook(
    tmp_path: Path, telegram: Telegram, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Deliveries with the secret are taken, and no others."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/hook/path"
    program = telegram_bot(
        tmp_path, simulated.url, telegram, TELEGRAM_WEBHOOK_URL=url, TELEGRAM_WEBHOOK_PORT=str(port)
    )
    await program.start()
    await ready(http, program.url)
    await telegram.until(lambda: telegram.updates.webhook.get("url") == url)
    for headers in ({}, {SHOWN_WITH: "guessed"}):
        async with http.post(url, json={"update_id": 1}, headers=headers) as answer:
            assert answer.status == 403
    async with http.post(
        url, data=b"{", headers={SHOWN_WITH: telegram.updates.webhook["secret_token"]}
    ) as answer:
        assert answer.status == 400
    card = await telegram.card(await telegram.write(IMAGINE))
    assert card.kinds[-1] == "photo"
    assert not telegram.updates.polled.is_set()
    assert await program.stop() == 0


async def test_the_menu(telegram: Telegram, bot: Program) -> None:
    """For private chats and groups, in each language, again only after changes."""
    names = ["imagine", "edit", "vary", "inpaint", "img2img", "sdxl", "sdxl_inpaint"]
    names += ["queue", "help", "quota"]
    await telegram.until(lambda: [_listed(menu) for menu in telegram.menus[-10:]] == [names] * 10)
    assert [(menu["scope"]["type"], menu.get("language_code")) for menu in telegram.menus[-10:]] == [
        (scope, language)
        for scope in ("all_private_chats", "all_group_chats")
        for language in (None, "de", "es", "fr", "ja")
    ]
    in_german = {command["command"]: command["description"] for command in telegram.menus[-9]["commands"]}
    assert in_german["help"] == "Was man verlangen kann"
    count = len(telegram.menus)
    await logged(bot, "commands are published")
    await bot.stop()
    await bot.start()
    await logged(bot, "the commands are as published")
    assert len(telegram.menus) == count


def _listed(menu: Json) -> list[str]:
    return [command["command"] for command in menu["commands"]]


async def test_a_busy_group_shares_one_budget(telegram: Telegram, bot: Program) -> None:
    """Telegram's limits are never met, and every final is delivered."""
    telegram.pace = Pace()
    topic = {"message_thread_id": 5, "is_topic_message": True}
    asked = [await telegram.write(IMAGINE, by=ANN, chat=GROUP, **topic) for _ in range(6)]
    cards = [await telegram.card(each) for each in asked]
    assert {card.kinds[-1] for card in cards} == {"photo"}
    assert [name for name, _, status in telegram.calls if status == 429] == []


async def test_thirty_chats(
    tmp_path: Path, telegram: Telegram, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """At once, under Telegram's limits: every final delivered, nobody told to wait."""
    telegram.pace = Pace()
    program = telegram_bot(tmp_path, simulated.url, telegram, TELEGRAM_PUBLIC="true")
    await program.start()
    await telegram.updates.polled.wait()
    await ready(http, program.url)
    people = [{**ANN, "id": 5000 + number} for number in range(30)]
    asked = await asyncio.gather(*(telegram.write(IMAGINE, by=person) for person in people))
    cards = [await telegram.card(each) for each in asked]
    assert {card.kinds[-1] for card in cards} == {"photo"}
    assert [len(telegram.of(person["id"])) for person in people] == [1] * 30
    assert [name for name, _, status in telegram.calls if status == 429] == []
    assert await program.stop() == 0
