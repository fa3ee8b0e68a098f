"""The floor: the least code that does the work. No chat, no queue, no retries; it is what others are held against.

One session, one websocket. The job's future is registered under its own prompt id before the POST, the names of
the files come with `executed`, and /view brings them. One durable insert and one durable update a job, so that
durability is not what is compared.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import time
import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from benchmarks.ticking import Ticking
from benchmarks.workflows import recipes
from benchmarks.workload import Outcome, Workload

FEATURES = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}


class Floor:
    """Used inside `async with`."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._client_id = uuid.uuid4().hex
        self._files: dict[str, asyncio.Future[list[dict[str, str]]]] = {}
        self._stack = AsyncExitStack()
        self._database = sqlite3.connect(folder / "floor.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute("CREATE TABLE job (id TEXT PRIMARY KEY, graph TEXT, files TEXT)")

    async def __aenter__(self) -> Self:
        self._http = await self._stack.enter_async_context(aiohttp.ClientSession())
        address = f"{self._url}/ws?clientId={self._client_id}"
        socket = await self._stack.enter_async_context(self._http.ws_connect(address, max_msg_size=0))
        await socket.send_json(FEATURES)
        self._reading = asyncio.create_task(self._read(socket))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reading.cancel()
        await self._stack.aclose()
        self._database.close()

    async def run(self, workload: Workload) -> Outcome:
        """Do the jobs. One that fails ends everything: the floor is for servers without faults."""
        before, cpu = time.perf_counter(), time.process_time()
        async with Ticking() as ticking, asyncio.timeout(workload.limit_seconds):
            if workload.at_once:
                done = await asyncio.gather(*(self._job(workload.workflow) for _ in range(workload.jobs)))
            else:
                done = [await self._job(workload.workflow) for _ in range(workload.jobs)]
        return Outcome(
            jobs=workload.jobs,
            seconds=time.perf_counter() - before,
            cpu=time.process_time() - cpu,
            pictures=sum(pictures for _, pictures in done),
            walls=[wall for wall, _ in done],
            block=ticking.longest,
        )

    async def _job(self, workflow: str) -> tuple[float, int]:
        """Seconds, and how many pictures came."""
        begun = time.perf_counter()
        graph = recipes()[workflow].seeded(random.randrange(2**24))
        prompt_id = str(uuid.uuid4())
        self._database.execute("INSERT INTO job VALUES (?, ?, NULL)", (prompt_id, json.dumps(graph)))
        self._files[prompt_id] = asyncio.get_running_loop().create_future()
        body = {
            "prompt": graph,
            "prompt_id": prompt_id,
            "client_id": self._client_id,
            "extra_data": {"preview_method": "auto"},
        }
        async with self._http.post(f"{self._url}/prompt", json=body) as answer:
            answer.raise_for_status()
            await answer.read()
        files = await self._files[prompt_id]
        del self._files[prompt_id]
        for file in files:
            async with self._http.get(f"{self._url}/view", params=file) as answer:
                answer.raise_for_status()
                await answer.read()
        self._database.execute("UPDATE job SET files = ? WHERE id = ?", (json.dumps(files), prompt_id))
        return time.perf_counter() - begun, len(files)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is aiohttp.WSMsgType.TEXT:
                message: dict[str, Any] = json.loads(frame.data)
                if message["type"] != "executed" or message["data"]["prompt_id"] not in self._files:
                    continue
                if message["data"]["output"] is not None:  # some nodes save nothing
                    files = message["data"]["output"]["images"]
                    self._files[message["data"]["prompt_id"]].set_result(files)
