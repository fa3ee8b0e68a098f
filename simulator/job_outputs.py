"""What `/api/jobs` makes of a prompt's outputs: counts, and the one that stands for them all."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

Json = dict[str, Any]
_SHOWN_KINDS = frozenset({"images", "video", "audio", "3d", "text"})
_MODELS = (".obj", ".fbx", ".gltf", ".glb", ".usdz")
_TEXTS = (".txt", ".md", ".json")
_LONGEST_TEXT = 1024


class _Rank(IntEnum):
    """Which output stands for the job: the highest, and of equal ones the first."""

    RAW_TEXT = 1
    TEXT_FILE = 2
    SHOWN = 3
    SAVED = 4


@dataclass(frozen=True, kw_only=True)
class Summary:
    """`preview` is the output that stands for the job, with its node and kind."""

    count: int
    previewable: int
    preview: Json | None


def summary(outputs: Json) -> Summary:
    """Count files and choose one; bare strings are no files, unless they name a 3D model."""
    count = previewable = 0
    best: tuple[int, Json | None] = (0, None)
    for node_id, kind, item in _items(outputs):
        file = _file(item)
        count += file is not None
        previewable += file is not None and _is_shown(kind, file)
        rank, preview = _ranked(kind, item, file)
        if rank > best[0]:
            best = rank, {**preview, "nodeId": node_id, "mediaType": preview.get("mediaType", kind)}
    return Summary(count=count, previewable=previewable, preview=best[1])


def as_files(outputs: Json) -> Json:
    """The outputs with names of 3D models made into files, and nothing where nothing was shown."""
    return {
        node_id: {
            kind: [_file(item) or item for item in items if item is not None]
            if isinstance(items, list) and kind != "animated"
            else items
            for kind, items in shown.items()
        }
        for node_id, shown in outputs.items()
    }


def _items(outputs: Json) -> Iterator[tuple[str, str, Any]]:
    for node_id, shown in outputs.items():
        for kind, items in shown.items():
            if kind != "animated" and isinstance(items, list):
                yield from ((node_id, kind, item) for item in items)


def _file(item: Any) -> Json | None:
    if isinstance(item, str) and item.lower().endswith(_MODELS):
        return {"filename": item, "type": "output", "subfolder": "", "mediaType": "3d"}
    return item if isinstance(item, dict) else None


def _is_shown(kind: str, file: Json) -> bool:
    name = str(file.get("filename", "")).lower()
    has_format = str(file.get("format", "")).startswith(("video/", "audio/"))
    return kind in _SHOWN_KINDS or has_format or name.endswith((*_MODELS, *_TEXTS))


def _ranked(kind: str, item: Any, file: Json | None) -> tuple[int, Json]:
    if file is None:
        return (_Rank.RAW_TEXT, _shortened(str(item))) if kind == "text" else (0, {})
    if not _is_shown(kind, file):
        return 0, {}
    if kind == "text" or str(file.get("filename", "")).lower().endswith(_TEXTS):
        return _Rank.TEXT_FILE, file
    return (_Rank.SAVED if file.get("type") == "output" else _Rank.SHOWN), file


def _shortened(text: str) -> Json:
    if len(text) <= _LONGEST_TEXT:
        return {"content": text}
    return {"content": text[:_LONGEST_TEXT], "truncated": True}
