"""Graphs that sample with a checkpoint: what pictures show differs, all that is said about them must not."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.real.differential.answers import Json, Samples
from tests.real.differential.case import Group
from tests.real.differential.graphs import encoded, node, photo, save, see_through, txt2img
from tests.real.differential.masks import without_middle, without_position
from tests.real.differential.side import Side

models = Group("model", needs_checkpoint=True)


def _sizes(value: Any) -> Any:
    """Pictures by their shape: sampled pixels are not compared."""
    if isinstance(value, dict) and "messages" in value and "answer" in value:
        value = {**value, "messages": _steady(value["messages"])}
    if isinstance(value, Samples):
        return dataclasses.replace(value, data=b"")
    if isinstance(value, dict):
        return {key: _sizes(item) for key, item in value.items()}
    return [_sizes(item) for item in value] if isinstance(value, list) else value


def _steady(messages: list[Json]) -> list[Json]:
    """Frames with a preview in them are sent at every step; without, only the first and last are sure."""
    previewed = any(frame["type"] == "binary" for frame in messages)
    return messages if previewed else without_middle(messages)


async def _img2img(side: Side, name: str) -> Json:
    picture = await side.upload("model.png", encoded(photo(64, 64)))
    graph = txt2img(side, name, latent_image=["2", 0], denoise=0.5, steps=4)
    del graph["5"]
    graph["1"] = node("LoadImage", image=picture)
    graph["2"] = node("VAEEncode", pixels=["1", 0], vae=["4", 2])
    return graph


@models
async def text_to_picture(side: Side) -> list[Json]:
    """Once, again from the cache, with another seed, with another text."""
    socket = await side.connect()
    first = txt2img(side, "t2i")
    other = txt2img(side, "t2i", seed=8)
    worded = txt2img(side, "t2i", seed=8)
    worded["6"]["inputs"]["text"] = "a blue fox"
    return [_sizes(await side.run(graph, socket)) for graph in (first, first, other, worded)]


@models
async def a_batch(side: Side) -> Any:
    """Three at once, not square."""
    graph = txt2img(side, "batch", batch=3)
    graph["5"]["inputs"]["width"] = 128
    return _sizes(await side.run(graph))


@models
async def picture_to_picture(side: Side) -> Any:
    """Sampling begins in the middle."""
    return _sizes(await side.run(await _img2img(side, "i2i")))


@models
async def odd_sizes(side: Side) -> Any:
    """Pictures whose sides are no multiple of 8 are cut."""
    graph = await _img2img(side, "odd")
    graph["1"]["inputs"]["image"] = await side.upload("odd.png", encoded(photo(75, 69)))
    return _sizes(await side.run(graph))


@models
async def inpaint(side: Side) -> Any:
    """A part of a picture, by its alpha."""
    graph = await _img2img(side, "inpaint")
    graph["1"]["inputs"]["image"] = await side.upload("hole.png", encoded(see_through(64, 64)))
    graph["2"] = node("VAEEncodeForInpaint", pixels=["1", 0], vae=["4", 2], mask=["1", 1], grow_mask_by=6)
    return _sizes(await side.run(graph))


@models
async def noise_mask(side: Side) -> Any:
    """A part of a picture, by a mask on its latent."""
    graph = await _img2img(side, "noise")
    graph["1"]["inputs"]["image"] = await side.upload("hole.png", encoded(see_through(64, 64)))
    graph["20"] = node("SetLatentNoiseMask", samples=["2", 0], mask=["1", 1])
    graph["3"]["inputs"]["latent_image"] = ["20", 0]
    return _sizes(await side.run(graph))


@models
async def second_pass(side: Side) -> Any:
    """A latent is made larger and sampled once more; both are saved."""
    graph = txt2img(side, "small")
    graph["10"] = node("LatentUpscaleBy", samples=["3", 0], upscale_method="nearest-exact", scale_by=1.5)
    again = {**graph["3"]["inputs"], "latent_image": ["10", 0], "denoise": 0.5, "steps": 2}
    graph["11"] = node("KSampler", **again)
    graph["12"] = node("VAEDecode", samples=["11", 0], vae=["4", 2])
    graph["13"] = save(["12", 0], f"{side.run_name}/large")
    del graph["9"]
    return _sizes(await side.run(graph))


@models
async def advanced_sampler(side: Side) -> Any:
    """Only some of the steps."""
    graph = txt2img(side, "advanced")
    given = graph["3"]["inputs"]
    kept = {key: value for key, value in given.items() if key not in ("seed", "denoise", "steps")}
    window = {"steps": 6, "start_at_step": 2, "end_at_step": 5, "return_with_leftover_noise": "disable"}
    graph["3"] = node("KSamplerAdvanced", noise_seed=3, add_noise="enable", **window, **kept)
    return _sizes(await side.run(graph))


@models
async def sampler_of_parts(side: Side) -> Any:
    """Guider, sampler, sigmas and noise as nodes of their own."""
    graph = txt2img(side, "parts")
    graph["20"] = node("RandomNoise", noise_seed=4)
    graph["21"] = node("KSamplerSelect", sampler_name="euler")
    graph["22"] = node("BasicScheduler", model=["4", 0], scheduler="simple", steps=3, denoise=1.0)
    graph["23"] = node("CFGGuider", model=["4", 0], positive=["6", 0], negative=["7", 0], cfg=5.0)
    wires = {"noise": ["20", 0], "guider": ["23", 0], "sampler": ["21", 0], "sigmas": ["22", 0]}
    graph["3"] = node("SamplerCustomAdvanced", latent_image=["5", 0], **wires)
    return _sizes(await side.run(graph))


@models
async def no_denoising(side: Side) -> Any:
    """Denoise 0 samples nothing."""
    graph = await _img2img(side, "none")
    graph["3"]["inputs"]["denoise"] = 0
    return _sizes(await side.run(graph))


@models
async def previews(side: Side) -> dict[str, Any]:
    """Previews that the prompt asks for, with and without flags."""
    seen: dict[str, Any] = {}
    for flags in (True, False):
        for method in ("latent2rgb", "none", "auto"):
            socket = await side.connect(flags=flags)
            graph = txt2img(side, "previewed", seed=len(seen) + 30, steps=2)
            run = await side.run(graph, socket, extra_data={"preview_method": method})
            seen[f"{method} {flags}"] = _sizes(_steady(run["messages"]))
    return seen


@models
async def a_sampler_without_an_owner(side: Side) -> list[Any]:
    """Progress and previews are broadcast."""
    listener = await side.connect()
    await side.queue(txt2img(side, "nobody", seed=40), extra_data={"preview_method": "latent2rgb"})
    return [_sizes(frame) for frame in await listener.idle() + await listener.settled()]


@models
async def cancelled_while_sampling(side: Side) -> Json:
    """Between two steps."""
    socket = await side.connect()
    graph = txt2img(side, "cancelled", steps=60, seed=50)
    prompt_id = await side.queue(graph, client_id=socket.client_id)
    await socket.until("progress")
    answer = (await side.ask("POST", f"/api/jobs/{prompt_id}/cancel")).seen()
    frames = without_position(await socket.finished(prompt_id))
    job = await side.get(f"/api/jobs/{prompt_id}")
    return {"answer": answer, "messages": frames, "status": job["status"], "keys": sorted(job)}


@models
async def other_model_classes(side: Side) -> dict[str, Any]:
    """Nodes between loader and sampler change nothing in what is told."""
    graph = txt2img(side, "classes", seed=60)
    graph["30"] = node("CLIPSetLastLayer", clip=["4", 1], stop_at_clip_layer=-2)
    graph["6"]["inputs"]["clip"] = ["30", 0]
    graph["31"] = node("ConditioningZeroOut", conditioning=["6", 0])
    graph["3"]["inputs"]["negative"] = ["31", 0]
    graph["32"] = node("VAEDecodeTiled", samples=["3", 0], vae=["4", 2], tile_size=64, overlap=16,
                       temporal_size=64, temporal_overlap=8)  # fmt: skip
    graph["9"]["inputs"]["images"] = ["32", 0]
    return {"run": _sizes(await side.run(graph))}


@models
async def checkpoint_metadata(side: Side) -> Json:
    """What a model's file says of itself."""
    return (await side.ask("GET", f"/view_metadata/checkpoints?filename={side.checkpoint}")).seen()
