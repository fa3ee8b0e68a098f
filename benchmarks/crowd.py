"""Who asks in a campaign: people on the page, on a Discord and on a Telegram, each again until the request is taken."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from typing import Protocol

import aiohttp

from tests.discord import double as on_discord
from tests.discord.double import Discord
from tests.discord.payloads import TOKEN as DISCORD_TOKEN
from tests.discord.records import Asked
from tests.processes import Program
from tests.telegram import double as on_telegram
from tests.telegram.double import Telegram
from tests.telegram.limits import TOKEN as TELEGRAM_TOKEN

PLATFORMS = ("web", "discord", "telegram")
PEOPLE = 20
"""On each platform."""

AGAIN_SECONDS = 0.2
IGNORED_SECONDS = 30.0
"""Somebody on Discord who sees no card for so long tries again: what is said while nobody listens is lost there."""


class Crowd(Protocol):
    """The people of one platform."""

    platform: str
    exact: bool
    """Whether there is one job for each request, and not another where somebody tried again."""
    asked: int

    async def ask(self) -> None:
        """Ask for one picture, until that is taken."""

    async def pictures(self) -> Counter[str]:
        """What people see: how often each picture is shown, by its hash."""


class OnPage:
    """By the API, under a key that is the same for each try."""

    platform = "web"
    exact = True

    def __init__(self, http: aiohttp.ClientSession, program: Program) -> None:
        self.asked = 0
        self._http = http
        self._url = program.url
        self._jobs: list[str] = []

    async def ask(self) -> None:
        """Ask for one picture, until that is taken."""
        number = self.asked
        self.asked += 1
        user = f"person-{number % PEOPLE}"
        values = {"prompt": "campaign", "seed": _seed(number, self.platform)}
        body = {"workflow": "flat", "values": values, "user": user}
        headers = {"Idempotency-Key": f"campaign-{number}"}
        while True:
            with suppress(aiohttp.ClientError):
                async with self._http.post(
                    f"{self._url}/api/v1/generate", json=body, headers=headers
                ) as answer:
                    if answer.status == 202:
                        self._jobs.append((await answer.json())["job_id"])
                        return
            await asyncio.sleep(AGAIN_SECONDS)

    async def pictures(self) -> Counter[str]:
        """What the page shows of each job."""
        return Counter([_hash(data) for job in self._jobs if (data := await self._picture(job)) is not None])

    async def _picture(self, job: str) -> bytes | None:
        """As whoever loads the page anew while the server is not ready, or its database is not."""
        while True:
            async with self._http.get(f"{self._url}/api/v1/jobs/{job}/outputs/0") as answer:
                if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return await answer.read() if answer.status == HTTPStatus.OK else None
            await asyncio.sleep(AGAIN_SECONDS)


class OnDiscord:
    """By slash commands."""

    platform = "discord"
    exact = False

    def __init__(self, world: Discord) -> None:
        self.asked = 0
        self._world = world

    async def ask(self) -> None:
        """Ask for one picture, until that is taken."""
        while True:
            number = self.asked
            self.asked += 1
            options = {"prompt": "campaign", "seed": _seed(number, self.platform)}
            await self._world.connected.wait()
            asked = await self._world.use("flat", options, user=5000 + number % PEOPLE)
            with suppress(TimeoutError):
                await self._world.until(partial(_answered, asked), IGNORED_SECONDS)
                return

    async def pictures(self) -> Counter[str]:
        """What all messages show."""
        every = [data for message in self._world.messages.values() for data in message.gallery]
        return Counter(map(_hash, every))


class OnTelegram:
    """By commands in private chats."""

    platform = "telegram"
    exact = True

    def __init__(self, world: Telegram) -> None:
        self.asked = 0
        self._world = world
        self._written: list[Mapping[str, object]] = []

    async def ask(self) -> None:
        """Ask for one picture, and wait for an answer: what was not fetched stays where it is."""
        number = self.asked
        self.asked += 1
        person = {"id": 3000 + number % PEOPLE, "is_bot": False, "first_name": f"Person {number % PEOPLE}"}
        line = f"/flat campaign --seed {_seed(number, self.platform)}"
        message = await self._world.write(line, by=person)
        while not self._world.replying(message):
            with suppress(TimeoutError):
                await self._world.answer(message)

    async def pictures(self) -> Counter[str]:
        """What all messages show."""
        every = self._world.messages.values()
        return Counter(_hash(shown.data) for shown in every if shown.data is not None)

    @property
    def left_behind(self) -> int:
        """How many messages show no picture: of a send whose answer a kill cut off, Telegram has no key."""
        return sum(shown.data is None for shown in self._world.messages.values())


@asynccontextmanager
async def platforms() -> AsyncIterator[tuple[Discord, Telegram]]:
    """A Discord and a Telegram that outlive all kills."""
    discord, telegram = Discord(), Telegram()
    async with on_discord.serving(discord), on_telegram.serving(telegram):
        yield discord, telegram


def settings(discord: Discord, telegram: Telegram) -> dict[str, str]:
    """What a program needs to be there."""
    return {
        "DISCORD_TOKEN": DISCORD_TOKEN,
        "DISCORD_API_BASE": discord.api,
        "TELEGRAM_TOKEN": TELEGRAM_TOKEN,
        "TELEGRAM_API_BASE": telegram.url,
        "TELEGRAM_PUBLIC": "true",
    }


def _answered(asked: Asked) -> bool:
    """Whether there is a card: an acknowledgement alone promises nothing."""
    return asked.message is not None and not asked.message.loading


def _seed(number: int, platform: str) -> int:
    """Which is the colour of the picture: one for each job."""
    return len(PLATFORMS) * number + PLATFORMS.index(platform)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
