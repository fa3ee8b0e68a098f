"""Ratios and what a picture should not show, in the parameters that a workflow has for them."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidValue
from bot.workflow.load import load_workflow
from bot.workflow.model import Workflow
from bot.workflow.patch import bind
from bot.workflow.shorthand import written_out

IMAGINE = load_workflow(files("workflows") / "sdxl")
IMG2IMG = load_workflow(files("workflows") / "img2img")
CHOICES = {
    "model": ("sd_xl_base_1.0.safetensors",),
    "sampler": ("euler",),
    "scheduler": ("normal",),
}


def _with(**defaults: int) -> Workflow:
    """The workflow with other sizes of its own."""
    parameters = tuple(
        replace(p, spec=replace(p.spec, default=defaults[p.spec.name])) if p.spec.name in defaults else p
        for p in IMAGINE.parameters
    )
    return replace(IMAGINE, parameters=parameters)


@pytest.mark.parametrize(
    ("ratio", "width", "height"),
    [
        ("1:1", 1024, 1024),
        ("3:2", 1256, 840),
        ("2:3", 840, 1256),
        ("16:9", 1368, 768),
        ("16/9", 1368, 768),
        ("3x2", 1256, 840),
        (" 1.5 ", 1256, 840),
        ("4:1", 2048, 512),
        ("1:4", 512, 2048),
    ],
)
def test_a_ratio_keeps_the_workflows_number_of_pixels(ratio: str, width: int, height: int) -> None:
    """In the steps that the parameters take."""
    assert written_out(_with(width=1024, height=1024), {"ar": ratio}) == {"width": width, "height": height}


def test_a_side_that_was_given_is_kept() -> None:
    """The ratio says the other."""
    assert written_out(IMAGINE, {"ar": "2:1", "width": "512"}) == {"width": "512", "height": 256}
    assert written_out(IMAGINE, {"ar": "2:1", "height": "512"}) == {"height": "512", "width": 1024}


def test_a_side_is_never_too_long() -> None:
    """The ratio is kept rather than the number of pixels."""
    assert written_out(_with(width=2048, height=2048), {"ar": "2:1"}) == {"width": 2048, "height": 1024}


@given(wide=st.integers(1, 4000), high=st.integers(1, 4000))
def test_what_a_ratio_makes_is_taken_or_refused(wide: int, high: int) -> None:
    """Whatever is asked for."""
    raw = {"prompt": "fox", "ar": f"{wide}:{high}"}
    if wide > 4 * high or high > 4 * wide:
        with pytest.raises(InvalidValue, match=r"^A picture can be at most 4:1"):
            bind(IMAGINE, raw, CHOICES, seed=1)
        return
    values = bind(IMAGINE, raw, CHOICES, seed=1).values
    assert abs(int(values["width"]) / int(values["height"]) / (wide / high) - 1) < 0.05


@pytest.mark.parametrize(
    ("ratio", "sentence"),
    [
        ("100:1", "A picture can be at most 4:1 or 1:4, not 100:1."),
        ("0:1", 'A ratio is width:height, as in --ar 3:2, but not "0:1".'),
        ("wide", 'A ratio is width:height, as in --ar 3:2, but not "wide".'),
        ("", 'A ratio is width:height, as in --ar 3:2, but not "".'),
        ("-3:2", 'A ratio is width:height, as in --ar 3:2, but not "-3:2".'),
    ],
)
def test_other_ratios_are_refused(ratio: str, sentence: str) -> None:
    """With what is right."""
    with pytest.raises(InvalidValue) as raised:
        bind(IMAGINE, {"prompt": "fox", "ar": ratio}, CHOICES, seed=1)
    assert (raised.value.parameter, str(raised.value)) == ("ar", sentence)


def test_ratio_and_both_sides_are_too_much() -> None:
    """Which of them should count?"""
    with pytest.raises(InvalidValue, match=r"^Write --ar, or width and height, but not all three\.$"):
        written_out(IMAGINE, {"ar": "3:2", "width": "64", "height": "64"})


def test_what_a_picture_should_not_show() -> None:
    """Goes to the negative, behind what that was given."""
    assert written_out(IMAGINE, {"no": "fog, rain"}) == {"negative": "fog, rain"}
    assert written_out(IMG2IMG, {"no": "fog", "negative": "rain"}) == {"negative": "rain, fog"}
    assert written_out(IMAGINE, {"no": ""}) == {"negative": ""}


def test_without_use_for_them_they_are_unknown_options() -> None:
    """As any other name would be; a mistyped name is told of them."""
    with pytest.raises(InvalidValue, match=r'^/img2img has no option "ar"'):
        bind(IMG2IMG, {"prompt": "fox", "ar": "3:2"}, CHOICES, seed=1)
    with pytest.raises(InvalidValue, match=r'^/sdxl has no option "arr"\. Did you mean "ar"\?$'):
        bind(IMAGINE, {"prompt": "fox", "arr": "3:2"}, CHOICES, seed=1)
