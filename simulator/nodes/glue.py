"""Nodes that hand on, choose or compute plain values, exactly as real ones do."""

import json
import math
import random
import re
from collections.abc import Mapping
from typing import Any

from simulator.nodes.arithmetic import evaluate
from simulator.nodes.bench import Call, Instant
from simulator.nodes.values import Audio, Facts, Frames, Latent, Stuff, Video

# A batch of pictures as PyTorch prints it, whatever is in it.
TENSOR = "tensor([[[[0.2118, 0.4353, 0.6588],\n          [0.2118, 0.4353, 0.6588],\n          ...,"


def _value(call: Call) -> tuple[Any, ...]:
    return (call.inputs.get("value"),)


def _seed(call: Call) -> tuple[Any, ...]:
    return (call.inputs["seed"],)


def _switch(call: Call) -> tuple[Any, ...]:
    return (call.inputs.get("on_true" if call.inputs["switch"] else "on_false"),)


def _custom_combo(call: Call) -> tuple[Any, ...]:
    return call.inputs["choice"], int(call.inputs.get("index", 0))


def _math(call: Call) -> tuple[Any, ...]:
    values = {name.rsplit(".", 1)[-1]: value for name, value in call.inputs.items() if name != "expression"}
    result = evaluate(call.inputs["expression"], values)
    if not math.isfinite(result):
        message = f"Math Expression '{call.inputs['expression']}' produced a non-finite result: {result}"
        raise ValueError(message)
    return float(result), int(result), bool(result)


def _convert_number(call: Call) -> tuple[Any, ...]:
    value = call.inputs["value"]
    if not isinstance(value, str):
        return float(value), int(value)
    text = value.strip()
    if not text:
        raise ValueError("Cannot convert empty string to number.")
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"Cannot convert string to number: {value!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"Cannot convert non-finite value to number: {number}")
    return number, int(text) if text.lstrip("+-").isdecimal() else int(number)


_RATIO = re.compile(r"(\d+):(\d+)")


def _resolution(call: Call) -> tuple[Any, ...]:
    found = _RATIO.search(call.inputs["aspect_ratio"])
    width, height = (int(found[1]), int(found[2])) if found else (1, 1)
    scale = math.sqrt(call.inputs["megapixels"] * 1024 * 1024 / (width * height))
    multiple = call.inputs["multiple"]
    return tuple(round(side * scale / multiple) * multiple for side in (width, height))


def _image_size(call: Call) -> tuple[Any, ...]:
    pictures: Frames = call.inputs["image"]
    call.bench.say(f"width: {pictures.size[0]}, height: {pictures.size[1]}\n batch size: {len(pictures)}")
    return *pictures.size, len(pictures)


def _concatenate(call: Call) -> tuple[Any, ...]:
    return (call.inputs["delimiter"].join((call.inputs["string_a"], call.inputs["string_b"])),)


def _replace(call: Call) -> tuple[Any, ...]:
    return (call.inputs["string"].replace(call.inputs["find"], call.inputs["replace"]),)


def _compare(call: Call) -> tuple[Any, ...]:
    first, second = call.inputs["string_a"], call.inputs["string_b"]
    if not call.inputs["case_sensitive"]:
        first, second = first.lower(), second.lower()
    match call.inputs["mode"]:
        case "Starts With":
            return (first.startswith(second),)
        case "Ends With":
            return (first.endswith(second),)
    return (first == second,)


def regex_flags(inputs: Mapping[str, Any]) -> int:
    """How a pattern is meant, for Python's `re`."""
    chosen = 0
    for name, flag in (
        ("case_insensitive", re.IGNORECASE),
        ("multiline", re.MULTILINE),
        ("dotall", re.DOTALL),
    ):
        chosen |= flag if inputs.get(name) else 0
    return chosen


def _regex_replace(call: Call) -> tuple[Any, ...]:
    inputs = call.inputs
    pattern = re.compile(inputs["regex_pattern"], regex_flags(inputs))
    return (pattern.sub(inputs["replace"], inputs["string"], count=inputs.get("count", 0)),)


def _regex_extract(call: Call) -> tuple[Any, ...]:
    inputs, group = call.inputs, call.inputs["group_index"]
    try:
        found = list(re.finditer(inputs["regex_pattern"], inputs["string"], regex_flags(inputs)))
    except re.error:
        return ("",)
    match inputs["mode"]:
        case "First Match":
            parts = [match[0] for match in found[:1]]
        case "All Matches":
            parts = [match[1] if match.re.groups else match[0] for match in found]
        case "First Group":
            parts = [match[group] for match in found[:1] if match.re.groups >= group]
        case _:
            parts = [match[group] for match in found if group and match.re.groups >= group]
    return ("\n".join(part or "" for part in parts),)


def _json_extract(call: Call) -> tuple[Any, ...]:
    try:
        value = json.loads(call.inputs["json_string"])[call.inputs["key"]]
    except (ValueError, KeyError, TypeError):
        return ("",)
    return ("" if value is None else str(value),)


def _colour(call: Call) -> tuple[Any, ...]:
    colour = call.inputs["color"]
    number = int(colour.lstrip("#")[:6], 16)
    return number, colour, 1.0


def sentence(call: Call) -> str:
    """What a language model answers: made from all inputs, with words of the prompt in it."""
    dice = random.Random(call.digest)
    prompt = next((v for k, v in call.inputs.items() if k.endswith(("prompt", "text")) and v), "")
    words = re.findall(r"[^\W\d_]{3,}", str(prompt))[-400:]
    chosen = dice.sample(words, min(12, len(words)))
    light = dice.choice(("soft morning light", "low evening sun", "studio light", "moonlight", "neon light"))
    view = dice.choice(("a wide view", "a close-up", "a view from above", "a portrait", "a panorama"))
    return f"Simulated answer {call.digest[:8]}: {view} in {light}. {' '.join(chosen)}".strip()


def shown(value: Any) -> str:
    """A value as PreviewAny prints it."""
    match value:
        case str():
            return value
        case int() | float():
            return str(value)
        case None:
            return "None"
        case Frames():
            return TENSOR
        case Latent() | Audio() | Video() | Stuff():
            return f"<{type(value).__name__} {value.digest[:12]}>"
    try:
        return json.dumps(value, indent=4)
    except (TypeError, ValueError):
        return str(value)


def _sigmas(call: Call) -> tuple[Any, ...]:
    """Steps are one fewer than numbers; the first number says how much noise there is."""
    numbers = [
        float(number) for number in re.findall(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?", call.inputs["sigmas"])
    ]
    facts = Facts(steps=max(0, len(numbers) - 1), denoise=min(1.0, numbers[0]) if numbers else 0.0)
    return (Stuff(kind="SIGMAS", digest=call.digest, facts=facts),)


def _split_sigmas(call: Call) -> tuple[Any, ...]:
    sigmas: Stuff = call.inputs["sigmas"]
    steps = sigmas.facts.steps or 0
    high = min(call.inputs["step"], steps)
    low = (
        (1 - high / steps) * (1.0 if sigmas.facts.denoise is None else sigmas.facts.denoise) if steps else 0.0
    )
    return (
        Stuff(
            kind="SIGMAS", digest=f"{call.digest}.high", facts=Facts(steps=high, denoise=sigmas.facts.denoise)
        ),
        Stuff(kind="SIGMAS", digest=f"{call.digest}.low", facts=Facts(steps=steps - high, denoise=low)),
    )


GLUE: Mapping[str, Instant] = {
    "PrimitiveInt": _value,
    "PrimitiveFloat": _value,
    "PrimitiveBoolean": _value,
    "PrimitiveString": _value,
    "PrimitiveStringMultiline": _value,
    "SeedNode": _seed,
    "ComfySwitchNode": _switch,
    "CustomCombo": _custom_combo,
    "ComfyMathExpression": _math,
    "ComfyNumberConvert": _convert_number,
    "ResolutionSelector": _resolution,
    "GetImageSize": _image_size,
    "StringConcatenate": _concatenate,
    "StringReplace": _replace,
    "StringCompare": _compare,
    "RegexReplace": _regex_replace,
    "RegexExtract": _regex_extract,
    "JsonExtractString": _json_extract,
    "ColorToRGBInt": _colour,
    "ManualSigmas": _sigmas,
    "SplitSigmas": _split_sigmas,
}
