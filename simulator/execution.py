"""Running one prompt, with the messages of a 0.33.0 server in the order they were captured."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from simulator import graph as graphs
from simulator import nodes
from simulator.expansion import expand
from simulator.failures import OUT_OF_MEMORY_KIND, explain, kind_of
from simulator.mapping import merged, rows, shown_together
from simulator.memory import OutOfMemory
from simulator.nodes import OUT_OF_MEMORY, Blocked, Call, NodeFailed, Produced, Subgraph
from simulator.progress import Place, Progress
from simulator.schema import CLASSES

if TYPE_CHECKING:
    from simulator.executor import Executor
    from simulator.prompt_queue import Item
    from simulator.settings import SimulatorSettings

log = logging.getLogger(__name__)

Json = dict[str, Any]


# Classes that get inputs which they do not name.
TAKE_ALL = frozenset({"CustomCombo"})


class Interrupted(Exception):
    """Somebody asked for the running prompt to stop."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The history entry of a prompt without its queue item, and what the log of runs keeps."""

    entry: Json
    outcome: str
    cached: tuple[str, ...]
    steps: int


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a node made: a list of values for every slot, and what it showed."""

    values: list[list[Any]]
    ui: Json | None


class Execution:
    """One prompt while it runs; also the bench that its nodes work at."""

    def __init__(self, executor: Executor, item: Item) -> None:
        _, self.prompt_id, self.graph, shown, self._outputs, secrets = item
        self.extra_data: Json = {**shown, **secrets}
        self.folders = executor.folders
        self.preview_side = self._preview_side(executor.settings)
        self._executor = executor
        self._hub = executor.hub
        self._client_id = self.extra_data.get("client_id")
        self._signatures: dict[str, str] = {}
        self._nodes: dict[str, Json] = dict(self.graph)  # with those of expanded graphs
        self._places: dict[str, Place] = {}
        self._expanded: dict[str, list[Produced]] = {}
        self._order = graphs.Order(self._nodes, (), self._is_kept)
        self._progress = Progress(self.prompt_id)
        self._messages: list[tuple[str, Json]] = []
        self._shown: dict[str, Json] = {}
        self._executed: list[str] = []
        self._cached: list[str] = []
        self._node_id = ""
        self._row = 0
        self._given: dict[str, list[Any]] = {}
        self._steps = 0

    async def run(self) -> Finished:
        """Run the outputs and all above them, telling what happens."""
        self._hub.client_id = self._client_id
        self._announce("execution_start", {"prompt_id": self.prompt_id})
        # In a thread, for files are read.
        self._signatures = await asyncio.to_thread(graphs.signatures, self.graph, self._executor.changed)
        self.graph = await asyncio.to_thread(self._executor.stamped, self.graph)
        self._executor.keep(self._signatures, self.graph)
        self._cached = [node_id for node_id in self.graph if self._is_kept(node_id)]
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

    async def load(self, files: tuple[str, ...], kind: str) -> None:
        """Wait for models that are not in memory. Real loading sees no interrupts either."""
        await self._executor.memory.load(files, kind)

    async def use(self, files: tuple[str, ...], megapixels: float) -> None:
        """See that work fits beside its models; those that others put out since come back first."""
        await self._executor.memory.recall(files)
        try:
            self._executor.memory.use(files, megapixels)
        except OutOfMemory:
            raise NodeFailed("torch.OutOfMemoryError", OUT_OF_MEMORY) from None

    async def pass_step(self) -> None:
        """Let the time of one sampling step pass."""
        asked = self._executor.faults.step_seconds
        await asyncio.sleep(self._executor.settings.step_seconds if asked is None else asked)

    def trouble(self, text: str, step: int, steps: int, *, local: bool = True) -> None:
        """Fail when a fault is armed, or when the prompt's text asks for it."""
        if local:
            self._executor.faults.sampling()
        if local and "simulate out of memory" in text.lower():
            raise NodeFailed("torch.OutOfMemoryError", OUT_OF_MEMORY)
        if "simulate an error" in text.lower() and step > steps // 2:
            raise NodeFailed("RuntimeError", "The prompt asked the simulator for an error")

    async def report(
        self, step: int, steps: int, picture: bytes | None = None, *, png: bool = False, sampling: bool = True
    ) -> None:
        """Tell about a sampling step, after a look at the interrupt flag as in real servers."""
        await self._check()
        self._steps += sampling
        self._progress.set(self._place(self._node_id), step, steps, "running")
        self._tell_progress()
        typed = self._hub.wants_metadata(self._client_id)
        image_type = "image/png" if png else "image/jpeg"
        if picture is not None and typed:
            about = self._progress.about(self._node_id)
            self._hub.post_preview_of(about, picture, self._client_id, image_type)
        bar = {"value": step, "max": steps, "prompt_id": self.prompt_id, "node": self._node_id}
        self._hub.post("progress", bar, self._client_id)
        if picture is not None and not typed:
            self._hub.post_preview(picture, self._client_id, image_type)

    def say(self, text: str) -> None:
        """Show a line of text at the node."""
        self._hub.post_text(self._node_id, text, self._client_id)

    def temp_prefix(self) -> str:
        """The start of the names of this node's temporary files."""
        return f"ComfyUI_temp_{self._executor.suffix(self._node_id)}"

    def expansion_prefix(self) -> str:
        """The node, which of its calls this is, and which graph of that call."""
        return f"{self._node_id}.{self._row}.0."

    async def _run_nodes(self) -> str:
        try:
            for output in self._outputs:
                self._order.add(output)
            while (node_id := self._order.next()) is not None:
                if await self._run_node(node_id):
                    self._order.finish(node_id)
        except Interrupted:
            self._announce("execution_interrupted", self._failure(), everybody=True)
            return "interrupted"
        except Exception as error:  # noqa: BLE001 - a node may fail in any way, and the worker goes on
            self._announce("execution_error", {**self._failure(), **self._explain(error)})
            return "error"
        self._announce("execution_success", {"prompt_id": self.prompt_id})
        return "success"

    async def _run_node(self, node_id: str) -> bool:
        """Run a node as far as it goes: False while it waits for others."""
        self._node_id, self._given = node_id, {}
        if node_id in self._expanded:
            self._complete(node_id, self._resolved(node_id), None)
            return True
        known = self._executor.cache.get(self._signatures[node_id])
        if known is not None:
            self._show(node_id, known.ui)
            self._progress.finish(self._place(node_id))
            self._tell_progress()
            return True
        await self._start(node_id)
        missing = self._missing(node_id)
        for source in missing:
            self._order.need(node_id, source)
        return not missing and await self._work(node_id)

    async def _start(self, node_id: str) -> None:
        place = self._place(node_id)
        self._progress.set(place, 0.0, 1.0, "running")
        self._tell_progress()
        self._given = self._gather(node_id)
        if self._client_id is not None:
            self._hub.last_node = place.display
        about = {"node": node_id, "display_node": place.display, "prompt_id": self.prompt_id}
        self._tell("executing", about)
        await self._check()

    def _missing(self, node_id: str) -> list[str]:
        """The nodes that a lazy input needs after all."""
        node = self._nodes[node_id]
        lazy = graphs.lazy_inputs(node) - self._given.keys()
        wanted = {name for row in rows(self._given) for name in nodes.wanted(node["class_type"], row)} & lazy
        return [node["inputs"][name][0] for name in node["inputs"] if name in wanted]

    async def _work(self, node_id: str) -> bool:
        class_type = self._nodes[node_id]["class_type"]
        node = CLASSES[class_type]
        self._executor.faults.before_node(class_type)
        made: list[Produced] = []
        for row, inputs in enumerate([self._given] if node.is_input_list else rows(self._given)):
            self._row = row
            if row:
                await self._check()
            block = _block(inputs)
            if block is None:
                call = Call(class_type=class_type, node=node, inputs=inputs, bench=self)
                made.append(await nodes.run(call))
            else:
                made.append(self._blocked(block, len(node.outputs)))
        # Such nodes never look at the interrupt flag: an interrupt waits for the next node.
        await asyncio.sleep(self._executor.settings.node_seconds if nodes.is_model_free(node) else 0)
        ui = self._told(node_id, shown_together(made))
        if any(one.subgraph is not None for one in made):
            self._grow(node_id, made)
            return False
        self._complete(node_id, [one.values for one in made], ui)
        return True

    def _told(self, node_id: str, output: Json) -> Json | None:
        if not output:
            return None
        ui = {"meta": self._place(node_id).meta(), "output": output}
        self._show(node_id, ui)
        return ui

    def _complete(self, node_id: str, values: list[tuple[Any, ...]], ui: Json | None) -> None:
        node = CLASSES[self._nodes[node_id]["class_type"]]
        self._executor.cache[self._signatures[node_id]] = Kept(values=merged(node, values), ui=ui)
        self._progress.finish(self._place(node_id))
        self._tell_progress()
        self._executed.append(node_id)

    def _blocked(self, block: Blocked, slots: int) -> Produced:
        """Hand the block on; what it says is told once, as an error that ends nothing."""
        if block.message is not None:
            about = {
                "exception_message": f"Execution Blocked: {block.message}",
                "exception_type": "ExecutionBlocked",
                "traceback": [],
                "current_inputs": [],
                "current_outputs": [],
            }
            self._hub.post("execution_error", {**self._failure(), **about}, self._client_id)
        return Produced(values=(Blocked(message=None),) * slots)

    def _grow(self, node_id: str, made: list[Produced]) -> None:
        """Run the graphs that a node expanded to, and it again when they have run."""
        parent = self._place(node_id)
        self._expanded[node_id] = made
        for subgraph in (one.subgraph for one in made if one.subgraph is not None):
            self._nodes.update(subgraph.graph)
            self._signatures = graphs.signatures(
                dict(subgraph.graph), self._executor.changed, self._signatures
            )
            for new in subgraph.graph:
                self._places[new] = Place(
                    node_id=new, display=parent.display, parent=node_id, real=parent.real
                )
            for new, node in subgraph.graph.items():
                if CLASSES[node["class_type"]].is_output:
                    self._order.add(new)
            for link in filter(graphs.is_link, subgraph.values):
                self._order.need(node_id, link[0])

    def _resolved(self, node_id: str) -> list[tuple[Any, ...]]:
        return [
            one.values if one.subgraph is None else self._fetched(one.subgraph)
            for one in self._expanded.pop(node_id)
        ]

    def _fetched(self, subgraph: Subgraph) -> tuple[Any, ...]:
        return tuple(self._values(one)[0] if graphs.is_link(one) else one for one in subgraph.values)

    def _values(self, link: list[Any]) -> list[Any]:
        return self._executor.cache[self._signatures[link[0]]].values[link[1]]

    def _is_kept(self, node_id: str) -> bool:
        return self._signatures[node_id] in self._executor.cache

    async def _check(self) -> None:
        await self._executor.faults.going()
        if self._executor.interrupted:
            self._executor.interrupted = False
            raise Interrupted

    def _gather(self, node_id: str) -> dict[str, list[Any]]:
        """The values of a node's inputs, in lists; unknown inputs and lazy ones not there yet are left out."""
        given: dict[str, list[Any]] = {}
        inputs = self._nodes[node_id]["inputs"]
        for name in expand(CLASSES[self._nodes[node_id]["class_type"]], inputs).inputs:
            value = inputs.get(name)
            if graphs.is_link(value):
                if self._is_kept(value[0]):
                    given[name] = self._values(value)
            elif name in inputs:
                given[name] = [value]
        if self._nodes[node_id]["class_type"] in TAKE_ALL:
            given.update({name: [value] for name, value in inputs.items() if name not in given})
        return given

    def _hidden(self, node_id: str) -> dict[str, list[Any]]:
        """What an older class gets beside its inputs; newer ones look it up."""
        known: Json = {
            "prompt": self.graph,
            "extra_pnginfo": self.extra_data.get("extra_pnginfo"),
            "unique_id": node_id,
        }
        node = CLASSES[self._nodes[node_id]["class_type"]]
        return {name: [known.get(name)] for name in node.hidden if not node.newer}

    def _place(self, node_id: str) -> Place:
        own = Place(node_id=node_id, display=node_id, parent=None, real=node_id)
        return self._places.get(node_id, own)

    def _show(self, node_id: str, ui: Json | None) -> None:
        if ui is not None:
            self._shown[node_id] = ui
        about = {
            "node": node_id,
            "display_node": self._place(node_id).display,
            "output": None if ui is None else ui["output"],
            "prompt_id": self.prompt_id,
        }
        self._tell("executed", about)

    def _failure(self) -> Json:
        real = self._place(self._node_id).real
        return {
            "prompt_id": self.prompt_id,
            "node_id": real,
            "node_type": self.graph[real]["class_type"],
            "executed": list(self._executed),
        }

    def _explain(self, error: Exception) -> Json:
        if kind_of(error) == OUT_OF_MEMORY_KIND:
            self._executor.memory.clear()
        about = explain(error, {**self._given, **self._hidden(self._node_id)})
        return {**about, "current_outputs": list(self.graph)}

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


def _block(inputs: Mapping[str, Any]) -> Blocked | None:
    values = (one for value in inputs.values() for one in (value if isinstance(value, list) else [value]))
    return next((value for value in values if isinstance(value, Blocked)), None)
