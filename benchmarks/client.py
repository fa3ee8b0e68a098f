"""A client under test as a process of its own: reads a workload a line, answers with what came of it."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from benchmarks.machine import pin
from benchmarks.peers import PEERS, PeerClient
from benchmarks.workload import Outcome, Workload


class Client(Protocol):
    """What is compared."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def run(self, workload: Workload) -> Outcome:
        """Do the jobs."""


def main() -> None:
    """Serve standard input until it ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("floor", "muralist", *PEERS))
    parser.add_argument("--url", required=True, action="append", help="more than one for Muralist alone")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--core", type=int)
    given = parser.parse_args()
    pin(given.core)
    asyncio.run(_serve(given.kind, given.url, given.folder))
    sys.stdout.flush()
    os._exit(0)  # some peers leave threads behind that wait for ever


def _client(kind: str, urls: list[str], folder: Path) -> Client:
    # Here rather than above, so that the floor's process is as small as its code.
    if kind == "floor":
        from benchmarks.floor import Floor

        return Floor(urls[0], folder)
    if kind in PEERS:
        return PeerClient(kind, urls[0])
    from benchmarks.muralist import Muralist

    return Muralist(urls, folder)


async def _serve(kind: str, urls: list[str], folder: Path) -> None:
    async with _client(kind, urls, folder) as client:
        _say({"ready": kind})
        while line := await asyncio.to_thread(sys.stdin.readline):
            _say(asdict(await client.run(Workload(**json.loads(line)))))


def _say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
