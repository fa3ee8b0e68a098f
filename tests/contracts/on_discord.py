"""The conversations on Discord, in a channel of a server; lines mention the bot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.asking import ready
from tests.contracts.chats import SECONDS, File, Shown
from tests.discord.double import Discord, serving
from tests.discord.limits import Json
from tests.discord.payloads import CHANNEL, TOKEN
from tests.discord.records import Asked, Message
from tests.processes import Program, bot_program, running

PEOPLE = {"ann": 42, "bob": 43, "ruth": 44}
"""Ruth is an admin."""


class DiscordChat:
    """Cards are messages in reply to the line."""

    name = "discord"
    asks = False

    def __init__(self, world: Discord, program: Program) -> None:
        self._world = world
        self._program = program

    async def ask(
        self, line: str, *, by: str = "ann", to: Shown | None = None, files: Sequence[File] = ()
    ) -> int:
        """A message that mentions the bot."""
        attached = [self._attached(file) for file in files]
        reply = None if to is None else to.handle
        return await self._world.write(line, user=PEOPLE[by], reply_to=reply, attachments=attached)

    async def press(self, shown: Shown, label: str, by: str = "ann") -> Asked:
        """A press on a component."""
        return await self._world.press(shown.handle, label, user=PEOPLE[by])

    async def forge(self, shown: Shown, action: str, by: str = "ann") -> Asked:
        """A press on a component that no message has."""
        return await self._world.press_id(shown.handle, f"aside:{action}", user=PEOPLE[by])

    async def card(self, asked: Any, button: str) -> Shown:
        """The answer with this button."""
        return _shown(
            await self._until(lambda: next((m for m in self._answers(asked) if button in m.buttons), None))
        )

    async def told(self, asked: Any) -> str:
        """A message, or one for the presser alone."""
        message = await self._until(lambda: next((m for m in self._answers(asked) if m.words), None))
        return _plain(message.words)

    async def again(self, shown: Shown, words: str) -> Shown:
        """The message as it is edited."""
        await self._until(lambda: words in shown.handle.words)
        return _shown(shown.handle)

    async def turned(self, shown: Shown, pressed: Any, words: str) -> Shown:
        """The message as it is edited."""
        del pressed
        return await self.again(shown, words)

    async def fill(self, pressed: Any, value: str, by: str = "ann") -> Asked:
        """The form that opens."""
        await self._until(lambda: pressed.kind == 9)
        return await self._world.submit(pressed, value, user=PEOPLE[by])

    async def files(self, asked: Any) -> tuple[bytes, ...]:
        """What is attached to the answer."""
        return tuple(
            (await self._until(lambda: next((m.files for m in self._answers(asked)), None))).values()
        )

    async def restart(self) -> None:
        """SIGKILL."""
        await self._program.kill()
        await self._until(lambda: not self._world.connected.is_set())
        await self._program.start()
        await self._world.connected.wait()

    async def appoint(self) -> None:
        """By the id on Discord."""
        self._program.environment["ADMINS"] = f"discord:{PEOPLE['ann']}"
        await self.restart()

    async def _until(self, condition: Any) -> Any:
        return await self._world.until(condition, SECONDS)

    def _answers(self, asked: Any) -> list[Message]:
        """The messages that answer a line or a press."""
        every = [message for message in self._world.messages.values() if not message.deleted]
        if isinstance(asked, Asked):
            own = [asked.message] if asked.message not in (None, asked.source) else []
            return [m for m in every if m in own or m.token == asked.token]
        return [
            m
            for m in every
            if m.payload.get("message_reference", {}).get("message_id") in (asked, str(asked))
        ]

    def _attached(self, file: File) -> Json:
        """A file on Discord's servers."""
        number = 5 * 10**17 + len(self._world.messages)
        self._world.messages[number] = Message(id=number, channel=CHANNEL, files={file.name: file.data})
        url = f"{self._world.url}/attachments/{CHANNEL}/{number}/{file.name}"
        return {
            "id": str(number), "filename": file.name, "size": len(file.data), "url": url, "proxy_url": url,
            "content_type": file.kind,
        }  # fmt: skip


def _shown(message: Message) -> Shown:
    return Shown(
        words=_plain(message.words),
        pictures=tuple(message.gallery),
        buttons=tuple(message.buttons),
        handle=message,
    )


def _plain(words: str) -> str:
    """Without Discord's marks."""
    return words.replace("**", "").replace("\\", "").replace("`", "").strip()


@asynccontextmanager
async def opened(folder: Path, comfyui: str, http: aiohttp.ClientSession) -> AsyncIterator[DiscordChat]:
    """The bot on a Discord over sockets."""
    world = Discord()
    async with serving(world):
        program = bot_program(
            folder, comfyui, DISCORD_TOKEN=TOKEN, DISCORD_API_BASE=world.api, ADMINS="discord:44"
        )
        async with running(program):
            await world.connected.wait()
            await ready(http, program.url)
            yield DiscordChat(world, program)
