"""The simulated card: what stays in its memory, what must go, and what does not fit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from simulator.memory import CONTEXT, GIBIBYTE, Memory, OutOfMemory
from tests.simulator.families import FLUX, MODELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.conftest import Client, Json


async def test_models_stay_until_there_is_no_room() -> None:
    """The one not used for longest goes first; using one again counts."""
    memory = Memory(12.0, 0.0)
    assert memory.free == round((12.0 - CONTEXT) * GIBIBYTE)
    await memory.load(["a_sd15.safetensors", "b_sd15.safetensors"], "MODEL")
    await memory.load(["a_sd15.safetensors"], "MODEL")
    assert list(memory.models) == ["b_sd15.safetensors", "a_sd15.safetensors"]
    await memory.load(["sd_xl_base_1.0.safetensors"], "MODEL")
    await memory.load(["vae.safetensors"], "VAE")
    assert memory.free == round((12.0 - CONTEXT - 2 * 2.0 - 6.5 - 0.3) * GIBIBYTE)
    await memory.load(["c_sd15.safetensors"], "MODEL")
    assert list(memory.models) == [
        "a_sd15.safetensors",
        "sd_xl_base_1.0.safetensors",
        "vae.safetensors",
        "c_sd15.safetensors",
    ]


async def test_work_must_fit_beside_its_models() -> None:
    """A model larger than the card streams; pictures do not."""
    memory = Memory(8.0, 0.0)
    await memory.load(["flux2.safetensors"], "MODEL")
    assert (memory.models, memory.free) == (("flux2.safetensors",), 0)
    memory.use(["flux2.safetensors"], 50.0)
    with pytest.raises(OutOfMemory):
        memory.use(["flux2.safetensors"], 200.0)
    memory.clear()
    assert memory.free == round((8.0 - CONTEXT) * GIBIBYTE)


async def test_a_batch_that_does_not_fit_runs_out_of_memory(
    start: Callable[..., Any], txt2img: Callable[..., Json]
) -> None:
    """As on a real card, and the server goes on; half of it fits."""
    client: Client = await start(vram_gb=4.0, step_seconds=0.0)
    entry = await client.run(txt2img(size=1024, batch=128))
    _, error = entry["status"]["messages"][-1]
    assert (error["exception_type"], error["node_id"]) == ("torch.OutOfMemoryError", "3")
    assert client.simulator.runs[-1].steps == 0
    entry = await client.run(txt2img(size=64, batch=2))
    assert entry["status"]["status_str"] == "success"


async def test_swapping_costs_time_only_where_memory_is_small(
    start: Callable[..., Any], txt2img: Callable[..., Json]
) -> None:
    """Two checkpoints side by side on a large card; on a small one each use loads again."""
    first, second = txt2img(), txt2img(checkpoint="sd_xl_base_1.0.safetensors")
    for vram_gb, waits in ((24.0, [True, True, False]), (8.0, [True, True, True])):
        client: Client = await start(vram_gb=vram_gb, load_seconds=0.4, step_seconds=0.0)
        times = []
        for graph in (first, second, first):
            began = time.monotonic()
            await client.run(graph)
            times.append(time.monotonic() - began >= 0.4)
        assert times == waits


async def test_parts_of_a_model_load_from_files_of_their_own(start: Callable[..., Any]) -> None:
    """Diffusion model, text encoder and VAE each; the second run finds them all."""
    client: Client = await start(models=MODELS, load_seconds=0.2, step_seconds=0.0)
    began = time.monotonic()
    await client.run(FLUX.graph)
    assert time.monotonic() - began >= 0.2 * 1.4
    memory = client.simulator.memory
    assert set(memory.models) == {"flux.safetensors", "t5.safetensors", "ae.safetensors"}
