"""The conversations on Telegram, in a group where everybody is served."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.asking import ready
from tests.contracts.chats import File, Shown
from tests.processes import Program, running
from tests.telegram import people, records
from tests.telegram.conftest import telegram_bot
from tests.telegram.double import Telegram, serving
from tests.telegram.wire import Json

PEOPLE = {"ann": people.ANN, "bob": people.BOB, "ruth": people.RUTH}
"""Ruth is an admin."""


class TelegramChat:
    """Each writes in their own chat with the bot, but in reply to a card where that is."""

    name = "telegram"
    asks = True

    def __init__(self, world: Telegram, program: Program) -> None:
        self._world = world
        self._program = program

    async def ask(
        self, line: str, *, by: str = "ann", to: Shown | None = None, files: Sequence[File] = ()
    ) -> Json:
        """A message, with a file as its caption."""
        more: Json = {}
        for file in files:
            more |= self._world.document(file.data, file.name, file.kind)
        if to is not None:
            more["reply"] = to.handle
        return await self._world.write(line, by=PEOPLE[by], **more)

    async def press(self, shown: Shown, label: str, by: str = "ann") -> tuple[records.Shown, str]:
        """A press on an inline keyboard."""
        card: records.Shown = shown.handle
        return card, await self._world.press(card, label, by=PEOPLE[by])

    async def forge(self, shown: Shown, action: str, by: str = "ann") -> tuple[records.Shown, str]:
        """A press on a button that no keyboard has."""
        card: records.Shown = shown.handle
        return card, await self._world.press(card, "", by=PEOPLE[by], data=action)

    async def card(self, asked: Any, button: str) -> Shown:
        """The answer to a message, or to a card with a button."""
        message = {"chat": {"id": asked[0].chat}, "message_id": asked[0].id} if _is_press(asked) else asked
        return _shown(await self._world.card(message, button))

    async def told(self, asked: Any) -> str:
        """A message, or what pops up."""
        if not _is_press(asked):
            return (await self._world.answer(asked)).words.strip()
        await self._world.until(lambda: self._world.rested(asked[1]))
        (answer,) = [each for each in self._world.answers if each["callback_query_id"] == asked[1]]
        return str(answer.get("text", ""))

    async def again(self, shown: Shown, words: str) -> Shown:
        """The message as it is edited."""
        await self._world.until(lambda: words in shown.handle.words)
        return _shown(shown.handle)

    async def turned(self, shown: Shown, pressed: Any, words: str) -> Shown:
        """The message as it is edited."""
        del pressed
        return await self.again(shown, words)

    async def fill(self, pressed: Any, value: str, by: str = "ann") -> Json:
        """An answer to the question."""
        chat = pressed[0].chat

        def question() -> records.Shown | None:
            found = [each for each in self._world.of(chat) if each.raw.get("markup", {}).get("force_reply")]
            return found[-1] if found else None

        await self._world.until(lambda: question() is not None)
        return await self._world.write(value, by=PEOPLE[by], reply=question())

    async def files(self, asked: Any) -> tuple[bytes, ...]:
        """The documents that answer."""

        def sent() -> list[bytes]:
            return [each.data for each in self._world.replying(asked) if each.data is not None]

        await self._world.until(sent)
        return tuple(sent())

    async def restart(self) -> None:
        """SIGKILL."""
        await self._program.kill()
        await self._program.start()

    async def appoint(self) -> None:
        """By the id on Telegram."""
        self._program.environment["ADMINS"] = f"telegram:{PEOPLE['ann']['id']}"
        await self.restart()


def _is_press(asked: Any) -> bool:
    return isinstance(asked, tuple)


def _shown(card: records.Shown) -> Shown:
    pictures = () if card.data is None else (card.data,)
    return Shown(words=card.words, pictures=pictures, buttons=tuple(card.buttons), handle=card)


@asynccontextmanager
async def opened(folder: Path, comfyui: str, http: aiohttp.ClientSession) -> AsyncIterator[TelegramChat]:
    """The bot on a Telegram over HTTP; nothing may be asked of it that it would refuse."""
    world = Telegram()
    async with serving(world):
        async with running(
            telegram_bot(folder, comfyui, world, TELEGRAM_PUBLIC="true", ADMINS="telegram:1003")
        ) as program:
            await world.updates.polled.wait()
            await ready(http, program.url)
            yield TelegramChat(world, program)
    assert world.violations == []
