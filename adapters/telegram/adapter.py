"""The Telegram adapter: keeps the connection, and shows cards."""

from __future__ import annotations

import asyncio
import os
from typing import Any

# python-telegram-bot answers spans of time as such from then on; without it, it warns at each
os.environ.setdefault("PTB_TIMEDELTA", "true")

import structlog
from telegram.error import InvalidToken
from telegram.ext import AIORateLimiter, ExtBot
from telegram.request import HTTPXRequest

from adapters.telegram.desk import Desk
from adapters.telegram.pictures import Reader
from adapters.telegram.post import Post
from adapters.telegram.publish import Publisher
from adapters.telegram.rates import GROUP, GROUP_SECONDS
from adapters.telegram.receive import listen, poll
from adapters.telegram.settings import TelegramSettings
from adapters.telegram.talk import Talk
from adapters.telegram.where import Where
from bot.contract.card import Card
from bot.contract.ports import Core, Limits, Shared
from bot.contract.values import Address
from bot.errors import ConfigError, SlowDown

log = structlog.get_logger(__name__)

NOT_YET_SECONDS = 0.5
"""How soon to try again while there is no connection yet."""

EDIT_SECONDS = 1.0
"""Between two edits of one message that show progress."""

SECONDS, UPLOAD_SECONDS = 30.0, 300.0
CONNECTIONS = 32


class TelegramAdapter:
    """One bot on Telegram."""

    name = "telegram"

    def __init__(self, settings: TelegramSettings, token: str) -> None:
        self.limits = Limits(
            edit_seconds=EDIT_SECONDS, media_per_message=1, previews=True, listed=not settings.telegram_public
        )
        self._settings = settings
        self._token = token
        self._post: Post | None = None
        self._link = ""
        self._opened: asyncio.Event = asyncio.Event()

    async def opened(self) -> str:
        """Wait until messages arrive."""
        await self._opened.wait()
        return f"Write to the bot at {self._link}"

    async def run(self, core: Core) -> None:
        """Serve Telegram until cancelled. Raises `ConfigError` for a token that Telegram refuses, a second poller."""
        bot = self._bot(core)
        try:
            async with bot:
                await self._serve(bot, core)
        except InvalidToken as error:
            raise ConfigError(
                "TELEGRAM_TOKEN: Telegram does not know that token. @BotFather shows it: /mybots > API Token."
            ) from error
        finally:
            self._post = None

    def turn(self, address: Address, *, final: bool, left: float | None = None) -> float:
        """Use one edit of the bot's budgets; none without a connection."""
        if self._post is None:
            return NOT_YET_SECONDS
        return self._post.turn(Where.of(address), final=final, left=left)

    def shared(self, address: Address) -> Shared | None:
        """All messages of a group share its edits; those of a topic are seen together."""
        where = Where.of(address)
        if where.chat > 0:
            return None
        return Shared(
            address=Where(chat=where.chat, thread=where.thread).address(), rate=GROUP / GROUP_SECONDS
        )

    async def show(self, address: Address, card: Card) -> Address | None:
        """Make the message show the card."""
        moved = await self._connected().show(Where.of(address), card)
        return None if moved is None else moved.address()

    async def remove(self, address: Address) -> None:
        """Delete the message."""
        await self._connected().remove(Where.of(address))

    async def _serve(self, bot: ExtBot[int], core: Core) -> None:
        self._link = bot.link
        self._post = post = Post(bot, core)
        desk = Desk(core, post, Reader(bot))
        talk = Talk(bot, desk, self._settings)
        publishing = asyncio.create_task(Publisher(bot, core).run())
        try:
            await talk.resume()
            if self._settings.telegram_webhook_url is None:
                await poll(bot, talk.update, self._announce)
            else:
                await listen(bot, self._settings, talk.update, self._announce)
        finally:
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)
            await talk.albums.close()
            await desk.close()

    def _bot(self, core: Core) -> ExtBot[int]:
        request = Requests(
            core,
            connection_pool_size=CONNECTIONS,
            read_timeout=SECONDS,
            write_timeout=SECONDS,
            connect_timeout=SECONDS,
            pool_timeout=SECONDS,
            media_write_timeout=UPLOAD_SECONDS,
        )
        return ExtBot(
            self._token,
            base_url=self._settings.telegram_api_base,
            base_file_url=self._settings.file_base,
            request=request,
            get_updates_request=Requests(core, connection_pool_size=1, connect_timeout=SECONDS),
            local_mode=self._settings.telegram_local,
            rate_limiter=AIORateLimiter(),
        )

    def _connected(self) -> Post:
        if self._post is None:
            raise SlowDown(NOT_YET_SECONDS)
        return self._post

    def _announce(self) -> None:
        self._opened.set()
        log.info("connected to Telegram", bot=self._link)


class Requests(HTTPXRequest):
    """Keeps back what would be sent by a process that may be the platform's no longer."""

    def __init__(self, core: Core, **more: Any) -> None:
        super().__init__(**more)
        self._core = core

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Make a request, if this process still may."""
        self._core.check_held()
        return await super().do_request(*args, **kwargs)
