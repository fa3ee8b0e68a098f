"""The line of prompts and the history of finished ones; both live in memory only."""

import asyncio
import heapq
from typing import Any

from simulator.hub import Hub

Json = dict[str, Any]
# number, prompt id, graph, extra_data, output nodes to run, secrets that no route shows.
# Kept as plain tuples because real servers compare them as such: equal number and equal id fail.
Item = tuple[float, str, Json, Json, list[str], Json]


class PromptQueue:
    """A heap of prompts for one worker; every change is told to every socket."""

    def __init__(self, hub: Hub, history_size: int) -> None:
        self.pending: list[Item] = []
        self.running: Item | None = None
        self.history: dict[str, Json] = {}
        self._hub = hub
        self._history_size = history_size
        self._flags: set[str] = set()
        self._changed = asyncio.Event()

    def info(self) -> Json:
        """What GET /prompt and every status message say."""
        return {"exec_info": {"queue_remaining": len(self.pending) + (self.running is not None)}}

    def put(self, item: Item) -> None:
        """Add a prompt. Raises TypeError for a number and id that are both waiting already."""
        heapq.heappush(self.pending, item)
        self._tell()
        self._changed.set()

    async def take(self) -> Item | None:
        """The prompt with the lowest number, or None when only a flag was raised."""
        while not self.pending and not self._flags:
            self._changed.clear()
            await self._changed.wait()
        if not self.pending:
            return None
        self.running = heapq.heappop(self.pending)
        self._tell()
        return self.running

    def done(self, entry: Json) -> None:
        """Move the running prompt into the history, replacing an older run of the same id."""
        assert self.running is not None
        item, self.running = self.running, None
        if len(self.history) > self._history_size:
            del self.history[next(iter(self.history))]
        self.history[item[1]] = {"prompt": item[:5], **entry}
        self._tell()

    def clear(self) -> None:
        """Forget all waiting prompts; the running one is not touched."""
        self.pending.clear()
        self._tell()

    def delete(self, prompt_id: object) -> bool:
        """Forget one waiting prompt; False when none has that id."""
        for place, item in enumerate(self.pending):
            if item[1] == prompt_id:
                if len(self.pending) == 1:
                    # The last one goes by way of `clear`: sockets hear it twice, as captured.
                    self.clear()
                else:
                    del self.pending[place]
                    heapq.heapify(self.pending)
                self._tell()
                return True
        return False

    def is_running(self, prompt_id: object) -> bool:
        """Whether the worker has that prompt now."""
        return self.running is not None and self.running[1] == prompt_id

    def listing(self) -> Json:
        """Running and waiting prompts as GET /queue shows them: in heap order, without secrets."""
        running = [] if self.running is None else [self.running[:5]]
        return {"queue_running": running, "queue_pending": [item[:5] for item in self.pending]}

    def past(self, max_items: int | None, offset: int) -> dict[str, Json]:
        """A stretch of the history, oldest first; without an offset the last `max_items`."""
        entries = list(self.history.items())
        if max_items is None:
            return dict(entries[max(offset, 0) :])
        start = offset if offset >= 0 else len(entries) - max_items
        # With an offset, 0 items is 1: the count is looked at only after an entry was taken.
        return dict(entries[max(start, 0) :][: max(max_items, 1)])

    def raise_flag(self, name: str) -> None:
        """Ask the worker for something when it is idle or between two prompts."""
        self._flags.add(name)
        self._changed.set()

    def take_flags(self) -> set[str]:
        """The flags raised since the last call."""
        flags, self._flags = self._flags, set()
        return flags

    def _tell(self) -> None:
        self._hub.post("status", {"status": self.info()})
