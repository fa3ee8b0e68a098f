"""What a card's buttons do. The right to press is checked here, in the store, at every press."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import assert_never

import structlog

from bot.cards.actions import Button, Verb, read_button
from bot.cards.render import info
from bot.contract.overview import Change
from bot.contract.values import (
    Accepted,
    Actor,
    Answer,
    Ask,
    Files,
    Invocation,
    JobId,
    OutputRef,
    ParameterType,
    Press,
    Said,
)
from bot.errors import NoSuchJob, NotAllowed, Stale
from bot.feed import Feed
from bot.jobs.models import MessageView
from bot.jobs.states import ENDS, State
from bot.media.spool import Spool
from bot.service.look import Look
from bot.service.offering import ROLE_OF, Offering
from bot.service.rights import DELETE_ANY, END_ANY, Rights
from bot.service.shelf import Shelf
from bot.service.steer import whose
from bot.service.submit import Submit
from bot.store.store import Store
from bot.workflow.model import Workflow
from bot.workflow.shorthand import STYLE

MOST_PARENTS = 20
"""How far back the words are looked for that a picture was made from."""

log = structlog.get_logger(__name__)


class Act:
    """Does what buttons say."""

    def __init__(
        self,
        store: Store,
        spool: Spool,
        feed: Feed,
        look: Look,
        submit: Submit,
        offering: Offering,
        rights: Rights,
        shelf: Shelf,
    ) -> None:
        self._store = store
        self._spool = spool
        self._feed = feed
        self._look = look
        self._submit = submit
        self._offering = offering
        self._rights = rights
        self._shelf = shelf

    async def act(self, press: Press, adapter: str) -> Answer:
        """Do what the pressed button says. Raises `Stale`, `NoSuchJob`, `NotAllowed`, or what a command raises."""
        button = read_button(press.action)
        view = await self._look.view(press.place, button.ref.job)
        if view.removed:
            raise Stale("That message was deleted. Send the command again.")
        match button.verb:
            case Verb.AGAIN:
                return await self._again(press, view, adapter)
            case Verb.USE | Verb.ANIMATE:
                await self._look.output(press.place, button.ref)
                role = ROLE_OF[button.verb]
                self._offering.require(role)
                return Ask(command=role, reply_to=button.ref)
            case Verb.VARY | Verb.UPSCALE | Verb.DESCRIBE:
                return await self._carry_on(press, view, button, adapter)
            case Verb.INFO:
                return Said(card=info(view))
            case Verb.DELETE:
                return await self._delete(press.actor, view)
            case Verb.CANCEL:
                return await self._cancelled(press.actor, view)
            case Verb.FILES:
                return await self._files(view)
            case Verb.FETCH:
                return await self._fetch(press, view)
            case _ as never:
                assert_never(never)

    async def _cancelled(self, actor: Actor, view: MessageView) -> Answer:
        if view.job.state in ENDS and view.job.state is not State.CANCELLED:  # twice is as good as once
            raise NoSuchJob
        await self._end(actor, view)
        return Accepted()

    async def cancel(self, actor: Actor, job: JobId) -> None:
        """Ask for the end of one's own job, or as a moderator of any."""
        view = await self._store.messages.of_job(job)
        if view is None:
            raise NoSuchJob
        await self._end(actor, view)

    async def _again(self, press: Press, view: MessageView, adapter: str) -> Answer:
        """The same once more, with another seed."""
        workflow = await self._made_with(view)
        if workflow is None:
            raise Stale(f"The workflow {view.job.workflow} is not here any more.")
        invocation = replace(
            _pressed(press, view), command=view.command, values=self._repeatable(workflow, view)
        )
        return await self._submit.submit(invocation, adapter, chosen=workflow, kept=view.job.inputs)

    async def _made_with(self, view: MessageView) -> Workflow | None:
        """The workflow of a job: in the version that it was made with, if that is kept."""
        now, revision = self._offering.find(view.job.workflow), view.job.revision
        if revision is None or (now is not None and now.revision == revision):
            return now
        return await self._shelf.past(view.job.workflow, revision)

    def _repeatable(self, workflow: Workflow, view: MessageView) -> dict[str, object]:
        """A job's values as far as there still is what they are for, without its seed."""
        kinds = {parameter.spec.name: parameter.spec.type for parameter in workflow.parameters}
        kept = {name for name, kind in kinds.items() if kind is not ParameterType.SEED}
        if view.job.values.get(STYLE) in self._offering.words().styles:
            kept.add(STYLE)
        return {name: value for name, value in view.job.values.items() if name in kept}

    async def _carry_on(self, press: Press, view: MessageView, button: Button, adapter: str) -> Answer:
        """Do with a picture what needs no more words than it was made from."""
        workflow = self._offering.require(ROLE_OF[button.verb])
        main = workflow.command({}).main_text
        prompt = await self._prompt(view) if main is not None and button.verb is Verb.VARY else ""
        invocation = replace(
            _pressed(press, view),
            command=ROLE_OF[button.verb],
            values={"prompt": prompt} if prompt else {},
            reply_to=button.ref,
        )
        return await self._submit.submit(invocation, adapter)

    async def _prompt(self, view: MessageView | None) -> str:
        """The words that a picture was made from, be it at the beginning of a chain of pictures."""
        for _ in range(MOST_PARENTS):
            if view is None:
                break
            prompt = view.job.values.get("prompt")
            if isinstance(prompt, str) and prompt:
                return prompt
            parent = view.job.parent
            view = await self._store.messages.of_job(parent.job) if parent is not None else None
        return ""

    async def _delete(self, actor: Actor, view: MessageView) -> Answer:
        others = await self._is_others(actor, view, DELETE_ANY)
        if view.job.state not in ENDS:
            raise NotAllowed("That is not finished yet. Cancel it first.")
        unused = await self._store.messages.remove(view.id, view.job.id)
        if others:
            whom = whose(view.job.id, view.actor)
            change = Change(at=time.time(), by=actor, what="delete", whom=whom, after="deleted")
            await self._store.audit.note(change)
        for sha256 in unused:
            await self._spool.drop(sha256)
        self._feed.changed(view.job.id)
        return Accepted()

    async def _fetch(self, press: Press, view: MessageView) -> Answer:
        """Go on with the message at the address that the press brought."""
        if press.renewed is not None:
            await self._store.messages.renew(view.id, press.renewed)
            self._feed.changed(view.job.id)
        return Accepted()

    async def _files(self, view: MessageView) -> Files:
        """The outputs as they lie on the disk."""
        refs = [OutputRef(job=view.job.id, index=output.index) for output in view.outputs]
        return Files(media=tuple([await self._look.output(view.place, ref) for ref in refs]))

    async def _is_others(self, actor: Actor, view: MessageView, deed: str) -> bool:
        """One's own is everybody's to end; others' takes a level. Raises `NoSuchJob`."""
        if (actor.platform, actor.external_id) == (view.actor.platform, view.actor.external_id):
            return False
        if not await self._rights.may(actor, deed):
            raise NoSuchJob
        log.info("a moderator acts", deed=deed, job=view.job.id, by=f"{actor.platform}:{actor.external_id}")
        return True

    async def _end(self, actor: Actor, view: MessageView) -> None:
        change = Change(at=time.time(), by=actor, what="cancel-job", whom=whose(view.job.id, view.actor))
        if await self._is_others(actor, view, END_ANY):
            await self._store.steering.cancel(view.job.id, change)
        else:
            await self._store.queue.cancel(view.job.id, now=change.at)
        self._feed.cancelled(view.job.id)


def _pressed(press: Press, view: MessageView) -> Invocation:
    """A press as an invocation of no command yet."""
    return Invocation(
        event_key=press.event_key,
        actor=press.actor,
        place=press.place,
        command="",
        address=press.address,
        transient=press.transient,
        spoiler=view.spoiler,
    )
