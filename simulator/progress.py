"""How far each node of a prompt is, as the messages `progress_state` tell it."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a node stands: nodes of an expanded graph are shown at the node that expanded."""

    node_id: str
    display: str
    parent: str | None
    real: str

    def meta(self) -> Json:
        """As the history's `meta` has it."""
        return {
            "node_id": self.node_id,
            "display_node": self.display,
            "parent_node": self.parent,
            "real_node_id": self.real,
        }


@dataclass
class Progress:
    """The bars of all nodes that were started, in that order."""

    prompt_id: str
    nodes: dict[str, Json] = field(default_factory=dict)

    def set(self, place: Place, value: float, maximum: float, state: str) -> None:
        """Move the bar of a node."""
        self.nodes[place.node_id] = {
            "value": value,
            "max": maximum,
            "state": state,
            "node_id": place.node_id,
            "prompt_id": self.prompt_id,
            "display_node_id": place.display,
            "parent_node_id": place.parent,
            "real_node_id": place.real,
        }

    def finish(self, place: Place) -> None:
        """Fill the bar of a node."""
        maximum = self.nodes[place.node_id]["max"] if place.node_id in self.nodes else 1
        self.set(place, maximum, maximum, "finished")

    def about(self, node_id: str) -> Json:
        """What a preview says about where it comes from."""
        keys = ("node_id", "prompt_id", "display_node_id", "parent_node_id", "real_node_id")
        return {key: self.nodes[node_id][key] for key in keys}
