"""Model files: which of a node's values name one, and what a graph's author noted about it.

Notes lie in a node's `_meta.models`, which ComfyUI ignores: so they go wherever the graph goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.comfy.graph import Graph

ENDINGS = frozenset(
    (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".pkl", ".bin", ".gguf", ".onnx")
)
"""What ComfyUI and the usual packs of nodes load."""

_WORDS = ("name", "url", "folder", "size")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelNote:
    """Where a model file is to be had; `folder` is one of ComfyUI's models folders, `size` words.

    `instead` are the names of files that do as well, the best first.
    """

    name: str
    url: str
    folder: str | None = None
    size: str | None = None
    instead: tuple[str, ...] = ()

    def as_meta(self) -> dict[str, str | list[str]]:
        """How it is written into a node's `_meta.models`."""
        words: dict[str, str | list[str]] = {
            key: value for key in _WORDS if (value := getattr(self, key)) is not None
        }
        return {**words, "instead": list(self.instead)} if self.instead else words

    def as_words(self) -> str:
        """Link, size and folder, as far as they are known."""
        size = f" ({self.size})" if self.size else ""
        return f"{self.url}{size} into models/{self.folder}" if self.folder else f"{self.url}{size}"


def is_model(value: object) -> bool:
    """Whether a value is the name of a model file."""
    return isinstance(value, str) and PurePosixPath(value).suffix.lower() in ENDINGS


def file_name(name: str) -> str:
    """A model's name without its folders, which servers on Windows part by backslashes."""
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def loaded_by(graph: Graph) -> str:
    """The model files that a graph loads, a line each, those of a checkpoint or a diffusion model first.

    Without LoRAs: they are laid over what is loaded already. Empty if it loads none.
    """
    found = {
        (not _is_main(node.get("class_type")), value)
        for node in graph.values()
        if "lora" not in str(node.get("class_type")).lower()
        for value in _values(node)
        if is_model(value)
    }
    return "\n".join(dict.fromkeys(name for _, name in sorted(found)))


def note_of(graph: Graph, node: str, name: str) -> ModelNote | None:
    """What is noted in a node about the model file of that name."""
    meta = graph.get(node, {}).get("_meta")
    listed = meta.get("models") if isinstance(meta, Mapping) else None
    for entry in listed if isinstance(listed, list) else ():
        note = _note(entry)
        if note is not None and file_name(note.name) == file_name(name):
            return note
    return None


def where_to_get(note: ModelNote | None) -> str:
    """What to do about a model that is not there: the end of a sentence about it."""
    if note is None:
        return "Put it into ComfyUI's models folder, or choose another."
    return f"Download {note.as_words()}."


def _note(entry: object) -> ModelNote | None:
    if not isinstance(entry, Mapping):
        return None
    known = {key: value for key in _WORDS if isinstance(value := entry.get(key), str)}
    listed = entry.get("instead")
    instead = tuple(name for name in listed if isinstance(name, str)) if isinstance(listed, list) else ()
    return ModelNote(**known, instead=instead) if "name" in known and "url" in known else None


def _is_main(class_type: object) -> bool:
    return any(word in str(class_type).lower() for word in ("checkpoint", "unet", "diffusion"))


def _values(node: Mapping[str, object]) -> list[str]:
    inputs = node.get("inputs")
    values = inputs.values() if isinstance(inputs, Mapping) else ()
    return [value for value in values if isinstance(value, str)]
