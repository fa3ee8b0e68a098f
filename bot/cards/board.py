"""Gathers the facts that cards are made of."""

from __future__ import annotations

from collections.abc import Callable

from bot.cards.render import Facts, render
from bot.contract.card import Card, Media
from bot.feed import Feed
from bot.jobs.models import MessageView, Output
from bot.jobs.states import State
from bot.media.spool import Spool
from bot.scheduling.fairness import people_ahead
from bot.store.store import Store


class Board:
    """Looks at a job's message and draws its card. `answering` says whether any ComfyUI answers now."""

    def __init__(self, store: Store, spool: Spool, feed: Feed, answering: Callable[[], bool]) -> None:
        self._store = store
        self._spool = spool
        self._feed = feed
        self._answering = answering

    async def card(self, view: MessageView) -> Card:
        """The card of a message as its job stands now."""
        facts = Facts(
            view=view,
            media=[self.media(view, output) for output in view.outputs],
            live=self._feed.live(view.job.id),
            ahead=await self.ahead(view),
            answering=self._answering(),
        )
        return render(facts)

    async def ahead(self, view: MessageView) -> int | None:
        """How many jobs a backend will take before this one; None once one has it."""
        if view.job.state is not State.QUEUED:
            return None
        mine, nth, others = await self._store.messages.line(view)
        return people_ahead(mine, nth, others)

    def fraction(self, view: MessageView) -> tuple[float, str | None]:
        """How far a job is, and at which node."""
        live = self._feed.live(view.job.id)
        if view.job.state is State.DONE:
            return 1.0, None
        return (live.fraction, live.node) if live is not None else (view.job.fraction, view.job.node)

    def media(self, view: MessageView, output: Output) -> Media:
        """An output as a card shows it."""
        return Media(
            job=view.job.id,
            index=output.index,
            path=self._spool.path(output.blob.sha256),
            media_type=output.media_type,
            name=output.name,
            size=output.blob.size,
        )
