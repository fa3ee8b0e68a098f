"""Nodes that ask services which cost money, and what they say that a run costs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jsonata import Jsonata  # type: ignore[import-untyped]
from jsonata.jexception import JException  # type: ignore[import-untyped]

from bot.comfy.graph import class_of, link_of, title_of
from bot.comfy.inputs import as_number
from bot.comfy.schemas import NodeSchemas
from bot.jobs.models import Graph
from bot.scheduling.caps import Purse, in_dollars
from bot.workflow.units import Values, amount

_WRONG = (JException, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""What a formula that somebody else wrote may come to."""


_NOT_KNOWN = ", and how much that comes to is not known beforehand"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What one paid node costs: in words, as ComfyUI shows it, and in dollars a run; None for what it does not tell."""

    node: str
    title: str
    words: str | None = None
    dollars: float | None = None


def costs(graph: Graph, schemas: NodeSchemas) -> list[Cost]:
    """The paid nodes of a graph."""
    return [_cost(graph, node, schemas) for node in graph if schemas.is_paid(class_of(graph, node) or "")]


def dollars(found: Sequence[Cost]) -> float | None:
    """What a run costs in all; None if some node does not tell."""
    known = [cost.dollars for cost in found if cost.dollars is not None]
    return sum(known) if len(known) == len(found) else None


def in_words(found: Sequence[Cost]) -> str:
    """The same for people; empty if nothing costs anything."""
    if not found:
        return ""
    told = [f"{cost.title}: {cost.words or 'it does not say how much'}" for cost in found]
    return f"A run costs money. {'; '.join(told)}."


def not_allowed(found: Sequence[Cost], purse: Purse) -> str | None:
    """Why a graph may not be run for what it costs; None if it may."""
    if not found or (purse.allowed and purse.has_key):
        return None
    start = f'The node "{found[0].title}" asks a service that costs money'
    if not purse.allowed:
        return f"{start}, which is not allowed here. The owner can allow it with ALLOW_PAID_NODES=true."
    return f"{start}, and nobody's account pays for it. The owner sets COMFY_API_KEY."


def _cost(graph: Graph, node: str, schemas: NodeSchemas) -> Cost:
    class_type = class_of(graph, node) or ""
    title = title_of(graph, node) or class_type
    badge, values = schemas.price(class_type), Values(graph=graph, node=node, schemas=schemas)
    told = None if badge is None else _told(badge, values)
    if told is None:
        return Cost(node=node, title=title)
    most = _dollars(told, values)
    return Cost(node=node, title=title, words=_words(told, most), dollars=most)


def _told(badge: Mapping[str, Any], values: Values) -> Mapping[str, Any] | None:
    """What the badge's formula says of these values. A formula that fails says nothing."""
    expression, needed = badge.get("expr"), badge.get("depends_on")
    if not isinstance(expression, str) or not isinstance(needed, Mapping):
        return None
    inputs = values.graph[values.node]["inputs"]
    given = {
        "widgets": {name: _widget(values.of(name)) for name in _names(needed.get("widgets"))},
        "inputs": {
            name: {"connected": link_of(inputs.get(name)) is not None}
            for name in _names(needed.get("inputs"))
        },
        "inputGroups": {
            name: sum(key.startswith(f"{name}.") for key in inputs)
            for name in _names(needed.get("input_groups"))
        },
    }
    try:
        told = Jsonata(expression).evaluate(given)
    except _WRONG:
        return None
    return told if isinstance(told, Mapping) else None


def _names(entries: object) -> Iterator[str]:
    for entry in entries if isinstance(entries, list) else ():
        yield str(entry.get("name") if isinstance(entry, Mapping) else entry)


def _widget(value: object) -> object:
    """A value as the front end gives it to formulas: texts in small letters."""
    return value.lower() if isinstance(value, str) else value


def _amounts(told: Mapping[str, Any]) -> list[float]:
    keys = {"usd": ("usd",), "range_usd": ("min_usd", "max_usd"), "list_usd": ("usd",)}
    found: list[float] = []
    for key in keys.get(str(told.get("type")), ()):
        value = told.get(key)
        amounts = (as_number(each) for each in (value if isinstance(value, list) else [value]))
        found += [float(each) for each in amounts if each is not None]
    return found


def _words(told: Mapping[str, Any], most: float | None) -> str | None:
    if told.get("type") == "text":
        return f"{text}{_NOT_KNOWN}" if (text := str(told.get("text") or "")) else None
    amounts, form = _amounts(told), _format(told)
    if not amounts:
        return None
    about = "about " if form.get("approximate") else ""
    joined = " to " if told.get("type") == "range_usd" else " or "
    price = f"{about}{joined.join(in_dollars(each) for each in amounts)}{form.get('suffix') or ' a run'}"
    if most is None:
        return f"{price}{_NOT_KNOWN}"
    return price if most in amounts else f"{price}, {in_dollars(most)} a run at most"


def _dollars(told: Mapping[str, Any], values: Values) -> float | None:
    """The most that a run may cost."""
    amounts, form = _amounts(told), _format(told)
    return (
        amount(amounts, str(form.get("suffix") or ""), str(form.get("note") or ""), values)
        if amounts
        else None
    )


def _format(told: Mapping[str, Any]) -> Mapping[str, Any]:
    form = told.get("format")
    return form if isinstance(form, Mapping) else {}
