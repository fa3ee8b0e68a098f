"""The rule for classes without code of their own: each output is made from all inputs, by its type."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from simulator.nodes import models3d, painting, sound
from simulator.nodes.bench import Call
from simulator.nodes.facts import gather, size_of
from simulator.nodes.glue import sentence
from simulator.nodes.latents import latent_of
from simulator.nodes.values import Audio, Facts, File, Frames, Latent, Stuff, Video, digest

FPS = 24.0
MOST_FRAMES = 2000
MOST_PICTURES = 16
_WORDS_A_SECOND = 2.5


def outputs(call: Call) -> tuple[Any, ...]:
    """One value for every output."""
    facts = gather(call.inputs)
    return tuple(
        _output(call, facts, slot, kind, digest(call.digest, slot))
        for slot, kind in enumerate(call.node.outputs)
    )


def _output(call: Call, facts: Facts, slot: int, kind: str, trail: str) -> Any:
    value = _made(call, facts, slot, kind.split(",")[0], trail)
    is_list = call.node.output_is_list
    return [value] if slot < len(is_list) and is_list[slot] else value


def _made(call: Call, facts: Facts, slot: int, kind: str, trail: str) -> Any:
    maker = _MAKERS.get(kind)
    if maker is not None:
        return maker(call, facts, trail)
    if kind in _PLAIN:
        return _plain(call, facts, slot)
    if kind == "CONDITIONING":
        return Stuff(kind=kind, digest=trail, facts=_conditioned(call, facts, slot))
    if kind.startswith("FILE_3D") or kind in ("MESH", "SPLAT"):
        return File(data=models3d.glb(trail), suffix="glb", digest=trail)
    return Stuff(kind=kind, digest=trail, facts=facts)


def _mask(call: Call, facts: Facts, trail: str) -> Frames:
    if not facts.pictures:
        return painting.region(size_of(facts, call.inputs, 512), 1, trail)
    return painting.region(facts.pictures[0].size, facts.pictures[0].count, trail)


def _tune(call: Call, facts: Facts, trail: str) -> Audio:
    return sound.tune(trail, _seconds(facts))


def _sentence(call: Call, facts: Facts, trail: str) -> str:
    return sentence(call)


def _svg(call: Call, facts: Facts, trail: str) -> File:
    return File(data=models3d.svg(trail, facts), suffix="svg", digest=trail)


def _collected(call: Call, facts: Facts, trail: str) -> dict[str, Any]:
    """What was typed in, under the names of the inputs."""
    return {name: given for name, given in call.inputs.items() if isinstance(given, str | int | float)}


def _latent(call: Call, facts: Facts, trail: str) -> Latent:
    """The latent that came in with more facts, or an empty one of the size that is asked for."""
    given = next((value for value in call.inputs.values() if isinstance(value, Latent)), None)
    kept = Facts(
        pictures=tuple(one for one in facts.pictures if given is None or one is not given.pictures),
        inpaint=facts.inpaint,
        fps=facts.fps,
    )
    if given is not None and not (facts.width and facts.height and "width" in call.inputs):
        return replace(given, digest=trail, facts=kept)
    if "width" not in call.inputs and (facts.seconds is not None or "audio" in call.class_type.lower()):
        seconds = facts.seconds or (facts.length or 1) / (facts.fps or 25)
        return Latent(digest=trail, seconds=seconds, facts=kept)
    pixels = call.inputs.get("pixels")
    if isinstance(pixels, Frames):
        return replace(latent_of(pixels), digest=trail, facts=kept)
    width, height = (max(8, side // 8 * 8) for side in size_of(facts, call.inputs, 512))
    length = _length(call, facts)
    return Latent(
        digest=trail,
        width=width,
        height=height,
        count=length * min(facts.batch or 1, MOST_PICTURES if length > 1 else 4096),
        animated=length > 1 and "layers" not in call.inputs,
        facts=kept,
    )


def _length(call: Call, facts: Facts) -> int:
    """The number of frames, cut to what the latents of videos can hold."""
    if "layers" in call.inputs:
        return int(call.inputs["layers"]) + 1
    length = facts.length if "length" in call.inputs or "video_frames" in call.inputs else 1
    step = 8 if "LTX" in call.class_type else 4
    return min(MOST_FRAMES, ((length or 1) - 1) // step * step + 1)


def _pictures(call: Call, facts: Facts, trail: str) -> Frames:
    given = next((value for value in call.inputs.values() if isinstance(value, Frames)), None)
    if given is not None and not call.node.is_api:
        return painting.tinted(given, trail)
    if not call.node.is_api and facts.pictures:
        return painting.tinted(facts.pictures[0], trail)
    length = facts.length if call.inputs.get("frames") else 1
    size = _enlarged(call, size_of(facts, call.inputs))
    scene = painting.scene_of(facts, size, call.class_type, trail)
    count = min(facts.batch or 1, MOST_PICTURES) * (length or 1)
    frames = painting.drawn(scene, facts, count, animated=(length or 1) > 1)
    frames = painting.captioned(frames, facts.text, trail)
    return painting.within(frames, *facts.inpaint) if facts.inpaint else frames


def _enlarged(call: Call, size: tuple[int, int]) -> tuple[int, int]:
    """Upscalers name a factor, such as "2x"."""
    for name, value in call.inputs.items():
        if name.rsplit(".", 1)[-1] in ("scale_factor", "upscale_factor", "desired_increase"):
            factor = float(str(value).strip("xX ") or 1)
            return min(8192, round(size[0] * factor)), min(8192, round(size[1] * factor))
    return size


def _video(call: Call, facts: Facts, trail: str) -> Video:
    film = next((value for value in call.inputs.values() if isinstance(value, Video)), None)
    fps = float(film.fps) if film else facts.fps or FPS
    if facts.seconds is not None:
        length = round(facts.seconds * fps)
    else:
        length = film.frames.count if film else facts.length or round(5 * fps)
    length = max(1, min(length, MOST_FRAMES))
    size = _enlarged(call, size_of(replace(facts, width=None, height=None), call.inputs, 768))
    scene = painting.scene_of(facts, (size[0] // 2 * 2, size[1] // 2 * 2), call.class_type, trail)
    frames = painting.captioned(painting.drawn(scene, facts, length, animated=True), facts.text, trail)
    audio = facts.audio
    if audio is None and any("audio" in name and value is True for name, value in call.inputs.items()):
        audio = sound.tune(trail, length / fps)
    return Video(frames=frames, fps=Fraction(fps).limit_denominator(1001), audio=audio, digest=trail)


def _seconds(facts: Facts) -> float:
    """How long a sound is: as asked for, as long as the one it is made from, or as the text takes to say."""
    if facts.seconds:
        return facts.seconds
    if facts.audio is not None:
        return facts.audio.seconds
    return max(1.0, len(facts.text.split()) / _WORDS_A_SECOND)


def _conditioned(call: Call, facts: Facts, slot: int) -> Facts:
    """What a conditioning says; of two, the second one is the negative."""
    if call.class_type == "ConditioningZeroOut":
        return Facts(weights=facts.weights)
    if slot and call.node.outputs[:slot].count("CONDITIONING") == 1:
        return Facts(text=facts.negative, weights=facts.weights)
    return replace(facts, negative="", width=None, height=None, batch=None)


def _plain(call: Call, facts: Facts, slot: int) -> Any:
    """A number by its name; those that name nothing known are 0."""
    name = call.node.output_names[slot].lower() if slot < len(call.node.output_names) else ""
    known = {
        "width": facts.width,
        "height": facts.height,
        "length": facts.length,
        "fps": facts.fps,
        "duration": facts.seconds,
        "seconds": facts.seconds,
    }
    match call.node.outputs[slot]:
        case "FLOAT":
            return float(known.get(name) or _seconds(facts))
        case "BOOLEAN":
            return random.Random(call.digest).random() < 0.5
        case "COMBO":
            return "auto"
    return int(known.get(name) or 0)


_PLAIN = frozenset({"INT", "FLOAT", "BOOLEAN", "COMBO"})
_MAKERS: Mapping[str, Callable[[Call, Facts, str], Any]] = {
    "LATENT": _latent,
    "IMAGE": _pictures,
    "MASK": _mask,
    "VIDEO": _video,
    "AUDIO": _tune,
    "STRING": _sentence,
    "SVG": _svg,
    "DICT": _collected,
    "ARRAY": _collected,
}
