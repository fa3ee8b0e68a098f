"""The files that a job starts from: sent along, replied to, or of an earlier job."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.contract.card import Media
from bot.contract.files import sort_of
from bot.contract.values import Attachment, Invocation, ParameterType
from bot.errors import InvalidValue, MediaRejected, Stale
from bot.jobs.models import InputImage
from bot.media.kinds import Family, media_type
from bot.media.pictures import LIMIT_BYTES, check_picture
from bot.media.spool import Spool
from bot.media.uploads import LIMIT_CLIP_BYTES, check_upload
from bot.service.look import Look
from bot.store.store import Store
from bot.workflow.model import Parameter, Workflow
from bot.workflow.values import NOUNS

_FAMILIES = {ParameterType.VIDEO: Family.VIDEO, ParameterType.AUDIO: Family.AUDIO}
"""What is no picture."""


class Inputs:
    """Finds a file for every parameter that takes one, checks it, and keeps what a node may load of it."""

    def __init__(self, store: Store, spool: Spool, look: Look) -> None:
        self._store = store
        self._spool = spool
        self._look = look

    async def of(
        self, invocation: Invocation, workflow: Workflow, kept: Sequence[InputImage]
    ) -> tuple[InputImage, ...]:
        """A file for each: named, then attached in order, then the one replied to, then kept.

        Where there is room for all of them, the one replied to is the first of its sort. Raises `UserError`.
        """
        found: list[InputImage] = []
        loose = list(invocation.attachments)
        unnamed = [each for each in workflow.files if each.spec.name not in invocation.images]
        replied = await self._replied_to(invocation) if unnamed else None
        mine = None if replied is None else _for_it(unnamed, replied)
        first = len(loose) < len(unnamed)
        earlier = {image.parameter: image.sha256 for image in kept}
        for parameter in workflow.files:
            name, kind = parameter.spec.name, parameter.spec.type
            if name in invocation.images:
                sha256 = await self._upload(invocation.images[name], kind)
            elif replied is not None and first and parameter is mine:
                sha256, replied = await self._replied(replied, kind), None
            elif (taken := _take(loose, kind, workflow)) is not None:
                sha256 = await self._upload(taken, kind)
            elif name in earlier:
                sha256 = earlier[name]
            elif replied is not None and _fits(replied, kind):
                sha256, replied = await self._replied(replied, kind), None
            elif parameter.spec.required:
                raise InvalidValue(name, f"{parameter.spec.title} is missing: attach one, or reply to one.")
            else:
                continue
            found += [
                InputImage(parameter=name, node=target.node, input=target.input, sha256=sha256)
                for target in parameter.targets
            ]
        _nothing_left(workflow, invocation, loose)
        return tuple(found)

    async def _upload(self, attachment: Attachment, kind: ParameterType) -> str:
        limit = LIMIT_CLIP_BYTES if kind in _FAMILIES else LIMIT_BYTES
        return await self._keep(await attachment.read(limit), kind)

    async def _replied_to(self, invocation: Invocation) -> Media | None:
        """The output that is replied to. Its own place only."""
        if invocation.reply_to is None:
            return None
        return await self._look.output(invocation.place, invocation.reply_to)

    async def _replied(self, media: Media, kind: ParameterType) -> str:
        noun = NOUNS[kind]
        if not _fits(media, kind):
            raise MediaRejected(f"That is not a {noun}. Reply to one, or attach one.")
        try:
            data = await self._spool.read(media.path.name)
        except FileNotFoundError as error:
            raise Stale(f"That {noun} is gone. Attach it instead.") from error
        return await self._keep(data, kind)

    async def _keep(self, data: bytes, kind: ParameterType) -> str:
        family = _FAMILIES.get(kind)
        checked = (await check_picture(data)).png if family is None else await _clip(data, family)
        blob = await self._spool.keep(checked)
        await self._store.requests.keep_blob(blob)
        return blob.sha256


async def _clip(data: bytes, family: Family) -> bytes:
    """A video or a sound as a node may load it. Raises `MediaRejected`."""
    with TemporaryDirectory(prefix="muralist-") as name:
        source = Path(name) / "upload"
        await asyncio.to_thread(source.write_bytes, data)
        checked = await check_upload(source, Path(name), [family])
        return await asyncio.to_thread(checked.path.read_bytes)


def _fits(media: Media, kind: ParameterType) -> bool:
    return sort_of(media.media_type) == kind.sort


def _for_it(parameters: Sequence[Parameter], replied: Media) -> Parameter:
    """The first parameter that takes such a file; without one the first of all, which says what it takes."""
    return next((each for each in parameters if _fits(replied, each.spec.type)), parameters[0])


def _take(loose: list[Attachment], kind: ParameterType, workflow: Workflow) -> Attachment | None:
    """The first attachment that is of a sort by its name, else the first that is of none that the workflow takes."""
    taken = {parameter.spec.type.sort for parameter in workflow.files}
    sorts = [sort_of(media_type(each.name)) for each in loose]
    fitting = [each for each, sort in zip(loose, sorts, strict=True) if sort == kind.sort]
    others = [each for each, sort in zip(loose, sorts, strict=True) if sort not in taken]
    found = next(iter((*fitting, *others)), None)
    if found is not None:
        loose.remove(found)
    return found


def _nothing_left(workflow: Workflow, invocation: Invocation, loose: Sequence[Attachment]) -> None:
    known = {parameter.spec.name for parameter in workflow.files}
    unknown = [name for name in invocation.images if name not in known]
    if unknown:
        raise InvalidValue(unknown[0], f'/{invocation.command} takes no picture "{unknown[0]}".')
    if loose:
        nouns = [NOUNS[parameter.spec.type] for parameter in workflow.files] or ["picture"]
        counts = {noun: nouns.count(noun) for noun in nouns} if known else {"picture": 0}
        listed = " and ".join(
            f"{count or 'no'} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items()
        )
        raise MediaRejected(f"/{invocation.command} takes {listed}.")
