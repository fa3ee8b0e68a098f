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

from adapters.discord.slash import InLanguages, distinct, options, published_name, slash
from adapters.discord.talk import Talk
from bot.contract.ports import Core
from bot.contract.values import Command, Extra, Menu, ParameterSpec

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
"""How often it is looked whether the commands are still the same: models come and go."""

AGAIN_SECONDS = 55.0
"""How much later it is tried again when that failed."""

PUBLISHED = "published"
ADMIN = "muralist"
MOST_COMMANDS = 100
MOST_MENUS = 5
"""Discord takes more by now, discord.py does not."""

MOST_IN_GROUP = 25
MOST_MENU_NAME = 32

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
        published: object = None
        while True:
            offered = (list(self._core.commands()), list(self._core.menus()))
            if offered != published:
                try:
                    await self.publish()
                    published = offered
                except Exception:  # a worker's loop: logged, and tried again
                    log.exception("the commands could not be published")
                    await asyncio.sleep(AGAIN_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)

    async def publish(self) -> bool:
        """Publish the commands if they are not what was published last. Whether they were sent."""
        translator = InLanguages()
        await self._tree.set_translator(translator)
        self._fill()
        commands = [*self._tree.get_commands(type=None)]
        payload = [await command.get_translated_payload(self._tree, translator) for command in commands]
        payload.sort(key=lambda each: (each["type"], each["name"]))
        text = json.dumps([str(self._tree.client.application_id), payload], sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()
        known = (await self._core.recall(PUBLISHED)).get(PUBLISHED)
        if known is not None and known["digest"] == digest:
            log.info("commands are as they were published", count=len(commands))
            return False
        await self._tree.sync()
        await self._core.remember(PUBLISHED, {"digest": digest})
        log.info("commands are published", count=len(commands))
        return True

    def _fill(self) -> None:
        """Put what the core offers now into the tree."""
        commands = _distinct(self._core.commands())
        ours = [command for command in commands if command.admin and " " not in command.name]
        grouped = _by_first_word([command for command in commands if command.admin and " " in command.name])
        theirs = [
            command for command in commands if not command.admin and published_name(command.name) != ADMIN
        ]
        group = self._group(ours[:MOST_IN_GROUP])
        room = MOST_COMMANDS - len(group.commands[:1]) - len(grouped)
        left_out = [*theirs[room:], *ours[MOST_IN_GROUP:]]
        if left_out:
            names = [command.name for command in left_out]
            log.warning("Discord has no room for all commands", most=MOST_COMMANDS, left_out=names)
        menus = _fitting(self._core.menus())
        self._tree.clear_commands(guild=None, type=None)
        if group.commands:
            self._tree.add_command(group)
        for word, parts in grouped.items():
            self._tree.add_command(self._group(parts[:MOST_IN_GROUP], word))
        for command in self._made(theirs[:room]):
            self._tree.add_command(command)
        for menu in menus:
            self._tree.add_command(self._menu(menu))

    def _group(self, commands: Sequence[Command], name: str = ADMIN) -> app_commands.Group:
        """The commands of those who run the bot: Discord shows them to nobody else, the core checks at each use."""
        group = app_commands.Group(
            name=name, description="Muralist", default_permissions=discord.Permissions(manage_guild=True)
        )
        for made in self._made(commands):
            group.add_command(made)
        return group

    def _made(self, commands: Sequence[Command]) -> list[app_commands.Command[Any, Any, Any]]:
        extras = [self._core.extra(extra) for extra in Extra]
        names = distinct([(published_name(command.name), command.words) for command in commands])
        made = []
        for command, others in zip(commands, names, strict=True):
            more = extras if command.workflow else []
            _tell_of_left_out(command, more)
            part = command.name.partition(" ")[2] if command.admin else None
            made.append(slash(command, more, self._talk.command, self._choices, others, part))
        return made

    def _menu(self, menu: Menu) -> app_commands.ContextMenu:
        async def callback(interaction: Interaction, message: discord.Message) -> None:
            await self._talk.menu(interaction, menu, message)

        callback.__annotations__ = {"interaction": discord.Interaction, "message": discord.Message}
        names = {language: words.name[:MOST_MENU_NAME] for language, words in menu.words.items()}
        title = app_commands.locale_str(menu.title[:MOST_MENU_NAME], names=names)
        return app_commands.ContextMenu(name=title, callback=callback)

    def _choices(self, command: str, parameter: str) -> Sequence[str]:
        """What can be chosen now."""
        found = next((each for each in self._core.commands() if each.name == command), None)
        return _choices_of(found, parameter) if found is not None else ()


def _fitting(menus: Sequence[Menu]) -> list[Menu]:
    """As many as there is room for, the first ones and the last."""
    if len(menus) <= MOST_MENUS:
        return list(menus)
    left_out = menus[MOST_MENUS - 1 : -1]
    log.warning("Discord has no room for all menus", left_out=[menu.name for menu in left_out])
    return [*menus[: MOST_MENUS - 1], menus[-1]]


def _by_first_word(commands: Sequence[Command]) -> dict[str, list[Command]]:
    """Commands of two words by their first, each of which is a group."""
    found: dict[str, list[Command]] = {}
    for command in commands:
        found.setdefault(published_name(command.name.partition(" ")[0]), []).append(command)
    return found


def _distinct(commands: Sequence[Command]) -> list[Command]:
    """Each name once, as Discord spells it."""
    found: dict[str, Command] = {}
    for command in commands:
        if found.setdefault(published_name(command.name), command) is not command:
            log.warning("a command's name is another's already", command=command.name)
    return list(found.values())


def _tell_of_left_out(command: Command, extras: Sequence[ParameterSpec]) -> None:
    left_out = [spec.name for spec in options(command, extras)[1]]
    if left_out:
        log.warning("Discord has no room for all options", command=command.name, left_out=left_out)


def _choices_of(command: Command, parameter: str) -> Sequence[str]:
    return next((spec.choices for spec in command.parameters if spec.name == parameter), ())
