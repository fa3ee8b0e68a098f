"""One attempt on one backend, from its upload to its end in the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, assert_never

import structlog

from bot.comfy.backend import ComfyBackend
from bot.comfy.follow import Follow
from bot.comfy.located import Absent, Executing, Over, Waiting
from bot.contract import card
from bot.contract.values import Trouble
from bot.errors import BackendError, CannotConnect, LeaseLost, Lost, NoRoom, Stopped
from bot.feed import Feed, Live
from bot.jobs.events import Broke, Ended, Finished, Interrupted, Preview, Progress, Result, Started
from bot.jobs.models import Attempt, Output, Setting
from bot.jobs.states import State
from bot.media.kinds import HEAD_BYTES, ending_of, sniff
from bot.media.spool import Spool
from bot.store.claims import Rules
from bot.store.queue import LEFT
from bot.store.store import Store
from bot.worker.collect import collect
from bot.worker.elsewhere import gave_out, to_shun
from bot.workflow.patch import apply

log = structlog.get_logger(__name__)

MOST_FAILURES = 3
"""A job on which servers died so often ends: it may be what kills them."""

MOVE_SECONDS = 5.0
"""A server that was known for so long to be of no use loses its jobs to another, if there is one."""
FETCH_SECONDS = 60.0
"""The same once it only has results left to give: the picture need not be made again if it comes back."""
ROOM_SECONDS = 600.0
"""How long results wait on the server for room here."""

SOON = 0.2
"""Seconds until a state is noted that only makes the way back shorter after a restart."""

AWAITING = frozenset({State.CLAIMED, State.POSTING, State.WAITING})
"""States in which a backend has a job and does not run it: nobody outside tells them apart."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What every run of a worker uses. `bare`: the graphs in results are taken out. `peers` tells all backends."""

    backend: ComfyBackend
    store: Store
    spool: Spool
    feed: Feed
    bare: bool
    rules: Rules = field(default_factory=Rules)
    peers: Callable[[], Sequence[ComfyBackend]] = tuple


class Run:
    """Carries an attempt through. Whatever state the store says it is in, it goes on from there."""

    def __init__(
        self, tools: Tools, mine: Attempt, executed: Callable[[], None], *, claimed: bool = False
    ) -> None:
        """`executed` is called once the backend is done with it and could run the next.

        `claimed`: it was claimed just now by this process, so nothing can have been posted.
        """
        self.attempt = mine
        self.live: Live | None = None
        self.left_there = False
        """Whether the job has gone elsewhere while the server may still have the attempt."""
        self._tools = tools
        self._executed = executed
        self._state = mine.job.state
        self._unposted = claimed or mine.job.state is State.CLAIMED
        self._saving: asyncio.Task[None] | None = None
        self._failures = mine.job.failures
        self._stop = asyncio.Event()
        self._cancelled = False
        self._gone = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether the backend runs it, or has run it."""
        return self._state in (State.RUNNING, State.FETCHING)

    async def carry(self) -> None:
        """Run it to its end in the store. Raises `LeaseLost` if it is somebody else's now."""
        structlog.contextvars.bind_contextvars(
            job=self.attempt.job.id, attempt=self.attempt.number, backend=self._tools.backend.name
        )
        if self.attempt.job.cancel_requested:
            self._cancelled = True
            self._stop.set()
        try:
            ended = await self._while_of_use(self._execute(), MOVE_SECONDS)
            if ended is None:
                await self._move(failed=self._state is State.RUNNING)
            else:
                await self._conclude(ended)
        except CannotConnect as error:
            log.warning("backend does not answer, the job goes back", detail=str(error))
            await self._tools.backend.probe()
            await self._move(failed=False)
        finally:
            self._no_longer()
            self._executed()
            self._tools.feed.over(self.attempt.job.id)

    async def stumble(self) -> None:
        """Something unforeseen happened to it here: try again a few times, then end it."""
        trouble = Trouble(code="internal", message="Something went wrong here. Try again; the log says more.")
        await self._again_or_fail("unforeseen", trouble)

    async def cancel(self) -> None:
        """Stop it on the server. If the server answers no more, the job ends without it."""
        self._cancelled = True
        await self._end_there()

    async def hand_over(self) -> None:
        """Stop it on the server and put the job back, for another or for later. What is executed is kept."""
        if self._state is not State.FETCHING:
            await self._end_there()

    async def _end_there(self) -> None:
        if self._stop.is_set():
            return
        self._stop.set()
        if self._state in (State.CLAIMED, State.POSTING):
            return  # the run itself sees it, before or right after the POST
        await self._stop_there()

    async def _stop_there(self) -> None:
        backend, prompt_id = self._tools.backend, self.attempt.prompt_id
        try:
            await backend.cancel(prompt_id)
            if isinstance(await backend.locate(prompt_id), Absent):
                self._gone.set()
        except BackendError as error:
            log.info("cancelled without the server", detail=str(error))
            self._gone.set()

    async def _while_of_use(self, work: Coroutine[None, None, T], seconds: float) -> T | None:
        """What comes of it; None if the backend gave out meanwhile and another one could take the job."""
        tools = self._tools
        working = asyncio.ensure_future(work)
        waiting = gave_out(tools.backend, tools.store.backends, self.attempt.job.shunned, seconds)
        moving = asyncio.ensure_future(waiting)
        try:
            await asyncio.wait({working, moving}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else moving.result()
        finally:
            for task in (working, moving):
                task.cancel()
            await asyncio.gather(working, moving, return_exceptions=True)

    async def _move(self, *, failed: bool) -> None:
        """Leave the attempt where it is, and let another backend have the job."""
        self.left_there = not self._unposted
        if self._cancelled:
            await self._finish(State.CANCELLED)
        elif failed:
            log.warning("the server gave out under the job", failures=self._failures + 1)
            sentence = (
                "ComfyUI went away while this picture was being made, again and again. Try again later."
            )
            await self._again_or_fail(LEFT, Trouble(code=Lost.code, message=sentence))
        else:
            await self._requeue(LEFT, failed=False)

    async def _execute(self) -> Ended:
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
            if not lost or self._stop.is_set():
                return ended
            forgotten += 1
            self._failures += 1 if self._state in (State.RUNNING, State.FETCHING) else 0
            if max(self._failures, forgotten) >= MOST_FAILURES:
                return ended
            log.warning("the server forgot the job, it is posted again", failures=self._failures)
            await self._advance(State.POSTING, failures=self._failures, fraction=0.0, node=None)
            self._unposted = True  # known not to be there: nothing to look for first

    async def _once_unless_gone(self) -> Ended:
        """Wherever it is, it ends as soon as a cancelled attempt is known to be gone from the server."""
        carrying = asyncio.ensure_future(self._once())
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({carrying, gone}, return_when=asyncio.FIRST_COMPLETED)
            return carrying.result() if carrying.done() else Interrupted()
        finally:
            for task in (carrying, gone):
                task.cancel()
            await asyncio.gather(carrying, gone, return_exceptions=True)

    async def _once(self) -> Ended:
        graph = apply(self.attempt.graph, self.attempt.job.patch)
        async with self._tools.backend.follow(self.attempt.prompt_id, graph) as follow:
            if self._unposted:
                known: Ended | None = await self._post(follow, graph)
            else:
                known = await self._find(follow, graph)
            if known is not None:
                return known
            if self._stop.is_set():  # asked for before it could be done on the server
                await self._stop_there()
            return await self._listen(follow)

    async def _post(self, follow: Follow, graph: dict[str, dict[str, object]]) -> Ended | None:
        """Upload what it starts from and post it. Interrupted if it was to be stopped before that."""
        if not self._stop.is_set():
            await self._upload(graph)
        if self._stop.is_set():
            return Interrupted()
        if self._state is not State.POSTING:
            await self._advance(State.POSTING)
        self._unposted = False
        tag = {"job": self.attempt.job.id, "attempt": self.attempt.number}
        try:
            await self._tools.backend.post(follow, graph, tag=tag)
        except CannotConnect as error:
            if not error.maybe_sent:
                raise
            log.warning("the post was not answered", detail=str(error))
            return await self._find(follow, graph)
        self._advance_soon(State.WAITING)
        return None

    async def _upload(self, graph: dict[str, dict[str, object]]) -> None:
        """Put the input files on the server and their names there into the graph."""
        for image in self.attempt.job.inputs:
            data = await self._tools.spool.read(image.sha256)
            usual = ending_of(sniff(data[:HEAD_BYTES])) or ".png"
            name = await self._tools.backend.upload(f"{image.sha256}{usual}", data)
            where = Setting(node=image.node, input=image.input, value=name)
            graph[where.node] = apply(graph, (where,))[where.node]

    async def _find(self, follow: Follow, graph: dict[str, dict[str, object]]) -> Ended | None:
        """Look for an attempt that the server may have. Its end if it is over, None if it is there.

        One that may just have been posted and is not there is looked for again after longer than a POST may
        take, and then posted under the same id.
        """
        backend = self._tools.backend
        maybe_on_its_way = self._state is State.POSTING
        while True:
            match await self._locate():
                case Over(end=end):
                    return end
                case Waiting() | Executing():
                    follow.acknowledge()
                    if self._state is State.POSTING:
                        await self._advance(State.WAITING)
                    return None
                case Absent():
                    if not maybe_on_its_way:
                        return (
                            await self._post(follow, graph) if self._state is State.POSTING else _forgotten()
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
            await self._tools.backend.wait_up()
            try:
                return await self._tools.backend.locate(self.attempt.prompt_id)
            except CannotConnect as error:
                log.info("not found out yet where the job is", detail=str(error))
                await self._tools.backend.probe()

    async def _listen(self, follow: Follow) -> Ended:
        async for event in follow:
            match event:
                case Started():
                    if self._state is not State.RUNNING:  # taken over while it ran: it began long ago
                        await self._advance(State.RUNNING, started=time.time())
                case Progress(fraction=fraction, node=node, note=note):
                    preview = self.live.preview if self.live else None
                    self._show(Live(fraction=fraction, node=node, note=note, preview=preview))
                case Preview(data=data, media_type=kind):
                    before = self.live or Live(fraction=0.0, node=None)
                    self._show(replace(before, preview=card.Preview(data=data, media_type=kind)))
                case Finished() | Broke() | Interrupted():
                    return event
                case _ as never:
                    assert_never(never)
        return _forgotten()

    def _show(self, live: Live) -> None:
        self.live = live
        self._tools.feed.progress(self.attempt.job.id, live)

    async def _conclude(self, ended: Ended) -> None:
        """Write its end into the store."""
        match ended:
            case Finished():
                self._executed()
                await self._keep(ended)
            case Interrupted(results=results):
                if self._stop.is_set():
                    await self._conclude_stopped()
                else:
                    await self._fail(_stopped_there(), results)
            case Broke(error=error, results=results):
                if self._stop.is_set() and isinstance(error, Lost):
                    await self._conclude_stopped()
                else:
                    await self._fail(error, results)
            case _ as never:
                assert_never(never)

    async def _conclude_stopped(self) -> None:
        if self._cancelled:
            await self._finish(State.CANCELLED)
        else:
            log.info("the job is handed over")
            await self._requeue("handed over", failed=False)

    async def _keep(self, finished: Finished) -> None:
        """Bring the results here; then it is done."""
        self._advance_soon(State.FETCHING)
        try:
            outputs = await self._while_of_use(self._collect(finished.results), FETCH_SECONDS)
        except (Lost, CannotConnect) as error:
            # Counted, though the server may be back: each new attempt samples the picture again.
            log.warning("results can't be fetched", error=str(error))
            await self._again_or_fail("not fetched", Trouble(code=error.code, message=error.sentence))
        except BackendError as error:
            await self._fail(error)
        except TimeoutError:
            sentence = "The result found no room: the disk of Muralist's machine is full. Tell its owner."
            await self._finish(State.FAILED, error=Trouble(code=NoRoom.code, message=sentence))
        else:
            if outputs is None:
                await self._move(failed=True)
            elif outputs:
                await self._finish(State.DONE, outputs=outputs)
            else:
                await self._finish(State.FAILED, error=_no_output(finished.kept_back))

    async def _fail(self, error: BackendError, results: Sequence[Result] = ()) -> None:
        """Another backend may do better; else end it by the error, and keep what was saved before if it can be had."""
        log.warning("job failed", error=str(error))
        shun = to_shun(error, self._tools.backend, self._tools.peers(), self.attempt.job.shunned)
        if shun is not None and self._failures + 1 < MOST_FAILURES and not self._cancelled:
            await self._requeue(error.code, failed=True, shun=shun)
            return
        try:
            outputs = await self._collect(results)
        except (BackendError, TimeoutError) as lost:
            log.info("what was made before is lost", error=str(lost))
            outputs = []
        await self._finish(
            State.FAILED, outputs=outputs, error=Trouble(code=error.code, message=error.sentence)
        )

    async def _collect(self, results: Sequence[Result]) -> list[Output]:
        """Bring the results here; while there is no room for them they stay where they are, and the card says why."""
        stem = f"{self.attempt.job.workflow}-{self.attempt.job.id[:8]}"
        tools = self._tools
        while True:
            try:
                return await collect(tools.backend, tools.spool, results, stem, bare=tools.bare)
            except NoRoom as error:
                log.error("no room for the results; they are fetched when there is some")
                self._show(Live(fraction=1.0, node=None, note=str(error)))
            async with asyncio.timeout(ROOM_SECONDS):
                await tools.spool.wait_for_room()

    async def _again_or_fail(self, outcome: str, trouble: Trouble) -> None:
        """Another attempt, unless there were enough."""
        if self._failures + 1 < MOST_FAILURES:
            await self._requeue(outcome, failed=True)
        else:
            await self._finish(State.FAILED, error=trouble)

    async def _requeue(self, outcome: str, *, failed: bool, shun: Collection[str] = ()) -> None:
        self._no_longer()
        queue, job = self._tools.store.queue, self.attempt.job.id
        if await queue.requeue(self.attempt, outcome, failed=failed, shun=shun):
            await queue.cancel(job, now=time.time())
        self._tools.feed.queued(job)

    def _advance_soon(self, to: State) -> None:
        """Note a state that helps after a restart and is not needed then: often the next one comes before."""
        self._no_longer()
        self._state = to
        self._saving = asyncio.create_task(self._advance_later(to))

    async def _advance_later(self, to: State) -> None:
        await asyncio.sleep(SOON)
        try:
            await self._tools.store.queue.advance(self.attempt, to)
        except LeaseLost:
            pass  # the next write finds that out
        except Exception:  # a callback: the next write meets the same trouble
            log.exception("a state could not be noted", state=to)

    def _no_longer(self) -> None:
        if self._saving is not None:
            self._saving.cancel()

    async def _advance(self, to: State, **columns: object) -> None:
        self._no_longer()
        await self._tools.store.queue.advance(self.attempt, to, **columns)
        known, self._state = self._state, to
        if to not in AWAITING or known not in AWAITING:
            self._tools.feed.changed(self.attempt.job.id)

    async def _finish(
        self, state: State, *, outputs: Sequence[Output] = (), error: Trouble | None = None
    ) -> None:
        self._no_longer()
        await self._tools.store.queue.finish(
            self.attempt, state, now=time.time(), outputs=outputs, error=error
        )
        log.info("job ended", state=state)


def _forgotten() -> Broke:
    return Broke(error=Lost("ComfyUI lost this picture while it was being made. Send the command again."))


def _no_output(kept_back: str | None) -> Trouble:
    if kept_back:
        return Trouble(code="no_output", message=f"The workflow kept its result back: {kept_back}")
    return Trouble(
        code="no_output",
        message="ComfyUI finished without a result. The workflow needs a node that saves one.",
    )


def _stopped_there() -> Stopped:
    return Stopped("Somebody stopped this at the ComfyUI itself. Send the command again.")
