"""Which families the servers' model files are of: by what stands in their heads, which servers tell; else by name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

import structlog

from bot.comfy.backend import ComfyBackend
from bot.comfy.names import plain
from bot.comfy.schemas import NodeSchemas
from bot.errors import BackendError, InvalidValue
from bot.jobs.models import Graph
from bot.store.memory import Memory
from bot.workflow.families import (
    CHECKPOINTS,
    DIFFUSION_MODELS,
    LORAS,
    OTHER,
    alike,
    architecture,
    by_name,
    told_by,
)
from bot.workflow.kinship import Mismatch, loaded, mismatches, nearest_fitting
from bot.workflow.loras import BOTH as LORA_LOADER
from bot.workflow.loras import offered_loras
from bot.workflow.model import Parameter, Target, Workflow
from bot.workflow.shorthand import main_text_of

KEPT_BY, KEPT_AS = "families", "told"
"""Under these names it lies beside what adapters keep."""
KEPT_SECONDS = 7 * 24 * 3600.0
"""A file may be another by then."""
LOOK_SECONDS = 5.0
ASK_SECONDS = 2.0
"""How long a request waits for a server to tell: it may be busy, and a name tells something, too."""
READS_HEADS = ".safetensors"
"""The only files whose heads servers tell."""

_LISTS = (
    (LORAS, LORA_LOADER, "lora_name"),
    (CHECKPOINTS, "CheckpointLoaderSimple", "ckpt_name"),
    (DIFFUSION_MODELS, "UNETLoader", "unet_name"),
)
"""Where files of a kind are offered: kind, class and input."""

File = tuple[str, str]
"""The kind of its folder, and its name with `/`."""

log = structlog.get_logger(__name__)


class Families:
    """Remembers what servers told. `revision` is raised with all that is new."""

    def __init__(self, backends: Callable[[], Sequence[ComfyBackend]]) -> None:
        self.revision = 0
        self._backends = backends
        self._told: dict[File, str] = {}
        self._listed: dict[str, tuple[NodeSchemas, Mapping[File, str]]] = {}
        self._read_at = 0.0

    def of(self, folder: str, name: str) -> str:
        """The family of a file, `OTHER` if nobody knows. A `FamilyOf`."""
        named = by_name(folder, name)
        told = self._told.get((folder, plain(name)), OTHER)
        # Names tell more of a family than heads do, which tell more surely which one it is.
        return named if told == OTHER or (named != OTHER and alike(named, told)) else told

    async def learn(self, graph: Graph) -> None:
        """Find out about what a graph loads, unless that is known or takes long. Asks only if there is a LoRA."""
        files = [(each.folder, each.name) for each in loaded(graph)]
        unknown = [each for each in files if each not in self._told]
        if not unknown or not any(folder == LORAS for folder, _ in files):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_SECONDS):
                self._note(await self._ask(unknown))

    async def run(self, memory: Memory) -> None:
        """Find out about all that the servers offer, and keep it beyond the process, until cancelled."""
        await self._recall(memory)
        while True:
            try:
                await self._read(memory)
            except Exception:  # a worker's loop: it logs and goes on
                log.exception("it can't be found out which families models are of")
            await asyncio.sleep(LOOK_SECONDS)

    def require(self, workflow: Workflow, graph: Graph) -> None:
        """Raise `InvalidValue` if somebody chose a LoRA or a model that do not go together."""
        for wrong in mismatches(graph, self.of):
            chosen = _chosen(workflow, wrong)
            if chosen is not None:
                raise InvalidValue(chosen, self._sentence(wrong))

    def _sentence(self, wrong: Mismatch) -> str:
        known = [each.schemas for each in self._backends() if each.schemas is not None]
        near = nearest_fitting(offered_loras(known), wrong.lora.name, wrong.model_family, self.of)
        wanted = architecture(wrong.model_family)
        advice = (
            f"LoRAs for {wanted}: {', '.join(near)}." if near else f"None here is known to be for {wanted}."
        )
        return (
            f"The LoRA {wrong.lora.name} is for {architecture(wrong.lora_family)}, and the model "
            f"{wrong.model.name} is {wrong.model_family}. {advice}"
        )

    async def _recall(self, memory: Memory) -> None:
        kept = (await memory.find(KEPT_BY, KEPT_AS)).get(KEPT_AS)
        if kept is not None and kept["at"] > time.time() - KEPT_SECONDS:
            self._read_at = kept["at"]
            self._note({(folder, name): family for folder, name, family in kept["files"]})

    async def _read(self, memory: Memory) -> None:
        offered = {file for each in self._backends() for file in self._offers(each)}
        if time.time() - self._read_at > KEPT_SECONDS:
            self._told, self._read_at = {}, time.time()
        unknown = sorted(offered - self._told.keys())
        if not unknown:
            return
        found = await self._ask(unknown)
        if not found:
            return
        self._told = {file: family for file, family in self._told.items() if file in offered}
        self._note(found)
        files = [[*file, family] for file, family in sorted(self._told.items())]
        await memory.keep(KEPT_BY, KEPT_AS, {"at": self._read_at, "files": files})

    def _offers(self, backend: ComfyBackend) -> Mapping[File, str]:
        """What a server offers, by how it spells it; found out once for each answer of its."""
        schemas = backend.schemas
        if schemas is None:
            return {}
        known = self._listed.get(backend.url)
        if known is None or known[0] is not schemas:
            known = self._listed[backend.url] = (schemas, dict(_offered(schemas)))
        return known[1]

    def _note(self, found: dict[File, str]) -> None:
        if found:
            self._told |= found
            self.revision += 1

    async def _ask(self, files: Sequence[File]) -> dict[File, str]:
        """What servers that answer tell of these; nothing of those that none of them tells of now."""
        found: dict[File, str] = {}
        for file in files:
            for backend in self._backends():
                spelled = self._offers(backend).get(file)
                if not backend.up or spelled is None:
                    continue
                with suppress(BackendError):
                    found[file] = told_by(await backend.routes.head(file[0], spelled))
                    break
        return found


def _chosen(workflow: Workflow, wrong: Mismatch) -> str | None:
    """The parameter that somebody chose one of the two by; None if both stand so in the graph itself."""
    if wrong.lora.node not in workflow.graph:
        return main_text_of(workflow) or "prompt"
    for each in (wrong.lora, wrong.model):
        parameter = _setting(workflow, Target(node=each.node, input=each.input))
        if parameter is not None and each.name != _own(workflow, each.node, each.input):
            return parameter.spec.name
    return None


def _own(workflow: Workflow, node: str, name: str) -> str:
    return plain(str(workflow.graph[node]["inputs"].get(name, "")))


def _setting(workflow: Workflow, target: Target) -> Parameter | None:
    return next((each for each in workflow.parameters if target in each.targets), None)


def _offered(schemas: NodeSchemas) -> Iterator[tuple[File, str]]:
    """What a server offers of the kinds that have families, as far as it can tell about it, and how it spells that."""
    for folder, class_type, name in _LISTS:
        for each in schemas.choices(class_type, name) or ():
            if each.endswith(READS_HEADS):
                yield (folder, plain(each)), each
