"""What comes over the websocket, as small types. Everything unknown or malformed becomes None.

Shapes were recorded from servers 0.3.10 to 0.33.0. The server neither repeats nor numbers its messages.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionStart:
    """The server took the prompt from its queue."""

    prompt_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionCached:
    """Nodes whose results are kept from the previous prompt: they will not run."""

    prompt_id: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeExecuting:
    """A node begins to run; None after the last one. The resend on a connect names no prompt."""

    prompt_id: str | None
    node: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeProgress:
    """The bar of one node. Servers before 2025-07 say nothing else about progress."""

    prompt_id: str | None
    node: str | None
    value: float
    most: float


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeState:
    """One line of a `ProgressReport`. `display` is the graph's own node that an expanded one stands for."""

    node: str
    display: str
    value: float
    most: float
    running: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ProgressReport:
    """`progress_state`: all nodes begun so far, every time. Large and frequent, so it is parsed when needed."""

    prompt_id: str
    text: str

    def nodes(self) -> tuple[NodeState, ...]:
        """The states, in the order in which the nodes began; none if the message is malformed."""
        data = _object(_loads(self.text)).get("data")
        nodes = _object(_object(data).get("nodes"))
        return tuple(_node_state(str(node), _object(state)) for node, state in nodes.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeExecuted:
    """A node put something out: files, text, or nothing that is of interest here."""

    prompt_id: str
    node: str
    display: str
    output: JsonObject


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionSuccess:
    """Executed to the end. History is written just after this is sent."""

    prompt_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionError:
    """A node raised. With `blocked` it only kept one branch from running, and a success follows."""

    prompt_id: str
    data: JsonObject
    blocked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionInterrupted:
    """Somebody interrupted it while it ran."""

    prompt_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewFrame:
    """A picture in the making, or one that a node sends instead of saving it.

    Frames of the older kind do not say whose it is, nor which node's.
    """

    prompt_id: str | None
    node: str | None
    data: bytes
    media_type: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFrame:
    """Words of a node about its work. It is not said whose prompt's."""

    prompt_id: None = None
    node: str
    text: str


TextMessage = (
    ExecutionStart
    | ExecutionCached
    | NodeExecuting
    | NodeProgress
    | ProgressReport
    | NodeExecuted
    | ExecutionSuccess
    | ExecutionError
    | ExecutionInterrupted
)
BinaryMessage = PreviewFrame | TextFrame
Message = TextMessage | BinaryMessage
Bare = ExecutionStart | ExecutionSuccess | ExecutionInterrupted

FEATURE_FLAGS: JsonObject = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
"""Must be the first message of every connection: then previews say whose they are."""

_REPORT = re.compile(r'\{"type":\s*"progress_state",\s*"data":\s*\{"prompt_id":\s*"([^"\\]+)"')
_PREVIEW, _TEXT, _PREVIEW_WITH_METADATA = 1, 3, 4
_MAGIC = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"RIFF", "image/webp"))


def parse_text(text: str) -> TextMessage | None:
    """Parse a text frame. A strangers' `progress_state` costs one regular expression, not a JSON parse."""
    report = _REPORT.match(text)
    if report is not None:
        return ProgressReport(prompt_id=report[1], text=text)
    message = _object(_loads(text))
    kind = message.get("type")
    if kind == "progress_state":
        prompt_id = _text(_object(message.get("data")), "prompt_id")
        return None if prompt_id is None else ProgressReport(prompt_id=prompt_id, text=text)
    parse = _PARSERS.get(kind) if isinstance(kind, str) else None
    data = message.get("data")
    return parse(data) if parse is not None and isinstance(data, dict) else None


def parse_binary(frame: bytes) -> BinaryMessage | None:
    """Parse a binary frame: two big-endian uint32, then what the first one says.

    Packs of custom nodes put other things after the same header; what is no picture is ignored.
    """
    if len(frame) < 8:
        return None
    kind, second = struct.unpack_from(">II", frame)
    if kind == _PREVIEW:
        return _picture({}, frame[8:])
    if 8 + second > len(frame):
        return None
    head, rest = frame[8 : 8 + second], frame[8 + second :]
    if kind == _PREVIEW_WITH_METADATA:
        about = _object(_loads(head))
        return None if _text(about, "prompt_id") is None else _picture(about, rest)
    if kind == _TEXT:
        return TextFrame(node=head.decode(errors="replace"), text=rest.decode(errors="replace"))
    return None


def _picture(about: JsonObject, data: bytes) -> PreviewFrame | None:
    node = _text(about, "display_node_id") or _text(about, "node_id")
    for magic, media_type in _MAGIC:
        if data.startswith(magic):
            return PreviewFrame(
                prompt_id=_text(about, "prompt_id"), node=node, data=data, media_type=media_type
            )
    return None


def _loads(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(data: JsonObject, key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


def _number(data: JsonObject, key: str) -> float | None:
    value = data.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _node_state(node: str, state: JsonObject) -> NodeState:
    return NodeState(
        node=node,
        display=_text(state, "display_node_id") or node,
        value=_number(state, "value") or 0.0,
        most=_number(state, "max") or 0.0,
        running=state.get("state") == "running",
    )


def _cached(data: JsonObject) -> ExecutionCached | None:
    prompt_id, nodes = _text(data, "prompt_id"), data.get("nodes")
    if prompt_id is None or not isinstance(nodes, list):
        return None
    return ExecutionCached(prompt_id=prompt_id, nodes=tuple(node for node in nodes if isinstance(node, str)))


def _executing(data: JsonObject) -> NodeExecuting | None:
    node = _text(data, "display_node") or _text(data, "node")
    return NodeExecuting(prompt_id=_text(data, "prompt_id"), node=node)


def _progress(data: JsonObject) -> NodeProgress | None:
    value, most = _number(data, "value"), _number(data, "max")
    if value is None or most is None:
        return None
    return NodeProgress(prompt_id=_text(data, "prompt_id"), node=_text(data, "node"), value=value, most=most)


def _executed(data: JsonObject) -> NodeExecuted | None:
    prompt_id, node = _text(data, "prompt_id"), _text(data, "node")
    if prompt_id is None or node is None:
        return None
    display = _text(data, "display_node") or node
    return NodeExecuted(prompt_id=prompt_id, node=node, display=display, output=_object(data.get("output")))


def _error(data: JsonObject) -> ExecutionError | None:
    prompt_id = _text(data, "prompt_id")
    if prompt_id is None:
        return None
    return ExecutionError(
        prompt_id=prompt_id, data=data, blocked=data.get("exception_type") == "ExecutionBlocked"
    )


def _bare(kind: type[Bare], data: JsonObject) -> Bare | None:
    prompt_id = _text(data, "prompt_id")
    return None if prompt_id is None else kind(prompt_id=prompt_id)


_PARSERS: Mapping[str, Callable[[JsonObject], TextMessage | None]] = {
    "execution_start": partial(_bare, ExecutionStart),
    "execution_cached": _cached,
    "executing": _executing,
    "progress": _progress,
    "executed": _executed,
    "execution_success": partial(_bare, ExecutionSuccess),
    "execution_error": _error,
    "execution_interrupted": partial(_bare, ExecutionInterrupted),
}
