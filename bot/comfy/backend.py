"""One ComfyUI server, as the worker sees it: run an attempt and hear of it, cancel, fetch, health."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from bot.comfy.access import Access
from bot.comfy.address import parse_address
from bot.comfy.breaker import Breaker, Circuit
from bot.comfy.capabilities import Capabilities, too_old
from bot.comfy.follow import Follow
from bot.comfy.graph import Graph, class_of
from bot.comfy.guards import ServerFault
from bot.comfy.health import Condition, Health
from bot.comfy.listener import Listener
from bot.comfy.located import Absent, Located, Queue, parse_entry
from bot.comfy.names import spelled_for
from bot.comfy.refusals import refusal
from bot.comfy.routes import Routes
from bot.comfy.schemas import NodeSchemas
from bot.comfy.stats import Stats
from bot.comfy.timing import Timing
from bot.comfy.watch import Watch
from bot.comfy.wire import PAUSES, Wire, jittered
from bot.errors import BackendError, Refused
from bot.jobs.events import Ended, RemoteFile

MOST_FAILURES = 3
"""In a row, and a server is taken to be away."""


class ComfyBackend:
    """One server. Used inside `async with`; `listen` must run for attempts to be heard of, `keep` for it to be up.

    `url` may carry a login (`http://user:password@host`) or a query (`?token=...`), which then go with every
    request. Raises `ConfigError` if it is no web address. `on_new_client_id` is awaited when the server has
    lost the old id for good; attempts posted under the old one are then watched by HTTP alone. `object_info` is
    what it last answered there, which holds until it answers again; `on_object_info` is awaited with what is new.
    `api_key` pays for nodes that cost money; it goes along with graphs that have some, beside them, and nowhere else.
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        access: Access = Access(),  # noqa: B008 - frozen
        api_key: str | None = None,
        timing: Timing = Timing(),  # noqa: B008 - frozen
        on_new_client_id: Callable[[str], Awaitable[None]] | None = None,
        object_info: bytes | None = None,
        on_object_info: Callable[[bytes], Awaitable[None]] | None = None,
    ) -> None:
        address = parse_address(url, access.headers)
        self.url = address.url
        self.name = address.name
        self.timing = timing
        self._api_key = api_key
        self._breaker = Breaker(
            most_failures=MOST_FAILURES, on_open=lambda error: self._health.went_down(error)
        )
        self._wire = Wire(address, access, timing, self._breaker)
        self._health = Health(
            self._wire,
            self._breaker,
            address=address,
            guarded=address.guarded or access.client_cert is not None,
            timing=timing,
            heard_at=lambda: self._listener.heard_at,
            on_object_info=on_object_info,
        )
        self._object_info = object_info
        self._watch = self._new_watch()
        self._listener = self._new_listener(client_id, on_new_client_id)
        self.routes = Routes(self._wire, most_upload=self._most_upload)
        """What is asked and told beside running graphs."""

    @property
    def version(self) -> str | None:
        """The version that the server tells; only to be shown."""
        return self._health.version

    @property
    def stats(self) -> Stats | None:
        """What the server is, as last asked."""
        return self._health.stats

    @property
    def capabilities(self) -> Capabilities | None:
        """What the server can do; None before it was up."""
        return self._health.capabilities

    @property
    def schemas(self) -> NodeSchemas | None:
        """What its nodes accept, as last known; None until that could be read."""
        return self._health.schemas

    @property
    def trouble(self) -> str | None:
        """What is wrong with it, as a sentence for its owner; None if nothing is, or before it was asked."""
        if self.condition is Condition.STALLED:
            minutes = round(self.timing.stalled / 60)
            return f"What runs on ComfyUI at {self.name} has not moved for {minutes} minutes. Its console says more."
        return self._health.trouble

    @property
    def barred(self) -> str | None:
        """Its trouble, if that is not its absence but a guard, another program in its place, or its age."""
        return self._health.trouble if self._health.barred else None

    @property
    def condition(self) -> Condition:
        """How it is, for its owner and for metrics."""
        if not self.up:
            return Condition.UNKNOWN if self._health.trouble is None else Condition.DOWN
        stalled = self._listener.connection is not None and self._watch.stalled()
        return Condition.STALLED if stalled else Condition.UP

    @property
    def circuit(self) -> Circuit:
        """Whether requests pass."""
        return self._breaker.circuit

    @property
    def client_id(self) -> str:
        """Whom the server sends its messages to."""
        return self._listener.client_id

    @client_id.setter
    def client_id(self, client_id: str) -> None:
        self._listener.client_id = client_id

    @property
    def up(self) -> bool:
        """Whether it answered when it was last asked."""
        return self._health.up.is_set()

    async def __aenter__(self) -> Self:
        await self._wire.open()
        if self._object_info is not None:
            await self._health.recall(self._object_info)
            self._object_info = None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.close()

    async def run(self) -> None:
        """Do what `keep` and `listen` do."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.keep())
            tasks.create_task(self.listen())

    async def keep(self) -> None:
        """Keep health and schemas in view until cancelled. No network error ends it."""
        await self._health.keep()

    async def listen(self) -> None:
        """Keep the socket and silent attempts in view until cancelled. No network error ends it.

        Only one process may: the server sends what it tells a client id to the newest socket alone.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listener.run(self.wait_up))
            tasks.create_task(self._watch.run())

    async def wait_up(self) -> None:
        """Wait until it answers; `run` finds that out."""
        await self._health.up.wait()

    async def wait_settled(self) -> None:
        """Wait until the socket is open, or has been tried in vain: a POST before that is heard of late."""
        await self._listener.settled()

    async def probe(self) -> bool:
        """Ask now whether it answers. Reads what it can do and offers if it was not up before."""
        return await self._health.probe()

    def look_soon(self) -> None:
        """Find out soon whether it is back, unless something else than its absence keeps it from work."""
        if not self.up and not self._health.barred:
            self._health.recheck()

    async def exposed(self) -> bool:
        """Whether everybody on the internet can use it."""
        return await self._health.exposed()

    @asynccontextmanager
    async def follow(self, prompt_id: str, graph: Graph) -> AsyncIterator[Follow]:
        """Listen for an attempt. To be entered before the POST; raises `ValueError` for one followed already."""
        with self._watch.follow(prompt_id, graph, self._outputs_of(graph)) as follow:
            yield follow

    async def post(self, follow: Follow, graph: Graph, *, tag: Mapping[str, object]) -> None:
        """Queue the graph under the attempt's id. `tag` is kept beside it on the server, but in no file.

        Raises `Refused` if it will not run, or not all of it; `CannotConnect` if no clear answer came.
        """
        if self.up:
            with suppress(TimeoutError):  # a first message missed means polling, so better a moment now
                async with asyncio.timeout(self.timing.deaf):
                    await self.wait_settled()
        schemas = self.schemas
        body = {
            "prompt": graph if schemas is None else spelled_for(schemas, graph),
            "client_id": self.client_id,
            "prompt_id": follow.prompt_id,
            "extra_data": {"muralist": dict(tag), "preview_method": "auto", **self._payment(graph)},
        }
        since, follow.connection = self._now(), self._listener.connection
        follow.posted = True
        await self._submit(follow.prompt_id, body, graph)
        follow.acknowledge()
        self._listener.expect_word(since)

    async def locate(self, prompt_id: str) -> Located:
        """Where an attempt stands. What is found is acknowledged, and told, to whoever follows it."""
        follow = self._watch.get(prompt_id)
        located = await self._locate(prompt_id, {} if follow is None else follow.graph)
        if follow is not None and not isinstance(located, Absent):
            follow.acknowledge()
            self._watch.take_in(follow, located)
        return located

    async def cancel(self, *prompt_ids: str) -> None:
        """Ask for the end of attempts, be they waiting or executing; unknown and finished ones are left alone.

        One may still finish: the server looks at the request between two steps only.
        """
        for prompt_id in prompt_ids:
            follow = self._watch.get(prompt_id)
            if follow is not None:
                follow.cancelled = True
        if not await self._cancel_jobs(prompt_ids):
            await self._wire.post("/queue", {"delete": list(prompt_ids)}, again=True)
            await self._interrupt(prompt_ids)
        for prompt_id in prompt_ids:
            self._watch.look_soon(prompt_id)

    async def queue(self) -> Queue:
        """Who runs and who waits there, of everybody."""
        known = self.capabilities
        page = await self.routes.jobs("pending", "in_progress") if known is not None and known.jobs else None
        if page is None:
            return await self.routes.queue()
        return Queue(
            running=frozenset(job.prompt_id for job in page.jobs if job.status == "in_progress"),
            pending=frozenset(job.prompt_id for job in page.jobs if job.status == "pending"),
        )

    async def others(self) -> tuple[int, int]:
        """How many run and how many wait there that are not followed here."""
        return (await self.queue()).others(self._watch.followed)

    @property
    def busy_with(self) -> int:
        """How many prompts of others run or wait there, by what the socket told last; 0 while it is not open."""
        return self._watch.others.count if self.up and self._listener.connection is not None else 0

    async def after_others(self) -> None:
        """Wait until what others have there by now is over: as long as if ours had been put behind it.

        What they add meanwhile does not count: it waits for ours in turn.
        """
        others = self._watch.others
        enough = others.gone + self.busy_with
        while self.busy_with > 0 and others.gone < enough:
            if not await others.news(self.timing.patience(1)) and self.up:
                with suppress(BackendError):  # asked again after the next silence
                    others.recount(sum(await self.others()))

    async def upload(self, name: str, data: bytes | Path) -> str:
        """Put a file into the input folder. Returns the value for LoadImage's `image`, as the server named it."""
        return await self.routes.upload_image(name, data)

    def fetch(self, file: RemoteFile) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Stream a file that the server named. Raises `Lost` if it is gone; `CannotConnect` at any chunk, too."""
        return self.routes.view(file)

    def _new_watch(self) -> Watch:
        return Watch(
            name=self.name,
            timing=self.timing,
            read_queue=self.queue,
            read_end=self._read_end,
            on_unheard=self._doubt_socket,
        )

    def _new_listener(
        self, client_id: str, on_new_client_id: Callable[[str], Awaitable[None]] | None
    ) -> Listener:
        return Listener(
            self._wire,
            self._watch,
            name=self.name,
            client_id=client_id,
            timing=self.timing,
            on_new_client_id=on_new_client_id,
            on_open=self._health.recheck,
        )

    def _most_upload(self) -> int | None:
        return None if self.capabilities is None else self.capabilities.max_upload_size

    def _payment(self, graph: Graph) -> Mapping[str, str]:
        """Servers take this out before they keep or tell what they were sent."""
        schemas = self.schemas
        if self._api_key is None or schemas is None:
            return {}
        paid = any(schemas.is_paid(class_of(graph, node) or "") for node in graph)
        return {"api_key_comfy_org": self._api_key} if paid else {}

    def _outputs_of(self, graph: Graph) -> tuple[str, ...]:
        schemas = self.schemas
        if schemas is None:
            return ()
        return tuple(node for node in graph if schemas.is_output(class_of(graph, node) or ""))

    async def _submit(self, prompt_id: str, body: object, graph: Graph) -> None:
        """POST it; again after a 5xx, once it is known that the server did not take it all the same."""
        for pause in (*PAUSES, None):
            try:
                answer = await self._wire.post("/prompt", body)
            except ServerFault as error:
                if not isinstance(await self._locate(prompt_id, graph), Absent):
                    return
                if pause is None:
                    sentence = f"ComfyUI at {self.name} fails to take the workflow. Its console says why."
                    raise Refused(sentence, detail=error.detail) from error
                await asyncio.sleep(jittered(pause))
            else:
                await self._check_accepted(prompt_id, answer.status, self._wire.json_of(answer), graph)
                return

    async def _check_accepted(self, prompt_id: str, status: int, body: object, graph: Graph) -> None:
        answer = body if isinstance(body, dict) else {}
        accepted = answer.get("prompt_id")
        if status == 400:
            self._health.forget_schemas()
            raise refusal(answer, graph, self.schemas)
        if status != 200 or not isinstance(accepted, str):
            raise self._wire.stranger(f"{status} for POST /prompt")
        if accepted != prompt_id:
            await self.cancel(accepted)
            self._health.renames()
            raise too_old(self.name, self.version)
        if answer.get("node_errors"):
            await self.cancel(prompt_id)
            raise refusal(answer, graph, self.schemas)

    async def _cancel_jobs(self, prompt_ids: Sequence[str]) -> bool:
        """Cancel by the newer route, which takes waiting and executing ones alike. False if there is none."""
        known = self.capabilities
        if known is None or not known.cancels_jobs:
            return False
        answer = await self._wire.post("/api/jobs/cancel", {"job_ids": list(prompt_ids)}, again=True)
        return answer.status == 200

    async def _interrupt(self, prompt_ids: Sequence[str]) -> None:
        """Interrupt those of the prompts that execute, and nobody else's.

        Servers with jobs interrupt by id. Some older ones ignore the id and interrupt whatever executes, so
        they are asked right before whether it is one of these.
        """
        known = self.capabilities
        by_id = known is not None and known.jobs
        running = prompt_ids if by_id else (await self.queue()).running.intersection(prompt_ids)
        for prompt_id in running:
            await self._wire.post("/interrupt", {"prompt_id": prompt_id})

    def _doubt_socket(self, follow: Follow) -> None:
        """Its end was told over the connection that it was posted on, and must be here in a moment."""
        if follow.connection is not None and follow.connection == self._listener.connection:
            self._listener.expect_word(follow.heard_at, self.timing.settle)

    async def _locate(self, prompt_id: str, graph: Graph) -> Located:
        return await self._watch.place(prompt_id, graph, await self.queue())

    async def _read_end(self, prompt_id: str, graph: Graph) -> Ended | None:
        history = await self._wire.get_json(f"/history/{quote(prompt_id, safe='')}")
        entry = history.get(prompt_id) if isinstance(history, dict) else None
        return parse_entry(entry, graph) if isinstance(entry, dict) else None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
