"""Inputs that depend on other inputs, types that fit several others, and checks that classes make themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from simulator.values import check_value

if TYPE_CHECKING:
    from tests.simulator.conftest import Client, Json, Start

IMAGE = {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}}
NUMBER = {"class_type": "PrimitiveInt", "inputs": {"value": 3}}
TEXT = {"class_type": "PrimitiveStringMultiline", "inputs": {"value": "x"}}
SWITCHED = {
    "class_type": "ComfySwitchNode",
    "inputs": {"switch": True, "on_false": ["image", 0], "on_true": ["image", 0]},
}
SOURCES = {"image": IMAGE, "number": NUMBER, "text": TEXT, "switched": SWITCHED}
CRF = ["FLOAT", {"default": 23.0, "min": 0.0, "max": 51.0, "step": 1.0}]
CROP = ["COMBO", {"default": "center", "multiselect": False, "options": ["disabled", "center"]}]
VALUE = ["FLOAT,INT,BOOLEAN", {}]
H264 = {"format": "mp4", "format.codec": "h264", "format.codec.encoding": "re-encode"}
WIDE = {"input": ["image", 0], "scale_method": "area", "resize_type": "scale dimensions"}


@pytest.fixture
async def hung(client: Client) -> Client:
    """A simulator that judges prompts and runs none."""
    client.simulator.faults.hang()
    return client


async def _judged(client: Client, class_type: str, inputs: Json) -> tuple[int, Any]:
    """Status, and the errors of a node of this class that stands above an output."""
    graph = {
        **SOURCES,
        "node": {"class_type": class_type, "inputs": inputs},
        "out": {"class_type": "PreviewAny", "inputs": {"source": ["node", 0]}},
    }
    status, answer = await client.ask("POST", "/prompt", json={"prompt": graph})
    return status, answer["node_errors"].get("node", {}).get("errors", answer["node_errors"])


def _wrong(kind: str, message: str, details: str, **info: Any) -> Json:
    return {"type": kind, "message": message, "details": details, "extra_info": info}


def _missing(name: str) -> Json:
    details = name.split(".")[-1]
    return _wrong("required_input_missing", "Required input is missing", details, input_name=name)


def _custom(name: str, reason: str) -> Json:
    message = "Custom validation failed for node"
    return _wrong("custom_validation_failed", message, f"{name} - {reason}", input_name=name)


@pytest.mark.parametrize(
    ("class_type", "inputs"),
    [
        ("SaveVideo", {"video": ["switched", 0], "filename_prefix": "v", **H264, "format.codec.encoding.crf": 2,
                       "format.codec.encoding.color_space": "sRGB"}),
        # An unknown key brings no inputs along, and none at all does the same.
        ("SaveVideo", {"video": ["switched", 0], "filename_prefix": "v", "format": "nope"}),
        ("SaveVideo", {"video": ["switched", 0], "filename_prefix": "v"}),
        # What another key would bring is unknown here, and unknown inputs pass.
        ("SaveVideo", {"video": ["switched", 0], "filename_prefix": "v", "format": "auto",
                       "format.codec": "auto", "format.codec.encoding.crf": "much"}),
        ("ResizeImageMaskNode", {**WIDE, "resize_type.width": 8, "resize_type.height": 8,
                                 "resize_type.crop": "center"}),
        # What must match is for the editor to see to.
        ("ResizeImageMaskNode", {**WIDE, "input": ["text", 0], "resize_type": "scale by multiplier",
                                 "resize_type.multiplier": 2}),
        ("BatchImagesNode", {"images.image0": ["image", 0], "images.image1": ["switched", 0]}),
        ("BatchImagesNode", {"images.image0": ["image", 0], "images.image50": ["text", 0]}),
        ("ComfyMathExpression", {"expression": "a", "values.a": ["number", 0]}),
        ("PreviewAny", {"source": ["text", 0]}),
        # The editor lets people write the choices of this class themselves.
        ("CustomCombo", {"choice": "mine"}),
        ("Load3D", {"model_file": "none", "image": "x", "width": 9999, "height": 0}),
        ("LoadImage", {"image": "example.png [input]"}),
    ],
)  # fmt: skip
async def test_inputs_that_are_taken(hung: Client, class_type: str, inputs: Json) -> None:
    """No errors at all."""
    assert await _judged(hung, class_type, inputs) == (200, {})


@pytest.mark.parametrize(
    ("class_type", "inputs", "errors"),
    [
        (
            "SaveVideo",
            {"video": ["switched", 0], "filename_prefix": "v", **H264},
            [_missing("format.codec.encoding.crf"), _missing("format.codec.encoding.color_space")],
        ),
        (
            "SaveVideo",
            {
                "video": ["switched", 0],
                "filename_prefix": "v",
                **H264,
                "format.codec.encoding.crf": 60,
                "format.codec.encoding.color_space": "sRGB",
            },
            [
                _wrong(
                    "value_bigger_than_max",
                    "Value 60.0 bigger than max of 51.0",
                    "format.codec.encoding.crf",
                    input_name="format.codec.encoding.crf",
                    input_config=CRF,
                    received_value=60.0,
                )
            ],
        ),
        (
            "ResizeImageMaskNode",
            {**WIDE, "resize_type.width": 8, "resize_type.height": 8, "resize_type.crop": "left"},
            [
                _wrong(
                    "value_not_in_list",
                    "Value not in list",
                    "resize_type.crop: 'left' not in ['disabled', 'center']",
                    input_name="resize_type.crop",
                    input_config=CROP,
                    received_value="left",
                )
            ],
        ),
        ("BatchImagesNode", {}, [_missing("images.image0")]),
        ("BatchImagesNode", {"images.image1": ["image", 0]}, [_missing("images.image0")]),
        (
            "BatchImagesNode",
            {"images.image0": ["text", 0], "images.image1": ["image"]},
            [
                _wrong(
                    "return_type_mismatch",
                    "Return type mismatch between linked nodes",
                    "images.image0, received_type(STRING) mismatch input_type(IMAGE)",
                    input_name="images.image0",
                    input_config=["IMAGE", {}],
                    received_type="STRING",
                    linked_node=["text", 0],
                ),
                _wrong(
                    "bad_linked_input",
                    "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                    "images.image1",
                    input_name="images.image1",
                    input_config=["IMAGE", {}],
                    received_value=["image"],
                ),
            ],
        ),
        (
            "ComfyMathExpression",
            {"expression": "a", "values.a": ["text", 0]},
            [
                _wrong(
                    "return_type_mismatch",
                    "Return type mismatch between linked nodes",
                    "values.a, received_type(STRING) mismatch input_type(FLOAT,INT,BOOLEAN)",
                    input_name="values.a",
                    input_config=VALUE,
                    received_type="STRING",
                    linked_node=["text", 0],
                )
            ],
        ),
        (
            "KSamplerSelect",
            {"sampler_name": "nope"},
            [
                _wrong(
                    "value_not_in_list",
                    "Value not in list",
                    "sampler_name: 'nope' not in (list of length 44)",
                    input_name="sampler_name",
                    input_config=None,
                    received_value="nope",
                )
            ],
        ),
        ("LoadImage", {"image": "gone.png"}, [_custom("image", "Invalid image file: gone.png")]),
        ("LoadImage", {"image": "../run.log"}, [_custom("image", "Invalid image file: ../run.log")]),
        ("LoadVideo", {"file": "gone.mp4"}, [_custom("file", "Invalid video file: gone.mp4")]),
        ("LoadAudio", {"audio": "x.wav [temp]"}, [_custom("audio", "Invalid audio file: x.wav [temp]")]),
        (
            "Load3D",
            {"model_file": "3d/gone.glb", "image": "", "width": 1, "height": 1},
            [
                _custom(name, "Invalid 3D model file: 3d/gone.glb")
                for name in ("model_file", "image", "width", "height")
            ],
        ),
    ],
)
async def test_inputs_that_are_refused(hung: Client, class_type: str, inputs: Json, errors: Json) -> None:
    """The full name of the input stands in the error, and only the last part of a missing one in its text."""
    assert await _judged(hung, class_type, inputs) == (400, errors)


@pytest.mark.parametrize(
    ("class_type", "inputs", "kind", "details"),
    [
        ("PreviewAny", {"source": ["image", 4]}, "IndexError", "tuple index out of range"),
        ("PreviewAny", {"source": ["number", 4]}, "IndexError", "list index out of range"),
        ("LoadVideo", {}, "TypeError",
         "LoadVideo.validate_inputs() missing 1 required positional argument: 'file'"),
        ("LoadImage", {"image": ["image", 0]}, "AttributeError",
         "'NoneType' object has no attribute 'endswith'"),
        ("FluxProUltraImageNode", {"aspect_ratio": "9:1"}, "ValueError",
         "Aspect ratio `9` must be ≤ 4."),
        ("FluxProUltraImageNode", {"aspect_ratio": "wide"}, "ValueError",
         "Aspect ratio must be 'X:Y' (e.g., 16:9), got 'wide'."),
    ],
)  # fmt: skip
async def test_what_breaks_the_check_is_answered_with_the_exception(
    hung: Client, class_type: str, inputs: Json, kind: str, details: str
) -> None:
    """In place of all other errors of the node."""
    status, (error,) = await _judged(hung, class_type, inputs)
    about = error["extra_info"]
    assert (status, error["type"], error["details"]) == (
        400,
        "exception_during_inner_validation",
        details,
    )
    assert (about["exception_type"], about["exception_message"]) == (kind, details)


@pytest.mark.parametrize(
    ("given", "stored"),
    [("false", True), ("", False), (0, False), ({"__value__": []}, False), ({"__value__": ["x"]}, True)],
)
async def test_truth_is_cast_as_a_program_casts_it(hung: Client, given: Any, stored: bool) -> None:
    """Every text but the empty one is true; a wrapped list is a value and no link."""
    graph = {
        "node": {"class_type": "PrimitiveBoolean", "inputs": {"value": given}},
        "out": {"class_type": "PreviewAny", "inputs": {"source": ["node", 0]}},
    }
    await hung.queue(graph)
    queue = await hung.get("/queue")
    (item,) = queue["queue_running"] + queue["queue_pending"]
    assert item[2]["node"]["inputs"] == {"value": stored}


async def test_the_sound_outputs_run_without_the_others(hung: Client) -> None:
    """The answer is a 200 that names what was dropped, and which outputs with it."""
    graph = {
        **SOURCES,
        "node": {"class_type": "BatchImagesNode", "inputs": {}},
        "bad": {"class_type": "PreviewImage", "inputs": {"images": ["node", 0]}},
        "good": {"class_type": "PreviewAny", "inputs": {"source": ["switched", 0]}},
    }
    status, answer = await hung.ask("POST", "/prompt", json={"prompt": graph})
    assert (status, answer["node_errors"]) == (
        200,
        {
            "node": {
                "errors": [_missing("images.image0")],
                "dependent_outputs": ["bad"],
                "class_type": "BatchImagesNode",
            }
        },
    )
    queue = await hung.get("/queue")
    assert [item[4] for item in queue["queue_running"] + queue["queue_pending"]] == [["good"]]


@pytest.mark.parametrize(
    ("wrapped", "wrong"), [(["a", "b"], None), ([], None), (["a", "c", 5], "'c', 5"), ("c", "'c'")]
)
def test_several_choices_are_judged_one_by_one(wrapped: Any, wrong: str | None) -> None:
    """No class of the catalogue takes several choices at once; those of custom nodes do."""
    given = {"tags": {"__value__": wrapped}}
    config: tuple[str, Json] = ("COMBO", {"multiselect": True, "options": ["a", "b"]})
    error = check_value("tags", config, given, only_type=False)
    expected = wrong and _wrong(
        "value_not_in_list",
        "Value not in list",
        f"tags: {wrong} not in ['a', 'b']",
        input_name="tags",
        input_config=config,
        received_value=wrapped,
    )
    assert (error, given) == (expected, {"tags": wrapped})


async def test_old_classes_are_replaced_before_the_check(start: Start) -> None:
    """What is queued has the new class, with the inputs that a rule takes over."""
    client: Client = await start(models={"controlnet": ("pose.safetensors",)})
    client.simulator.faults.hang()
    old = {
        "class_type": "T2IAdapterLoader",
        "inputs": {"t2i_adapter_name": "pose.safetensors", "lost": 1},
        "_meta": {"title": "Old"},
    }
    await client.queue({"node": old, "out": {"class_type": "PreviewAny", "inputs": {"source": ["node", 0]}}})
    queue = await client.get("/queue")
    (item,) = queue["queue_running"] + queue["queue_pending"]
    assert item[2]["node"] == {
        "class_type": "ControlNetLoader",
        "inputs": {"control_net_name": "pose.safetensors"},
        "_meta": {"title": "Old"},
    }
    rules = await client.get("/node_replacements")
    assert rules["Load3DAnimation"] == [
        {
            "new_node_id": "Load3D",
            "old_node_id": "Load3DAnimation",
            "old_widget_ids": None,
            "input_mapping": None,
            "output_mapping": None,
        }
    ]
