"""Whatever takes its time step by step: samplers, and the nodes of partners that work elsewhere."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from PIL import Image

from simulator import drawing
from simulator.nodes import generic, painting
from simulator.nodes.bench import Bench, Call, Produced
from simulator.nodes.facts import gather
from simulator.nodes.values import Facts, Frames, Latent, digest

PARTNER_STEPS = 4  # a partner's server is asked so often how far it is


async def sample(call: Call) -> Produced:
    """Step by step from noise, or from what the latent holds, to the pictures; of sound only the steps."""
    latent: Latent = call.inputs["latent_image"]
    facts = gather({name: value for name, value in call.inputs.items() if name != "latent_image"})
    facts = replace(
        facts,
        pictures=(*facts.pictures, *(one for one in latent.facts.pictures if one not in facts.pictures)),
        inpaint=facts.inpaint or latent.facts.inpaint,
    )
    start, count = _span(call, facts)
    if count <= 0:
        return Produced(values=_slots(call, latent))
    await call.bench.use(facts.weights, latent.width * latent.height * latent.count / 1e6)
    style = digest(call.inputs["model"]) if "model" in call.inputs else digest(call.inputs.get("guider"))
    trail = call.digest
    painted = _painted(facts, latent, style, trail, _denoise(call, facts, start))
    await _step(call.bench, facts.text, count, painted)
    made = replace(latent, pictures=painted, text=facts.text, digest=trail)
    if latent.sound is not None:
        made = replace(made, sound=replace(latent.sound, digest=digest(trail, "sound"), text=facts.text))
    return Produced(values=_slots(call, made))


def _slots(call: Call, latent: Latent) -> tuple[Latent, ...]:
    return (latent,) * len(call.node.outputs)


def _span(call: Call, facts: Facts) -> tuple[int, int]:
    """The first step, and how many are done from there."""
    steps = 20 if facts.steps is None else facts.steps
    start: int = call.inputs.get("start_at_step", 0)
    if facts.denoise is not None and facts.denoise <= 0:
        return start, 0
    return start, min(steps, call.inputs.get("end_at_step", steps)) - start


def _denoise(call: Call, facts: Facts, start: int) -> float:
    """How much of the picture is new, 0 to 1."""
    if "start_at_step" in call.inputs:
        return max(0.0, 1 - start / float(call.inputs["steps"]))
    return 1.0 if facts.denoise is None else facts.denoise


def _painted(facts: Facts, latent: Latent, style: str, trail: str, denoise: float) -> Frames | None:
    """What the latent decodes to afterwards; None for sound."""
    if not latent.width:
        return None
    scene = painting.scene_of(facts, (latent.width, latent.height), style, trail)
    frames = painting.drawn(scene, facts, latent.count, animated=latent.animated)
    base, mask = latent.pictures, latent.mask
    if base is not None:
        fresh = frames

        def make(number: int) -> Image.Image:
            where = None if mask is None else mask.nearest(number % mask.count)
            below = base.nearest(number)
            return drawing.blend(below.convert("RGB"), fresh[number], denoise, where)

        frames = Frames(
            frames.count, frames.size, make, trail, None if mask else _blended(base, fresh, denoise)
        )
    if facts.inpaint is not None and mask is None:
        picture, region = facts.inpaint
        frames = painting.within(frames, _fitted(picture, frames.size), region)
    return frames


def _blended(base: Frames, fresh: Frames, denoise: float) -> Callable[[int], Image.Image] | None:
    """The sketch of pictures that are painted over others."""
    below, above = base.sketch, fresh.sketch
    if below is None or above is None:
        return None

    def sketch(number: int) -> Image.Image:
        picture = above(number)
        return drawing.blend(below(min(number, base.count - 1)).resize(picture.size), picture, denoise, None)

    return sketch


def _fitted(frames: Frames, size: tuple[int, int]) -> Frames:
    if frames.size == size:
        return frames
    return frames.mapped(lambda one: one.convert("RGB").resize(size), digest("fitted", frames, size), size)


async def _step(bench: Bench, text: str, count: int, painted: Frames | None) -> None:
    first: Image.Image | None = None
    for step in range(1, count + 1):
        await bench.pass_step()
        bench.trouble(text, step, count)
        jpeg = None
        if bench.preview_side is not None and painted is not None:
            if first is None:
                first = await asyncio.to_thread(painted.__getitem__, 0)
            jpeg = await asyncio.to_thread(drawing.preview, first, step / count, bench.preview_side)
        await bench.report(step, count, jpeg)


async def ask_partner(call: Call) -> Produced:
    """Wait as if for somebody else's server, and take what it made. It has no previews, but words."""
    facts = gather(call.inputs)
    for step in range(1, PARTNER_STEPS + 1):
        await call.bench.pass_step()
        call.bench.trouble(facts.text, step, PARTNER_STEPS, local=False)
        await call.bench.report(step, PARTNER_STEPS, sampling=False)
        call.bench.say(f"Status: {'Completed' if step == PARTNER_STEPS else 'Processing'}")
    return Produced(values=generic.outputs(call))


def samples(call: Call) -> bool:
    """Whether a class is a sampler: it turns latents into others in steps."""
    return "LATENT" in call.node.outputs and "latent_image" in call.inputs


def takes_time(call: Call) -> bool:
    """Whether a partner is asked; voices, styles and other choices are not."""
    made = {"IMAGE", "VIDEO", "AUDIO", "STRING", "SVG", "MASK"}
    return call.node.is_api and any(kind in made or kind.startswith("FILE_3D") for kind in call.node.outputs)
