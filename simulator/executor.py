"""What is kept from one prompt to the next: results of nodes, models in memory, the interrupt flag."""

import hashlib
import math
import random
import string
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.execution import Execution, Finished, Kept
from simulator.faults import Faults
from simulator.folders import Folders
from simulator.hub import Hub
from simulator.memory import Memory
from simulator.prompt_queue import Item
from simulator.settings import SimulatorSettings

Json = dict[str, Any]
# By class, the input that names a file whose content decides whether a result still holds.
FILE_INPUTS: Mapping[str, str] = {
    "LoadImage": "image",
    "LoadImageMask": "image",
    "LoadImageOutput": "image",
    "LoadVideo": "file",
    "LoadAudio": "audio",
    "Painter": "mask",
    "Load3D": "model_file",
}
BY_TIME = frozenset({"LoadVideo"})  # that go by when a file was changed, not by what is in it
NEVER_KEPT = frozenset({"SaveImageWebsocket"})


@dataclass
class Executor:
    """Runs prompts one at a time."""

    settings: SimulatorSettings
    folders: Folders
    hub: Hub
    faults: Faults

    def __post_init__(self) -> None:
        self.memory = Memory(self.settings.vram_gb, self.settings.load_seconds)
        self.interrupted = False
        self.cache: dict[str, Kept] = {}
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
        """The letters in the names of a node's temporary files; they last as long as its cache."""
        letters = "".join(random.choices(string.ascii_lowercase, k=5))
        return self._suffixes.setdefault(node_id, letters)

    def changed(self, class_type: str, inputs: Json) -> str:
        """What else than its inputs decides whether a node's result holds; NaN is never the same again."""
        found = self.fingerprint(class_type, inputs)
        return "" if found is None else uuid.uuid4().hex if found != found else str(found)

    def fingerprint(self, class_type: str, inputs: Json) -> str | float | None:
        """What a class says of the state of its file or of the time; NaN if it can't, None if it never does."""
        if class_type in NEVER_KEPT:
            return time.time()
        name = inputs.get(FILE_INPUTS.get(class_type, ""))
        if class_type not in FILE_INPUTS or name == "":
            return None
        path = self.folders.input_file(name) if isinstance(name, str) else None
        if path is None:
            return math.nan
        return (
            path.stat().st_mtime if class_type in BY_TIME else hashlib.sha256(path.read_bytes()).hexdigest()
        )

    def stamped(self, graph: Json) -> Json:
        """The graph as it is written into files: with the fingerprints, which real servers leave in it."""
        return {node_id: self._stamped(node) for node_id, node in graph.items()}

    def _stamped(self, node: Json) -> Json:
        found = self.fingerprint(node["class_type"], node.get("inputs", {}))
        if found is None:
            return node
        return {**node, "is_changed": found if found != found else [found]}
