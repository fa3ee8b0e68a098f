"""What one life of the server process holds in memory, and its worker."""

import asyncio
import logging
import time
from typing import Any

from aiohttp import web

from simulator.execution import Finished
from simulator.executor import Executor
from simulator.faults import Faults
from simulator.folders import Folders
from simulator.hub import Hub
from simulator.logbook import Logbook
from simulator.prompt_queue import Item, PromptQueue
from simulator.runs import RunLog
from simulator.schema import Catalogue
from simulator.settings import SimulatorSettings

log = logging.getLogger(__name__)


class Machine:
    """Sockets, queue, history, cache and the counter of prompts: all that a restart forgets."""

    def __init__(self, settings: SimulatorSettings, folders: Folders, faults: Faults, runs: RunLog) -> None:
        self.settings = settings
        self.folders = folders
        self.faults = faults
        self.runs = runs
        self.features: dict[str, Any] = {
            "supports_preview_metadata": True,
            "supports_model_type_tags": True,
            "max_upload_size": settings.max_upload_size,
            "extension": {"manager": {"supports_v4": True}},
            "node_replacements": True,
            "assets": False,
        }
        self.hub = Hub(self.features if settings.version.has_features else None)
        self.queue = PromptQueue(self.hub, settings.history_size)
        self.logbook = Logbook(self.hub)
        self.started = time.time()
        self.catalogue = Catalogue(settings, folders)
        self.executor = Executor(settings, folders, self.hub, faults)
        self._number = 0

    def next_number(self) -> int:
        """The number for a prompt that names none; counts from 0 in every life."""
        number, self._number = self._number, self._number + 1
        return number

    def interrupt(self, prompt_id: object = None) -> bool:
        """Ask the running prompt to stop: any for None, else only that one; False when it is not running."""
        if prompt_id is not None and not self.queue.is_running(prompt_id):
            return False
        self.executor.interrupted = not self.faults.forgets()
        return True

    async def work(self) -> None:
        """Run prompt after prompt until cancelled."""
        while True:
            try:
                item = await self.queue.take()
                if item is not None:
                    await self._run(item)
                self._heed_flags()
            except Exception:
                log.exception("A prompt broke the worker; it goes on with the next one")

    async def _run(self, item: Item) -> None:
        prompt_id = item[1]
        number = self.runs.begin(prompt_id, item[3])
        try:
            begun = time.monotonic()
            finished = await self.executor.execute(item)
            self._log(finished, time.monotonic() - begun)
        except BaseException:
            self.runs.end(number, "lost", (), 0)
            raise
        self.runs.end(number, finished.outcome, finished.cached, finished.steps)
        # Success is told before the history has it: the order of real servers, wrong way round as it is.
        await asyncio.sleep(self.faults.history_gap)
        self.queue.done(finished.entry)
        if self.hub.client_id is not None:
            self.hub.post("executing", {"node": None, "prompt_id": prompt_id}, self.hub.client_id)

    def _log(self, finished: Finished, seconds: float) -> None:
        event, data = finished.entry["status"]["messages"][-1]
        if event == "execution_error":
            message = f"!!! Exception during processing !!! {data['exception_message']}"
            self.logbook.write(message + "".join(data["traceback"]), "ERROR")
        elif event == "execution_interrupted":
            self.logbook.write("Processing interrupted")
        self.logbook.write(f"Prompt executed in {seconds:.2f} seconds")

    def _heed_flags(self) -> None:
        flags = self.queue.take_flags()
        if "unload_models" in flags or "free_memory" in flags:
            self.executor.memory.clear()
        if "free_memory" in flags:
            self.executor.forget_cache()


MACHINE = web.AppKey("machine", Machine)
