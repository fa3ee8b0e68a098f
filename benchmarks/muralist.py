"""Muralist as the client under test: the whole of it, composed as always, behind an adapter that is no chat."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from benchmarks.ticking import Ticking
from benchmarks.workload import Outcome, Workload
from bot.app import open_app
from bot.contract.card import Card
from bot.contract.ports import Core, Limits
from bot.contract.values import Actor, Address, Invocation, JobId, JobState, Place, Started
from bot.feed import Feed
from bot.logs import set_up_logs
from bot.settings import Settings
from bot.tasks import end

PLATFORM = "benchmark"


class TimedFeed(Feed):
    """Notes when the worker had written a job's end."""

    def __init__(self) -> None:
        super().__init__()
        self._ends: dict[JobId, asyncio.Future[float]] = {}

    def over(self, job: JobId) -> None:
        """A job runs no longer."""
        if not (end := self.over_at(job)).done():
            end.set_result(time.perf_counter())
        super().over(job)

    def over_at(self, job: JobId) -> asyncio.Future[float]:
        """When that was. A chat may have heard of it a moment before, from the store."""
        return self._ends.setdefault(job, asyncio.get_running_loop().create_future())


@dataclass(kw_only=True, slots=True)
class _Message:
    """One message in the chat, and when what happened to it."""

    asked: float
    upload_seconds: float
    first: float | None = None
    card: Card | None = None
    final_at: float = 0.0
    final: asyncio.Event = field(default_factory=asyncio.Event)


class SinkAdapter:
    """A chat that shows everything at once, but takes its time over results. The core is there once it runs."""

    name = PLATFORM
    limits = Limits(edit_seconds=0.1, media_per_message=16, previews=True)

    def __init__(self) -> None:
        self.core: asyncio.Future[Core] = asyncio.get_running_loop().create_future()
        self.messages: dict[str, _Message] = {}

    async def opened(self) -> str:
        """At once."""
        return "Measuring"

    async def run(self, core: Core) -> None:
        """Hand the core to whoever measures."""
        self.core.set_result(core)
        await asyncio.Event().wait()

    def turn(self, address: Address, *, final: bool, left: float | None = None) -> float:
        """There is always one."""
        del address, final, left
        return 0.0

    def shared(self, address: Address) -> None:
        """Each has edits of its own."""
        del address

    async def show(self, address: Address, card: Card) -> None:
        """Note it; a result takes as long as its upload does."""
        message = self.messages[address["message"]]
        message.first = message.first or time.perf_counter()
        if JobState(card.state).final:
            await asyncio.sleep(message.upload_seconds)
            message.card, message.final_at = card, time.time()
            message.final.set()

    async def remove(self, address: Address) -> None:
        """Nothing to take away."""


class Muralist:
    """Used inside `async with`; it serves until the end of the block."""

    def __init__(self, urls: Sequence[str], folder: Path) -> None:
        self._settings = Settings(
            comfyui_urls=tuple(urls),
            data_dir=folder,
            database_url=None,
            workflows_dir=None,
            most_waiting_per_person=0,
            most_waiting_per_place=0,
        )
        self._stack = AsyncExitStack()
        self._feed = TimedFeed()

    async def __aenter__(self) -> Self:
        set_up_logs("json")
        app = replace(await self._stack.enter_async_context(open_app(self._settings)), feed=self._feed)
        self._adapter = SinkAdapter()
        self._serving = asyncio.create_task(app.serve([self._adapter]))
        self._stack.push_async_callback(end, self._serving)
        self._core = await self._adapter.core
        for backend in app.servers.backends:
            await backend.wait_up()
            await backend.wait_settled()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def run(self, workload: Workload) -> Outcome:
        """Ask for the jobs and wait until the chat shows how each ended."""
        before, cpu = time.perf_counter(), time.process_time()
        messages: list[_Message] = []
        jobs = [self._job(workload, number, before, messages) for number in range(workload.jobs)]
        async with Ticking() as ticking:
            if workload.at_once:
                done = await asyncio.gather(*jobs)
            else:
                done = [await job for job in jobs]
        seconds, cpu = time.perf_counter() - before, time.process_time() - cpu
        media = [each for message in messages if message.card is not None for each in message.card.media]
        return Outcome(
            jobs=workload.jobs,
            seconds=seconds,
            cpu=cpu,
            pictures=sum(each.path.stat().st_size == each.size for each in media),
            walls=[wall for wall in done if wall is not None],
            block=ticking.longest,
            first_cards=[each.first - each.asked for each in messages if each.first is not None],
            finals=[each.final_at for each in messages if each.card is not None],
        )

    async def _job(
        self, workload: Workload, number: int, begun: float, messages: list[_Message]
    ) -> float | None:
        """Seconds from asking to its end in the store; None if it was not completed."""
        key, person = uuid4().hex, f"person-{number % workload.people}"
        message = _Message(asked=time.perf_counter(), upload_seconds=workload.upload_seconds)
        self._adapter.messages[key] = message
        messages.append(message)
        answer = await self._core.invoke(
            Invocation(
                event_key=key,
                actor=Actor(platform=PLATFORM, external_id=person, name=person),
                place=Place(platform=PLATFORM, external_id=person),
                command=workload.workflow,
                address={"message": key},
                values=_values(workload),
            )
        )
        assert isinstance(answer, Started), answer
        try:
            async with asyncio.timeout(begun + workload.limit_seconds - time.perf_counter()):
                await message.final.wait()
        except TimeoutError:
            return None
        if message.card is None or message.card.state != JobState.DONE:
            return None
        return await self._feed.over_at(answer.job) - message.asked


def _values(workload: Workload) -> dict[str, str | int]:
    values: dict[str, str | int] = {"prompt": "a red fox in snow", "seed": random.randrange(2**24)}
    return values if workload.steps is None else {**values, "steps": random.randint(*workload.steps)}
