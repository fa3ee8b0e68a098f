"""Passes news of jobs between processes, so that a chat process shows what happens in a worker's at once.

A hint as all news is: who misses a word finds it in the store a second later.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

from bot.contract.card import Preview
from bot.contract.values import JobId
from bot.feed import Feed, Live, Topic
from bot.media.spool import Spool
from bot.store.driver import MOST_BYTES, Calls

GATHER_SECONDS: Final = 0.2
"""What comes meanwhile goes together, and only the newest of each job."""

MOST_NOTE: Final = 300
"""Characters of what a node says of its work."""


class Relay:
    """Tells the others of this feed's news, and this feed of theirs. `owner` names this process."""

    def __init__(self, feed: Feed, calls: Calls, spool: Spool, owner: str) -> None:
        self._feed = feed
        self._calls = calls
        self._spool = spool
        self._owner = owner
        self._news: dict[JobId, Topic] = {}
        self._stirred = asyncio.Event()
        self._shown: dict[JobId, Preview] = {}
        self._heard: asyncio.Queue[str] = asyncio.Queue()

    async def run(self) -> None:
        """Pass on until cancelled."""
        self._feed.pass_on = self._note
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._calls.hear(self._heard.put_nowait))
                tasks.create_task(self._send())
                tasks.create_task(self._receive())
        finally:
            self._feed.pass_on = None

    def _note(self, job: JobId, about: Topic) -> None:
        self._news[job] = self._news.get(job, Topic(0)) | about
        self._stirred.set()

    async def _send(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            news, self._news = self._news, {}
            for word in _packed(self._owner, [await self._item(job, about) for job, about in news.items()]):
                await self._calls.call(word)
            await asyncio.sleep(GATHER_SECONDS)

    async def _item(self, job: JobId, about: Topic) -> dict[str, Any]:
        item: dict[str, Any] = {"job": job, "about": about.value}
        live = self._feed.live(job)
        if live is not None and about & Topic.PROGRESS:
            note = live.note[:MOST_NOTE] if live.note else None
            item["live"] = {"fraction": live.fraction, "node": live.node, "note": note}
            if live.preview is not None:
                item["preview"] = live.preview.media_type
                if self._shown.get(job) is not live.preview:
                    self._shown[job] = live.preview
                    await self._spool.put_preview(job, live.preview.data)
        if about & Topic.OVER:
            self._shown.pop(job, None)
            await self._spool.drop_preview(job)
        return item

    async def _receive(self) -> None:
        while True:
            message = json.loads(await self._heard.get())
            if message["from"] != self._owner:
                for item in message["news"]:
                    await self._take_in(item)

    async def _take_in(self, item: dict[str, Any]) -> None:
        job, live = JobId(item["job"]), None
        if "live" in item:
            preview = None
            if "preview" in item:
                data = await self._spool.preview(job)
                preview = None if data is None else Preview(data=data, media_type=item["preview"])
            live = Live(**item["live"], preview=preview)
        self._feed.elsewhere(job, Topic(item["about"]), live)


def _packed(owner: str, items: list[dict[str, Any]]) -> list[str]:
    """As few words as hold these items."""
    words: list[str] = []
    while items:
        taken = len(items)
        while len(word := json.dumps({"from": owner, "news": items[:taken]})) > MOST_BYTES and taken > 1:
            taken = (taken + 1) // 2
        words.append(word)
        items = items[taken:]
    return words
