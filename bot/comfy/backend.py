"""One ComfyUI server, as the worker sees it: run an attempt and hear of it, cancel, fetch, health."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import structlog

from bot.comfy.address import parse_address
from bot.comfy.follow import Follow
from bot.comfy.graph import Graph, class_of
from bot.comfy.listener import Listener
from bot.comfy.located import Absent, Located, Queue, parse_entry, parse_queue
from bot.comfy.refusals import refusal
from bot.comfy.schemas import NodeSchemas
from bot.comfy.timing import Timing
from bot.comfy.watch import Watch
from bot.comfy.wire import PAUSES, ServerFault, Wire, patiently
from bot.errors import BackendError, CannotConnect, Lost, Refused
from bot.jobs.events import Ended, RemoteFile

log = structlog.get_logger(__name__)

SUBFOLDER = "muralist"
"""Where uploads go within ComfyUI's input folder, which all its users share."""


class ComfyBackend:
    """One server. Used inside `async with`; `run` must be running for attempts to be heard of.

    `url` may carry a login (`http://user:password@host`) or a query (`?token=...`), which then go with every
    request. Raises `ConfigError` if it is no web address. `on_new_client_id` is awaited when the server has
    lost the old id for good; attempts posted under the old one are then watched by HTTP alone.
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        timing: Timing = Timing(),  # noqa: B008 - frozen
        on_new_client_id: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        address = parse_address(url)
        self.url = address.url
        self.name = address.name
        self.version: str | None = None
        self.schemas: NodeSchemas | None = None
        self.trouble: str | None = None
        """Why it is not up, as a sentence for its owner; None while it is, or before it was asked."""
        self.timing = timing
        self._check = asyncio.Event()
        self._up = asyncio.Event()
        self._probing = asyncio.Lock()
        self._schemas_digest = b""
        self._schemas_at = float("-inf")
        self._cancels_jobs = True
        self._wire = Wire(address, timing, on_trouble=self._check.set)
        self._watch = Watch(
            name=self.name, timing=timing, read_queue=self._read_queue, read_end=self._read_end
        )
        self._listener = Listener(
            self._wire,
            self._watch,
            name=self.name,
            client_id=client_id,
            timing=timing,
            on_new_client_id=on_new_client_id,
        )

    @property
    def client_id(self) -> str:
        """Whom the server sends its messages to."""
        return self._listener.client_id

    @property
    def up(self) -> bool:
        """Whether it answered when it was last asked."""
        return self._up.is_set()

    async def __aenter__(self) -> Self:
        await self._wire.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.close()

    async def run(self) -> None:
        """Keep health, socket, silent attempts and schemas in view until cancelled. No network error ends it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_health())
            tasks.create_task(self._listener.run(self.wait_up))
            tasks.create_task(self._watch.run())

    async def wait_up(self) -> None:
        """Wait until it answers; `run` finds that out."""
        await self._up.wait()

    async def wait_settled(self) -> None:
        """Wait until the socket is open, or has been tried in vain: a POST before that is heard of late."""
        await self._listener.settled()

    async def probe(self) -> bool:
        """Ask now whether it answers. Reads its schemas if they are not known, or when it came back."""
        async with self._probing:
            begun = self._now()
            try:
                version = _version(await self._wire.get_json("/system_stats", timeout=self.timing.connect))
            except BackendError as error:
                # Busy loading a model, a server may be too slow for a probe while its socket still speaks.
                if self._listener.heard_at < begun:
                    self._went_down(error)
                return self.up
            if not self.up or self.schemas is None:
                await self._came_up(version)
            self.version, self.trouble = version, None
            return True

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
        body = {
            "prompt": graph,
            "client_id": self.client_id,
            "prompt_id": follow.prompt_id,
            "extra_data": {"muralist": dict(tag), "preview_method": "auto"},
        }
        since, follow.connection = self._now(), self._listener.connection
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

    async def cancel(self, prompt_id: str) -> None:
        """Ask for the end of one attempt, be it waiting or executing; unknown and finished ones are left alone.

        It may still finish: the server looks at the request between two steps only.
        """
        follow = self._watch.get(prompt_id)
        if follow is not None:
            follow.cancelled = True
        if not await self._cancel_job(prompt_id):
            await patiently(lambda: self._wire.post("/queue", {"delete": [prompt_id]}))
            # Servers before 0.3.56 ignore the id and interrupt whatever runs, so only if it is this one.
            if prompt_id in (await self._read_queue()).running:
                await self._wire.post("/interrupt", {"prompt_id": prompt_id})
        self._watch.look_soon(prompt_id)

    async def upload(self, name: str, data: bytes) -> str:
        """Put a file into the input folder. Returns the value for LoadImage's `image`, as the server named it."""
        answer = await patiently(lambda: self._wire.post_form("/upload/image", _form(name, data)))
        if answer.status != 200:
            raise Refused("ComfyUI did not take the file. Send another.", detail=f"status {answer.status}")
        body = self._wire.json_of(answer)
        stored = body.get("name") if isinstance(body, dict) else None
        if not isinstance(stored, str):
            raise self._wire.stranger("an upload's answer without a name")
        folder = str(body.get("subfolder") or "").replace("\\", "/").strip("/")
        return f"{folder}/{stored}" if folder else stored

    @asynccontextmanager
    async def fetch(self, file: RemoteFile) -> AsyncIterator[AsyncIterator[bytes]]:
        """Stream a file that the server named. Raises `Lost` if it is gone; `CannotConnect` at any chunk, too."""
        query = {"filename": file.filename, "subfolder": file.subfolder, "type": file.folder}
        async with self._wire.stream("/view", query) as (status, chunks):
            if status != 200:
                raise Lost(
                    "ComfyUI no longer has the file. Make it again.",
                    detail=f"status {status}, {file.filename}",
                )
            yield chunks

    async def _keep_health(self) -> None:
        while True:
            now = self._now()
            word = max(self._wire.answered_at, self._listener.heard_at)
            if self._check.is_set() or not self.up or now - word >= self.timing.probe:
                await self.probe()
                self._check.clear()
            if self.up and self._now() - self._schemas_at >= self.timing.schemas:
                await self._read_schemas()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.timing.probe):
                    await self._check.wait()

    async def _came_up(self, version: str | None) -> None:
        self._cancels_jobs = True  # it may be another version now
        await self._read_schemas()
        if not self.up:
            log.info("backend_up", backend=self.name, version=version)
        self._up.set()

    def _went_down(self, error: BackendError) -> None:
        if self.up or self.trouble is None:
            log.warning("backend_down", backend=self.name, reason=str(error))
        self.trouble = error.sentence
        self._up.clear()

    async def _read_schemas(self) -> None:
        self._schemas_at = self._now()
        try:
            answer = await self._wire.get("/object_info")
            digest = hashlib.sha256(answer.body).digest()
            if digest == self._schemas_digest:
                return  # parsing a megabyte holds everything else up, so not without need
            body = self._wire.json_of(answer)
        except BackendError as error:
            log.info("schemas_failed", backend=self.name, reason=str(error))
            return
        if answer.status == 200 and isinstance(body, dict):
            self.schemas, self._schemas_digest = NodeSchemas(body), digest

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
                await asyncio.sleep(pause)
            else:
                await self._check_accepted(prompt_id, answer.status, self._wire.json_of(answer), graph)
                return

    async def _check_accepted(self, prompt_id: str, status: int, body: object, graph: Graph) -> None:
        answer = body if isinstance(body, dict) else {}
        accepted = answer.get("prompt_id")
        if status == 400:
            self._schemas_at = float("-inf")  # what it offers is not what was thought
            raise refusal(answer, graph, self.schemas)
        if status != 200 or not isinstance(accepted, str):
            raise self._wire.stranger(f"{status} for POST /prompt")
        if accepted != prompt_id:
            await self.cancel(accepted)
            raise Refused(
                "This ComfyUI is too old for Muralist. Update it to 0.3.44 or newer.",
                detail=f"version {self.version}",
            )
        if answer.get("node_errors"):
            await self.cancel(prompt_id)
            raise refusal(answer, graph, self.schemas)

    async def _cancel_job(self, prompt_id: str) -> bool:
        """Cancel by the newer route, which takes waiting and executing ones alike. False if there is none."""
        if self._cancels_jobs:
            path = f"/api/jobs/{quote(prompt_id, safe='')}/cancel"
            answer = await patiently(lambda: self._wire.post(path))
            self._cancels_jobs = answer.status == 200
        return self._cancels_jobs

    async def _locate(self, prompt_id: str, graph: Graph) -> Located:
        return await self._watch.place(prompt_id, graph, await self._read_queue())

    async def _read_queue(self) -> Queue:
        return parse_queue(await self._wire.get_json("/queue"))

    async def _read_end(self, prompt_id: str, graph: Graph) -> Ended | None:
        history = await self._wire.get_json(f"/history/{quote(prompt_id, safe='')}")
        entry = history.get(prompt_id) if isinstance(history, dict) else None
        return parse_entry(entry, graph) if isinstance(entry, dict) else None

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _version(stats: Any) -> str | None:
    """The version that `/system_stats` tells; raises `CannotConnect` if those are not ComfyUI's."""
    system = stats.get("system") if isinstance(stats, dict) else None
    if not isinstance(system, dict):
        raise CannotConnect(
            "Something else than ComfyUI answers at that address. Check it.",
            detail="no system in /system_stats",
        )
    version = system.get("comfyui_version")
    return version if isinstance(version, str) else None


def _form(name: str, data: bytes) -> aiohttp.FormData:
    form = aiohttp.FormData()  # can be sent once only
    form.add_field("image", data, filename=_ascii(name), content_type="application/octet-stream")
    form.add_field("type", "input")
    form.add_field("subfolder", SUBFOLDER)
    return form


def _ascii(name: str) -> str:
    """A name that no HTTP library encodes: the server would take `%D0%BA.png` by its letters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".")[-100:] or "file"
