"""What comes over the websocket, frame by frame."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from bot.comfy.messages import (
    BinaryMessage,
    ExecutionCached,
    ExecutionError,
    ExecutionInterrupted,
    ExecutionStart,
    ExecutionSuccess,
    Message,
    NodeExecuted,
    NodeExecuting,
    NodeProgress,
    NodeState,
    PreviewFrame,
    ProgressReport,
    TextFrame,
    parse_binary,
    parse_text,
)

JPEG = b"\xff\xd8\xff\xe0 a picture"
PNG = b"\x89PNG\r\n\x1a\n a picture"
STATE = {
    "value": 1,
    "max": 3,
    "state": "running",
    "node_id": "4.0.0.1",
    "prompt_id": "p",
    "display_node_id": "4",
    "parent_node_id": "4",
    "real_node_id": "4",
}


def text(kind: str, **data: Any) -> Message | None:
    """Parse a message of that type."""
    return parse_text(json.dumps({"type": kind, "data": data}))


@pytest.mark.parametrize(
    ("parsed", "expected"),
    [
        (text("execution_start", prompt_id="p", timestamp=1), ExecutionStart(prompt_id="p")),
        (
            text("execution_cached", nodes=["4", "6"], prompt_id="p"),
            ExecutionCached(prompt_id="p", nodes=("4", "6")),
        ),
        (
            text("executing", node="4.0.0.1", display_node="4", prompt_id="p"),
            NodeExecuting(prompt_id="p", node="4"),
        ),
        (text("executing", node=None, prompt_id="p"), NodeExecuting(prompt_id="p", node=None)),
        (text("executing", node="2"), NodeExecuting(prompt_id=None, node="2")),
        (
            text("progress", value=1, max=3, prompt_id="p", node="3"),
            NodeProgress(prompt_id="p", node="3", value=1.0, most=3.0),
        ),
        (
            text("executed", node="9.0", display_node="9", output={"text": ["x"]}, prompt_id="p"),
            NodeExecuted(prompt_id="p", node="9.0", display="9", output={"text": ["x"]}),
        ),
        (
            text("executed", node="9", output=None, prompt_id="p"),
            NodeExecuted(prompt_id="p", node="9", display="9", output={}),
        ),
        (text("execution_success", prompt_id="p"), ExecutionSuccess(prompt_id="p")),
        (text("execution_interrupted", prompt_id="p"), ExecutionInterrupted(prompt_id="p")),
        (
            text("execution_error", prompt_id="p", exception_type="RuntimeError"),
            ExecutionError(
                prompt_id="p",
                data={"prompt_id": "p", "exception_type": "RuntimeError"},
                blocked=False,
            ),
        ),
        (
            text("execution_error", prompt_id="p", exception_type="ExecutionBlocked"),
            ExecutionError(
                prompt_id="p",
                data={"prompt_id": "p", "exception_type": "ExecutionBlocked"},
                blocked=True,
            ),
        ),
    ],
)
def test_messages(parsed: Message | None, expected: Message) -> None:
    """Each type that the server sends about a prompt."""
    assert parsed == expected


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")])
def test_a_report_is_parsed_when_needed(separators: tuple[str, str]) -> None:
    """All nodes begun so far; an expanded one stands for a node of the graph."""
    raw = json.dumps(
        {"type": "progress_state", "data": {"prompt_id": "p", "nodes": {"4.0.0.1": STATE}}},
        separators=separators,
    )
    report = parse_text(raw)
    assert report == ProgressReport(prompt_id="p", text=raw)
    assert isinstance(report, ProgressReport)
    assert report.nodes() == (NodeState(node="4.0.0.1", display="4", value=1.0, most=3.0, running=True),)


def test_a_report_in_another_order() -> None:
    """The order of keys is nobody's promise."""
    raw = json.dumps({"data": {"nodes": {"4.0.0.1": STATE}, "prompt_id": "p"}, "type": "progress_state"})
    assert parse_text(raw) == ProgressReport(prompt_id="p", text=raw)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{",
        "[]",
        "7",
        '"status"',
        "[" * 100_000,
        '{"type": 7, "data": {}}',
        '{"type": "custom_pack.gossip", "data": {"prompt_id": "p"}}',
        '{"type": "executed", "data": []}',
        '{"type": "executed", "data": {"prompt_id": "p"}}',
        '{"type": "execution_cached", "data": {"prompt_id": "p", "nodes": 7}}',
        '{"type": "progress", "data": {"prompt_id": "p", "value": "1", "max": true}}',
        '{"type": "progress_state", "data": {"nodes": {}}}',
        '{"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}}}',
    ],
)
def test_what_is_ignored(raw: str) -> None:
    """Malformed and unknown messages."""
    assert parse_text(raw) is None


def test_a_malformed_report_has_no_nodes() -> None:
    """And raises nothing."""
    raw = '{"type": "progress_state", "data": {"prompt_id": "p", "nodes": {"1": 7, "2": '
    assert ProgressReport(prompt_id="p", text=raw).nodes() == ()


def with_metadata(metadata: bytes, picture: bytes) -> bytes:
    """A frame of the newer kind."""
    return struct.pack(">II", 4, len(metadata)) + metadata + picture


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (
            struct.pack(">II", 1, 1) + JPEG,
            PreviewFrame(prompt_id=None, node=None, data=JPEG, media_type="image/jpeg"),
        ),
        (
            struct.pack(">II", 1, 2) + PNG,
            PreviewFrame(prompt_id=None, node=None, data=PNG, media_type="image/png"),
        ),
        (
            with_metadata(b'{"prompt_id": "p", "node_id": "4.0", "display_node_id": "4"}', JPEG),
            PreviewFrame(prompt_id="p", node="4", data=JPEG, media_type="image/jpeg"),
        ),
        (with_metadata(b'{"node_id": "3"}', JPEG), None),
        (with_metadata(b"{", JPEG), None),
        (struct.pack(">II", 4, 4_000_000_000) + b"{}", None),
        (struct.pack(">II", 3, 1) + b"2half way", TextFrame(node="2", text="half way")),
        (struct.pack(">II", 3, 90) + b"2half way", None),
        (struct.pack(">II", 1, 99) + b"some pack's own header" + JPEG, None),
        (struct.pack(">II", 99, 1) + JPEG, None),
        (b"\x00\x00\x00\x01", None),
        (b"", None),
    ],
)
def test_binary_frames(frame: bytes, expected: BinaryMessage | None) -> None:
    """Pictures that can be told whose they are, and words."""
    assert parse_binary(frame) == expected
