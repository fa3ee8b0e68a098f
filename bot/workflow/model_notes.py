"""What a workflow's author wrote down about its models, in ComfyUI's UI format.

The API format has lost all of it. ComfyUI's own templates carry both kinds: a list `properties.models` of the
loaders, and Markdown notes with a heading for each folder and a link with its size for each file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.comfy.models import ModelNote, file_name, is_model

NOTES = ("MarkdownNote", "Note")

_LINK = re.compile(r"\[([^\[\]\n]+)\]\((https?://[^\s()]+)\)[ \t]*(?:\(([\d.,]+\s*[KMGT]i?B)\))?")
_HEADING = re.compile(r"(?m)^\s*\*\*\s*([\w /-]+?)\s*\*\*")


def read_model_notes(ui: object) -> dict[str, ModelNote]:
    """The notes of a workflow in UI format, by the models' file names; what is no such workflow has none."""
    found: dict[str, ModelNote] = {}
    for note in (*_of_loaders(ui), *_of_texts(ui)):
        name = file_name(note.name)
        before = found.get(name)
        found[name] = note if before is None else _joined(before, note)
    return found


def _joined(first: ModelNote, second: ModelNote) -> ModelNote:
    return ModelNote(
        name=first.name,
        url=first.url,
        folder=first.folder or second.folder,
        size=first.size or second.size,
    )


def _of_loaders(ui: object) -> Iterator[ModelNote]:
    for node in _nodes(ui):
        properties = node.get("properties")
        models = properties.get("models") if isinstance(properties, Mapping) else None
        for model in _objects(models):
            name, url, folder = model.get("name"), model.get("url"), model.get("directory")
            if isinstance(name, str) and isinstance(url, str):
                yield ModelNote(name=name, url=url, folder=folder if isinstance(folder, str) else None)


def _of_texts(ui: object) -> Iterator[ModelNote]:
    for node in _nodes(ui):
        values = node.get("widgets_values")
        text = values[0] if isinstance(values, list) and values else None
        if node.get("type") in NOTES and isinstance(text, str):
            yield from _of_text(text)


def _of_text(text: str) -> Iterator[ModelNote]:
    headings = [(match.start(), match[1]) for match in _HEADING.finditer(text)]
    for link in _LINK.finditer(text):
        above = [title for start, title in headings if start < link.start()]
        folder = above[-1].strip().lower().replace(" ", "_") if above else None
        if is_model(link[1].strip()):
            yield ModelNote(name=link[1].strip(), url=link[2], folder=folder, size=link[3])


def _nodes(ui: object) -> Iterator[Mapping[str, Any]]:
    """The nodes of a workflow, and those of its sub-graphs."""
    if isinstance(ui, Mapping):
        yield from _objects(ui.get("nodes"))
        definitions = ui.get("definitions")
        for graph in _objects(definitions.get("subgraphs") if isinstance(definitions, Mapping) else None):
            yield from _objects(graph.get("nodes"))


def _objects(items: object) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in items if isinstance(item, Mapping)) if isinstance(items, list) else ()
