"""The connection to Discord: its events go to the desk."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any, Self

import aiohttp
import discord
import structlog
from discord import app_commands, ui

from adapters.discord.desk import Desk, note
from adapters.discord.forms import FORM
from adapters.discord.pictures import Reader
from adapters.discord.post import Post
from adapters.discord.publish import Publisher
from adapters.discord.settings import DiscordSettings
from adapters.discord.talk import Talk
from bot.contract.card import Effect
from bot.contract.ports import Core
from bot.errors import Unexpected

log = structlog.get_logger(__name__)

Interaction = discord.Interaction[Any]


class Client(discord.AutoShardedClient):
    """As many shards as Discord asks for, and nothing in memory that is not used."""

    def __init__(self, core: Core, settings: DiscordSettings) -> None:
        super().__init__(
            intents=_intents(settings),
            shard_count=_shards(settings),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=30.0,
            http_trace=_watching(core),
        )
        self.post = Post(self, core)
        self._reader = Reader()
        self._desk = Desk(core, self.post, self._reader)
        self.talk = Talk(self._desk)
        self._reads = settings.discord_message_content
        self.tree: app_commands.CommandTree[Any] = app_commands.CommandTree(
            self,
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        )
        self.tree.error(self._failed)
        self._publisher = Publisher(core, self.talk, self.tree)
        self._tasks: list[asyncio.Task[None]] = []

    async def setup_hook(self) -> None:
        """Take up what an earlier process left."""
        self.add_dynamic_items(Press)
        await self.talk.forget_old_forms(time.time())
        for work in (self._publisher.run(), self._desk.resume()):
            self._tasks.append(asyncio.create_task(work))

    async def close(self) -> None:
        """End everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._reader.close()
        await super().close()

    async def on_message(self, message: discord.Message) -> None:
        """Somebody wrote."""
        assert self.user is not None, "messages come after READY"
        await self.talk.message(message, self.user, reads=self._reads)

    async def on_interaction(self, interaction: Interaction) -> None:
        """Forms that come back are known by their id alone, so that they outlive the process that asked."""
        data: Any = interaction.data
        if interaction.type is discord.InteractionType.modal_submit and data["custom_id"].startswith(FORM):
            await self.talk.submit(interaction)

    async def on_error(self, event_method: str, /, *_args: Any, **_more: Any) -> None:
        """What a handler raised."""
        log.exception("an event could not be handled", event_name=event_method)

    async def _failed(self, interaction: Interaction, error: app_commands.AppCommandError) -> None:
        """What a command raised."""
        log.error("a command failed", error=repr(error), exc_info=error.__cause__ or error)
        if not interaction.response.is_done():
            await self._desk.say(interaction, note(Unexpected()))


class Press(ui.DynamicItem[ui.Button[Any]], template=r"(?P<effect>new|aside|here|ask):(?P<action>.{1,64})"):
    """A button of any card, also of one that an earlier process sent."""

    def __init__(self, button: ui.Button[Any], effect: Effect, action: str) -> None:
        super().__init__(button)
        self._effect = effect
        self._action = action

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button that was pressed."""
        assert isinstance(item, ui.Button), "only buttons have such ids"
        return cls(item, Effect(match["effect"]), match["action"])

    async def callback(self, interaction: Interaction) -> None:
        """Do what it says."""
        assert isinstance(interaction.client, Client), "no other client has these items"
        await interaction.client.talk.press(interaction, self._effect, self._action)


def _watching(core: Core) -> aiohttp.TraceConfig:
    """Keeps back what would be sent by a process that may be the platform's no longer, and tells of answers that
    Discord's library waits for and tries again by itself."""
    trace = aiohttp.TraceConfig()

    async def began(
        _session: aiohttp.ClientSession, _context: object, _about: aiohttp.TraceRequestStartParams
    ) -> None:
        core.check_held()

    async def ended(
        _session: aiohttp.ClientSession, _context: object, about: aiohttp.TraceRequestEndParams
    ) -> None:
        if about.response.status == 429:
            core.slowed()

    trace.on_request_start.append(began)
    trace.on_request_end.append(ended)
    return trace


def _intents(settings: DiscordSettings) -> discord.Intents:
    """Servers for their limits, messages for mentions and replies; reading all of them only if that is set."""
    return discord.Intents(
        guilds=True,
        guild_messages=True,
        dm_messages=True,
        message_content=settings.discord_message_content,
    )


def _shards(settings: DiscordSettings) -> int | None:
    """None: as many as Discord says. A gateway that is set is not asked."""
    if settings.discord_shards is None and settings.discord_gateway_url is not None:
        return 1
    return settings.discord_shards
