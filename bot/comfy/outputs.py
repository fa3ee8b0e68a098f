"""What a run left, read from `executed` messages or from a history entry."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from bot.jobs.events import RemoteFile, RemoteText, Result, SentPicture

Output = tuple[str, Mapping[str, object]]
"""A node of the graph and what it put out: `{"images": [{"filename", "subfolder", "type"}], ...}`."""

MOST_TEXT = 100_000
"""Characters of one text that are kept."""


def results(outputs: Iterable[Output], sent: Sequence[SentPicture] = ()) -> tuple[Result, ...]:
    """The results of a run, by node, then in the node's own order.

    What was saved to ComfyUI's output folder, and what nodes sent over the socket instead, is the result; the
    rest are mere previews and words about it. Where nothing was saved, those are all there is.
    """
    by_node = _by_node(outputs)
    saved: tuple[Result, ...] = (*saved_files(by_node), *sent)
    if saved:
        return saved
    shown = tuple(file for file in _all_files(by_node) if file.folder == "temp")
    return (*shown, *(text for node, output in by_node for text in _texts(node, output)))


def saved_files(outputs: Iterable[Output]) -> tuple[RemoteFile, ...]:
    """The files in ComfyUI's output folder: of a run that failed, only those are worth keeping."""
    return tuple(file for file in _all_files(_by_node(outputs)) if file.folder == "output")


def _by_node(outputs: Iterable[Output]) -> list[Output]:
    return sorted(outputs, key=lambda output: _natural(output[0]))


def _all_files(outputs: Iterable[Output]) -> tuple[RemoteFile, ...]:
    return tuple(dict.fromkeys(file for node, output in outputs for file in _files(node, output)))


def _files(node: str, output: Mapping[str, object]) -> Iterator[RemoteFile]:
    """Every key counts that lists things with a `filename`: videos are `images`, custom nodes invent keys."""
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


def _texts(node: str, output: Mapping[str, object]) -> Iterator[RemoteText]:
    said = output.get("text")
    for text in said if isinstance(said, list) else [said]:
        if isinstance(text, str) and text.strip():
            yield RemoteText(node=node, text=text.strip()[:MOST_TEXT])


def _natural(node: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", node))
