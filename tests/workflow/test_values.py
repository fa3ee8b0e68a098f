"""What people type, as the graph takes it, or the sentence that they read instead."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import InvalidValue
from bot.jobs.models import PatchValue
from bot.workflow.values import check, nearest

PROMPT = ParameterSpec(name="prompt", type=ParameterType.TEXT, title="Prompt", required=True, max_length=4000)
WIDTH = ParameterSpec(
    name="width", type=ParameterType.INTEGER, title="Width", minimum=64, maximum=2048, step=8
)
STEPS = ParameterSpec(name="steps", type=ParameterType.INTEGER, title="Steps", minimum=1, maximum=100)
COUNT = ParameterSpec(name="count", type=ParameterType.INTEGER, title="Count", minimum=1, maximum=4)
LENGTH = ParameterSpec(
    name="length", type=ParameterType.INTEGER, title="Length", minimum=1, maximum=121, step=4
)
ANY = ParameterSpec(name="any", type=ParameterType.INTEGER, title="Any")
LEAST = ParameterSpec(name="least", type=ParameterType.NUMBER, title="Least", minimum=0.5)
CFG = ParameterSpec(name="cfg", type=ParameterType.NUMBER, title="CFG", minimum=1.0, maximum=30.0)
LORA = ParameterSpec(name="lora", type=ParameterType.NUMBER, title="LoRA weight", minimum=-2.0, maximum=2.0)
SEED = ParameterSpec(name="seed", type=ParameterType.SEED, title="Seed", minimum=0, maximum=2**64 - 1)
HD = ParameterSpec(name="hd", type=ParameterType.BOOLEAN, title="HD")
IMAGE = ParameterSpec(name="image", type=ParameterType.IMAGE, title="Picture", required=True)
SAMPLER = ParameterSpec(
    name="sampler", type=ParameterType.CHOICE, title="Sampler", choices=("euler", "heun", "dpmpp_2m")
)
MODELS = (
    *("dreamshaper_8.safetensors", "dreamshaperXL.safetensors", "flux1-dev.safetensors"),
    *("SDXL\\juggernaut.safetensors", "sd_xl_base_1.0.safetensors", "v1-5.ckpt", "wan.safetensors"),
)
MODEL = ParameterSpec(name="model", type=ParameterType.CHOICE, title="Model", choices=MODELS)
NOTHING = ParameterSpec(name="model", type=ParameterType.CHOICE, title="Model")

SEEDS = "from 0 to 18446744073709551615"
ADDRESS = "Picture: addresses are not allowed. Attach the picture itself, or reply to one."


@pytest.mark.parametrize(
    ("spec", "raw", "told"),
    [
        (PROMPT, "", "Write a prompt."),
        (PROMPT, " \n\t ", "Write a prompt."),
        (PROMPT, "\x00\u202e", "Write a prompt."),
        (
            PROMPT,
            "x" * 4001,
            "Prompt has 4,001 characters; at most 4,000 are allowed. Shorten it.",
        ),
        (PROMPT, 7, "Prompt must be text."),
        (PROMPT, ["a"], "Prompt must be text."),
        (SEED, "abc", f"Seed must be a whole number {SEEDS}."),
        (SEED, "-5", f"Seed must be a number {SEEDS}, not -5. The nearest is 0."),
        (
            SEED,
            2**64,
            f"Seed must be a number {SEEDS}, not 18446744073709551616. The nearest is 18446744073709551615.",
        ),
        (SEED, "1.5", f"Seed must be a whole number {SEEDS}."),
        (SEED, True, f"Seed must be a whole number {SEEDS}."),
        (SEED, "9" * 5000, f"Seed must be a whole number {SEEDS}."),
        (WIDTH, 0, "Width must be a number from 64 to 2048, not 0. The nearest is 64."),
        (WIDTH, "NaN", "Width must be a whole number from 64 to 2048."),
        (WIDTH, math.nan, "Width must be a whole number from 64 to 2048."),
        (WIDTH, math.inf, "Width must be a whole number from 64 to 2048."),
        (WIDTH, 20000, "Width must be a number from 64 to 2048, not 20000. The nearest is 2048."),
        (WIDTH, None, "Width must be a whole number from 64 to 2048."),
        (WIDTH, "513", "Width can be 512 or 520, but not 513."),
        (LENGTH, 80, "Length can be 77 or 81, but not 80."),
        (STEPS, 10**9, "Steps must be a number from 1 to 100, not 1000000000. The nearest is 100."),
        (COUNT, 999, "Count must be a number from 1 to 4, not 999. The nearest is 4."),
        (ANY, "x", "Any must be a whole number."),
        (CFG, "7,5", "CFG: write the number with a point: 7.5."),
        (CFG, "1,000.5", "CFG must be a number from 1.0 to 30.0."),
        (CFG, "nan", "CFG must be a number from 1.0 to 30.0."),
        (CFG, "1e999", "CFG must be a number from 1.0 to 30.0."),
        (CFG, 10**400, "CFG must be a number from 1.0 to 30.0."),
        (CFG, False, "CFG must be a number from 1.0 to 30.0."),
        (CFG, {}, "CFG must be a number from 1.0 to 30.0."),
        (LORA, "50", "LoRA weight must be a number from -2.0 to 2.0, not 50.0. The nearest is 2.0."),
        (LEAST, 0, "Least must be a number of at least 0.5, not 0.0. The nearest is 0.5."),
        (HD, "perhaps", "HD must be yes or no."),
        (HD, 2, "HD must be yes or no."),
        (IMAGE, "file:///etc/passwd", ADDRESS),
        (IMAGE, "http://169.254.169.254/", ADDRESS),
        (SAMPLER, "euller", 'Sampler "euller" is not offered. There is: euler, heun, dpmpp_2m.'),
        (
            MODEL,
            "dreamshaper",
            'Model "dreamshaper" is not offered. The nearest: dreamshaperXL.safetensors, '
            "dreamshaper_8.safetensors, wan.safetensors.",
        ),
        (
            MODEL,
            "????",
            'Model "????" is not offered. There is for instance: dreamshaper_8.safetensors, '
            "dreamshaperXL.safetensors, flux1-dev.safetensors.",
        ),
        (NOTHING, "x", "Model: ComfyUI offers nothing to choose from."),
    ],
)
def test_what_cannot_be_used_is_told_with_what_can(spec: ParameterSpec, raw: object, told: str) -> None:
    """The sentence names the parameter, what is wrong and what is allowed."""
    with pytest.raises(InvalidValue) as raised:
        check(spec, raw)
    assert (raised.value.parameter, str(raised.value)) == (spec.name, told)


@pytest.mark.parametrize(
    ("spec", "raw", "value"),
    [
        (PROMPT, "  a red fox\nin \t snow ", "a red fox\nin \t snow"),
        (PROMPT, "a\x00 r\u202eed\x1b fox\u2066\ud800\r", "a red fox"),
        (PROMPT, "x" * 4000 + "\x00", "x" * 4000),
        (PROMPT, "fox 🦊 和 ﷽ e\u0301", "fox 🦊 和 ﷽ e\u0301"),
        (PROMPT, "👩\u200d🚀", "👩\u200d🚀"),
        (SEED, 0, 0),
        (SEED, "0", 0),
        (SEED, 2**64 - 1, 2**64 - 1),
        (SEED, str(2**64 - 1), 2**64 - 1),
        (WIDTH, " 512 ", 512),
        (WIDTH, 512.0, 512),
        (WIDTH, 64, 64),
        (WIDTH, 2048, 2048),
        (LENGTH, 1, 1),
        (LENGTH, 81, 81),
        (LENGTH, 121, 121),
        (CFG, "7.5", 7.5),
        (CFG, 7, 7.0),
        (CFG, "1", 1.0),
        (LORA, -2, -2.0),
        (LORA, 0, 0.0),
        (HD, True, True),
        (HD, False, False),
        (HD, "Yes", True),
        (HD, " off ", False),
        (HD, 0, False),
        (HD, 1, True),
        (SAMPLER, " Euler ", "euler"),
        (MODEL, "sdxl/JUGGERNAUT.safetensors", "SDXL\\juggernaut.safetensors"),
    ],
)
def test_what_can_be_used_comes_as_the_graph_takes_it(
    spec: ParameterSpec, raw: object, value: object
) -> None:
    """Of the right type, bounds included; 0 and False are values."""
    found = check(spec, raw)
    assert (type(found), found) == (type(value), value)


RAW = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.from_regex(r"-?[0-9]{1,30}([.,][0-9]*)?(e-?[0-9]{1,4})?", fullmatch=True),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


def _value_or_refusal(spec: ParameterSpec, raw: object) -> PatchValue | InvalidValue:
    try:
        return check(spec, raw)
    except InvalidValue as error:
        return error


@given(
    spec=st.sampled_from([PROMPT, WIDTH, LENGTH, ANY, CFG, LEAST, SEED, HD, IMAGE, SAMPLER, MODEL, NOTHING]),
    raw=RAW,
)
@example(spec=CFG, raw=10**400)
@example(spec=ANY, raw=1e308)
def test_whatever_is_sent_is_a_value_within_bounds_or_told(spec: ParameterSpec, raw: object) -> None:
    """No other error than `InvalidValue`, whatever a program puts into the JSON."""
    value = _value_or_refusal(spec, raw)
    if isinstance(value, InvalidValue):
        assert value.parameter == spec.name
        assert str(value).endswith(".")
        return
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert spec.minimum is None or value >= spec.minimum
        assert spec.maximum is None or value <= spec.maximum
    if spec.type is ParameterType.CHOICE:
        assert value in spec.choices


def test_the_nearest_words_come_first() -> None:
    """Case does not matter, and nothing is named that is not like it at all."""
    assert nearest("STPES", ["prompt", "steps", "seed"], 1) == ["steps"]
    assert nearest("samplr", ["scheduler", "sampler", "seed"]) == ["sampler", "scheduler"]
    assert nearest("zzz", ["prompt", "steps"]) == []
    assert nearest("x", []) == []
