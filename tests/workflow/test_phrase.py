"""Alternatives, wildcards and LoRA tags in a text: what they stand for follows from the seed alone."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import InvalidValue
from bot.workflow.phrase import LoraTag, Phrase, read_phrase

ANIMALS = {"animal": ("fox", "{grey|white} wolf"), "nature/tree": ("an oak", "__animal__ under a fir")}
LETTERS = st.text(st.sampled_from("ab{}|\\<>_:,. lora10"), max_size=40)


def _read(text: str, seed: int = 1) -> Phrase:
    return read_phrase("prompt", text, seed, ANIMALS)


def _said(text: str) -> set[str]:
    """All that comes of a text."""
    return {_read(text, seed).text for seed in range(60)}


def _refusal(text: str) -> str:
    with pytest.raises(InvalidValue) as raised:
        _read(text)
    return str(raised.value)


def test_the_seed_chooses() -> None:
    """Each of them comes up, within others too, and the same seed gives the same."""
    assert _said("a {red|blue|} fox") == {"a red fox", "a blue fox", "a  fox"}
    assert _said("{a {red|blue} fox|a hen}") == {"a red fox", "a blue fox", "a hen"}
    made = [_read("{a|b|c}{a|b|c}", seed).text for seed in range(8)]
    assert made == ["ab", "cc", "bc", "cc", "aa", "ab", "cc", "aa"]


def test_wildcards_are_lines_of_files() -> None:
    """They may lead to others and hold alternatives; capitals do not count."""
    assert _said("a __Animal__") == {"a fox", "a grey wolf", "a white wolf"}
    assert _said("__nature/tree__") == {
        "an oak", "fox under a fir", "grey wolf under a fir", "white wolf under a fir",
    }  # fmt: skip
    assert _said("{__animal__|a hen}") == {"fox", "grey wolf", "white wolf", "a hen"}
    assert _said("snake__case__name, ______") == {"snake__case__name, ______"}
    assert read_phrase("prompt", "__anything__", 1, {}).text == "__anything__"


def test_a_backslash_makes_a_bracket_a_letter() -> None:
    """So do braces without a bar; backslashes before anything else are ComfyUI's to read."""
    assert _said(r"\{a|b\} \__animal__ \<lora:x:1>") == {"{a|b} __animal__ <lora:x:1>"}
    assert _said('{"subject": "a fox", "place": {"name": "snow"}}') == {
        '{"subject": "a fox", "place": {"name": "snow"}}'
    }
    assert _said(r"fox \(animal\) C:\new {a|b") == {r"fox \(animal\) C:\new {a|b"}
    assert _said(r"{a\|b|c\}}") == {"a|b", "c}"}


def test_tags_leave_the_text() -> None:
    """With their weights; a chosen alternative may be one."""
    assert _read("a fox <lora:x:0.8>, in snow, <LoRA: y >") == Phrase(
        text="a fox, in snow", loras=(LoraTag(name="x", model=0.8, clip=0.8), LoraTag(name="y"))
    )
    assert _read("<lora:SDXL/a b.safetensors:-1:0.5>fox").loras == (
        LoraTag(name="SDXL/a b.safetensors", model=-1.0, clip=0.5),
    )
    assert {_read("{<lora:x:1>|<lora:y:2>} fox", seed).loras for seed in range(20)} == {
        (LoraTag(name="x"),),
        (LoraTag(name="y", model=2.0, clip=2.0),),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "<lora:x:50>",
            "The weight of the LoRA x must be a number from -4 to 4, not 50.0. The nearest is 4.",
        ),
        ("<lora:x:0,8>", "The weight of the LoRA x: write the number with a point: 0.8."),
        ("<lora:x:much>", "The weight of the LoRA x must be a number from -4 to 4."),
        ("<lora::1>", "A LoRA is written with its name and weight, as in <lora:name:0.8>."),
        ("<lora:x:1:1:1>", "A LoRA is written with its name and weight, as in <lora:name:0.8>."),
        ("<lora:x>" * 11, "That is 11 LoRAs: at most 10 are allowed."),
        ("an __animl__", 'There is no wildcard "__animl__". The nearest that there is: __animal__.'),
        ("__../../etc/passwd__", 'There is no wildcard "__../../etc/passwd__". The nearest that there is: '),
    ],
)
def test_what_is_wrong_is_told(text: str, told: str) -> None:
    """With what to write instead."""
    assert _refusal(text).startswith(told)


def test_wildcards_that_never_end_are_told() -> None:
    """Those that lead to themselves, and those that become longer and longer."""
    for lines in (["__a__"], ["__a__ __a__ __a__"]):
        with pytest.raises(InvalidValue, match="lead to each other without end"):
            read_phrase("prompt", "__a__", 1, {"a": lines})


@given(text=LETTERS, seed=st.integers(0, 2**64))
@example(text="{" * 4000, seed=0)
@example(text="{a|" * 1300, seed=0)
@example(text="{a|" * 1300 + "}" * 1300, seed=0)
@example(text="<lora:" * 600, seed=0)
def test_any_text_is_read_and_alike_each_time(text: str, seed: int) -> None:
    """Or refused with a sentence; a text without any of the signs is left as it is."""
    try:
        read = read_phrase("prompt", text, seed, {})
    except InvalidValue:
        return
    assert read_phrase("prompt", text, seed, {}) == read
    if not set(text) & set("{}\\<"):
        assert read.text == text
