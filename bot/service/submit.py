"""A command becomes a stored request, or an error and nothing at all."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.comfy.models import loaded_by
from bot.contract.levels import Level
from bot.contract.values import (
    Invocation,
    JobId,
    MessageId,
    ParameterType,
    RequestId,
    Started,
)
from bot.errors import InvalidValue
from bot.feed import Feed
from bot.jobs.models import Added, Graph, InputImage, NewRequest, Patch, PatchValue
from bot.jobs.work import Lane, Work
from bot.media.kinds import Family
from bot.media.spool import Spool
from bot.scheduling.terms import Terms
from bot.service.draws import Draws
from bot.service.grounds import Ground, Grounds
from bot.service.inputs import Inputs
from bot.service.look import Look
from bot.service.offering import Offering
from bot.service.quota import today
from bot.service.reading import loras_of, reading_of, with_named
from bot.service.rights import MAKE, Rights
from bot.service.servers import Servers
from bot.service.turns import Turns
from bot.store.claims import Rules
from bot.store.store import Store
from bot.worker.elsewhere import lease_name
from bot.workflow.load import version_of
from bot.workflow.loras import Lora
from bot.workflow.model import Role, Workflow
from bot.workflow.paid import dollars
from bot.workflow.patch import Bound, apply, bind, without

_FAMILIES = {ParameterType.VIDEO: Family.VIDEO, ParameterType.AUDIO: Family.AUDIO}
"""What is no picture."""

SEED_BITS = 53
"""Seeds that we draw are exact in every program that may read them, JavaScript's numbers included."""


AT_ONCE = 8
"""Requests that are begun in one turn of the event loop: each takes it for a millisecond or two."""

BATCHES = ("count", "batch", "batch_size")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fitted:
    """A workflow with what was asked for: its graph, the patch, and both together."""

    bound: Bound
    loras: Sequence[Lora]
    inputs: tuple[InputImage, ...]
    graph: Graph
    patch: Patch
    patched: Graph


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
        grounds: Grounds,
        rules: Rules,
    ) -> None:
        self._store = store
        self._feed = feed
        self._servers = servers
        self._offering = offering
        self._inputs = Inputs(store, spool, look)
        self._rights = rights
        self._grounds = grounds
        self._rules = rules
        self._turns = Turns(AT_ONCE)
        self._draws = Draws()

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
        await self._turns.take()
        fingerprint = _fingerprint(invocation)
        known, trust, ground = await asyncio.gather(  # together, so that the store is asked once
            self._store.requests.find(invocation.event_key),
            self._rights.trust(invocation.actor),
            self._grounds.of(invocation.place),
        )
        if known is not None:
            return _same(known, fingerprint)
        level = self._rights.judge(invocation.actor, trust, MAKE)
        await self._servers.ready()
        chosen = self._allowed(chosen, invocation.command, ground, level)
        self._servers.require(chosen)
        new = await self._request(invocation, adapter, chosen, kept, level, fingerprint)
        self._grounds.require_words(ground, chosen, new.values, new.reading.texts)
        added = await self._store.requests.add(new, self._terms(new, level))
        self._feed.queued(added.job)
        return _same(added, fingerprint)

    def _terms(self, new: NewRequest, level: Level) -> Terms:
        """What a request of this level must fit; the owner's own have no caps."""
        return Terms(
            caps=None if new.lane is Lane.ADMIN else self._rules.caps,
            allowance=self._rights.policy.allowance(level),
            day=today(new.created),
            purse=self._servers.purse,
            plan=self._rules.plan,
        )

    def _allowed(self, chosen: Workflow | None, command: str, ground: Ground, level: Level) -> Workflow:
        """The workflow that does it, for a role another that serves it if the first may not run here.

        Raises `NotAllowed`.
        """
        first = chosen or self._offering.require(command)
        refusal = self._grounds.refusal(ground, first, command, level)
        if refusal is None:
            return first
        for other in self._offering.serving_all(command) if chosen is None else ():
            if self._grounds.refusal(ground, other, command, level) is None:
                return other
        raise refusal

    async def _request(
        self,
        invocation: Invocation,
        adapter: str,
        chosen: Workflow,
        kept: tuple[InputImage, ...],
        level: Level,
        fingerprint: str,
    ) -> NewRequest:
        """What is to be stored, if it can run. Raises `UserError`."""
        fitted = await self._fitted(invocation, chosen, kept, self._draws.number(SEED_BITS))
        values, patched = fitted.bound.values, fitted.patched
        unfit, bill = self._servers.unfit(chosen, patched), self._servers.costs(patched)
        return NewRequest(
            request=RequestId(self._draws.id()),
            event_key=invocation.event_key,
            fingerprint=fingerprint,
            actor=invocation.actor,
            place=invocation.place,
            command=invocation.command,
            message=MessageId(self._draws.id()),
            adapter=adapter,
            address=invocation.address,
            job=JobId(self._draws.id()),
            workflow=chosen.name,
            version=version_of(fitted.graph),
            graph=fitted.graph,
            values=values,
            patch=fitted.patch,
            seed=fitted.bound.seed,
            inputs=fitted.inputs,
            parent=invocation.reply_to,
            transient=invocation.transient,
            spoiler=invocation.spoiler,
            lane=_lane(level, chosen, values),
            models=loaded_by(patched),
            shunned=tuple(lease_name(url) for url in unfit),
            reading=reading_of(fitted.bound, fitted.loras),
            work=_work(chosen, values),
            revision=chosen.revision,
            paid=bool(bill),
            price=dollars(bill),
            created=time.time(),
        )

    async def _fitted(
        self, invocation: Invocation, chosen: Workflow, kept: tuple[InputImage, ...], seed: int
    ) -> _Fitted:
        """What was asked for, put into the workflow. Raises `UserError`."""
        raw, servers = _raw(chosen, invocation.values), self._servers
        choices = servers.choices(chosen)
        servers.require_families(chosen, raw)
        bound = bind(chosen, raw, choices, seed, command=invocation.command, words=self._offering.words())
        able = servers.able(chosen)
        loras = loras_of(chosen, bound, able, servers.families.of)
        inputs = await self._inputs.of(invocation, chosen, kept)
        graph, patch = without(chosen.graph, bound.patch, _left_out(chosen, inputs))
        graph = with_named(invocation.command, graph, loras, able)
        patched = apply(graph, patch)
        await servers.families.learn(patched)
        servers.families.require(chosen, patched)
        return _Fitted(bound=bound, loras=loras, inputs=inputs, graph=graph, patch=patch, patched=patched)


def _lane(level: Level, workflow: Workflow, values: Mapping[str, PatchValue]) -> Lane:
    """The owner's own go first; several films at once may take their time."""
    if level is Level.ADMIN:
        return Lane.ADMIN
    several = _work(workflow, values).batch > 1
    return Lane.BACKGROUND if Role.ANIMATE in workflow.roles and several else Lane.INTERACTIVE


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
