"""Classes that no ComfyUI has, to try what a client makes of rare things; offered only when asked for."""

import asyncio
from collections.abc import Mapping

from simulator import drawing
from simulator.nodes.bench import OUT_OF_MEMORY, Call, Job, NodeFailed, Produced, Subgraph
from simulator.nodes.values import Blocked, Frames

_SIDE = 512  # pixels of a preview


async def _sleep(call: Call) -> Produced:
    """Wait in steps, each one told; with 0 steps it hears no interrupt."""
    inputs = call.inputs
    frames: Frames = inputs["image"]
    steps = inputs["steps"]
    if not steps:
        await asyncio.sleep(inputs["seconds"])
    for step in range(1, steps + 1):
        await asyncio.sleep(inputs["seconds"] / steps)
        jpeg = drawing.preview(frames[0].convert("RGB"), step / steps, _SIDE) if inputs["preview"] else None
        await call.bench.report(step, steps, jpeg)
    return Produced(values=(frames,))


async def _fail(call: Call) -> Produced:
    """Raise."""
    if call.inputs["kind"] == "memory":
        raise NodeFailed("torch.OutOfMemoryError", OUT_OF_MEMORY)
    raise NodeFailed("RuntimeError", "boom from the test node")


async def _say(call: Call) -> Produced:
    """Show a line of text."""
    call.bench.say(call.inputs["text"])
    return Produced(values=(call.inputs["image"],))


async def _block(call: Call) -> Produced:
    """Make nothing, so that what is below does not run; an empty message is no message."""
    return Produced(values=(Blocked(message=call.inputs["message"] or None),))


async def _expand(call: Call) -> Produced:
    """Become two nodes: one inverts, the other shows that as a preview."""
    prefix = call.bench.expansion_prefix()
    graph = {
        f"{prefix}1": {"class_type": "ImageInvert", "inputs": {"image": call.inputs["image"]}},
        f"{prefix}2": {"class_type": "PreviewImage", "inputs": {"images": [f"{prefix}1", 0]}},
    }
    return Produced(subgraph=Subgraph(graph=graph, values=([f"{prefix}1", 0],)))


TRIAL: Mapping[str, Job] = {
    "TrialSleep": _sleep,
    "TrialBoom": _fail,
    "TrialText": _say,
    "TrialBlock": _block,
    "TrialExpand": _expand,
}
