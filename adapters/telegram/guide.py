"""What a bot's token says about its set-up on Telegram, asked over the Bot API."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import yarl

from adapters.telegram.settings import TelegramSettings
from bot.contract.ports import Examined, Finding, Level
from bot.contract.values import Actor
from bot.errors import ConfigError

SECONDS = 10.0
POLL_SECONDS = 5

_TOKEN = re.compile(r"\d{3,}:[\w-]{20,}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    status: int
    result: Any


class TelegramGuide:
    """Asks Telegram about a token."""

    name = "telegram"
    title = "Telegram"
    setting = "TELEGRAM_TOKEN"
    advice = "write /newbot to @BotFather"

    def __init__(self, settings: TelegramSettings) -> None:
        self._settings = settings

    def token(self) -> str | None:
        """The token that is set now."""
        return self._settings.telegram_token

    async def examine(self, token: str) -> Examined:
        """Whether the token works, and how the bot is set up."""
        token = token.strip()
        if _TOKEN.fullmatch(token) is None:
            return _only(
                "That is no token: one looks like 123456:ABC-DEF. @BotFather shows it: /mybots > API Token."
            )
        async with aiohttp.ClientSession() as session:
            try:
                return await self._examine(session, token)
            except (aiohttp.ClientError, TimeoutError, OSError):
                return _only("Telegram does not answer. Check this machine's connection, then try again.")

    async def meet(self, token: str, word: str, seconds: float) -> Actor | None:
        """Wait until somebody writes the word to the bot. Raises `ConfigError` if another program receives for it."""
        offset = 0
        try:
            async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
                while True:
                    query = {"timeout": POLL_SECONDS, "offset": offset, "allowed_updates": '["message"]'}
                    answer = await self._ask(session, token.strip(), "getUpdates", query)
                    _refuse_a_second_receiver(answer.status)
                    for update in answer.result if isinstance(answer.result, list) else ():
                        offset = max(offset, int(update.get("update_id", 0)) + 1)
                        if (found := _writer(update, word)) is not None:
                            await self._ask(
                                session, token.strip(), "getUpdates", {"offset": offset, "timeout": 0}
                            )
                            return found
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    async def _examine(self, session: aiohttp.ClientSession, token: str) -> Examined:
        me = await self._ask(session, token, "getMe")
        if me.status in (401, 404):
            return _only(
                "Telegram does not know that token. @BotFather shows the right one: /mybots > API Token."
            )
        if me.status != 200 or not isinstance(me.result, dict):
            return _only(f"Telegram answers {me.status}. Try again in a few minutes.")
        webhook = (await self._ask(session, token, "getWebhookInfo")).result
        name = me.result.get("username")
        findings = (
            Finding(level=Level.FINE, text=f"The token is that of @{name}."),
            *_of_bot(me.result),
            *_of_webhook(webhook if isinstance(webhook, dict) else {}),
        )
        return Examined(findings=findings, link=f"https://t.me/{name}")

    async def _ask(
        self, session: aiohttp.ClientSession, token: str, method: str, query: dict[str, Any] | None = None
    ) -> _Answer:
        url = yarl.URL(f"{self._settings.telegram_api_base}{token}/{method}")
        limit = aiohttp.ClientTimeout(total=SECONDS + POLL_SECONDS)
        async with session.get(url, params=query or {}, timeout=limit) as response:
            try:
                body = json.loads(await response.read())
            except ValueError:
                body = {}
            return _Answer(
                status=response.status, result=body.get("result") if isinstance(body, dict) else None
            )


def _only(text: str) -> Examined:
    return Examined(findings=(Finding(level=Level.PROBLEM, text=text),))


def _of_bot(me: dict[str, Any]) -> Iterator[Finding]:
    if not me.get("can_join_groups", True):
        text = "It may not join groups. To allow it: @BotFather, /setjoingroups."
        yield Finding(level=Level.NOTE, text=text)
    if not me.get("can_read_all_group_messages"):
        text = (
            "Group privacy is on: in groups it sees commands and replies to its own messages, which is enough to work. "
            "To let it see replies to other people's pictures: @BotFather, /setprivacy, Disable."
        )
        yield Finding(level=Level.NOTE, text=text)


def _of_webhook(webhook: dict[str, Any]) -> Iterator[Finding]:
    """Only the host is told: the path of a webhook is often a secret."""
    if webhook.get("url"):
        host = yarl.URL(str(webhook["url"])).host
        text = f"Its messages go to a webhook at {host}. Muralist takes them over when it starts."
        yield Finding(level=Level.NOTE, text=text)


def _refuse_a_second_receiver(status: int) -> None:
    if status == 409:
        raise ConfigError("Another program receives for this Telegram bot. Stop it, then try again.")


def _writer(update: dict[str, Any], word: str) -> Actor | None:
    message = update.get("message")
    sender = message.get("from") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(sender, dict):
        return None
    if word.lower() not in str(message.get("text", "")).lower():
        return None
    return Actor(
        platform="telegram", external_id=str(sender.get("id")), name=str(sender.get("first_name") or "you")
    )
