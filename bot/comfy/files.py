"""Which files a run left, read from `executed` messages or from a history entry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from bot.jobs.events import RemoteFile

Output = tuple[str, Mapping[str, object]]
"""A node of the graph and what it put out: `{"images": [{"filename", "subfolder", "type"}], ...}`."""


def results(outputs: Iterable[Output]) -> tuple[RemoteFile, ...]:
    """The files of a run, by node, then in the node's own order.

    Every key counts that lists things with a `filename`: videos come under `images`, and custom nodes invent
    keys. If anything was saved to ComfyUI's output folder, the rest are mere previews and left out.
    """
    by_node = sorted(outputs, key=lambda output: _natural(output[0]))
    files = tuple(dict.fromkeys(file for node, output in by_node for file in _files(node, output)))
    saved = tuple(file for file in files if file.folder == "output")
    return saved or files


def _files(node: str, output: Mapping[str, object]) -> Iterator[RemoteFile]:
    for items in output.values():
        for item in items if isinstance(items, list) else ():
            file = _file(node, item) if isinstance(item, dict) else None
            if file is not None:
                yield file


def _file(node: str, item: Mapping[str, object]) -> RemoteFile | None:
    filename, subfolder, folder = item.get("filename"), item.get("subfolder"), item.get("type")
    if not isinstance(filename, str) or not filename:
        return None
    return RemoteFile(
        node=node,
        filename=filename,
        subfolder=subfolder if isinstance(subfolder, str) else "",
        folder=folder if isinstance(folder, str) and folder else "output",
    )


def _natural(node: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", node))
