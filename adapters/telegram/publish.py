"""Publishes the commands to Telegram's menu, and again whenever what the core offers has changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Iterator, Sequence

import structlog
from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
)
from telegram.error import BadRequest

from adapters.telegram.desk import menu_name
from bot.contract.ports import Core
from bot.contract.values import Command

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
"""How often it is looked whether the commands are still the same."""

PUBLISHED = "published"
MOST_COMMANDS = 100
MOST_DESCRIPTION = 256
Published = tuple[BotCommandScope, str | None, list[BotCommand]]
"""A menu: whose, in which language, and what it lists."""

_NAME = re.compile(r"[a-z0-9_]{1,32}")


class Publisher:
    """Keeps Telegram's menus the same as the core's commands."""

    def __init__(self, bot: Bot, core: Core) -> None:
        self._bot = bot
        self._core = core

    async def run(self) -> None:
        """Publish after changes, until cancelled; what still changes is waited for.

        At the first start nothing is known of the servers yet, and all that might be done is offered.
        """
        before: list[Published] = []
        published: list[Published] | None = None
        while True:
            try:
                menus = list(self._menus())
                if menus == before and menus != published:
                    await self._publish(menus)
                    published = menus
                before = menus
            except Exception:  # a worker's loop: logged, and tried again
                log.exception("the commands could not be published")
            await asyncio.sleep(LOOK_SECONDS)

    async def _publish(self, menus: Sequence[Published]) -> None:
        text = json.dumps(
            [
                self._bot.id,
                *((scope.to_dict(), lang, [c.to_dict() for c in menu]) for scope, lang, menu in menus),
            ]
        )
        digest = hashlib.sha256(text.encode()).hexdigest()
        known = (await self._core.recall(PUBLISHED)).get(PUBLISHED)
        if known is not None and known["digest"] == digest:
            log.info("the commands are as published")
            return
        for scope, language, menu in menus:
            try:
                await self._bot.set_my_commands(menu, scope=scope, language_code=language)
            except BadRequest as error:  # an admin who never wrote to the bot has no chat with it
                log.info("a menu can't be published", scope=scope.type, detail=error.message)
        await self._core.remember(PUBLISHED, {"digest": digest})
        log.info("commands are published", menus=len(menus))

    def _menus(self) -> Iterator[Published]:
        """Everybody's commands, and for those who run the bot theirs, too; each in every language."""
        commands = self._core.commands()
        common = [command for command in commands if not command.admin]
        scopes: list[tuple[BotCommandScope, Sequence[Command]]] = [
            (BotCommandScopeAllPrivateChats(), common),
            (BotCommandScopeAllGroupChats(), common),
        ]
        if len(common) < len(commands):
            admins = [int(admin) for admin in self._core.admins() if admin.isdecimal()]
            scopes += [(BotCommandScopeChat(admin), commands) for admin in admins]
        languages = sorted({language for command in commands for language in command.words})
        for scope, shown in scopes:
            for language in (None, *languages):
                yield scope, language, _menu(shown, language)


def _menu(commands: Sequence[Command], language: str | None) -> list[BotCommand]:
    """Names stay as they are typed; descriptions are in the language."""
    fit = [command for command in commands if _NAME.fullmatch(menu_name(command.name))]
    if len(fit) < len(commands) or len(fit) > MOST_COMMANDS:
        log.warning("some commands have no place in Telegram's menu; typed, they work", count=len(commands))
    return [
        BotCommand(menu_name(command.name), _described(command, language)[:MOST_DESCRIPTION])
        for command in fit[:MOST_COMMANDS]
    ]


def _described(command: Command, language: str | None) -> str:
    words = command.words.get(language or "")
    return (words.description if words is not None else None) or command.description or command.title
