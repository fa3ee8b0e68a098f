"""One attempt's ear: takes in what is heard of it, and tells it on as events at its consumer's own pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from dataclasses import replace
from typing import assert_never

import structlog

from bot.comfy.graph import Graph, class_of, display_of
from bot.comfy.messages import (
    ExecutionCached,
    ExecutionError,
    ExecutionInterrupted,
    ExecutionStart,
    ExecutionSuccess,
    Message,
    NodeExecuted,
    NodeExecuting,
    NodeProgress,
    PreviewFrame,
    ProgressReport,
    TextFrame,
)
from bot.comfy.outputs import Output, results, saved_files
from bot.comfy.progress import ProgressTracker
from bot.comfy.refusals import clean, node_failure
from bot.errors import BackendError, Lost
from bot.jobs.events import (
    Broke,
    Ended,
    Finished,
    Interrupted,
    Preview,
    Progress,
    RunEvent,
    SentPicture,
    Started,
)

log = structlog.get_logger(__name__)

SENDER = "SaveImageWebsocket"
"""The class of node that sends its pictures over the socket and saves none."""
MOST_SENT = 256 * 1024 * 1024
"""Bytes of pictures sent over the socket that are kept for one attempt."""


class Follow:
    """What is heard of one attempt. Made by `ComfyBackend.follow`; for one consumer.

    It yields `Started`, then any number of `Progress` and `Preview`, then exactly one end, and stops. A slow
    consumer misses old progress and previews, never the start or the end, and never holds the socket up.
    """

    def __init__(
        self,
        prompt_id: str,
        graph: Graph,
        *,
        outputs: Collection[str],
        pace: float,
        on_unclear: Callable[[Follow], None],
    ) -> None:
        self.prompt_id = prompt_id
        self.graph = graph
        self.connection: int | None = None
        """The socket's connection that was open at the POST: the same one until the end missed nothing."""
        self.posted = self.acknowledged = False
        """Whether it was sent, and whether the server has it."""
        self.cancelled = False
        """We asked for its end: then its absence is no loss."""
        self.heard_at = self.asked_at = _now()
        self.asked = 0
        """How often the server was asked about it since it was last heard of."""
        self.absent_since: float | None = None
        self._pace = pace
        self._on_unclear = on_unclear
        self._tracker = ProgressTracker(graph, outputs=outputs)
        self._outputs: dict[str, Output] = {}
        self._sent: list[SentPicture] = []
        self._node: str | None = None
        self._succeeded = False
        self._error: BackendError | None = None
        self._kept_back: str | None = None
        self._started = self._told_start = self._reports = False
        self._report: ProgressReport | None = None
        self._note = ("", "")
        self._told_progress = self._tracker.progress()
        self._preview: Preview | None = None
        self._end: Ended | None = None
        self._told_at = float("-inf")
        self._news = asyncio.Event()
        self._urgent = asyncio.Event()

    @property
    def started(self) -> bool:
        """Whether the server has begun to execute it."""
        return self._started

    @property
    def ended(self) -> bool:
        """Whether its end is known, told or not."""
        return self._end is not None

    def acknowledge(self) -> None:
        """The server has it: from now on silence is asked about."""
        if not self.acknowledged:
            self.acknowledged = True
            self.heard_at = _now()

    def start(self) -> None:
        """It executes. Tells so once."""
        if not self._started:
            self._started = True
            self._alert()

    def end(self, end: Ended) -> None:
        """It is over. The first end counts."""
        if self._end is None:
            self._end = self._with_what_was_sent(end)
            self._alert()

    def heard_end(self) -> Ended | None:
        """How it ended by what was heard of it, which may not be all; None if no end was told."""
        if self._error is not None:
            return Broke(error=self._error, results=saved_files(self._outputs.values()))
        if not self._succeeded:
            return None
        found = results(self._outputs.values(), self._sent)
        return Finished(results=found, kept_back=None if found else self._kept_back)

    def hear(self, message: Message, connection: int) -> None:
        """Take in a message about this attempt that came over that connection."""
        self.acknowledge()
        self.heard_at = _now()
        self.asked = 0
        self.absent_since = None
        match message:
            case ExecutionStart():
                self.start()
            case ExecutionCached() | NodeExecuting() | NodeProgress() | ProgressReport():
                self._advance(message)
            case NodeExecuted():
                self._outputs[message.node] = (message.display, message.output)
            case PreviewFrame():
                self._see(message)
            case TextFrame(node=node, text=said):
                self._note = (display_of(self.graph, node), clean(said))
                self._news.set()
            case ExecutionSuccess():
                self._succeed(connection)
            case ExecutionError():
                self._fail(message, connection)
            case ExecutionInterrupted():
                self.end(Interrupted(results=saved_files(self._outputs.values())))
            case _:
                assert_never(message)

    async def __aiter__(self) -> AsyncIterator[RunEvent]:
        while True:
            event = self._next()
            if event is None:
                await self._wait()
                continue
            self._told_at = _now()
            yield event
            if isinstance(event, Ended):
                return

    def _advance(self, message: ExecutionCached | NodeExecuting | NodeProgress | ProgressReport) -> None:
        if isinstance(message, NodeExecuting) and message.node is None:
            # The last word about a prompt. An end should have come before it; old servers send none.
            if self._end is None:
                self._on_unclear(self)
            return
        self.start()
        match message:
            case ProgressReport():
                # Parsed when it is told: reports are large and many, and each repeats the one before.
                self._reports, self._report = True, message
            case ExecutionCached(nodes=nodes):
                self._tracker.cached(nodes)
            case NodeExecuting(node=node):
                self._node = node
                if not self._reports and node is not None:
                    self._tracker.executing(node)
            case NodeProgress(node=node, value=value, most=most):
                if not self._reports:
                    self._tracker.stepped(node, value, most)
            case _:
                assert_never(message)
        self._news.set()

    def _see(self, frame: PreviewFrame) -> None:
        node = display_of(self.graph, frame.node or self._node or "")
        if class_of(self.graph, node) == SENDER:
            if sum(len(picture.data) for picture in self._sent) + len(frame.data) > MOST_SENT:
                log.warning("picture_dropped", prompt_id=self.prompt_id, size=len(frame.data))
            else:
                self._sent.append(SentPicture(node=node, data=frame.data, media_type=frame.media_type))
        self._preview = Preview(data=frame.data, media_type=frame.media_type)
        self._news.set()

    def _succeed(self, connection: int) -> None:
        self._succeeded = True
        end = self.heard_end()
        if end is not None and end.results and connection == self.connection:
            self.end(end)
        elif self._end is None:
            self._on_unclear(self)

    def _fail(self, message: ExecutionError, connection: int) -> None:
        if message.blocked:
            # One branch was kept from running; the rest goes on, and a success follows.
            log.info("branch_blocked", prompt_id=self.prompt_id, node=message.data.get("node_id"))
            self._kept_back = clean(str(message.data.get("exception_message", "")))
            return
        self._error = node_failure(message.data, self.graph)
        end = self.heard_end()
        if end is not None and connection == self.connection:
            self.end(end)
        elif self._end is None:
            self._on_unclear(self)  # what was saved before it may have been missed

    def _with_what_was_sent(self, end: Ended) -> Ended:
        """History knows nothing of pictures that were sent, nor of branches that were kept back."""
        if not isinstance(end, Finished):
            return end
        unknown = tuple(picture for picture in self._sent if picture not in end.results)
        if end.results or unknown:
            return replace(end, results=(*end.results, *unknown))
        if any(class_of(self.graph, node) == SENDER for node in self.graph):
            sentence = "The picture was sent over a connection that broke. A Save Image node would keep it."
            return Broke(error=Lost(sentence, detail=self.prompt_id))
        return Finished(results=(), kept_back=self._kept_back)

    def _alert(self) -> None:
        self._urgent.set()
        self._news.set()

    def _next(self) -> RunEvent | None:
        self._news.clear()
        self._urgent.clear()
        if self._started and not self._told_start:
            self._told_start = True
            return Started()
        if self._end is not None:
            return self._end
        if not self._started:
            return None
        progress = self._take_progress()
        if progress is not None:
            return progress
        preview, self._preview = self._preview, None
        return preview

    def _take_progress(self) -> Progress | None:
        if self._report is not None:
            self._tracker.reported(self._report.nodes())
            self._report = None
        progress = replace(self._tracker.progress(), note=self._current_note())
        if progress == self._told_progress:
            return None
        self._told_progress = progress
        return progress

    def _current_note(self) -> str | None:
        """What the node that runs says; words of one that is done are old."""
        node, said = self._note
        return said if said and node == display_of(self.graph, self._node or "") else None

    async def _wait(self) -> None:
        """Wait for news; all but urgent news is gathered for as long as the pace asks."""
        await self._news.wait()
        rest = self._told_at + self._pace - _now()
        if rest > 0 and not self._urgent.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._urgent.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
