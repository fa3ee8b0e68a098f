"""One attempt on its server: uploaded, posted, found again, listened to, stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, assert_never

import structlog

from bot.comfy.backend import ComfyBackend
from bot.comfy.follow import Follow
from bot.comfy.located import Absent, Executing, Over, Waiting
from bot.contract import card
from bot.errors import BackendError, CannotConnect, Lost
from bot.feed import Live
from bot.jobs.events import Broke, Ended, Finished, Interrupted, Preview, Progress, Started
from bot.jobs.models import Setting
from bot.jobs.states import State
from bot.media.kinds import HEAD_BYTES, ending_of, sniff
from bot.media.spool import Spool
from bot.tasks import drop
from bot.worker.record import Record
from bot.workflow.patch import apply

log = structlog.get_logger(__name__)

ASK_AGAIN_SECONDS = 2.0
"""After this a server that goes on is asked once more to stop."""

MOST_FAILURES = 3
"""A job on which servers died so often ends: it may be what kills them."""


class Execution:
    """Has the backend run the attempt. Whatever state the record says it is in, it goes on from there."""

    def __init__(
        self,
        record: Record,
        backend: ComfyBackend,
        spool: Spool,
        show: Callable[[Live], None],
        *,
        claimed: bool,
    ) -> None:
        """`claimed`: it was claimed just now by this process, so nothing can have been posted."""
        self.unposted = claimed or record.state is State.CLAIMED
        """Whether the server is known not to have it."""
        self.live: Live | None = None
        self._record = record
        self._backend = backend
        self._spool = spool
        self._tell = show
        self._stop = asyncio.Event()
        self._ask_at = 0.0
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def stopped(self) -> bool:
        """Whether its end was asked for from here."""
        return self._stop.is_set()

    def show(self, live: Live) -> None:
        """How far it is."""
        self.live = live
        self._tell(live)

    def hold_back(self) -> None:
        """It is to be stopped, and was not begun here."""
        self._stop.set()

    async def stop(self) -> None:
        """Stop it on the server. If the server answers no more, it ends without it.

        To be called again while it goes on: a server that begins a run forgets what it was asked just before.
        """
        again = self.stopped
        self._stop.set()
        if self._record.state in (State.CLAIMED, State.POSTING):
            return  # the run itself sees it, before or right after the POST
        if not again or (self._record.state is not State.FETCHING and _now() >= self._ask_at):
            await self._stop_there()

    async def _stop_there(self) -> None:
        self._ask_at = _now() + ASK_AGAIN_SECONDS
        backend, prompt_id = self._backend, self._record.attempt.prompt_id
        try:
            await backend.cancel(prompt_id)
            gone = isinstance(await backend.locate(prompt_id), Absent)
        except BackendError as error:
            log.info("cancelled without the server", detail=str(error))
            gone = True
        if gone and not self._gone.done():
            self._gone.set_result(None)

    async def execute(self) -> Ended:
        """Until the backend is done with it: posted again, under the same id, if a restart forgot it."""
        forgotten = 0
        while True:
            try:
                ended = await self._once_unless_gone()
            except BackendError as error:
                if isinstance(error, CannotConnect):
                    raise
                ended = Broke(error=error)
            lost = isinstance(ended, Broke) and isinstance(ended.error, Lost)
            if not lost or self.stopped:
                return ended
            forgotten += 1
            self._record.failures += 1 if self._record.state in (State.RUNNING, State.FETCHING) else 0
            if max(self._record.failures, forgotten) >= MOST_FAILURES:
                return ended
            log.warning("the server forgot the job, it is posted again", failures=self._record.failures)
            await self._record.advance(State.POSTING, failures=self._record.failures, fraction=0.0, node=None)
            self.unposted = True  # known not to be there: nothing to look for first

    async def _once_unless_gone(self) -> Ended:
        """Wherever it is, it ends as soon as a cancelled attempt is known to be gone from the server."""
        carrying: asyncio.Future[Ended] = asyncio.ensure_future(self._once())
        either: set[asyncio.Future[Any]] = {carrying, self._gone}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return carrying.result() if carrying.done() else Interrupted()
        finally:
            await drop(carrying)

    async def _once(self) -> Ended:
        graph = apply(self._record.attempt.graph, self._record.attempt.job.patch)
        async with self._backend.follow(self._record.attempt.prompt_id, graph) as follow:
            if self.unposted:
                known: Ended | None = await self._post(follow, graph)
            else:
                known = await self._find(follow, graph)
            if known is not None:
                return known
            if self.stopped:  # asked for before it could be done on the server
                await self._stop_there()
            return await self._listen(follow)

    async def _post(self, follow: Follow, graph: dict[str, Mapping[str, Any]]) -> Ended | None:
        """Upload what it starts from and post it. Interrupted if it was to be stopped before that."""
        if not self.stopped:
            await self._upload(graph)
        if self.stopped:
            return Interrupted()
        if self._record.state is not State.POSTING:
            await self._record.advance(State.POSTING)
        self.unposted = False
        tag = {"job": self._record.attempt.job.id, "attempt": self._record.attempt.number}
        await self._record.surely_ours()
        try:
            await self._backend.post(follow, graph, tag=tag)
        except CannotConnect as error:
            if not error.maybe_sent:
                raise
            log.warning("the post was not answered", detail=str(error))
            return await self._find(follow, graph)
        self._record.advance_soon(State.WAITING)
        return None

    async def _upload(self, graph: dict[str, Mapping[str, Any]]) -> None:
        """Put the input files on the server and their names there into the graph."""
        for image in self._record.attempt.job.inputs:
            data = await self._spool.read(image.sha256)
            usual = ending_of(sniff(data[:HEAD_BYTES])) or ".png"
            name = await self._backend.upload(f"{image.sha256}{usual}", data)
            where = Setting(node=image.node, input=image.input, value=name)
            graph[where.node] = apply(graph, (where,))[where.node]

    async def _find(self, follow: Follow, graph: dict[str, Mapping[str, Any]]) -> Ended | None:
        """Look for an attempt that the server may have. Its end if it is over, None if it is there.

        One that may just have been posted and is not there is looked for again after longer than a POST may
        take, and then posted under the same id.
        """
        backend = self._backend
        maybe_on_its_way = self._record.state is State.POSTING
        while True:
            match await self._locate():
                case Over(end=end):
                    return end
                case Waiting() | Executing():
                    follow.acknowledge()
                    if self._record.state is State.POSTING:
                        await self._record.advance(State.WAITING)
                    return None
                case Absent():
                    if not maybe_on_its_way:
                        return (
                            await self._post(follow, graph)
                            if self._record.state is State.POSTING
                            else _forgotten()
                        )
                    maybe_on_its_way = False
                    await self._pause_or_stop(backend.timing.answer + 1)
                case _ as never:
                    assert_never(never)

    async def _pause_or_stop(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            pass

    async def _locate(self) -> Absent | Waiting | Executing | Over:
        while True:
            await self._backend.wait_up()
            try:
                return await self._backend.locate(self._record.attempt.prompt_id)
            except CannotConnect as error:
                log.info("not found out yet where the job is", detail=str(error))
                await self._backend.probe()

    async def _listen(self, follow: Follow) -> Ended:
        async for event in follow:
            match event:
                case Started():
                    if self._record.state is not State.RUNNING:  # taken over while it ran: it began long ago
                        await self._record.advance(State.RUNNING, started=time.time())
                case Progress(fraction=fraction, node=node, note=note):
                    preview = self.live.preview if self.live else None
                    self.show(Live(fraction=fraction, node=node, note=note, preview=preview))
                case Preview(data=data, media_type=kind):
                    before = self.live or Live(fraction=0.0, node=None)
                    self.show(replace(before, preview=card.Preview(data=data, media_type=kind)))
                case Finished() | Broke() | Interrupted():
                    return event
                case _ as never:
                    assert_never(never)
        return _forgotten()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _forgotten() -> Broke:
    return Broke(error=Lost("ComfyUI lost this picture while it was being made. Send the command again."))
