"""Gathers the facts that cards are made of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bot.cards.actions import Verb
from bot.cards.render import TEXT_SHOWN, Facts, prompt_of, render
from bot.cards.together import Running, together
from bot.contract.card import Card, Media
from bot.contract.values import JobId
from bot.feed import Feed
from bot.jobs.models import MessageView, Output
from bot.jobs.states import State
from bot.media.spool import Spool
from bot.scheduling.holds import Hold, Reason
from bot.scheduling.place import Ahead, ahead_of
from bot.store.store import Store

MOST_TEXT = 4 * TEXT_SHOWN
"""Bytes: no character needs more than four."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What is before the jobs that wait, the models that backends have loaded, what others have
    queued there, and what holds backends back."""

    ahead: Mapping[JobId, Ahead] = field(default_factory=dict)
    loaded: frozenset[str] = frozenset()
    others: int = 0
    holds: Mapping[str, Hold | None] = field(default_factory=dict)


Holds = Callable[[], Awaitable[Mapping[str, Hold | None]]]
"""Tells of each backend why it takes no jobs now; None if it does."""


async def _no_holds() -> Mapping[str, Hold | None]:
    return {}


class Board:
    """Looks at a job's message and draws its card.

    `answering` says whether any ComfyUI answers now, `offered` what can be done with pictures, `clock` the time in
    seconds since 1970, `holds` why backends take no jobs.
    """

    def __init__(
        self,
        store: Store,
        spool: Spool,
        feed: Feed,
        answering: Callable[[], bool],
        offered: Callable[[], frozenset[Verb]],
        clock: Callable[[], float],
        holds: Holds = _no_holds,
    ) -> None:
        self._store = store
        self._spool = spool
        self._feed = feed
        self._answering = answering
        self._offered = offered
        self._clock = clock
        self.holds = holds

    async def card(self, view: MessageView) -> Card:
        """The card of a message as its job stands now."""
        return (await self.cards([view]))[0]

    async def cards(self, views: Sequence[MessageView]) -> list[Card]:
        """The cards of some messages, in their order."""
        standing = await self._standing(views)
        texts = [await self._texts(view) for view in views]
        offered = self._offered()
        return [
            render(
                Facts(
                    view=view,
                    media=[self.media(view, output) for output in view.outputs if not _is_shown(output)],
                    texts=said,
                    live=self._feed.live(view.job.id),
                    ahead=standing.ahead.get(view.job.id),
                    loaded=view.job.models in standing.loaded,
                    hold=_hold(view, standing.holds),
                    answering=self._answering(),
                    others=standing.others,
                    now=self._clock(),
                    offered=offered,
                )
            )
            for view, said in zip(views, texts, strict=True)
        ]

    async def ahead(self, views: Sequence[MessageView]) -> dict[JobId, int]:
        """How many jobs are taken before each of these that waits; a job that a backend has is left out."""
        return {job: found.jobs for job, found in (await self._standing(views)).ahead.items()}

    async def _standing(self, views: Sequence[MessageView]) -> Standing:
        waiting = [view.job.id for view in views if view.job.state is State.QUEUED]
        if not waiting:
            return Standing()
        line, holds = await asyncio.gather(self._store.messages.line(waiting), self.holds())
        flows, turns, loaded, others = line
        mine = {(flow.account, flow.lane): flow for flow in flows}
        return Standing(
            ahead={
                job: ahead_of(turn, mine[turn.account, turn.lane], flows)
                for job, turn in turns.items()
                if (turn.account, turn.lane) in mine
            },
            loaded=loaded,
            others=others,
            holds=holds,
        )

    async def _texts(self, view: MessageView) -> list[str]:
        """The results in words; those that are gone from the disk are left out."""
        found = []
        for output in view.outputs:
            if output.media_type == "text/plain":
                with suppress(FileNotFoundError):
                    data = await self._spool.read(output.blob.sha256, MOST_TEXT)
                    found.append(data.decode(errors="replace"))
        return found

    def together(self, views: Sequence[MessageView]) -> Card:
        """One card of all these jobs, which run."""
        return together(
            [
                Running(
                    name=view.actor.name,
                    prompt=prompt_of(view) or f"/{view.command}",
                    fraction=self.fraction(view)[0],
                )
                for view in views
            ]
        )

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


def _hold(view: MessageView, holds: Mapping[str, Hold | None]) -> Hold | None:
    """What a job waits for beside its turn: the hold that ends first, if all backends that could take it are held."""
    if view.job.state is not State.QUEUED:
        return None
    found = [hold for backend, hold in holds.items() if backend not in view.job.shunned]
    held = [hold for hold in found if hold is not None]
    if not held or len(held) < len(found):
        return None
    paused = next((hold for hold in held if hold.reason is Reason.QUEUE_PAUSED), None)
    return paused or min(held, key=lambda hold: hold.until or float("inf"))


def _is_shown(output: Output) -> bool:
    """Whether the card's own words say all of it."""
    return output.media_type == "text/plain" and output.blob.size <= TEXT_SHOWN
