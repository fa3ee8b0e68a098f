"""Inputs as `/object_info` specifies them, by the names that they have in a graph."""

from __future__ import annotations

from typing import Any

import pytest

from bot.comfy.inputs import InputSpec
from bot.comfy.names import spelled_for
from bot.comfy.schemas import NodeSchemas, upload_kind

CLASSES: dict[str, Any] = {
    "Old": {
        "input": {
            "required": {
                "sampler": [["euler", "heun"], {"tooltip": "How  to\nsample"}],
                "seconds": [[5, 10]],
            },
            "optional": {"seed": ["INT", {"min": 0, "max": 9, "control_after_generate": True}]},
        },
        "output": [["a", "b"], "IMAGE"],
        "output_name": ["choice"],
        "output_node": True,
        "display_name": "Old node",
    },
    "New": {
        "input": {
            "required": {
                "model": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {
                        "options": [
                            {"key": "small", "inputs": {"required": {"size": ["INT", {"max": 512}]}}},
                            {
                                "key": "large",
                                "inputs": {
                                    "required": {"size": ["INT", {"max": 4096}]},
                                    "optional": {"extra": ["BOOLEAN"]},
                                },
                            },
                        ]
                    },
                ],
                "images": [
                    "COMFY_AUTOGROW_V3",
                    {"template": {"input": {"required": {"image": ["IMAGE", {}]}}, "prefix": "image"}},
                ],
                "any": ["COMFY_MATCHTYPE_V3", {}],
            }
        },
        "output": ["COMFY_MATCHTYPE_V3"],
    },
}
SCHEMAS = NodeSchemas(CLASSES)


def _input(class_type: str, name: str, **given: Any) -> InputSpec:
    found = SCHEMAS.input(class_type, name, given)
    assert found is not None
    return found


def test_both_styles_of_combos() -> None:
    """A list in the place of the type, or `COMBO` with its options."""
    old = _input("Old", "sampler")
    assert (sorted(old.kinds), old.choices, old.help) == (["COMBO"], ("euler", "heun"), "How to sample")
    assert _input("New", "model").choices == ("small", "large")
    assert _input("New", "model").branches == {
        "small": frozenset({"size"}),
        "large": frozenset({"size"}),
    }


@pytest.mark.parametrize(("chosen", "most"), [("small", 512), ("large", 4096), (None, 512)])
def test_nested_inputs_are_those_of_the_chosen_branch(chosen: str | None, most: int) -> None:
    """And of the first one, where nothing is chosen."""
    assert _input("New", "model.size", model=chosen).number("max") == most


def test_other_branches_are_looked_at_too() -> None:
    """An input that only they have."""
    assert _input("New", "model.extra", model="small").optional
    assert SCHEMAS.input("New", "model.nothing") is None


def test_inputs_that_grow_and_inputs_of_any_type() -> None:
    """Each has the type of the template; what takes anything is a star, as is what comes out of it."""
    assert _input("New", "images.image7").kinds == {"IMAGE"}
    assert _input("New", "any").kinds == {"*"}
    assert SCHEMAS.outputs("New") == (("*", "COMFY_MATCHTYPE_V3"),)


def test_outputs_have_types_and_names() -> None:
    """A type stands for a name that is missing."""
    assert SCHEMAS.outputs("Old") == (("COMBO", "choice"), ("IMAGE", "IMAGE"))
    assert (SCHEMAS.display_name("Old"), SCHEMAS.display_name("Gone")) == ("Old node", "Gone")
    assert SCHEMAS.only(["Old", "Gone"]) == {"Old": CLASSES["Old"]}


def test_flags() -> None:
    """What draws a new number after each run is a seed; what takes no file has no kind of upload."""
    assert (_input("Old", "seed").is_seed, _input("Old", "seconds").is_seed) == (True, False)
    assert _input("Old", "seed").optional
    assert upload_kind(_input("Old", "seed")) is None


def test_choices_that_are_numbers_are_sent_as_numbers() -> None:
    """People type them; a text of digits elsewhere stays a text."""
    graph = {"1": {"class_type": "Old", "inputs": {"seconds": "10", "sampler": "7", "text": "10"}}}
    assert spelled_for(SCHEMAS, graph)["1"]["inputs"] == {"seconds": 10, "sampler": "7", "text": "10"}


def test_a_choice_among_files_of_one_kind_is_an_upload() -> None:
    """Packs that leave the upload to the front end say no more; a choice among models or words is none."""
    entries: tuple[list[str], ...] = (
        ["a.mp4", "b.webm"],
        ["a.PNG"],
        ["a.mp3", "b.wav"],
        ["a.mp4", "none"],
        ["x.safetensors"],
        ["1.5"],
        [],
    )
    specs = [InputSpec(kinds=frozenset({"COMBO"}), choices=tuple(each)) for each in entries]
    assert [upload_kind(spec) for spec in specs] == ["video", "image", "audio", None, None, None, None]
