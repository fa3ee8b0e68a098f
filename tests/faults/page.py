"""The chat page as somebody's browser sees it: a line is sent, and the cards that come of it are kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.asking import PATIENCE_SECONDS


@dataclass(kw_only=True)
class Page:
    """One browser with its room. `cards` are all that were shown, oldest first."""

    url: str
    browser: aiohttp.ClientSession
    cards: list[dict[str, Any]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def say(self, line: str) -> str:
        """Send a line; the job that it begins."""
        form = aiohttp.FormData({"text": line}, default_to_multipart=True)
        async with self.browser.post(f"{self.url}/api/v1/chat", data=form) as answer:
            assert answer.status == 200, await answer.text()
            job: str = (await answer.json())["job"]
            return job

    async def card(self, *words: str, job: str | None = None, state: str | None = None) -> dict[str, Any]:
        """The first card, past or to come, that says all these words and is of this job and state."""
        async with asyncio.timeout(PATIENCE_SECONDS), self.changed:
            while True:
                for card in self.cards:
                    if _fits(card, words, job, state):
                        return card
                await self.changed.wait()

    async def listen(self) -> None:
        """Take in what the page is told, until cancelled."""
        while True:
            try:
                async with self.browser.get(f"{self.url}/api/v1/chat") as stream:
                    async for raw in stream.content:
                        name, _, value = raw.decode().strip().partition(": ")
                        if name == "data" and "state" in (card := json.loads(value)):
                            async with self.changed:
                                self.cards.append(card)
                                self.changed.notify_all()
            except aiohttp.ClientError:  # the bot was killed: browsers come back by themselves
                await asyncio.sleep(0.1)


def words_of(card: dict[str, Any]) -> str:
    """All that a card says."""
    spans = [span.get("text") or span.get("code", "") for line in card["body"] for span in line]
    return " ".join([card["title"], *spans])


def _fits(card: dict[str, Any], words: tuple[str, ...], job: str | None, state: str | None) -> bool:
    told = json.dumps(card)
    return (
        all(word in words_of(card) for word in words)
        and (job is None or job in told)
        and (state is None or card["state"] == state)
    )


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Page]:
    """A browser that looks at the page."""
    timeout = aiohttp.ClientTimeout(total=None)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as browser:
        async with browser.get(f"{url}/") as answer:
            assert answer.status == 200
        page = Page(url=url, browser=browser)
        listening = asyncio.create_task(page.listen())
        try:
            yield page
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
