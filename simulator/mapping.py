"""Calling a node once for each item of the lists that flow into it, and putting the results together."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulator.nodes import Produced
from simulator.schema import NodeClass


def rows(given: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """The inputs of each call: as many as the longest list has items, short ones go on with their last."""
    count = max((len(values) for values in given.values()), default=1)
    return [
        {name: values[min(row, len(values) - 1)] for name, values in given.items() if values}
        for row in range(count)
    ]


def merged(node: NodeClass, results: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """By slot, the values of all calls; slots that give lists are joined to one."""
    slots: list[list[Any]] = [[] for _ in node.outputs]
    for values in results:
        for slot, is_list, value in zip(slots, node.output_is_list, values, strict=False):
            if is_list and isinstance(value, list):
                slot.extend(value)
            else:
                slot.append(value)
    return slots


def shown_together(results: Sequence[Produced]) -> dict[str, Any]:
    """What all calls show, under the keys of the first that shows anything."""
    shown = [result.ui for result in results if result.ui]
    if not shown:
        return {}
    return {key: [item for ui in shown for item in ui[key]] for key in shown[0]}
