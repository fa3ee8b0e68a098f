"""Names of files as servers write them. `SDXL\\x.safetensors` on Windows is `SDXL/x.safetensors` elsewhere: one name.

People and the store see the form with `/`; each server is sent its own spelling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.comfy.graph import Graph, class_of, inputs_of
from bot.comfy.models import file_name, is_model, note_of
from bot.comfy.schemas import NodeSchemas


def plain(name: str) -> str:
    """The form that people see."""
    return name.replace("\\", "/")


def same_name(one: str, other: str) -> bool:
    """Whether two spellings name one thing."""
    return plain(one) == plain(other)


def own_spelling(name: str, listed: Iterable[str]) -> str | None:
    """How a list spells a name; None if it is not in it."""
    known = tuple(listed)
    if name in known:
        return name
    return next((entry for entry in known if same_name(entry, name)), None)


def offered_as(name: str, listed: Iterable[str], instead: Iterable[str] = ()) -> str | None:
    """How a list spells a file, or the first that does as well and is in it. Folders before the names do not count."""
    known = tuple(listed)
    for wanted in (name, *instead):
        found = own_spelling(wanted, known) or next(
            (entry for entry in known if is_model(wanted) and file_name(entry) == file_name(wanted)), None
        )
        if found is not None:
            return found
    return None


def spelled_for(schemas: NodeSchemas, graph: Graph) -> dict[str, dict[str, Any]]:
    """The graph with every choice as the server spells it; what it does not offer stays as it is.

    Of a model that it does not have, it is sent the name of one that does as well, where the graph notes one.
    """
    return {node: {**body, "inputs": _spelled(schemas, graph, node)} for node, body in graph.items()}


def _spelled(schemas: NodeSchemas, graph: Graph, node: str) -> Mapping[str, Any]:
    name = class_of(graph, node) or ""
    return {
        key: _value(schemas, name, key, value, graph, node) for key, value in inputs_of(graph, node).items()
    }


def _value(schemas: NodeSchemas, class_type: str, key: str, value: Any, graph: Graph, node: str) -> Any:
    if isinstance(value, str) and value.replace(".", "", 1).isdecimal():
        spec = schemas.input(class_type, key)
        return value if spec is None else spec.own(value)
    # Only what has a slash can be spelled in two ways, and only models lie in folders.
    if not isinstance(value, str) or ("/" not in value and "\\" not in value and not is_model(value)):
        return value
    listed = schemas.choices(class_type, key) or ()
    note = note_of(graph, node, value)
    return offered_as(value, listed, note.instead if note is not None else ()) or value
