"""Running one prompt at a time, with the messages of a 0.33.0 server in the order they were captured."""

import asyncio
import hashlib
import logging
import random
import string
import time
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator import graph as graphs
from simulator.expansion import expand
from simulator.faults import Faults
from simulator.folders import Folders
from simulator.hub import Hub
from simulator.nodes import FUNCTIONS, MODEL_FREE, OUT_OF_MEMORY, NodeFailed, Produced
from simulator.prompt_queue import Item
from simulator.schema import CLASSES
from simulator.settings import SimulatorSettings

log = logging.getLogger(__name__)

Json = dict[str, Any]
OOM_ADVICE = (
    "This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might "
    "have accidentally set the batch_size to a large number."
)


class Interrupted(Exception):
    """Somebody asked for the running prompt to stop."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The history entry of a prompt without its queue item, and what the log of runs keeps."""

    entry: Json
    outcome: str
    cached: tuple[str, ...]
    steps: int


class Executor:
    """What is kept from one prompt to the next: the node cache, the loaded checkpoint, the interrupt flag."""

    def __init__(self, settings: SimulatorSettings, folders: Folders, hub: Hub, faults: Faults) -> None:
        self.settings = settings
        self.folders = folders
        self.hub = hub
        self.faults = faults
        self.interrupted = False
        self.loaded: str | None = None
        self.cache: dict[str, tuple[Produced, Json | None]] = {}
        self._suffixes: dict[str, str] = {}

    async def execute(self, item: Item) -> Finished:
        """Run a prompt to its end, whatever that is."""
        self.interrupted = False
        return await Execution(self, item).run()

    def forget_cache(self) -> None:
        """Drop all results, so that the next prompt runs from the start."""
        self.cache.clear()
        self._suffixes.clear()

    def keep(self, signatures: Mapping[str, str], graph: Json) -> None:
        """Drop what the coming graph does not contain: only the previous prompt is cached."""
        wanted = set(signatures.values())
        self.cache = {signature: entry for signature, entry in self.cache.items() if signature in wanted}
        self._suffixes = {node_id: suffix for node_id, suffix in self._suffixes.items() if node_id in graph}

    def suffix(self, node_id: str) -> str:
        """The letters in the names of a PreviewImage node's files; they last as long as its cache."""
        letters = "".join(random.choices(string.ascii_lowercase, k=5))
        return self._suffixes.setdefault(node_id, letters)

    def file_digest(self, class_type: str, inputs: Json) -> str:
        """The content of the file that a LoadImage names; a file that is gone matches nothing."""
        if class_type != "LoadImage":
            return ""
        name = inputs.get("image")
        path = self.folders.input_file(name) if isinstance(name, str) else None
        return uuid.uuid4().hex if path is None else hashlib.sha256(path.read_bytes()).hexdigest()


@dataclass
class _Progress:
    """How far each node is that was started, as `progress_state` tells it."""

    prompt_id: str
    nodes: dict[str, Json] = field(default_factory=dict)

    def set(self, node_id: str, value: float, maximum: float, state: str) -> None:
        self.nodes[node_id] = {
            "value": value,
            "max": maximum,
            "state": state,
            "node_id": node_id,
            "prompt_id": self.prompt_id,
            "display_node_id": node_id,
            "parent_node_id": None,
            "real_node_id": node_id,
        }

    def finish(self, node_id: str) -> None:
        maximum = self.nodes[node_id]["max"] if node_id in self.nodes else 1
        self.set(node_id, maximum, maximum, "finished")


class Execution:
    """One prompt while it runs; also the bench that its nodes work at."""

    def __init__(self, executor: Executor, item: Item) -> None:
        _, self.prompt_id, self.graph, shown, self._outputs, secrets = item
        self.extra_data: Json = {**shown, **secrets}
        self.folders = executor.folders
        self.preview_side = self._preview_side(executor.settings)
        self.temp_suffix = ""
        self._executor = executor
        self._hub = executor.hub
        self._client_id = self.extra_data.get("client_id")
        self._signatures = graphs.signatures(self.graph, executor.file_digest)
        self._progress = _Progress(self.prompt_id)
        self._messages: list[tuple[str, Json]] = []
        self._shown: dict[str, Json] = {}
        self._executed: list[str] = []
        self._cached: list[str] = []
        self._node_id = ""
        self._given: Json = {}
        self._steps = 0

    async def run(self) -> Finished:
        """Run the outputs and all above them, telling what happens."""
        self._hub.client_id = self._client_id
        self._announce("execution_start", {"prompt_id": self.prompt_id})
        self._executor.keep(self._signatures, self.graph)
        self._cached = [
            node_id for node_id in self.graph if self._signatures[node_id] in self._executor.cache
        ]
        self._announce("execution_cached", {"nodes": self._cached, "prompt_id": self.prompt_id})
        outcome = await self._run_nodes()
        self._hub.last_node = None
        entry = {
            "outputs": {node_id: shown["output"] for node_id, shown in self._shown.items()},
            "status": {
                "status_str": "success" if outcome == "success" else "error",
                "completed": outcome == "success",
                "messages": self._messages,
            },
            "meta": {node_id: shown["meta"] for node_id, shown in self._shown.items()},
        }
        return Finished(entry=entry, outcome=outcome, cached=tuple(self._cached), steps=self._steps)

    async def load(self, checkpoint: str) -> None:
        """Wait for a checkpoint that is not the one in memory. Real loading sees no interrupts either."""
        if self._executor.loaded != checkpoint:
            await asyncio.sleep(self._executor.settings.load_seconds)
            self._executor.loaded = checkpoint

    async def pass_step(self) -> None:
        """Let the time of one sampling step pass."""
        await asyncio.sleep(self._executor.settings.step_seconds)

    def trouble(self, text: str, step: int, steps: int) -> None:
        """Fail when a fault is armed, or when the prompt's text asks for it."""
        self._executor.faults.sampling()
        if "simulate out of memory" in text.lower():
            raise NodeFailed("torch.OutOfMemoryError", OUT_OF_MEMORY)
        if "simulate an error" in text.lower() and step > steps // 2:
            raise NodeFailed("RuntimeError", "The prompt asked the simulator for an error")

    async def report(self, step: int, steps: int, jpeg: bytes | None) -> None:
        """Tell about a sampling step, after a look at the interrupt flag as in real servers."""
        await self._check()
        self._steps += 1
        self._progress.set(self._node_id, step, steps, "running")
        self._tell_progress()
        typed = self._hub.wants_metadata(self._client_id)
        if jpeg is not None and typed:
            state = self._progress.nodes[self._node_id]
            keys = ("node_id", "prompt_id", "display_node_id", "parent_node_id", "real_node_id")
            self._hub.post_preview_of({key: state[key] for key in keys}, jpeg, self._client_id)
        about = {"value": step, "max": steps, "prompt_id": self.prompt_id, "node": self._node_id}
        self._hub.post("progress", about, self._client_id)
        if jpeg is not None and not typed:
            self._hub.post_preview(jpeg, self._client_id)

    async def _run_nodes(self) -> str:
        try:
            for node_id in graphs.Order(self.graph, self._outputs, self._cached):
                await self._run_node(node_id)
        except Interrupted:
            self._announce("execution_interrupted", self._failure(), everybody=True)
            return "interrupted"
        except Exception as error:  # noqa: BLE001 - a node may fail in any way, and the worker goes on
            self._announce("execution_error", {**self._failure(), **self._explain(error)})
            return "error"
        self._announce("execution_success", {"prompt_id": self.prompt_id})
        return "success"

    async def _run_node(self, node_id: str) -> None:
        known = self._executor.cache.get(self._signatures[node_id])
        self._node_id, self._given = node_id, {}
        if known is not None:
            self._show(node_id, known[1])
            self._progress.finish(node_id)
            self._tell_progress()
            return
        self._progress.set(node_id, 0.0, 1.0, "running")
        self._tell_progress()
        self._given = self._gather(node_id)
        if self._client_id is not None:
            self._hub.last_node = node_id
        self._tell("executing", {"node": node_id, "display_node": node_id, "prompt_id": self.prompt_id})
        await self._check()
        produced = await self._work(self.graph[node_id]["class_type"])
        ui = None
        if produced.ui is not None:
            meta = {"node_id": node_id, "display_node": node_id, "parent_node": None, "real_node_id": node_id}
            ui = {"meta": meta, "output": produced.ui}
            self._show(node_id, ui)
        self._executor.cache[self._signatures[node_id]] = (produced, ui)
        self._progress.finish(node_id)
        self._tell_progress()
        self._executed.append(node_id)

    async def _work(self, class_type: str) -> Produced:
        self._executor.faults.before_node(class_type)
        if class_type == "PreviewImage":
            self.temp_suffix = self._executor.suffix(self._node_id)
        if class_type not in FUNCTIONS:
            raise NodeFailed("NotImplementedError", f"The simulator can't run {class_type}")
        produced = await FUNCTIONS[class_type](self, self._given)
        # Such nodes never look at the interrupt flag: an interrupt waits for the next node.
        await asyncio.sleep(self._executor.settings.node_seconds if class_type in MODEL_FREE else 0)
        return produced

    async def _check(self) -> None:
        await self._executor.faults.going()
        if self._executor.interrupted:
            self._executor.interrupted = False
            raise Interrupted

    def _gather(self, node_id: str) -> Json:
        """The values of a node's inputs; unknown inputs are left out."""
        node = self.graph[node_id]
        given = {}
        for name in expand(CLASSES[node["class_type"]], node["inputs"]).inputs:
            if name not in node["inputs"]:
                continue
            value = node["inputs"][name]
            if graphs.is_link(value):
                produced, _ = self._executor.cache[self._signatures[value[0]]]
                value = produced.values[value[1]]
            given[name] = value
        return given

    def _show(self, node_id: str, ui: Json | None) -> None:
        if ui is not None:
            self._shown[node_id] = ui
        output = None if ui is None else ui["output"]
        about = {"node": node_id, "display_node": node_id, "output": output, "prompt_id": self.prompt_id}
        self._tell("executed", about)

    def _failure(self) -> Json:
        return {
            "prompt_id": self.prompt_id,
            "node_id": self._node_id,
            "node_type": self.graph[self._node_id]["class_type"],
            "executed": list(self._executed),
        }

    def _explain(self, error: Exception) -> Json:
        """What a failed node tells; server paths and the user's text are in it, as in real servers."""
        kind = error.kind if isinstance(error, NodeFailed) else type(error).__qualname__
        advice = ""
        if kind == "torch.OutOfMemoryError":
            advice = OOM_ADVICE
            self._executor.loaded = None
        return {
            "exception_message": f"{error}\n{advice}",
            "exception_type": kind,
            "traceback": traceback.format_tb(error.__traceback__),
            "current_inputs": {name: [_printable(value)] for name, value in self._given.items()},
            "current_outputs": list(self.graph),
        }

    def _announce(self, event: str, data: Json, *, everybody: bool = False) -> None:
        """Tell the client and keep it for the history; without a client nobody is told, or everybody."""
        stamped = {**data, "timestamp": int(time.time() * 1000)}
        self._messages.append((event, stamped))
        if self._client_id is not None or everybody:
            self._hub.post(event, stamped, self._client_id)

    def _tell(self, event: str, data: Json) -> None:
        if self._client_id is not None:
            self._hub.post(event, data, self._client_id)

    def _tell_progress(self) -> None:
        # Without a client this goes to everybody, as in real servers.
        about = {"prompt_id": self.prompt_id, "nodes": self._progress.nodes}
        self._hub.post("progress_state", about, self._client_id)

    def _preview_side(self, settings: SimulatorSettings) -> int | None:
        """The longest side of previews in pixels, None for no previews; unknown methods mean the default."""
        method = self.extra_data.get("preview_method") if settings.version.has_preview_method else None
        if method not in ("none", "auto", "latent2rgb", "taesd"):
            method = settings.default_preview_method
        return None if method == "none" else settings.preview_size


def _printable(value: Any) -> Any:
    if value is None or isinstance(value, int | float | str):
        return value
    if isinstance(value, tuple):
        return "tensor([[[[0.2118, 0.4353, 0.6588],\n          [0.2118, 0.4353, 0.6588],\n          ...,"
    return f"<{type(value).__module__}.{type(value).__qualname__} object at {id(value):#x}>"
