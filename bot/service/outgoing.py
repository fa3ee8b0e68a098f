"""Files on their way out and pictures that people ask about."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from bot.cards.notes import made_elsewhere, unknown_picture
from bot.contract.card import Card, Film, Media, Preview, Raster
from bot.contract.values import Attachment
from bot.errors import MediaRejected
from bot.media.embedded import Embedded, read_embedded
from bot.media.errors import DoesNotFit
from bot.media.kinds import ending_of, media_type
from bot.media.outgoing import contact_sheet, measured, rasterise, shrink, thumbnail
from bot.media.pictures import LIMIT_BYTES
from bot.media.spool import Spool

log = structlog.get_logger(__name__)

TELLING = ("text", "prompt", "seed", "noise_seed", "ckpt_name", "unet_name", "steps", "cfg", "sampler_name")
"""Inputs of a graph that say how a picture was made."""
MOST_TOLD = 12
MOST_ON_SHEET = 100
STILL_SIDE = 320
"""Pixels of a still that stands for a film."""


class Outgoing:
    """Makes outputs fit, once for each limit, and reads what pictures say of themselves."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    async def fit(self, media: Media, limit: int) -> Media | None:
        """The output in at most `limit` bytes; None if it can't be made so small."""
        if media.size <= limit:
            return media
        kept = await asyncio.to_thread(_kept, self._spool.derived, f"{media.path.name}-{limit}")
        if kept is None:
            kept = await self._shrunk(media, limit)
        if kept is None:
            return None
        path, kind = kept
        size = (await asyncio.to_thread(path.stat)).st_size
        name = str(Path(media.name).with_suffix(path.suffix))
        return replace(media, path=path, size=size, media_type=kind, name=name)

    async def _shrunk(self, media: Media, limit: int) -> tuple[Path, str] | None:
        folder = self._spool.derived
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        async with self._spool.scratch() as working:
            try:
                made = await shrink(media.path, working, limit=limit)
            except (
                DoesNotFit,
                MediaRejected,
                RuntimeError,
            ) as error:  # the last: a decoder's or encoder's own
                log.warning("an output can't be made to fit", name=media.name, limit=limit, detail=str(error))
                return None
            target = folder / f"{media.path.name}-{limit}{ending_of(made.media_type)}"
            await asyncio.to_thread(made.path.replace, target)
            return target, made.media_type

    async def film(self, media: Media) -> Film | None:
        """What there is to tell of a video; None if it can't be read."""
        async with self._spool.scratch() as working:
            try:
                size, seconds = await measured(media.path)
                still = await thumbnail(media.path, working, max_side=STILL_SIDE)
            except MediaRejected as error:
                log.warning("a video can't be read", name=media.name, detail=str(error))
                return None
            data = await asyncio.to_thread(still.path.read_bytes)
        return Film(width=size[0], height=size[1], seconds=round(seconds), still=data)

    async def sheet(self, media: Sequence[Media], limit: int) -> Media | None:
        """One picture of several outputs in at most `limit` bytes; None if it can't be made."""
        names = "".join(each.path.name for each in media)
        stem = f"{hashlib.sha256(names.encode()).hexdigest()}-sheet"
        kept = await asyncio.to_thread(_kept, self._spool.derived, stem) or await self._sheet(media, stem)
        if kept is None:
            return None
        path, kind = kept
        size = (await asyncio.to_thread(path.stat)).st_size
        shown = replace(media[0], path=path, size=size, media_type=kind, name="sheet.jpg")
        return await self.fit(shown, limit)

    async def _sheet(self, media: Sequence[Media], stem: str) -> tuple[Path, str] | None:
        folder = self._spool.derived
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        async with self._spool.scratch() as working:
            try:
                made = await contact_sheet([each.path for each in media[:MOST_ON_SHEET]], working)
            except MediaRejected as error:
                log.warning("no contact sheet can be made", detail=str(error))
                return None
            target = folder / f"{stem}{ending_of(made.media_type)}"
            await asyncio.to_thread(made.path.replace, target)
            return target, made.media_type

    async def raster(self, preview: Preview, most: int) -> Raster | None:
        """A preview as numbers of colours; None if it can't be read."""
        async with self._spool.scratch() as folder:
            source = folder / "preview"
            await asyncio.to_thread(source.write_bytes, preview.data)
            try:
                return await rasterise(source, folder, max_side=most)
            except MediaRejected as error:
                log.info("a preview can't be read", detail=str(error))
                return None

    async def inspect(self, picture: Attachment) -> Card:
        """What a picture's own metadata says."""
        data = await picture.read(LIMIT_BYTES)
        async with self._spool.scratch() as folder:
            source = folder / "picture"
            await asyncio.to_thread(source.write_bytes, data)
            found = await read_embedded(source, picture.name)
        facts = dict(_facts(found))
        return made_elsewhere(facts) if facts else unknown_picture()


def _kept(folder: Path, stem: str) -> tuple[Path, str] | None:
    for path in folder.glob(f"{stem}.*"):
        return path, media_type(path.name)
    return None


def _facts(found: Embedded) -> Iterator[tuple[str, str]]:
    if found.parameters is not None:
        yield "prompt", found.parameters.prompt
        yield from found.parameters.settings.items()
    told = 0
    for node in (found.prompt or {}).values():
        inputs: Mapping[str, Any] = node.get("inputs", {}) if isinstance(node, dict) else {}
        for name in TELLING:
            value = inputs.get(name)
            if isinstance(value, str | int | float) and value != "" and told < MOST_TOLD:
                told += 1
                yield f"{node.get('class_type')} {name}", str(value)
