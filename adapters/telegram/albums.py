"""Albums: Telegram delivers each picture of one as a message of its own, and says nothing of the last."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

import structlog
from telegram import Bot, Message

from adapters.telegram.order import File
from adapters.telegram.pictures import pictures
from bot.contract.ports import Core

log = structlog.get_logger(__name__)

ALBUM = "album:"
MORE_SECONDS = 1.0
"""An album is complete when nothing of it has come for so long."""

REMEMBERED = 300
"""Albums that a reply to one of their pictures finds again."""

Key = tuple[int, str]


class Albums:
    """Collects albums and hands each on as one."""

    def __init__(self, core: Core, complete: Callable[[Sequence[Message]], Awaitable[None]]) -> None:
        self._core = core
        self._complete = complete
        self._coming: dict[Key, list[Message]] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._seen: OrderedDict[Key, dict[int, tuple[File, ...]]] = OrderedDict()

    async def add(self, message: Message) -> None:
        """One more picture; it is noted when this returns."""
        await self._core.remember(_name(message), message.to_dict())
        self._put(message)

    async def resume(self, bot: Bot) -> None:
        """Take up what an earlier process was collecting."""
        for kept in (await self._core.recall(ALBUM)).values():
            message = Message.de_json(dict(kept), bot)
            self._put(message)

    async def close(self) -> None:
        """End; what was collected is noted."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def around(self, message: Message) -> tuple[File, ...]:
        """All pictures of the album that a message belongs to, as far as they were seen."""
        if message.media_group_id is None:
            return ()
        seen = self._seen.get((message.chat.id, message.media_group_id), {})
        return tuple(file for number in sorted(seen) for file in seen[number])

    def _put(self, message: Message) -> None:
        key = (message.chat.id, str(message.media_group_id))
        self._seen.setdefault(key, {})[message.message_id] = tuple(pictures(message))
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        coming = self._coming.setdefault(key, [])
        if all(other.message_id != message.message_id for other in coming):
            coming.append(message)
        if key in self._tasks:
            self._tasks[key].cancel()
        self._tasks[key] = asyncio.create_task(self._wait(key))

    async def _wait(self, key: Key) -> None:
        await asyncio.sleep(MORE_SECONDS)
        del self._tasks[key]
        messages = sorted(self._coming.pop(key), key=lambda message: message.message_id)
        try:
            await self._complete(messages)
        except Exception:  # an adapter's callback
            log.exception("an album could not be taken", chat=key[0])
        await self._core.forget(*(_name(message) for message in messages))


def _name(message: Message) -> str:
    return f"{ALBUM}{message.chat.id}:{message.media_group_id}:{message.message_id}"
