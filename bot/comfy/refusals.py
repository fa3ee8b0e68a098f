"""ComfyUI's words for what went wrong, turned into sentences for people.

A sentence says what happened and what to do, and holds no path, tensor or traceback; `detail` is for logs.
The kinds of error were recorded from servers 0.3.10 to 0.33.0.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.comfy.graph import Graph, class_of, title_of
from bot.comfy.models import is_model, note_of, where_to_get
from bot.comfy.schemas import NodeSchemas
from bot.errors import MissingModel, MissingNode, NodeFailed, OutOfMemory, Refused

MOST_DETAIL = 2000
MOST_WORDS = 200
MOST_VALUE = 80
NEAREST = 3
MEND = "Mend the workflow in ComfyUI and export it again."

_LINK = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://\S+")
_QUOTED_PATH = re.compile(r"""(['"])(?:~?/|[A-Za-z]:[\\/]|\\\\)[^'"]*\1""")
_PATH = re.compile(r"(?<![\w.])(?:~?/[\w.@+-]+(?:/[\w.@+-]*)+|[A-Za-z]:[\\/]\S+|\\\\\S+)")
_TENSOR = re.compile(r"\b(?:tensor|array)\(.*", re.DOTALL)
_NO_SUCH_FILE = re.compile(r"Invalid \w+ file: (.+)")
_OLD_MISSING_NODE = re.compile(r"node (\S+) does not exist")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Flaw:
    """One item of `node_errors`."""

    kind: str
    node: str
    title: str
    class_type: str
    details: str
    input: str
    received: object
    config: Sequence[Any]
    schemas: NodeSchemas | None

    @property
    def options(self) -> Mapping[str, Any]:
        return self.config[1] if len(self.config) > 1 and isinstance(self.config[1], dict) else {}


def refusal(body: object, graph: Graph, schemas: NodeSchemas | None) -> Refused:
    """The refusal that an answer to POST /prompt carries, be it a 400 or a 200 with `node_errors`."""
    answer = body if isinstance(body, dict) else {}
    detail = json.dumps(answer, default=str)[:MOST_DETAIL]
    flaws = _flaws(answer.get("node_errors"), graph, schemas)
    if not flaws:
        return _of_error(answer.get("error"), graph, detail)
    flaw = _most_telling(flaws)
    if flaw.kind == "value_not_in_list" and is_model(flaw.received):
        return MissingModel(_no_model(flaw, graph), detail=detail)
    return Refused(_SENTENCES.get(flaw.kind, _wiring)(flaw), detail=detail)


def node_failure(data: Mapping[str, Any], graph: Graph) -> NodeFailed:
    """The error that an `execution_error` tells of."""
    kind, message = _words(data.get("exception_type")), _words(data.get("exception_message"))
    detail = f"{kind}: {message.strip()}\n{_traceback(data)}".strip()[:MOST_DETAIL]
    if _is_out_of_memory(kind, message):
        return OutOfMemory("The GPU ran out of memory. Try a smaller size or fewer pictures.", detail=detail)
    node = title_of(graph, _words(data.get("node_id"))) or _words(data.get("node_type")) or "?"
    said = clean(message) or kind.rsplit(".", 1)[-1] or "it gave no reason"
    return NodeFailed(f"The node {_quote(node)} failed: {said}", detail=detail)


def clean(message: str) -> str:
    """The first line of a message, without what is nobody's business: paths, links, tensors."""
    line = next((line.strip() for line in message.splitlines() if line.strip()), "")
    for pattern in (_TENSOR, _LINK, _QUOTED_PATH, _PATH):
        line = pattern.sub("…", line)
    return _clip(line, MOST_WORDS)


def _is_out_of_memory(kind: str, message: str) -> bool:
    text = message.lower()
    return kind.endswith("OutOfMemoryError") or "out of memory" in text or "allocation on device" in text


def _traceback(data: Mapping[str, Any]) -> str:
    lines = data.get("traceback")
    return "".join(str(line) for line in lines[-3:]) if isinstance(lines, list) else ""


def _of_error(error: object, graph: Graph, detail: str) -> Refused:
    if not isinstance(error, dict):
        return Refused(f"ComfyUI refused the workflow{_because(_words(error))}.", detail=detail)
    message, extra = _words(error.get("message")), error.get("extra_info")
    match error.get("type"):
        case "missing_node_type" | "invalid_prompt":
            return _missing_node(message, extra if isinstance(extra, dict) else {}, graph, detail)
        case "prompt_no_outputs":
            sentence = "The workflow saves nothing. Add a Save Image node to it and export it again."
        case "no_prompt":
            sentence = "The workflow is empty. Export it again from ComfyUI, in API format."
        case _:
            sentence = f"ComfyUI refused the workflow{_because(message)}."
    return Refused(sentence, detail=detail)


def _because(message: str) -> str:
    said = clean(message).rstrip(".")
    return f": {said}" if said else ""


def _missing_node(message: str, extra: Mapping[str, Any], graph: Graph, detail: str) -> Refused:
    old = _OLD_MISSING_NODE.search(message)
    node = _words(extra.get("node_id"))
    name = _words(extra.get("class_type")) or class_of(graph, node) or (old[1] if old else "")
    if name:
        sentence = f"ComfyUI lacks the node {_quote(name)}. Install the custom node that brings it."
        return MissingNode(sentence, detail=detail)
    return Refused(f"ComfyUI refused the workflow{_because(message)}. {MEND}", detail=detail)


def _flaws(node_errors: object, graph: Graph, schemas: NodeSchemas | None) -> list[_Flaw]:
    """Servers before late 2025 send an empty list for none."""
    found = []
    for node, entry in node_errors.items() if isinstance(node_errors, dict) else ():
        errors = entry.get("errors") if isinstance(entry, dict) else None
        for error in errors if isinstance(errors, list) else ():
            if isinstance(error, dict):
                class_type = _words(entry.get("class_type")) or class_of(graph, node) or "?"
                found.append(_flaw(error, node, class_type, title_of(graph, node) or class_type, schemas))
    return found


def _flaw(
    error: Mapping[str, Any], node: str, class_type: str, title: str, schemas: NodeSchemas | None
) -> _Flaw:
    given = error.get("extra_info")
    extra: Mapping[str, Any] = given if isinstance(given, dict) else {}
    config = extra.get("input_config")
    return _Flaw(
        kind=_words(error.get("type")),
        node=node,
        title=title,
        class_type=class_type,
        details=_words(error.get("details")),
        input=_words(extra.get("input_name")),
        received=extra.get("received_value"),
        config=config if isinstance(config, list) else (),
        schemas=schemas,
    )


def _most_telling(flaws: Sequence[_Flaw]) -> _Flaw:
    """What a person can put right comes before wiring that broke because of it."""
    order = tuple(_SENTENCES)
    return min(flaws, key=lambda flaw: order.index(flaw.kind) if flaw.kind in order else len(order))


def _no_model(flaw: _Flaw, graph: Graph) -> str:
    """What its author noted about the model says more than the names of others."""
    note = note_of(graph, flaw.node, str(flaw.received))
    if note is None:
        return _not_in_list(flaw)
    return f"ComfyUI has no {flaw.input} {_quote(str(flaw.received))}. {where_to_get(note)}"


def _not_in_list(flaw: _Flaw) -> str:
    value = "" if flaw.received is None else str(flaw.received)
    start = f"ComfyUI has no {flaw.input} {_quote(value)}."
    choices = _choices(flaw)
    if choices is None:
        return f"{start} Choose another."
    if not choices:
        return f"{start} It has none at all: put one into its models folder."
    near = difflib.get_close_matches(value, choices, n=NEAREST, cutoff=0.0)
    more = f" and {len(choices) - len(near)} more" if len(choices) > len(near) else ""
    return f"{start} It has: {', '.join(_clip(name, MOST_VALUE) for name in near)}{more}."


def _choices(flaw: _Flaw) -> list[str] | None:
    """What the input offers. The server leaves lists of more than 20 out of its answer."""
    kind = flaw.config[0] if flaw.config else None
    listed = kind if isinstance(kind, list) else flaw.options.get("options")
    if isinstance(listed, list):
        return list(dict.fromkeys(str(choice) for choice in listed))
    known = flaw.schemas.choices(flaw.class_type, flaw.input) if flaw.schemas is not None else None
    return None if known is None else list(dict.fromkeys(known))


def _too_small(flaw: _Flaw) -> str:
    least = flaw.options.get("min")
    advice = "Choose a greater one." if least is None else f"It takes {least} or more."
    return f"{_quote(flaw.input)} of the node {_quote(flaw.title)} can't be {flaw.received}. {advice}"


def _too_big(flaw: _Flaw) -> str:
    most = flaw.options.get("max")
    advice = "Choose a smaller one." if most is None else f"It takes {most} or less."
    return f"{_quote(flaw.input)} of the node {_quote(flaw.title)} can't be {flaw.received}. {advice}"


def _wrong_type(flaw: _Flaw) -> str:
    kinds = {"INT": "a whole number", "FLOAT": "a number", "BOOLEAN": "true or false", "STRING": "text"}
    kind = flaw.config[0] if flaw.config else None
    wanted = kinds.get(kind, "another kind of value") if isinstance(kind, str) else "another kind of value"
    value = "nothing" if flaw.received is None else _quote(str(flaw.received))
    return f"{_quote(flaw.input)} of the node {_quote(flaw.title)} takes {wanted}, not {value}."


def _not_accepted(flaw: _Flaw) -> str:
    missing = _NO_SUCH_FILE.search(flaw.details)
    if missing is not None:
        name = missing[1].strip().replace("\\", "/").rsplit("/", 1)[-1]
        return f"ComfyUI does not have the input file {_quote(name)}. Send the file again."
    said = clean(flaw.details).rstrip(".")
    return f"The node {_quote(flaw.title)} does not take what it was given: {said}. Choose another value."


def _lacks_input(flaw: _Flaw) -> str:
    name = flaw.input or clean(flaw.details)
    return f"The node {_quote(flaw.title)} lacks its input {_quote(name)}. {MEND}"


def _circle(flaw: _Flaw) -> str:
    return f"The workflow runs in a circle at the node {_quote(flaw.title)}. {MEND}"


def _wiring(flaw: _Flaw) -> str:
    where = f", input {_quote(flaw.input)}" if flaw.input else ""
    return f"The workflow is wired wrongly at the node {_quote(flaw.title)}{where}. {MEND}"


_SENTENCES: Mapping[str, Callable[[_Flaw], str]] = {
    "value_not_in_list": _not_in_list,
    "custom_validation_failed": _not_accepted,
    "value_bigger_than_max": _too_big,
    "value_smaller_than_min": _too_small,
    "invalid_input_type": _wrong_type,
    "required_input_missing": _lacks_input,
    "dependency_cycle": _circle,
    "return_type_mismatch": _wiring,
    "bad_linked_input": _wiring,
    "exception_during_inner_validation": _wiring,
    "exception_during_validation": _wiring,
}


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""


def _clip(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _quote(text: str) -> str:
    return f'"{_clip(text, MOST_VALUE)}"'
