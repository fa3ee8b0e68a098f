"""What the Telegram of the tests tells the bot: by long polling that waits, or to a webhook."""

from __future__ import annotations

import asyncio
import itertools

import aiohttp

from tests.telegram.wire import Json, Refused

LOOK_SECONDS = 0.2


class Updates:
    """Updates on their way. `polled` is set once somebody fetches them."""

    def __init__(self, changed: asyncio.Condition) -> None:
        self.webhook: Json = {}
        self.delivered = False
        self.confirmed = False
        self.polled = asyncio.Event()
        self._changed = changed
        self._waiting: list[Json] = []
        self._ids = itertools.count(500)
        self._poller: asyncio.Event | None = None

    def hook(self, values: Json) -> bool:
        """Deliver to a webhook from now on; without a URL to whoever polls."""
        self.webhook = values
        return True

    async def deliver(self, event: Json) -> None:
        """Something happened."""
        update = {"update_id": next(self._ids), **event}
        if self.webhook.get("url"):
            await self._post(update)
            return
        async with self._changed:
            self._waiting.append(update)
            self._changed.notify_all()

    async def get(self, values: Json) -> list[Json]:
        """`getUpdates`: what is new, waited for; a later poller ends an earlier one's waiting."""
        if self.webhook.get("url"):
            raise Refused(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the "
                "webhook first",
            )
        if self._poller is not None:
            self._poller.set()
        mine = self._poller = asyncio.Event()
        self.polled.set()
        waiting = [u for u in self._waiting if u["update_id"] >= values.get("offset", 0)]
        self.confirmed = self.confirmed or len(waiting) < len(self._waiting)
        self._waiting = waiting
        try:
            async with asyncio.timeout(values.get("timeout", 0)), self._changed:
                while not self._waiting and not mine.is_set():
                    self._changed.notify_all()
                    await self._wait(mine)
        except TimeoutError:
            pass
        finally:
            if self._poller is mine:
                self._poller = None
        if mine.is_set():
            raise Refused(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            )
        self.delivered = self.delivered or bool(self._waiting)
        return self._waiting[:100]

    async def _post(self, update: Json) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.get("secret_token", "")}
        async with aiohttp.ClientSession() as session:
            async with session.post(self.webhook["url"], json=update, headers=headers) as response:
                assert response.status == 200

    async def _wait(self, mine: asyncio.Event) -> None:
        """For an update, or another poller."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._changed.wait_for(lambda: self._waiting or mine.is_set())
        except TimeoutError:
            pass
