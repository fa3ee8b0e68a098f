"""All attempts that are followed on one server: hands messages to the right one, and asks about silent ones.

HTTP is the truth, the websocket a hint. An attempt that is spoken of costs no request; one that is not is
asked about: `/queue` first and then its history entry, since in the other order it can slip from the one into
the other in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import assert_never

import structlog

from bot.comfy.follow import Follow
from bot.comfy.graph import Graph
from bot.comfy.located import Absent, Executing, Located, Over, Queue, Waiting
from bot.comfy.messages import (
    ExecutionError,
    ExecutionInterrupted,
    ExecutionSuccess,
    Message,
    NodeExecuting,
    NodeProgress,
    PreviewFrame,
    ProgressReport,
    TextFrame,
)
from bot.comfy.others import Others
from bot.comfy.timing import Timing
from bot.errors import BackendError, Lost
from bot.jobs.events import Broke, Ended, Finished, Interrupted

log = structlog.get_logger(__name__)

HISTORY_RETRIES = (0.05, 0.2, 0.5, 1.0)
"""Seconds between looks for a history entry that is written just after the success was told."""


class Watch:
    """The followed attempts of one server."""

    def __init__(
        self,
        *,
        name: str,
        timing: Timing,
        read_queue: Callable[[], Awaitable[Queue]],
        read_end: Callable[[str, Graph], Awaitable[Ended | None]],
        on_unheard: Callable[[Follow], None],
    ) -> None:
        """`on_unheard` is called with an attempt that was found to be over though nothing told so."""
        self._name = name
        self._on_unheard = on_unheard
        self._timing = timing
        self._read_queue = read_queue
        self._read_end = read_end
        self._follows: dict[str, Follow] = {}
        self._current: Follow | None = None
        self._heard_at = float("-inf")
        self._opened_at = float("-inf")
        self._executing_at: dict[str, float] = {}
        self.others = Others(self._posted)
        self._look_now: set[str] = set()
        self._unclear: dict[str, Follow] = {}
        self._settling: set[Follow] = set()
        self._wake = asyncio.Event()

    @contextmanager
    def follow(self, prompt_id: str, graph: Graph, outputs: Collection[str]) -> Iterator[Follow]:
        """Listen for an attempt."""
        if prompt_id in self._follows:
            raise ValueError(f"{prompt_id} is followed already")
        follow = Follow(
            prompt_id, graph, outputs=outputs, pace=self._timing.pace, on_unclear=self._settle_soon
        )
        self._follows[prompt_id] = follow
        try:
            yield follow
        finally:
            del self._follows[prompt_id]
            self._executing_at.pop(prompt_id, None)
            if self._current is follow:
                self._current = None

    @property
    def followed(self) -> frozenset[str]:
        """The ids of all attempts that are followed."""
        return frozenset(self._follows)

    def stalled(self) -> bool:
        """Whether the server has executed an attempt for long over an open socket, and said nothing of it."""
        now = asyncio.get_running_loop().time()
        return any(
            not follow.ended
            and self._executing_at.get(prompt_id, float("-inf")) > follow.heard_at
            and now - max(follow.heard_at, self._opened_at) >= self._timing.stalled
            for prompt_id, follow in self._follows.items()
        )

    def get(self, prompt_id: str) -> Follow | None:
        """The ear of an attempt, if it is followed."""
        return self._follows.get(prompt_id)

    def look_soon(self, prompt_id: str) -> None:
        """Ask about an attempt without waiting for its silence."""
        self._look_now.add(prompt_id)
        self._wake.set()

    def opened(self, connection: int) -> None:
        """A new connection: ask about everything that may have been missed."""
        self._current = None
        self.others.forget()
        self._opened_at = asyncio.get_running_loop().time()
        for follow in self._follows.values():
            if follow.acknowledged and not follow.ended:
                self.look_soon(follow.prompt_id)

    def hear(self, message: Message, connection: int) -> None:
        """Hand a message to the attempt that it is about. Strangers' messages come too, and are dropped."""
        if message.prompt_id is None:
            follow = self._current if isinstance(message, PreviewFrame | TextFrame) else None
        else:
            follow = self._follows.get(message.prompt_id)
            if isinstance(message, NodeExecuting | NodeProgress | ProgressReport):
                self._current = follow  # the older preview frames do not say whose they are
        if follow is not None:
            self._heard_at = asyncio.get_running_loop().time()
            known = follow.ended
            follow.hear(message, connection)
            if _is_end(message) and not known:
                self.others.ended()

    def counted(self, remaining: int) -> None:
        """How many prompts run or wait on the server, of everybody: told with every change of that.

        One fewer without an end of ours may be one of ours that somebody deleted; that has no other sign.
        """
        unexplained = self.others.counted(remaining)
        if unexplained and any(self._waits(follow) for follow in self._follows.values()):
            asyncio.get_running_loop().call_later(self._timing.settle, self._look_at_waiting)

    def _posted(self) -> int:
        """How many of the followed attempts the server has, or is about to have."""
        return sum(
            (follow.posted or follow.acknowledged) and not follow.ended for follow in self._follows.values()
        )

    def _look_at_waiting(self) -> None:
        for follow in self._follows.values():
            if self._waits(follow):
                self.look_soon(follow.prompt_id)

    @staticmethod
    def _waits(follow: Follow) -> bool:
        return follow.acknowledged and not follow.started and not follow.ended

    async def run(self) -> None:
        """Ask about silent attempts until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._pause()
                for follow in self._take_unclear():
                    tasks.create_task(self._settle(follow))
                due = self._due()
                if due:
                    await self._look(due)

    async def place(self, prompt_id: str, graph: Graph, queue: Queue) -> Located:
        """Where an attempt stands, given a fresh look at the queue."""
        if prompt_id in queue.running:
            return Executing()
        if prompt_id in queue.pending:
            return Waiting()
        end = await self._read_end(prompt_id, graph)
        return Absent() if end is None else Over(end=end)

    def take_in(self, follow: Follow, located: Located) -> None:
        """What a look found out about an attempt that the server had acknowledged."""
        match located:
            case Absent():
                self._missing(follow)
            case Waiting():
                follow.absent_since = None
            case Executing():
                follow.absent_since = None
                self._executing_at[follow.prompt_id] = asyncio.get_running_loop().time()
                follow.start()
            case Over(end=end):
                if not follow.ended and follow.heard_end() is None:
                    self.others.ended()  # no count told so, and it must not pass for somebody else's
                    self._on_unheard(follow)
                follow.end(end)
            case _:
                assert_never(located)

    def _settle_soon(self, follow: Follow) -> None:
        self._unclear[follow.prompt_id] = follow
        self._wake.set()

    def _take_unclear(self) -> list[Follow]:
        unclear, self._unclear = self._unclear, {}
        self._settling.update(unclear.values())
        return list(unclear.values())

    async def _pause(self) -> None:
        """Until it is said that there is something to do, or the first silence is over."""
        now = asyncio.get_running_loop().time()
        rest = min(
            (self._due_at(follow) - now for follow in self._asked_about()), default=self._timing.silence
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(min(max(rest, 0.0), self._timing.silence)):
                await self._wake.wait()
        self._wake.clear()

    def _due(self) -> list[Follow]:
        now = asyncio.get_running_loop().time()
        wanted, self._look_now = self._look_now, set()
        return [
            follow
            for follow in self._asked_about()
            if follow.prompt_id in wanted or now >= self._due_at(follow)
        ]

    def _asked_about(self) -> list[Follow]:
        return [
            follow
            for follow in self._follows.values()
            if follow.acknowledged and not follow.ended and follow not in self._settling
        ]

    def _due_at(self, follow: Follow) -> float:
        """When its silence is asked about."""
        return self._last_word(follow) + self._timing.patience(follow.asked)

    def _last_word(self, follow: Follow) -> float:
        # One that waits its turn behind another of ours is silent by nature: while we hear of that one, fine,
        # unless it was not there when last looked for.
        known = follow.started or follow.absent_since is not None
        heard_at = follow.heard_at if known else max(follow.heard_at, self._heard_at)
        return max(heard_at, follow.asked_at)

    async def _look(self, follows: Collection[Follow]) -> None:
        now = asyncio.get_running_loop().time()
        for follow in follows:
            follow.asked_at = now
            follow.asked += 1
        try:
            queue = await self._read_queue()
            for follow in follows:
                located = await self.place(follow.prompt_id, follow.graph, queue)
                if not follow.ended:
                    self.take_in(follow, located)
        except BackendError as error:
            # Nothing is decided while the server does not answer; whoever follows knows when to give up.
            log.info("look_failed", backend=self._name, reason=str(error))

    def _missing(self, follow: Follow) -> None:
        now = asyncio.get_running_loop().time()
        heard = follow.heard_end()
        if isinstance(heard, Broke) or (heard is not None and heard.results):
            follow.end(heard)
        elif follow.cancelled:
            follow.end(Interrupted())
        elif follow.absent_since is None:
            follow.absent_since = now
            asyncio.get_running_loop().call_later(self._timing.settle, self.look_soon, follow.prompt_id)
        elif now - follow.absent_since >= self._timing.settle:
            log.warning("attempt_lost", backend=self._name, prompt_id=follow.prompt_id)
            sentence = (
                "ComfyUI forgot this picture: it was restarted, or somebody deleted it there. Try again."
            )
            follow.end(Broke(error=Lost(sentence, detail=f"{follow.prompt_id} on {self._name}")))

    async def _settle(self, follow: Follow) -> None:
        """It is over, but how is not known for sure: the history says, in a moment."""
        try:
            await self._read_end_patiently(follow)
        except BackendError as error:
            log.info("history_failed", backend=self._name, reason=str(error))
        finally:
            self._settling.discard(follow)

    async def _read_end_patiently(self, follow: Follow) -> None:
        for pause in (0.0, *HISTORY_RETRIES):
            await asyncio.sleep(pause)
            end = await self._read_end(follow.prompt_id, follow.graph)
            if end is not None:
                follow.end(end)
            if follow.ended:
                return
        follow.end(follow.heard_end() or Finished(results=()))


def _is_end(message: Message) -> bool:
    if isinstance(message, ExecutionError):
        return not message.blocked
    return isinstance(message, ExecutionSuccess | ExecutionInterrupted)
