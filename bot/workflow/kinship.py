"""Whether the model files of a graph belong together: LoRAs with the models that they are laid over. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.comfy.graph import class_of, inputs_of, sources_of
from bot.comfy.models import file_name, is_model
from bot.comfy.names import plain
from bot.jobs.models import Graph
from bot.workflow.families import (
    LORAS,
    OTHER,
    FamilyOf,
    alike,
    architecture,
    folder_of,
)

NEAREST = 3
"""Files that are named as an advice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A model file that a node loads, by the kind of its folder and its name."""

    node: str
    input: str
    folder: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Mismatch:
    """A LoRA, the model that it would be laid over, and their families."""

    lora: Loaded
    lora_family: str
    model: Loaded
    model_family: str


def loaded(graph: Graph) -> Iterator[Loaded]:
    """The LoRAs, checkpoints and diffusion models that a graph loads."""
    for node in graph:
        for name, value in inputs_of(graph, node).items():
            folder = folder_of(class_of(graph, node) or "", name)
            file = _file(value)
            if folder is not None and file is not None:
                yield Loaded(node=node, input=name, folder=folder, name=plain(file))


def mismatches(graph: Graph, family: FamilyOf) -> Iterator[Mismatch]:
    """The LoRAs that fit none of the models that they are laid over, as far as all of these are known."""
    models = {each.node: each for each in loaded(graph) if each.folder != LORAS}
    for lora in loaded(graph):
        if lora.folder != LORAS:
            continue
        made_for = family(LORAS, lora.name)
        under = [models[node] for node in _below(graph, lora.node, models)]
        kinds = [family(each.folder, each.name) for each in under]
        if under and not any(alike(made_for, kind) for kind in kinds):
            yield Mismatch(lora=lora, lora_family=made_for, model=under[0], model_family=kinds[0])


def kinds_of(graph: Graph, family: FamilyOf) -> frozenset[str]:
    """What the main models of a graph are, LoRAs apart; empty unless all of them are known."""
    kinds = [family(each.folder, each.name) for each in loaded(graph) if each.folder != LORAS]
    return frozenset() if OTHER in kinds else frozenset(architecture(kind) for kind in kinds)


def by_fit(names: Sequence[str], folder: str, kinds: frozenset[str], family: FamilyOf) -> tuple[str, ...]:
    """Files of a kind: those that fit the models first, then those that nobody knows about, then the others."""
    return tuple(sorted(names, key=lambda name: _rank(architecture(family(folder, name)), kinds)))


def nearest_fitting(names: Sequence[str], lora: str, kind: str, family: FamilyOf) -> list[str]:
    """Of these LoRAs some that are for a kind of model, those that are called most alike first."""
    fitting = [name for name in names if architecture(family(LORAS, name)) == architecture(kind)]
    wanted = set(file_name(lora).lower())
    fitting.sort(key=lambda name: -len(wanted & set(file_name(name).lower())))
    return fitting[:NEAREST]


def _rank(kind: str, kinds: frozenset[str]) -> int:
    if not kinds or kind in kinds:
        return 0
    return 1 if kind == OTHER else 2


def _below(graph: Graph, node: str, models: Mapping[str, Loaded]) -> list[str]:
    """The nodes that load what a LoRA changes: up its links called model; all of the graph's if it has none."""
    found: list[str] = []
    seen, ahead = {node}, [source for name, source in sources_of(graph, node) if "model" in name.lower()]
    if not ahead:
        return list(models)
    while ahead:
        here = ahead.pop()
        if here in seen:
            continue
        seen.add(here)
        if here in models:
            found.append(here)
            continue
        links = list(sources_of(graph, here))
        named = [source for name, source in links if "model" in name.lower()]
        ahead += named or [source for _, source in links]
    return found


def _file(value: Any) -> str | None:
    """The file that an input names; some loaders keep several values in one, with a switch."""
    if isinstance(value, Mapping):
        value = value.get("lora") if value.get("on") is not False else None
    return value if is_model(value) else None
