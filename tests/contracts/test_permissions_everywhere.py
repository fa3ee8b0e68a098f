"""Each level and each command on every platform: done, or refused in a sentence. One bot serves them all."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.web.settings import WebSettings
from adapters.web.visitors import COOKIE, Gate
from bot.contract.levels import Level
from bot.service.rights import ADD, DELETE_ANY, END_ANY, LEAST, MAKE, OVERSEE, WHOSE
from tests.asking import fault, ready
from tests.contracts.chats import Chat, Shown
from tests.contracts.on_discord import PEOPLE as ON_DISCORD
from tests.contracts.on_discord import DiscordChat
from tests.contracts.on_telegram import PEOPLE as ON_TELEGRAM
from tests.contracts.on_telegram import TelegramChat
from tests.contracts.on_the_web import WebChat
from tests.discord.double import Discord
from tests.discord.double import serving as serving_discord
from tests.discord.payloads import TOKEN as DISCORD_TOKEN
from tests.processes import Program, running
from tests.telegram.conftest import telegram_bot
from tests.telegram.double import Telegram
from tests.telegram.double import serving as serving_telegram

WEB_TOKEN = "sesame-sesame-sesame"
BLOCKED = "You are blocked here. An admin can change that with /level."
NOBODY = 'Nobody who was here is called "zz". Give their id, as in '
NO_ID = 'An id is a number, as the bot tells it to strangers, but not "zz".'
NOT_YOURS = "There is no such job of yours."

ON_SERVERS = ("drain", "restore", "backend remove", "gpu back", "gpu take")

LINES: Mapping[str, str] = {
    MAKE: "/imagine a fox --steps none",
    "/ban": "/ban zz",
    "/unban": "/unban zz",
    "/level": "/level zz member",
    "/allow": "/allow zz",
    "/forbid": "/forbid zz",
    **{f"/{name}": f"/{name} zz" for name in ("cancel-job", "clear", "front", "limits", *ON_SERVERS)},
    **{deed: f"{deed} zz" for deed in LEAST if deed.startswith("/workflow ")},
    "/workflow add": "/workflow add",
    "/workflow list": "/workflow list",
    "/backend add": "/backend add http://me:secret@gpu:1",
}
"""What is written where the command by itself would do something, or would be asked about."""

DONE: Mapping[str, str] = {
    MAKE: "Steps must be a whole number from 1 to 100.",
    "/queue": "Queue",
    "/quota": "Your GPU-seconds today",
    "/help": "Commands",
    "/ban": NOBODY,
    "/unban": NOBODY,
    "/level": NOBODY,
    "/place": "This place",
    "/allow": NO_ID,
    "/forbid": NO_ID,
    "/pause": "The queue is paused",
    "/resume": "The queue ",
    "/cancel-job": 'No job has an id that begins with "zz".',
    "/front": 'No job has an id that begins with "zz".',
    "/clear": 'Nobody known is called "zz".',
    **{f"/{name}": 'There is no server "zz".' for name in ON_SERVERS},
    "/backend add": "An address with a login, token or headers belongs in COMFYUI_URLS",
    "/limits": "Say what zz is to be",
    "/stats": "The last 7 days",
    "/audit": "Changes",
}
"""How an answer begins that is no refusal."""

LISTED_ONLY = frozenset({"/allow", "/forbid"})
"""Commands that only Telegram has: it alone serves listed people."""

BUTTONS = frozenset({END_ANY, DELETE_ANY, OVERSEE, ADD})
ALIKE = frozenset(deed for deed in LEAST if deed.startswith("/workflow ")) - {
    "/workflow add",
    "/workflow show",
}
"""Commands that are tried on the page alone: elsewhere two of their kind stand for them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Everywhere:
    """One bot, and a chat on each platform; people are called as their levels are."""

    program: Program
    discord: Discord
    chats: Mapping[str, Chat]
    browsers: Mapping[str, aiohttp.ClientSession]


@pytest.fixture
async def everywhere(
    tmp_path: Path, simulated: Program, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Everywhere]:
    """Discord, Telegram and the page with a token, served by one process."""
    discord, telegram = Discord(), Telegram()
    gate = Gate(WebSettings(web_token=WEB_TOKEN))
    cookies = {str(level): gate.new_session() for level in Level}
    levels = []
    for level in Level:
        name, number = str(level), 1000 + level
        monkeypatch.setitem(ON_DISCORD, name, number)
        monkeypatch.setitem(ON_TELEGRAM, name, {"id": number, "is_bot": False, "first_name": name.title()})
        browser = hashlib.sha256(cookies[name].partition(".")[0].encode()).hexdigest()[:32]
        levels += [f"{who}={name}" for who in (f"discord:{number}", f"telegram:{number}", f"web:{browser}")]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving_discord(discord))
        await stack.enter_async_context(serving_telegram(telegram))
        program = telegram_bot(
            tmp_path,
            simulated.url,
            telegram,
            TELEGRAM_ALLOWED=",".join(str(1000 + level) for level in Level),
            DISCORD_TOKEN=DISCORD_TOKEN,
            DISCORD_API_BASE=discord.api,
            WEB_TOKEN=WEB_TOKEN,
            LEVELS=",".join(levels),
        )
        await stack.enter_async_context(running(program))
        await discord.connected.wait()
        await telegram.updates.polled.wait()
        await ready(http, program.url)
        browsers = {
            name: await stack.enter_async_context(aiohttp.ClientSession(cookies={COOKIE: cookie}))
            for name, cookie in cookies.items()
        }
        chats: dict[str, Chat] = {
            "discord": DiscordChat(discord, program),
            "telegram": TelegramChat(telegram, program),
            "web": WebChat(program, browsers),
        }
        yield Everywhere(program=program, discord=discord, chats=chats, browsers=browsers)
    assert telegram.violations == []


def _fits(told: str, deed: str, level: Level) -> bool:
    """Whether that is what somebody of a level is to be told."""
    if level is Level.BLOCKED:
        return told == BLOCKED
    if level < LEAST[deed]:
        return told == WHOSE[LEAST[deed]]
    return told.startswith(DONE.get(deed, "")) and told not in (BLOCKED, *WHOSE.values())


async def _told(everywhere: Everywhere, chat: Chat, level: Level, line: str) -> str:
    """What somebody of a level is told. On Discord each has a channel: one has room for few answers a second."""
    if chat.name != "discord":
        return await chat.told(await chat.ask(line, by=str(level)))
    channel, user = str(9000 + level), ON_DISCORD[str(level)]
    return await chat.told(await everywhere.discord.write(line, user=user, channel_id=channel))


async def _answers(everywhere: Everywhere, chat: Chat, level: Level) -> dict[str, str]:
    """What somebody of a level is told on each command, one after the other."""
    left_out = BUTTONS | {"discord": LISTED_ONLY | ALIKE, "telegram": ALIKE, "web": LISTED_ONLY}[chat.name]
    deeds = [deed for deed in LEAST if deed not in left_out]
    return {deed: await _told(everywhere, chat, level, LINES.get(deed, deed)) for deed in deeds}


async def _pressed(chat: Chat, card: Shown, label: str, after: str) -> Shown:
    """Press a button as everybody, the least first: who may not is told so, the first who may does it."""
    for level in (Level.BLOCKED, Level.GUEST, Level.TRUSTED):
        assert await chat.told(await chat.press(card, label, by=str(level))) == NOT_YOURS, level
    await chat.press(card, label, by=str(Level.MODERATOR))
    return await chat.again(card, after)


@pytest.mark.timeout(300)
async def test_every_level_and_command(everywhere: Everywhere) -> None:
    """As the one table has it, in the same words on all platforms; blocked people are told so, whatever they ask."""
    asked = [(chat, level) for chat in everywhere.chats.values() for level in Level]
    found = await asyncio.gather(*(_answers(everywhere, chat, level) for chat, level in asked))
    wrong = {
        (chat.name, str(level), deed): told
        for (chat, level), answers in zip(asked, found, strict=True)
        for deed, told in answers.items()
        if not _fits(told, deed, level)
    }
    assert wrong == {}
    covered = {deed for answers in found for deed in answers}
    assert covered | BUTTONS == set(LEAST)


@pytest.mark.timeout(300)
async def test_others_jobs_and_pictures(
    everywhere: Everywhere, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Moderators end and delete what others made, where they see it; others are told that there is no such job."""
    await fault(http, simulated.url, "hang")
    chat = everywhere.chats["discord"]
    asked = [await chat.ask("/imagine a fox", by=str(Level.MEMBER)) for _ in range(3)]
    card = (await asyncio.gather(*(chat.card(each, "Cancel") for each in asked)))[2]
    ended = await _pressed(chat, card, "Cancel", "Cancelled")
    for level in (Level.BLOCKED, Level.GUEST, Level.TRUSTED):
        assert await chat.told(await chat.press(ended, "Delete", by=str(level))) == NOT_YOURS, level
    await chat.press(ended, "Delete", by=str(Level.MODERATOR))
    async with asyncio.timeout(60):
        while not ended.handle.deleted:
            await asyncio.sleep(0.05)
    page = everywhere.chats["web"]
    _, answer = await page.ask("/imagine a fox", by=str(Level.MEMBER))
    statuses: dict[str, Any] = {}
    for level in Level:
        browser, url = everywhere.browsers[str(level)], everywhere.program.url
        async with browser.get(f"{url}/api/v1/admin/overview") as looked:
            statuses[str(level)] = looked.status
        async with browser.delete(f"{url}/api/v1/admin/jobs/{answer['job']}") as ended_there:
            statuses[f"{level} ends"] = ended_there.status
    assert statuses == {
        **{str(level): 200 if level >= LEAST[OVERSEE] else 403 for level in Level},
        **{
            f"{level} ends": 202 if level >= LEAST[END_ANY] or level is Level.MEMBER else 404
            for level in Level
        },
    }
