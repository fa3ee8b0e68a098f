"""The Discord adapter: keeps the connection, and shows cards."""

from __future__ import annotations

import asyncio
import time

import discord
import structlog
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.discord.client import Client
from adapters.discord.guide import invitation
from adapters.discord.rates import EDITS, SECONDS
from adapters.discord.settings import DiscordSettings
from adapters.discord.where import MOST_BYTES, Where
from bot.contract.card import Card
from bot.contract.ports import Core, Limits, Shared
from bot.contract.values import Address
from bot.errors import ConfigError, SlowDown

log = structlog.get_logger(__name__)

NO_SUCH_LOGIN = "DISCORD_TOKEN: Discord does not know that token. Make a new one in the developer portal."
AUTHENTICATION_FAILED = 4004
"""The gateway closes with that when the token was reset."""

NOT_YET_SECONDS = 0.5
"""How soon to try again while there is no connection yet."""


class DiscordAdapter:
    """One application on Discord."""

    name = "discord"
    limits = Limits(edit_seconds=1.0, media_per_message=10, previews=True)

    def __init__(self, settings: DiscordSettings, token: str) -> None:
        self._settings = settings
        self._token = token
        self._client: Client | None = None
        self._opened: asyncio.Event = asyncio.Event()

    async def opened(self) -> str:
        """Wait until commands arrive."""
        await self._opened.wait()
        assert self._client is not None
        return f"Invite the bot with {invitation(str(self._client.application_id))}"

    async def run(self, core: Core) -> None:
        """Serve Discord until cancelled. Raises `ConfigError` for a token or intent that Discord refuses."""
        _point_at(self._settings)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody talks here
        client = self.client(core)
        announcing: asyncio.Task[None] | None = None
        try:
            async with client:
                await client.login(self._token)
                await self._learn_gateway(client)
                self._client = client
                announcing = asyncio.create_task(self._announce(client))
                await client.connect()
        except discord.LoginFailure as error:
            raise ConfigError(NO_SUCH_LOGIN) from error
        except discord.ConnectionClosed as error:
            if error.code != AUTHENTICATION_FAILED:
                raise
            raise ConfigError(NO_SUCH_LOGIN) from error
        except discord.PrivilegedIntentsRequired as error:
            raise ConfigError(
                "DISCORD_MESSAGE_CONTENT is set, but Discord does not allow the bot to read messages. "
                "Turn on Message Content Intent in the developer portal > Bot, or take the setting out."
            ) from error
        finally:
            self._client = None
            if announcing is not None:
                announcing.cancel()

    def client(self, core: Core) -> Client:
        """A connection that is not opened yet."""
        return Client(core, self._settings)

    def turn(self, address: Address, *, final: bool, left: float | None = None) -> float:
        """Use one edit of the bot's budgets; none without a connection."""
        if self._client is None:
            return NOT_YET_SECONDS
        return self._client.post.turn(Where.of(address), final=final, left=left)

    def shared(self, address: Address) -> Shared | None:
        """Messages of a channel that the bot edits with its own token share its edits."""
        where = Where.of(address)
        alone = where.private or not where.lasting or where.guild is None or where.message is None
        if alone or where.token_at(time.time()) is not None:
            return None
        board = Where(channel=where.channel, guild=where.guild, limit=MOST_BYTES, user=0)
        return Shared(address=board.address(), rate=EDITS / SECONDS)

    async def show(self, address: Address, card: Card) -> Address | None:
        """Make the message show the card."""
        moved = await self._connected().post.show(Where.of(address), card)
        return None if moved is None else moved.address()

    async def remove(self, address: Address) -> None:
        """Delete the message."""
        await self._connected().post.remove(Where.of(address))

    def _connected(self) -> Client:
        if self._client is None:
            raise SlowDown(NOT_YET_SECONDS)
        return self._client

    async def _learn_gateway(self, client: Client) -> None:
        """A session that is begun anew goes to the default, whatever REST had named for the first."""
        if self._settings.discord_gateway_url is None:
            _, url, _ = await client.http.get_bot_gateway()
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)

    async def _announce(self, client: Client) -> None:
        await client.wait_until_ready()
        self._opened.set()
        log.info("connected to Discord", user=str(client.user), servers=len(client.guilds))


def _point_at(settings: DiscordSettings) -> None:
    """discord.py keeps these addresses in its classes."""
    Route.BASE = settings.discord_api_base.rstrip("/")
    if settings.discord_gateway_url is not None:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord_gateway_url)
