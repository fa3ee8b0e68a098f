"""One attempt on one backend, from its upload to its end in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar, assert_never

import structlog

from bot.comfy.backend import ComfyBackend
from bot.contract.values import Trouble
from bot.errors import BackendError, CannotConnect, Lost, NoRoom, Stopped
from bot.feed import Feed, Live
from bot.jobs.events import Broke, Ended, Finished, Interrupted, Result
from bot.jobs.models import Attempt, Output
from bot.jobs.states import State
from bot.media.spool import Spool
from bot.store.claims import Rules
from bot.store.queue import LEFT
from bot.store.store import Store
from bot.tasks import drop
from bot.worker.collect import collect
from bot.worker.elsewhere import LOOK_SECONDS, gave_out, to_shun
from bot.worker.execution import MOST_FAILURES, Execution
from bot.worker.record import Record

log = structlog.get_logger(__name__)

MOVE_SECONDS = 5.0
"""A server that was known for so long to be of no use loses its jobs to another, if there is one."""
FETCH_SECONDS = 60.0
"""The same once it only has results left to give: the picture need not be made again if it comes back."""
ROOM_SECONDS = 600.0
"""How long results wait on the server for room here."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What every run of a worker uses. `bare`: the graphs in results are taken out. `peers` tells all backends, `holds`
    whether nobody else can have a lease by now."""

    backend: ComfyBackend
    store: Store
    spool: Spool
    feed: Feed
    bare: bool
    holds: Callable[[str], bool]
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
        self.left_there = False
        """Whether the job has gone elsewhere while the server may still have the attempt."""
        self._tools = tools
        self._executed = executed
        self._claimed = claimed
        self._cancelled = False
        self._record = Record(tools.store.queue, tools.feed, mine, partial(tools.holds, mine.backend))
        show = partial(tools.feed.progress, mine.job.id)
        self._execution = Execution(self._record, tools.backend, tools.spool, show, claimed=claimed)

    @property
    def live(self) -> Live | None:
        """How far it is, if anything was heard of that."""
        return self._execution.live

    @property
    def begun(self) -> bool:
        """Whether the backend runs it, or has run it."""
        return self._record.state in (State.RUNNING, State.FETCHING)

    async def carry(self) -> None:
        """Run it to its end in the store. Raises `LeaseLost` if it is somebody else's now."""
        structlog.contextvars.bind_contextvars(
            job=self.attempt.job.id, attempt=self.attempt.number, backend=self._tools.backend.name
        )
        if self._claimed:
            self._record.tell_soon()
        if self.attempt.job.cancel_requested:
            self._cancelled = True
            self._execution.hold_back()
        try:
            ended = await self._while_of_use(self._execution.execute(), MOVE_SECONDS)
            if ended is None:
                await self._move(failed=self._record.state is State.RUNNING)
            else:
                await self._conclude(ended)
        except CannotConnect as error:
            log.warning("backend does not answer, the job goes back", detail=str(error))
            await self._tools.backend.probe()
            await self._move(failed=False)
        finally:
            self._executed()
            self._record.over()

    async def stumble(self) -> None:
        """Something unforeseen happened to it here: try again a few times, then end it."""
        trouble = Trouble(code="internal", message="Something went wrong here. Try again; the log says more.")
        await self._again_or_fail("unforeseen", trouble)

    async def cancel(self) -> None:
        """Stop it on the server. If the server answers no more, the job ends without it."""
        self._cancelled = True
        await self._execution.stop()

    async def hand_over(self) -> None:
        """Stop it on the server and put the job back, for another or for later. What is executed is kept."""
        if self._record.state is not State.FETCHING:
            await self._execution.stop()

    async def _while_of_use(self, work: Coroutine[None, None, T], seconds: float) -> T | None:
        """What comes of it; None if the backend gave out meanwhile and another one could take the job."""
        tools = self._tools
        working = asyncio.ensure_future(work)
        moving: asyncio.Future[None] | None = None
        try:
            await asyncio.wait(
                {working}, timeout=LOOK_SECONDS
            )  # most is over before the backend is looked at
            if working.done():
                return working.result()
            waiting = gave_out(tools.backend, tools.store.backends, self.attempt.job.shunned, seconds)
            moving = asyncio.ensure_future(waiting)
            await asyncio.wait({working, moving}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else moving.result()
        finally:
            await drop(working, moving)

    async def _move(self, *, failed: bool) -> None:
        """Leave the attempt where it is, and let another backend have the job."""
        self.left_there = not self._execution.unposted
        if self._cancelled:
            await self._record.finish(State.CANCELLED)
        elif failed:
            log.warning("the server gave out under the job", failures=self._record.failures + 1)
            sentence = (
                "ComfyUI went away while this picture was being made, again and again. Try again later."
            )
            await self._again_or_fail(LEFT, Trouble(code=Lost.code, message=sentence))
        else:
            await self._record.requeue(LEFT, failed=False)

    async def _conclude(self, ended: Ended) -> None:
        """Write its end into the store."""
        match ended:
            case Finished():
                self._executed()
                await self._keep(ended)
            case Interrupted(results=results):
                if self._execution.stopped:
                    await self._conclude_stopped()
                else:
                    await self._fail(_stopped_there(), results)
            case Broke(error=error, results=results):
                if self._execution.stopped and isinstance(error, Lost):
                    await self._conclude_stopped()
                else:
                    await self._fail(error, results)
            case _ as never:
                assert_never(never)

    async def _conclude_stopped(self) -> None:
        if self._cancelled:
            await self._record.finish(State.CANCELLED)
        else:
            log.info("the job is handed over")
            await self._record.requeue("handed over", failed=False)

    async def _keep(self, finished: Finished) -> None:
        """Bring the results here; then it is done."""
        self._record.advance_soon(State.FETCHING)
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
            await self._record.finish(State.FAILED, error=Trouble(code=NoRoom.code, message=sentence))
        else:
            if outputs is None:
                await self._move(failed=True)
            elif outputs:
                await self._record.finish(State.DONE, outputs=outputs)
            else:
                await self._record.finish(State.FAILED, error=_no_output(finished.kept_back))

    async def _fail(self, error: BackendError, results: Sequence[Result] = ()) -> None:
        """Another backend may do better; else end it by the error, and keep what was saved before if it can be had."""
        log.warning("job failed", error=str(error))
        shun = to_shun(error, self._tools.backend, self._tools.peers(), self.attempt.job.shunned)
        if shun is not None and self._record.failures + 1 < MOST_FAILURES and not self._cancelled:
            await self._record.requeue(error.code, failed=True, shun=shun)
            return
        try:
            outputs = await self._collect(results)
        except (BackendError, TimeoutError) as lost:
            log.info("what was made before is lost", error=str(lost))
            outputs = []
        await self._record.finish(
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
                self._execution.show(Live(fraction=1.0, node=None, note=str(error)))
            async with asyncio.timeout(ROOM_SECONDS):
                await tools.spool.wait_for_room()

    async def _again_or_fail(self, outcome: str, trouble: Trouble) -> None:
        """Another attempt, unless there were enough."""
        if self._record.failures + 1 < MOST_FAILURES:
            await self._record.requeue(outcome, failed=True)
        else:
            await self._record.finish(State.FAILED, error=trouble)


def _no_output(kept_back: str | None) -> Trouble:
    if kept_back:
        return Trouble(code="no_output", message=f"The workflow kept its result back: {kept_back}")
    return Trouble(
        code="no_output",
        message="ComfyUI finished without a result. The workflow needs a node that saves one.",
    )


def _stopped_there() -> Stopped:
    return Stopped("Somebody stopped this at the ComfyUI itself. Send the command again.")
