"""Looking at jobs. Everything is seen from its own place only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from bot.cards.board import Board
from bot.cards.notes import held
from bot.contract.card import Media, Preview
from bot.contract.values import (
    BackendStatus,
    JobId,
    JobState,
    JobStatus,
    MessageId,
    OutputRef,
    Place,
    PlacedCard,
    QueueStatus,
)
from bot.errors import NoSuchJob, Stale
from bot.feed import Ear, Feed, Topic
from bot.jobs.models import MessageView
from bot.jobs.states import outside
from bot.scheduling.holds import EVERYWHERE, Switch
from bot.service.servers import Servers
from bot.store.store import Store
from bot.worker.elsewhere import lease_name

LOOK_SECONDS = 1.0
"""How often a watched job is looked at when nothing is heard: another process may be running it."""


class Look:
    """Reads; changes nothing."""

    def __init__(self, store: Store, board: Board, feed: Feed, servers: Servers) -> None:
        self._store = store
        self._board = board
        self._feed = feed
        self._servers = servers

    async def view(self, place: Place, job: JobId) -> MessageView:
        """A job's message. Raises `NoSuchJob` if it is unknown or of another place."""
        view = await self._store.messages.of_job(job)
        if view is None or view.place != place:
            raise NoSuchJob
        return view

    async def job(self, place: Place, job: JobId) -> JobStatus:
        """How a job stands."""
        return await self._status(await self.view(place, job))

    async def watch(self, place: Place, job: JobId) -> AsyncIterator[JobStatus | Preview]:
        """How a job stands now and whenever that changed, and its previews; ends with its final state."""
        shown: JobStatus | None = None
        picture: Preview | None = None
        with self._feed.ear(Topic.CHANGED | Topic.PROGRESS) as ear:
            status = await self.job(place, job)
            while True:
                if status != shown:
                    yield status
                if status.state.final:
                    return
                shown, live = status, self._feed.live(job)
                if live is not None and live.preview is not None and live.preview is not picture:
                    picture = live.preview
                    yield picture
                status = await self._next(ear, place, shown)

    async def _next(self, ear: Ear, place: Place, status: JobStatus) -> JobStatus:
        """The status after the next news of the job. Progress alone needs no look into the store."""
        while True:
            news = await ear.news(LOOK_SECONDS)
            live = self._feed.live(status.job)
            if status.job in news.progressed and status.state is JobState.RUNNING and live is not None:
                return replace(status, fraction=live.fraction, node=live.node)
            if status.job in news.changed or not (news.changed or news.progressed):
                return await self.job(place, status.job)

    async def cards(
        self, place: Place, *, before: MessageId | None = None, words: str = "", most: int = 50
    ) -> Sequence[PlacedCard]:
        """The newest messages of a place as they stand, oldest first."""
        views = await self._store.messages.of_place(place, most, before=before, words=words)
        cards = await self._board.cards(views)
        return [
            PlacedCard(message=view.id, address=view.address, card=card)
            for view, card in zip(views, cards, strict=True)
        ]

    async def output(self, place: Place, ref: OutputRef) -> Media:
        """A finished output."""
        return self._output(await self.view(place, ref.job), ref)

    async def any_output(self, ref: OutputRef) -> Media:
        """A finished output of any place, for those whose right to it was checked."""
        view = await self._store.messages.of_job(ref.job)
        if view is None:
            raise NoSuchJob
        return self._output(view, ref)

    def _output(self, view: MessageView, ref: OutputRef) -> Media:
        if view.removed:
            raise Stale("That picture was deleted.")
        for output in view.outputs:
            if output.index == ref.index:
                return self._board.media(view, output)
        raise Stale("There is no such picture. It may not be finished yet.")

    async def queue(self) -> QueueStatus:
        """The queue in numbers."""
        waiting, running = await self._store.messages.totals()
        switches, holds = await self._store.switches.read(), await self._board.holds()
        backends = [
            BackendStatus(
                name=backend.name,
                up=backend.up,
                version=backend.version,
                running=await self._store.messages.running_on(lease_name(backend.url)),
                hold=held(holds.get(lease_name(backend.url))),
            )
            for backend in self._servers.backends
        ]
        paused = (Switch.PAUSED, EVERYWHERE) in switches
        return QueueStatus(waiting=waiting, running=running, backends=tuple(backends), paused=paused)

    async def _status(self, view: MessageView) -> JobStatus:
        ahead = (await self._board.ahead([view])).get(view.job.id)
        fraction, node = self._board.fraction(view)
        media = () if view.removed else tuple(self._board.media(view, output) for output in view.outputs)
        return JobStatus(
            job=view.job.id,
            message=view.id,
            actor=view.actor,
            state=outside(view.job.state),
            fraction=fraction,
            position=None if ahead is None else ahead + 1,
            node=node,
            outputs=media,
            error=view.job.error,
            remarks=view.job.reading.remarks,
            read=view.job.reading.texts,
        )
