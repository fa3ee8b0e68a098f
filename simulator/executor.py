"""What is kept from one prompt to the next: results of nodes, models in memory, the interrupt flag."""

import hashlib
import random
import string
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
    "LoadVideo": "file",
    "LoadAudio": "audio",
    "Painter": "mask",
    "Load3D": "model_file",
}
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
        """What else than its inputs decides whether a node's result holds; a file that is gone matches none."""
        if class_type in NEVER_KEPT:
            return uuid.uuid4().hex
        name = inputs.get(FILE_INPUTS.get(class_type, ""))
        if not isinstance(name, str) or not name:
            return ""
        path = self.folders.input_file(name)
        return uuid.uuid4().hex if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
