"""What a server tells of a node that failed; its paths and the user's text are in it, as in real servers."""

import traceback
from collections.abc import Mapping
from typing import Any

from simulator.nodes import NodeFailed
from simulator.nodes.glue import TENSOR
from simulator.nodes.values import Frames

OUT_OF_MEMORY_KIND = "torch.OutOfMemoryError"
_ADVICE = (
    "This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might "
    "have accidentally set the batch_size to a large number."
)


def kind_of(error: Exception) -> str:
    """The name of a failure, with its module; the simulator's own are plain exceptions in real servers."""
    if isinstance(error, NodeFailed):
        return error.kind
    kind = type(error)
    if kind.__module__.startswith("simulator"):
        return "Exception"
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def explain(error: Exception, given: Mapping[str, list[Any]]) -> dict[str, Any]:
    """The part of `execution_error` that is about the failure; `given` is what flowed into the node."""
    kind = kind_of(error)
    advice = _ADVICE if kind == OUT_OF_MEMORY_KIND else ""
    return {
        "exception_message": f"{error}\n{advice}",
        "exception_type": kind,
        "traceback": traceback.format_tb(error.__traceback__),
        "current_inputs": {name: [_printable(one) for one in values] for name, values in given.items()},
    }


def _printable(value: Any) -> Any:
    if value is None or isinstance(value, int | float | str):
        return value
    if isinstance(value, dict | list):
        return str(value)
    if isinstance(value, Frames):
        return TENSOR
    return f"<{type(value).__module__}.{type(value).__qualname__} object at {id(value):#x}>"
