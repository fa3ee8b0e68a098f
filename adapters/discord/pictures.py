"""Finding pictures, videos and sounds in messages, and reading them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import aiohttp
import discord
from yarl import URL

from adapters.discord.order import File
from bot.contract.files import ANY, sort_of
from bot.errors import MediaGone, MediaTooLarge

SECONDS = 60.0
CHUNK = 64 * 1024


class Reader:
    """Reads files from Discord's servers."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def read(self, name: str, url: str, limit: int) -> bytes:
        """The bytes of a file. Raises `MediaRejected` if there are more than `limit`, or none can be had."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS))
        data = bytearray()
        try:
            async with self._session.get(URL(url, encoded=True)) as answer:
                if answer.status != 200:
                    raise MediaGone(name)
                async for chunk in answer.content.iter_chunked(CHUNK):
                    data += chunk
                    if len(data) > limit:
                        raise MediaTooLarge(name, limit)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise MediaGone(name) from error
        return bytes(data)

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def pictures(message: discord.Message) -> tuple[File, ...]:
    """The files of a message that a command may take: attached, embedded, in galleries, forwarded; each once."""
    found: dict[str, File] = {}
    parts: list[discord.Message | discord.MessageSnapshot] = [message, *message.message_snapshots]
    for part in parts:
        for file in _files(part):
            found.setdefault(URL(file.url, encoded=True).path, file)
    return tuple(found.values())


def attached(message: discord.Message) -> tuple[File, ...]:
    """Every file of a message, of whatever kind; without any its pictures."""
    found = tuple(
        File(name=each.filename, url=each.url, sort=sort_of(each.content_type or "") or ANY)
        for each in message.attachments
    )
    return found or pictures(message)


def buttons(message: discord.Message) -> Iterator[str]:
    """The ids of a message's buttons."""
    for component in _walk(message.components):
        if isinstance(component, discord.Button) and component.custom_id is not None:
            yield component.custom_id


def _files(part: discord.Message | discord.MessageSnapshot) -> Iterator[File]:
    for attachment in part.attachments:
        sort = sort_of(attachment.content_type or "")
        if sort is not None:
            yield File(name=attachment.filename, url=attachment.url, sort=sort)
    for component in _walk(part.components):
        yield from _shown(component)
    for embed in part.embeds:
        # Discord's own copy: the original may be anywhere, also where only this machine reaches
        for picture in (embed.image, embed.thumbnail):
            if picture.proxy_url:
                yield File(name="picture", url=picture.proxy_url)


def _shown(component: Any) -> Iterator[File]:
    items: Sequence[Any] = ()
    if isinstance(component, discord.MediaGalleryComponent):
        items = [item.media for item in component.items]
    elif isinstance(component, discord.ThumbnailComponent):
        items = [component.media]
    for media in items:
        url = media.url if media.attachment_id else media.proxy_url
        sort = sort_of(media.content_type or "image/")
        if url and sort is not None:
            yield File(name=URL(url, encoded=True).name or "picture", url=url, sort=sort)


def _walk(components: Sequence[Any]) -> Iterator[Any]:
    for component in components:
        yield component
        yield from _walk(getattr(component, "children", ()))
        if getattr(component, "accessory", None) is not None:
            yield component.accessory
