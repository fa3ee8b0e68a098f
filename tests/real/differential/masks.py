"""What changes from run to run or belongs to one machine, replaced by words."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.real.differential.answers import Samples

_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_SUBSTITUTIONS = [
    (re.compile(r"\b[0-9a-f]{32}\b"), "<hex>"),
    (re.compile(r"_temp_[a-z]{5}_"), "_temp_<letters>_"),
    (re.compile(r"^tensor\(.*", re.DOTALL), "<tensor>"),
    (re.compile(r" at 0x[0-9a-f]+"), " at <address>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<host>"),
    # The folder that a server lives in, up to one that both have.
    (re.compile(r"(?:[A-Z]:)?(?:/[\w.\-]+)+?/(?=(?:input|output|temp|user|models)\b)"), "<folder>/"),
]
_TIMES = {"timestamp", "create_time", "execution_start_time", "execution_end_time", "modified", "created"}
_PATH = re.compile(r"(?<!\w)(?:[A-Z]:)?(?:/[\w.\-]+){2,}")
# Sets, which have no order on real servers.
_SETS = {"executed", "current_outputs"}
_HEADERS = {
    "date": "<date>",
    "last-modified": "<date>",
    "etag": "<etag>",
    "server": "<server>",
}


class Masks:
    """The masks of one observation: ids are counted in the order in which they first appear."""

    def __init__(self, words: dict[str, str]) -> None:
        """`words` are strings of this run, such as its folder, with what stands for each."""
        self._words = words
        self._ids: dict[str, str] = {}

    def masked(self, value: Any, key: str = "") -> Any:
        """A copy in which only what is meant to be equal is left."""
        if key in _TIMES and isinstance(value, int | float) and not isinstance(value, bool):
            return f"<{type(value).__name__}>"
        if key == "is_changed" and isinstance(value, list) and isinstance(value[0], float):
            return ["<time>"]
        if key == "traceback":
            return "<lines>" if value else value
        if key in _SETS and isinstance(value, list):
            return sorted(value)
        if isinstance(value, dict):
            return {self._text(str(name)): self.masked(item, str(name)) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.masked(item) for item in value]
        if isinstance(value, Samples):
            return value
        return self._string(value, key) if isinstance(value, str) else value

    def _string(self, text: str, key: str) -> str:
        if key == "exception_message":
            text = _PATH.sub("<path>", text)
        return _HEADERS[key] if key in _HEADERS else self._text(text)

    def _text(self, text: str) -> str:
        for word, stands_for in self._words.items():
            text = text.replace(word, stands_for)
        text = _UUID.sub(lambda found: self._ids.setdefault(found[0], f"<id {len(self._ids) + 1}>"), text)
        for pattern, replacement in _SUBSTITUTIONS:
            text = pattern.sub(replacement, text)
        return text


def without_position(frames: list[Any]) -> list[Any]:
    """Frames of a run that was ended from outside: how far it came is left to chance.

    What tells of the way (progress, nodes, previews) is left out; the node that was reached has no name.
    """
    kept = [frame for frame in frames if not _on_the_way(frame)]
    text = json.dumps(kept)
    text = re.sub(r'"(node_id|node_type)": "\w+"', r'"\1": "<node>"', text)
    text = re.sub(r'"executed": \[.*?\]', '"executed": "<nodes>"', text)
    found: list[Any] = json.loads(text)
    return found


def _on_the_way(frame: Any) -> bool:
    if frame["type"] in ("progress", "progress_state", "binary"):
        return True
    data = frame["data"]
    return frame["type"] == "executing" and data["node"] is not None and "prompt_id" in data


def without_middle(frames: list[Any]) -> list[Any]:
    """Frames without the progress between the first and the last step.

    Real servers leave out what comes within a tenth of a second, if no preview goes with it.
    """
    kept: list[Any] = []
    for frame in frames:
        if _in_the_middle(frame):
            if kept and kept[-1]["type"] == "progress_state":
                kept.pop()
        else:
            kept.append(frame)
    return kept


def _in_the_middle(frame: Any) -> bool:
    return bool(frame["type"] == "progress" and 1 < frame["data"]["value"] < frame["data"]["max"])
