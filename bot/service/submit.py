"""A command becomes a stored request, or an error and nothing at all."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from bot.comfy.models import loaded_by
from bot.contract.levels import Level
from bot.contract.values import (
    Attachment,
    Invocation,
    JobId,
    MessageId,
    OutputRef,
    ParameterType,
    RequestId,
    Started,
)
from bot.errors import InvalidValue, MediaRejected, Stale
from bot.feed import Feed
from bot.jobs.models import Added, InputImage, NewRequest, PatchValue
from bot.jobs.work import Lane, Work
from bot.media.kinds import Family, media_type
from bot.media.pictures import LIMIT_BYTES, check_picture
from bot.media.spool import Spool
from bot.media.uploads import LIMIT_CLIP_BYTES, check_upload
from bot.scheduling.caps import Caps
from bot.service.look import Look
from bot.service.offering import Offering
from bot.service.reading import loras_of, reading_of, with_named
from bot.service.rights import MAKE, Rights
from bot.service.servers import Servers
from bot.store.store import Store
from bot.worker.elsewhere import lease_name
from bot.workflow.load import version_of
from bot.workflow.model import Parameter, Role, Workflow
from bot.workflow.patch import apply, bind, without
from bot.workflow.values import NOUNS

_FAMILIES = {ParameterType.VIDEO: Family.VIDEO, ParameterType.AUDIO: Family.AUDIO}
"""What is no picture."""

SEED_BITS = 53
"""Seeds that we draw are exact in every program that may read them, JavaScript's numbers included."""


BATCHES = ("count", "batch", "batch_size")


class Submit:
    """Checks and stores requests."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        feed: Feed,
        servers: Servers,
        offering: Offering,
        look: Look,
        rights: Rights,
        caps: Caps | None = None,
    ) -> None:
        self._store = store
        self._spool = spool
        self._feed = feed
        self._servers = servers
        self._offering = offering
        self._look = look
        self._rights = rights
        self._caps = caps

    async def submit(
        self,
        invocation: Invocation,
        adapter: str,
        *,
        chosen: Workflow | None = None,
        kept: tuple[InputImage, ...] = (),
    ) -> Started:
        """Queue one run of a command, by the workflow `chosen` if there is one, whatever is offered.

        `kept` are pictures that an earlier job had for the same parameters. Raises `UserError`; then nothing is stored.
        """
        fingerprint = _fingerprint(invocation)
        known = await self._store.requests.find(invocation.event_key)
        if known is not None:
            return _same(known, fingerprint)
        await self._servers.ready()
        chosen = chosen or self._offering.require(invocation.command)
        self._servers.require(chosen)
        level = await self._rights.require(invocation.actor, MAKE)
        new = await self._request(invocation, adapter, chosen, kept, level)
        added = await self._store.requests.add(new, None if new.lane is Lane.ADMIN else self._caps)
        self._feed.queued(added.job)
        return _same(added, fingerprint)

    async def _request(
        self,
        invocation: Invocation,
        adapter: str,
        chosen: Workflow,
        kept: tuple[InputImage, ...],
        level: Level,
    ) -> NewRequest:
        """What is to be stored, if it can run. Raises `UserError`."""
        raw, seed = _raw(chosen, invocation.values), secrets.randbits(SEED_BITS)
        choices = self._servers.choices(chosen)
        bound = bind(chosen, raw, choices, seed, command=invocation.command, words=self._offering.words())
        able = self._servers.able(chosen)
        loras = loras_of(chosen, bound, able)
        inputs = await self._inputs(invocation, chosen, kept)
        graph, patch = without(chosen.graph, bound.patch, _left_out(chosen, inputs))
        graph = with_named(invocation.command, graph, loras, able)
        patched = apply(graph, patch)
        unfit = self._servers.unfit(chosen, patched)
        return NewRequest(
            request=RequestId(uuid4().hex),
            event_key=invocation.event_key,
            fingerprint=_fingerprint(invocation),
            actor=invocation.actor,
            place=invocation.place,
            command=invocation.command,
            message=MessageId(uuid4().hex),
            adapter=adapter,
            address=invocation.address,
            job=JobId(uuid4().hex),
            workflow=chosen.name,
            version=version_of(graph),
            graph=graph,
            values=bound.values,
            patch=patch,
            seed=bound.seed,
            inputs=inputs,
            parent=invocation.reply_to,
            transient=invocation.transient,
            spoiler=invocation.spoiler,
            lane=_lane(level, chosen, bound.values),
            models=loaded_by(patched),
            shunned=tuple(lease_name(url) for url in unfit),
            reading=reading_of(bound, loras),
            work=_work(chosen, bound.values),
            revision=chosen.revision,
            created=time.time(),
        )

    async def _inputs(
        self, invocation: Invocation, workflow: Workflow, kept: tuple[InputImage, ...]
    ) -> tuple[InputImage, ...]:
        """A file for every parameter that takes one: named, then attached in order, then the one replied to, then kept.

        Where there is room for all of them, the one replied to is the first.
        """
        found: list[InputImage] = []
        loose = list(invocation.attachments)
        reply = invocation.reply_to
        room = sum(parameter.spec.name not in invocation.images for parameter in workflow.files)
        reply_first = reply is not None and len(loose) < room
        earlier = {image.parameter: image.sha256 for image in kept}
        for parameter in workflow.files:
            name, kind = parameter.spec.name, parameter.spec.type
            if name in invocation.images:
                sha256 = await self._upload(invocation.images[name], kind)
            elif reply_first and reply is not None:
                sha256, reply = await self._replied(invocation, reply, kind), None
            elif loose:
                sha256 = await self._upload(_take(loose, kind), kind)
            elif name in earlier:
                sha256 = earlier[name]
            elif reply is not None:
                sha256, reply = await self._replied(invocation, reply, kind), None
            elif parameter.spec.required:
                raise InvalidValue(name, f"{parameter.spec.title} is missing: attach one, or reply to one.")
            else:
                continue
            found += _inputs(parameter, sha256)
        _nothing_left(workflow, invocation, loose)
        return tuple(found)

    async def _upload(self, attachment: Attachment, kind: ParameterType) -> str:
        limit = LIMIT_CLIP_BYTES if kind in _FAMILIES else LIMIT_BYTES
        return await self._keep(await attachment.read(limit), kind)

    async def _replied(self, invocation: Invocation, ref: OutputRef, kind: ParameterType) -> str:
        """The file that is replied to. Its own place only."""
        media = await self._look.output(invocation.place, ref)
        noun = NOUNS[kind]
        if not media.media_type.startswith(f"{_FAMILIES.get(kind, Family.IMAGE)}/"):
            raise MediaRejected(f"That is not a {noun}. Reply to one, or attach one.")
        try:
            data = await self._spool.read(media.path.name)
        except FileNotFoundError as error:
            raise Stale(f"That {noun} is gone. Attach it instead.") from error
        return await self._keep(data, kind)

    async def _keep(self, data: bytes, kind: ParameterType) -> str:
        """Check a file, and keep what a node may load of it."""
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


def _lane(level: Level, workflow: Workflow, values: Mapping[str, PatchValue]) -> Lane:
    """The owner's own go first; several films at once may take their time."""
    if level is Level.ADMIN:
        return Lane.ADMIN
    several = _work(workflow, values).batch > 1
    return Lane.BACKGROUND if Role.ANIMATE in workflow.roles and several else Lane.INTERACTIVE


def _take(loose: list[Attachment], kind: ParameterType) -> Attachment:
    """The first attachment that is of a kind by its name, else the first."""
    wanted = _FAMILIES.get(kind, Family.IMAGE)
    fitting = [each for each in loose if media_type(each.name).startswith(f"{wanted}/")]
    taken = fitting[0] if fitting else loose[0]
    loose.remove(taken)
    return taken


def _work(workflow: Workflow, values: Mapping[str, PatchValue]) -> Work:
    """What decides how long it takes, by the names that such parameters have."""
    width, height = _whole(values, "width"), _whole(values, "height")
    batch = next((found for name in BATCHES if (found := _whole(values, name)) is not None), 1)
    return Work(
        workflow=workflow.name,
        pixels=width * height if width is not None and height is not None else None,
        steps=_whole(values, "steps"),
        batch=max(1, batch),
    )


def _whole(values: Mapping[str, PatchValue], name: str) -> int | None:
    value = values.get(name)
    return int(value) if isinstance(value, int | float) else None


def _inputs(parameter: Parameter, sha256: str) -> list[InputImage]:
    return [
        InputImage(parameter=parameter.spec.name, node=target.node, input=target.input, sha256=sha256)
        for target in parameter.targets
    ]


def _raw(workflow: Workflow, values: Mapping[str, object]) -> dict[str, object]:
    """The values for `bind`. Image parameters are filled by pictures alone; text for one is an error that it words.

    Plain words come as a prompt, whatever the workflow calls its main text.
    """
    images = {parameter.spec.name for parameter in workflow.files}
    raw = {name: value for name, value in values.items() if name not in images or value not in (None, "")}
    known = {parameter.spec.name for parameter in workflow.parameters}
    main = workflow.command({}).main_text
    if "prompt" in raw and "prompt" not in known and main is not None:
        raw.setdefault(main.name, raw.pop("prompt"))
    return raw


def _left_out(workflow: Workflow, inputs: tuple[InputImage, ...]) -> frozenset[str]:
    """The nodes of pictures that were not given."""
    given = {image.parameter for image in inputs}
    absent = [parameter for parameter in workflow.files if parameter.spec.name not in given]
    return frozenset(node for parameter in absent for node in parameter.without)


def _nothing_left(workflow: Workflow, invocation: Invocation, loose: list[Attachment]) -> None:
    known = {parameter.spec.name for parameter in workflow.files}
    unknown = [name for name in invocation.images if name not in known]
    if unknown:
        raise InvalidValue(unknown[0], f'/{invocation.command} takes no picture "{unknown[0]}".')
    if loose:
        raise MediaRejected(
            f"/{invocation.command} takes {len(known) or 'no'} picture{'' if len(known) == 1 else 's'}."
        )


def _fingerprint(invocation: Invocation) -> str:
    """What must be the same when the same event comes again."""
    reply = [invocation.reply_to.job, invocation.reply_to.index] if invocation.reply_to else None
    facts = [invocation.command, dict(invocation.values), sorted(invocation.images), reply]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _same(added: Added, fingerprint: str) -> Started:
    if added.fingerprint != fingerprint:
        raise InvalidValue("Idempotency-Key", "That key was used for another request. Use a new one.")
    return Started(
        request=added.request,
        job=added.job,
        message=added.message,
        address=added.address,
        existing=added.existing,
    )
