"""What a node gets, what it gives back, and how it fails."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from simulator.folders import Folders
from simulator.nodes.values import digest
from simulator.schema import NodeClass

Inputs = Mapping[str, Any]
OUT_OF_MEMORY = "Allocation on device 0 would exceed allowed memory. (out of memory)"


class NodeFailed(Exception):
    """A failure under the name that the real server's exception has, such as `torch.OutOfMemoryError`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, kw_only=True)
class Subgraph:
    """A graph to run in a node's place; `values` are links into it, or plain values, by slot."""

    graph: Mapping[str, Any]
    values: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Produced:
    """A node's outputs by slot, and what it shows in the user interface, if anything.

    The value of a slot that is a list is a list. With a `subgraph` there are no values yet.
    """

    values: tuple[Any, ...] = ()
    ui: Mapping[str, Any] | None = None
    subgraph: Subgraph | None = None


class Bench(Protocol):
    """What the running prompt offers to its nodes."""

    folders: Folders
    graph: dict[str, Any]
    extra_data: dict[str, Any]
    preview_side: int | None

    async def load(self, files: tuple[str, ...], kind: str) -> None:
        """Wait until the weights in these files are in memory; `kind` is the type of what they hold."""

    async def use(self, files: tuple[str, ...], megapixels: float) -> None:
        """Take memory for work on so many pixels. Raises NodeFailed when it does not fit beside the weights."""

    async def pass_step(self) -> None:
        """Wait for the length of one sampling step."""

    def trouble(self, text: str, step: int, steps: int, *, local: bool = True) -> None:
        """Raise what is due at this step, if anything is; work that is done elsewhere takes no memory."""

    async def report(
        self, step: int, steps: int, picture: bytes | None = None, *, png: bool = False, sampling: bool = True
    ) -> None:
        """Tell about a finished step, which counts as `sampling` or not, with a picture, JPEG unless `png`.

        Raises Interrupted when someone asked for that.
        """

    def say(self, text: str) -> None:
        """Show a line of text at the node."""

    def temp_prefix(self) -> str:
        """The start of the names of this node's temporary files."""

    def expansion_prefix(self) -> str:
        """What the ids of the nodes must start with that this node expands to."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One run of a node: its class and what flowed into it; unset optional inputs are missing."""

    class_type: str
    node: NodeClass
    inputs: Inputs
    bench: Bench

    @cached_property
    def digest(self) -> str:
        """A digest of the class and of everything that flowed into it."""
        return digest(self.class_type, dict(self.inputs))


Instant = Callable[[Call], tuple[Any, ...]]  # only describes what is to be drawn: takes no time
Job = Callable[[Call], Awaitable[Produced]]
