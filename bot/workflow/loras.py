"""LoRAs that a prompt names: found among those that the servers have, and put into the graph. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.comfy.graph import inputs_of
from bot.comfy.models import file_name
from bot.comfy.names import plain
from bot.comfy.schemas import NodeSchemas
from bot.errors import GraphError, InvalidValue, NotOffered
from bot.jobs.models import Graph
from bot.workflow.builder import GraphBuilder, Link, Node, linked_to
from bot.workflow.phrase import LoraTag
from bot.workflow.values import nearest

BOTH, MODEL_ONLY = "LoraLoader", "LoraLoaderModelOnly"
MODEL, CLIP = "MODEL", "CLIP"
NODE = "lora"
"""What the ids of the nodes begin with."""

_NOISE = re.compile(r"(high|low)[-_ ]?noise", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lora:
    """A LoRA that a server has, by its name there, and how much of it is wanted."""

    name: str
    model: float
    clip: float

    def __str__(self) -> str:
        weight = f"{self.model:g}" if self.clip == self.model else f"{self.model:g}, {self.clip:g}"
        return f"{_stem(self.name)} ({weight})"


def offered_loras(schemas: Sequence[NodeSchemas]) -> tuple[str, ...]:
    """The LoRAs that servers have together, with `/` between folders and name."""
    listed = (one.choices(kind, "lora_name") or () for one in schemas for kind in (BOTH, MODEL_ONLY))
    return tuple(dict.fromkeys(plain(name) for names in listed for name in names))


def named(
    parameter: str, tags: Sequence[LoraTag], offered: Sequence[str], fitting: Sequence[str] | None = None
) -> tuple[Lora, ...]:
    """The LoRAs that tags mean. Raises `InvalidValue` for a name that none has, or several.

    A name that several have means the one that is `fitting`, and so does one that is nearly right.
    """
    fits = offered if fitting is None else fitting
    return tuple(
        Lora(name=_named(parameter, tag.name, offered, fits), model=tag.model, clip=tag.clip) for tag in tags
    )


def _named(parameter: str, name: str, offered: Sequence[str], fits: Sequence[str]) -> str:
    """The one that is called so, the surest likeness first: people leave out folders, endings, capitals, dashes."""
    if not offered:
        raise InvalidValue(parameter, f'ComfyUI has no LoRA "{name}", nor any other. Leave it out.')
    for likeness in _LIKENESSES:
        wanted = likeness(plain(name))
        found = _preferred([each for each in offered if likeness(each) == wanted], fits)
        if len(found) == 1 or (found and wanted in found):
            return wanted if wanted in found else found[0]
    wanted = _letters(name)
    found = _preferred([each for each in offered if wanted and wanted in _letters(each)], fits)
    if len(found) == 1:
        return found[0]
    near = [_bare(each) for each in found[:3]] or nearest(name, [_stem(each) for each in fits or offered])
    near = near or [_stem(each) for each in offered[:3]]
    start = f'Several LoRAs are like "{name}".' if found else f'ComfyUI has no LoRA "{name}".'
    raise InvalidValue(parameter, f"{start} The nearest that it has: {', '.join(near)}.")


def _preferred(found: list[str], fits: Sequence[str]) -> list[str]:
    """Those that fit, if any of them does."""
    return [each for each in found if each in fits] or found


def _stem(name: str) -> str:
    """Without folders and ending."""
    return _bare(file_name(name))


def _bare(name: str) -> str:
    """Without an ending that model files have."""
    return re.sub(r"\.(safetensors|sft|pt|ckpt|bin)$", "", name, flags=re.IGNORECASE)


def _letters(name: str) -> str:
    """Letters and digits alone."""
    return re.sub(r"[\W_]", "", _bare(file_name(name)).casefold())


_LIKENESSES: tuple[Callable[[str], str], ...] = (
    str,
    str.casefold,
    lambda name: _bare(name).casefold(),
    lambda name: _bare(file_name(name)).casefold(),
    _letters,
)


def with_loras(workflow: str, graph: Graph, loras: Sequence[Lora], schemas: NodeSchemas) -> Graph:
    """The graph with a chain of loaders behind each of its models: nothing else in it is another.

    A checkpoint's text encoder goes through the chain too; a model that is loaded alone has loaders for models alone.
    Raises `InvalidValue` where the graph has no model, `NotOffered` where the server has no such loader.
    """
    if not loras:
        return graph
    sources = list(_sources(graph, schemas))
    if not sources:
        raise InvalidValue("prompt", f"/{workflow} has no model that a LoRA could change. Leave it out.")
    build = GraphBuilder(schemas, graph)
    try:
        for source in sources:
            _chain(build, graph, source, [each for each in loras if _is_for(graph, source, each, sources)])
        return build.graph()
    except GraphError as error:
        raise NotOffered(f"ComfyUI here can't add LoRAs to /{workflow}. {error}") from error


def _sources(graph: Graph, schemas: NodeSchemas) -> Iterator[Node]:
    """The nodes that bring a model that is used, and take none."""
    build = GraphBuilder(schemas, graph)
    for node_id in graph:
        node = build.node(node_id)
        kinds = [kind for kind, _ in node.outputs]
        if (
            kinds.count(MODEL) == 1
            and not _takes_model(graph, node_id, build)
            and linked_to(graph, node[MODEL])
        ):
            yield node


def _takes_model(graph: Graph, node_id: str, build: GraphBuilder) -> bool:
    for value in inputs_of(graph, node_id).values():
        match value:
            case [str(source), int(index)] if source in graph:
                outputs = build.node(source).outputs
                if index < len(outputs) and outputs[index][0] == MODEL:
                    return True
    return False


def _is_for(graph: Graph, source: Node, lora: Lora, sources: Sequence[Node]) -> bool:
    """Of two models, one for much noise and one for little, a LoRA that is named for one goes to that one."""
    wanted = _noise(lora.name)
    mine = _noise_of(graph, source)
    paired = {_noise_of(graph, each) for each in sources} >= {"high", "low"}
    return not paired or wanted is None or mine in (wanted, None)


def _noise(name: str) -> str | None:
    found = _NOISE.search(file_name(name))
    return None if found is None else found[1].lower()


def _noise_of(graph: Graph, source: Node) -> str | None:
    texts = [value for value in inputs_of(graph, source.id).values() if isinstance(value, str)]
    return next((found for text in texts if (found := _noise(text)) is not None), None)


def _chain(build: GraphBuilder, graph: Graph, source: Node, loras: Sequence[Lora]) -> None:
    """Loaders one behind the other; what took the model of `source` takes the last one's."""
    model = source[MODEL]
    whole = [kind for kind, _ in source.outputs].count(CLIP) == 1 and linked_to(graph, source[CLIP])
    clip = source[CLIP] if whole else None
    first_model, first_clip, made = model, clip, list[str]()
    for lora in loras:
        title = f"LoRA {_stem(lora.name)}"
        inputs: dict[str, str | float | Link] = {"lora_name": lora.name, "strength_model": lora.model}
        if clip is None:
            node = build.add(MODEL_ONLY, {**inputs, "model": model}, wanted_id=NODE, title=title)
        else:
            inputs |= {"strength_clip": lora.clip, "model": model, "clip": clip}
            node = build.add(BOTH, inputs, wanted_id=NODE, title=title)
            clip = node[CLIP]
        model = node[MODEL]
        made.append(node.id)
    build.relink(first_model, model, but=made)
    if first_clip is not None and clip is not None:
        build.relink(first_clip, clip, but=made)
