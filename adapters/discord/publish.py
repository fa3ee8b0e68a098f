"""Publishes the commands, and again whenever what the core offers has changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import discord
import structlog
from discord import app_commands

from adapters.discord.slash import slash
from adapters.discord.talk import Talk
from bot.contract.ports import Core
from bot.contract.values import Command, Extra, Menu

log = structlog.get_logger(__name__)

LOOK_SECONDS = 60.0
"""How often it is looked whether the commands are still the same: models come and go."""

PUBLISHED = "published"
ADMIN = "muralist"
MOST_COMMANDS = 100
MOST_MENUS = 15

Interaction = discord.Interaction[Any]
Tree = app_commands.CommandTree[Any]


class Publisher:
    """Keeps Discord's list of commands the same as the core's."""

    def __init__(self, core: Core, talk: Talk, tree: Tree) -> None:
        self._core = core
        self._talk = talk
        self._tree = tree

    async def run(self) -> None:
        """Publish now and after changes, until cancelled."""
        while True:
            try:
                await self.publish()
            except Exception:  # a worker's loop: logged, and tried again
                log.exception("the commands could not be published")
            await asyncio.sleep(LOOK_SECONDS)

    async def publish(self) -> bool:
        """Publish the commands if they are not what was published last. Whether they were sent."""
        self._fill()
        commands = [*self._tree.get_commands(type=None)]
        payload = sorted((command.to_dict(self._tree) for command in commands), key=lambda each: each["name"])
        text = json.dumps([str(self._tree.client.application_id), payload], sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()
        known = (await self._core.recall(PUBLISHED)).get(PUBLISHED)
        if known is not None and known["digest"] == digest:
            return False
        await self._tree.sync()
        await self._core.remember(PUBLISHED, {"digest": digest})
        log.info("commands are published", count=len(commands))
        return True

    def _fill(self) -> None:
        """Put what the core offers now into the tree."""
        extras = [self._core.extra(extra) for extra in Extra]
        made: list[Any] = []
        group = app_commands.Group(
            name=ADMIN, description="Muralist", default_permissions=discord.Permissions(manage_guild=True)
        )
        for command in self._core.commands():
            published = slash(command, extras if command.workflow else (), self._talk.command, self._choices)
            if command.admin:
                group.add_command(published)
            else:
                made.append(published)
        if group.commands:
            made.insert(0, group)
        if len(made) > MOST_COMMANDS:
            log.warning("Discord takes 100 commands; the last are left out", count=len(made))
        made = [*made[:MOST_COMMANDS], *(self._menu(menu) for menu in self._core.menus()[:MOST_MENUS])]
        self._tree.clear_commands(guild=None, type=None)
        for each in made:
            self._tree.add_command(each)

    def _menu(self, menu: Menu) -> app_commands.ContextMenu:
        async def callback(interaction: Interaction, message: discord.Message) -> None:
            await self._talk.menu(interaction, menu, message)

        callback.__annotations__ = {"interaction": discord.Interaction, "message": discord.Message}
        return app_commands.ContextMenu(name=menu.title, callback=callback)

    def _choices(self, command: str, parameter: str) -> Sequence[str]:
        """What can be chosen now."""
        found = next((each for each in self._core.commands() if each.name == command), None)
        return _choices_of(found, parameter) if found is not None else ()


def _choices_of(command: Command, parameter: str) -> Sequence[str]:
    return next((spec.choices for spec in command.parameters if spec.name == parameter), ())
