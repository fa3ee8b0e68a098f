"""A client under test and the simulated server that it has to itself, each in its process."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.machine import Child, cores
from benchmarks.proxy import delaying
from benchmarks.workflows import write_workflows
from benchmarks.workload import Outcome, Workload

Json = dict[str, Any]

PER_SERVER = frozenset({"GET /ws", "GET /system_stats", "GET /object_info", "GET /view_metadata"})
"""What is asked once in a while of a server, however many jobs it has: its socket, its health, its node classes, and
what stands in the heads of the models that it offers."""


HANGS_SECONDS = 30.0
"""Beyond a workload's own limit: then the client hangs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """What the server was asked since `reset`. `committed_most`: prompts that ran or waited there at one time."""

    requests: Mapping[str, int]
    sockets_most: int
    committed_most: int

    @property
    def for_jobs(self) -> int:
        """Requests without those that are made for the server as such."""
        return sum(count for route, count in self.requests.items() if route not in PER_SERVER)

    @property
    def all(self) -> int:
        """Every request."""
        return sum(self.requests.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One client with its server. `server` is the server's own address, past any delay."""

    server: str
    http: aiohttp.ClientSession
    client: Child

    async def run(self, workload: Workload) -> Outcome:
        """Have the client do the jobs. Raises `TimeoutError` for one that keeps to no limit."""
        async with asyncio.timeout(workload.limit_seconds + HANGS_SECONDS):
            return Outcome(**await self.client.ask(asdict(workload)))

    async def reset(self) -> None:
        """Count requests from here on."""
        async with self.http.delete(f"{self.server}/simulator/requests") as answer:
            answer.raise_for_status()

    async def counts(self) -> Counts:
        """What was asked since then."""
        found = await self._get("/simulator/requests")
        return Counts(
            requests=found["requests"],
            sockets_most=found["sockets_most"],
            committed_most=found["committed_most"],
        )

    async def last_runs(self, count: int) -> list[Json]:
        """What the server executed last, oldest first."""
        runs: list[Json] = await self._get("/simulator/runs")
        return runs[-count:]

    async def answering(self) -> None:
        """Wait until the server is there again after a restart."""
        while True:
            try:
                await self.counts()
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
            else:
                return

    async def fault(self, name: str, **arguments: object) -> None:
        """Have the server do something wrong."""
        await self.post("/simulator/faults", {"name": name, **arguments})

    async def post(self, path: str, body: Mapping[str, object]) -> None:
        """Ask something of the server that must succeed."""
        async with self.http.post(f"{self.server}{path}", json=body) as answer:
            answer.raise_for_status()
            await answer.read()

    async def _get(self, path: str) -> Any:
        async with self.http.get(f"{self.server}{path}") as answer:
            answer.raise_for_status()
            return await answer.json()


@asynccontextmanager
async def open_side(
    kind: str,
    *,
    step_seconds: float = 0.0,
    delay_seconds: float = 0.0,
    preview_size: int = 512,
    servers: int = 1,
) -> AsyncIterator[Side]:
    """Start a server and a client: the floor, muralist, or a peer. Messages between them arrive so much later.

    Muralist can have several `servers`; the side's own is the first.
    """
    server_core, client_core = cores() or (None, None)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        write_workflows(folder / "workflows")
        settings = ["--step-seconds", str(step_seconds), "--preview-size", str(preview_size)]
        started = [
            await stack.enter_async_context(_simulator(number, settings, folder, server_core))
            for number in range(servers)
        ]
        addresses = [await _address(each) for each in started]
        server, urls = addresses[0], addresses
        if delay_seconds:
            urls = [await stack.enter_async_context(delaying(each, delay_seconds)) for each in addresses]
        named = [word for url in urls for word in ("--url", url)]
        arguments = ["benchmarks.client", kind, *named, "--folder", str(folder)]
        if client_core is not None:
            arguments += ["--core", str(client_core)]
        client = await stack.enter_async_context(Child(kind, arguments, folder, client_core))
        await client.line()
        http = await stack.enter_async_context(aiohttp.ClientSession())
        yield Side(server=server, http=http, client=client)


def _simulator(number: int, settings: list[str], folder: Path, core: int | None) -> Child:
    name = f"simulator{number or ''}"
    arguments = ["simulator", "--port", "0", *settings, "--data-dir", str(folder / f"comfyui{number or ''}")]
    return Child(name, arguments, folder, core)


async def _address(simulator: Child) -> str:
    """Where it says that it serves."""
    return next(word for word in (await simulator.line()).split() if word.startswith("http://"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """The floor and Muralist, to be measured in turns."""

    floor: Side
    muralist: Side


@asynccontextmanager
async def open_pair(*, step_seconds: float = 0.0, delay_seconds: float = 0.0) -> AsyncIterator[Pair]:
    """Start both, each with a server of its own: neither hears of the other's jobs."""
    async with AsyncExitStack() as stack:
        floor = open_side("floor", step_seconds=step_seconds, delay_seconds=delay_seconds)
        muralist = open_side("muralist", step_seconds=step_seconds, delay_seconds=delay_seconds)
        yield Pair(
            floor=await stack.enter_async_context(floor), muralist=await stack.enter_async_context(muralist)
        )


async def settle(seconds: float = 0.2) -> None:
    """Let a client end what it still does after its last answer, before the other one is measured."""
    await asyncio.sleep(seconds)
