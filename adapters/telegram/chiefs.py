"""Who runs a Telegram group: what its administrators are to the setting LEVELS."""

from __future__ import annotations

import time
from collections.abc import Mapping

import structlog
from telegram import Bot, ChatMember
from telegram.error import TelegramError

KEPT_SECONDS = 300.0
"""How long the administrators of a chat are taken to be the same."""

ROLES = {ChatMember.OWNER: "telegram-creator", ChatMember.ADMINISTRATOR: "telegram-administrator"}

log = structlog.get_logger(__name__)


class Chiefs:
    """Asks who the administrators are, once in a while for each chat."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._known: dict[int, tuple[float, Mapping[int, str]]] = {}

    async def roles(self, user: int, chat: int, home: int) -> tuple[str, ...]:
        """Somebody's roles in a chat, whose first id was `home`: in any chat, and in this one."""
        role = (await self._of(chat)).get(user)
        return () if role is None else (role, f"{role}:{home}")

    async def _of(self, chat: int) -> Mapping[int, str]:
        """The roles by person. What can't be found out is nobody's role."""
        until, known = self._known.get(chat, (0.0, {}))
        if time.monotonic() < until:
            return known
        try:
            found = await self._bot.get_chat_administrators(chat)
        except TelegramError as error:
            log.info("a chat's administrators can't be found out", chat=chat, detail=str(error))
            found = ()
        roles = {member.user.id: ROLES[member.status] for member in found if member.status in ROLES}
        self._known[chat] = time.monotonic() + KEPT_SECONDS, roles
        return roles
