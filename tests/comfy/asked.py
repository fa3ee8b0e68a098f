"""A server that only answers a watch's two questions."""

from __future__ import annotations

from bot.comfy.graph import Graph
from bot.comfy.located import Queue
from bot.comfy.timing import Timing
from bot.comfy.watch import Watch
from bot.errors import CannotConnect
from bot.jobs.events import Ended
from tests.comfy.conftest import QUICK


class Server:
    """What the two questions are answered with."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.pending: set[str] = set()
        self.history: dict[str, Ended] = {}
        self.down = False
        self.looks = 0

    async def queue(self) -> Queue:
        """As `/queue`."""
        self.looks += 1
        if self.down:
            raise CannotConnect("down")
        return Queue(running=frozenset(self.running), pending=frozenset(self.pending))

    async def end(self, prompt_id: str, graph: Graph) -> Ended | None:
        """As `/history/{id}`."""
        return self.history.get(prompt_id)


def watch_over(server: Server, timing: Timing = QUICK) -> Watch:
    """A watch that asks it."""
    return Watch(
        name="test",
        timing=timing,
        read_queue=server.queue,
        read_end=server.end,
        on_unheard=lambda _follow: None,
    )
