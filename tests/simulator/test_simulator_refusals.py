"""What is refused with 400, what with 500, and what is taken although it looks wrong."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.simulator.conftest import Client, Json

BROKEN = (500, "500 Internal Server Error\n\nServer got itself in trouble")
BAD_ID = {
    "type": "invalid_prompt_id",
    "message": "prompt_id must be a valid UUID",
    "details": "prompt_id must be a UUID string in canonical lowercase hyphenated form; "
    "omit it to let the server generate one",
    "extra_info": {},
}
NO_PROMPT = {
    "type": "no_prompt",
    "message": "No prompt provided",
    "details": "No prompt provided",
    "extra_info": {},
}
NO_OUTPUTS = {
    "type": "prompt_no_outputs",
    "message": "Prompt has no outputs",
    "details": "",
    "extra_info": {},
}
ALL_FAILED = {
    "type": "prompt_outputs_failed_validation",
    "message": "Prompt outputs failed validation",
    "details": "",
    "extra_info": {},
}
WIDTH = ["INT", {"default": 512, "min": 1, "max": 16384, "step": 1}]
UUID = "c5bb25f8-c469-46c5-85ba-ab1c9b1d19ce"


def _pair(source: Json, link: Any = ("1", 0)) -> Json:
    return {"1": source, "2": {"class_type": "PreviewImage", "inputs": {"images": link}}}


def _empty(**inputs: Any) -> Json:
    size = {"width": 16, "height": 16, "batch_size": 1, "color": 0}
    return {"class_type": "EmptyImage", "inputs": {**size, **inputs}}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"client_id": "x"}, NO_PROMPT),
        ([1], NO_PROMPT),
        ({"prompt": {}}, NO_OUTPUTS),
        ({"prompt": {"1": _empty()}}, NO_OUTPUTS),
        ({"prompt": _pair(_empty()), "partial_execution_targets": []}, NO_OUTPUTS),
        ({"prompt": _pair(_empty()), "partial_execution_targets": ["1"]}, NO_OUTPUTS),
        ({"prompt": _pair(_empty()), "prompt_id": UUID.upper()}, BAD_ID),
        ({"prompt": _pair(_empty()), "prompt_id": UUID.replace("-", "")}, BAD_ID),
        ({"prompt": _pair(_empty()), "prompt_id": ""}, BAD_ID),
        ({"prompt": _pair(_empty()), "prompt_id": 7}, BAD_ID),
        (
            {"prompt": {"1": {"inputs": {}}}},
            {
                "type": "missing_node_type",
                "message": "Node 'ID #1' has no class_type. "
                "The workflow may be corrupted or a custom node is missing.",
                "details": "Node ID '#1'",
                "extra_info": {"node_id": "1", "class_type": None, "node_title": None},
            },
        ),
    ],
)
async def test_a_request_is_refused_as_a_whole(client: Client, body: Any, error: Json) -> None:
    """The error says why, and there are no node errors."""
    assert await client.ask("POST", "/prompt", json=body) == (400, {"error": error, "node_errors": {}})


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"",
        b'{"prompt": [1]}',
        b'{"prompt": "text"}',
        b'{"prompt": {"nodes": [], "links": [], "version": 0.4}}',
        b'{"prompt": {"_comment": "mine"}}',
        b'{"prompt": {}, "number": "abc"}',
    ],
)
async def test_a_body_of_the_wrong_shape_is_a_500(client: Client, body: bytes) -> None:
    """Not a 400: the real server trips over it."""
    assert await client.ask("POST", "/prompt", data=body) == BROKEN


def _wrong(kind: str, message: str, details: str, **info: Any) -> Json:
    return {"type": kind, "message": message, "details": details, "extra_info": info}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (
            100000,
            _wrong(
                "value_bigger_than_max",
                "Value 100000 bigger than max of 16384",
                "width",
                input_name="width",
                input_config=WIDTH,
                received_value=100000,
            ),
        ),
        (
            0,
            _wrong(
                "value_smaller_than_min",
                "Value 0 smaller than min of 1",
                "width",
                input_name="width",
                input_config=WIDTH,
                received_value=0,
            ),
        ),
        (
            "8.9",
            _wrong(
                "invalid_input_type",
                "Failed to convert an input value to a INT value",
                "width, 8.9, invalid literal for int() with base 10: '8.9'",
                input_name="width",
                input_config=WIDTH,
                received_value="8.9",
                exception_message="invalid literal for int() with base 10: '8.9'",
            ),
        ),
        (
            ["1"],
            _wrong(
                "bad_linked_input",
                "Bad linked input, must be a length-2 list of [node_id, slot_index]",
                "width",
                input_name="width",
                input_config=WIDTH,
                received_value=["1"],
            ),
        ),
        (
            ["3", 0],
            _wrong(
                "return_type_mismatch",
                "Return type mismatch between linked nodes",
                "width, received_type(IMAGE) mismatch input_type(INT)",
                input_name="width",
                input_config=WIDTH,
                received_type="IMAGE",
                linked_node=["3", 0],
            ),
        ),
    ],
)
async def test_a_bad_value_is_refused_at_its_node(client: Client, value: Any, problem: Json) -> None:
    """The node with the value is named, with the outputs that depend on it."""
    graph = {**_pair(_empty(width=value)), "3": _empty()}
    node = {"errors": [problem], "dependent_outputs": ["2"], "class_type": "EmptyImage"}
    answer = (400, {"error": ALL_FAILED, "node_errors": {"1": node}})
    assert await client.ask("POST", "/prompt", json={"prompt": graph}) == answer


@pytest.mark.parametrize(
    ("link", "details", "kind"),
    [
        (["99", 0], "'99'", "KeyError"),
        (["1", 5], "tuple index out of range", "IndexError"),
        ([1, 0], "1", "KeyError"),
    ],
)
async def test_a_link_to_nowhere_is_an_exception_of_the_validation(
    client: Client, link: Any, details: str, kind: str
) -> None:
    """It carries a traceback of the server, paths and all."""
    status, answer = await client.ask("POST", "/prompt", json={"prompt": _pair(_empty(), link)})
    (problem,) = answer["node_errors"]["2"]["errors"]
    assert problem["extra_info"].pop("traceback")
    message = "Exception when validating node"
    assert (status, problem) == (
        400,
        _wrong("exception_during_validation", message, details, exception_type=kind),
    )
    assert answer["error"]["details"] == f"{message}: {details}"


async def test_a_node_without_inputs_breaks_the_check_of_the_one_below(client: Client) -> None:
    """The error is an inner exception, reported at the node without inputs."""
    graph = _pair({"class_type": "EmptyImage"})
    _, answer = await client.ask("POST", "/prompt", json={"prompt": graph})
    (problem,) = answer["node_errors"]["1"]["errors"]
    assert problem["extra_info"].pop("traceback")
    assert problem == _wrong(
        "exception_during_inner_validation",
        "Exception when validating inner node",
        "'inputs'",
        input_name="images",
        input_config=["IMAGE", {}],
        exception_message="'inputs'",
        exception_type="KeyError",
        linked_node=["1", 0],
    )


async def test_a_cycle_is_blamed_on_all_its_nodes(client: Client) -> None:
    """Both nodes of the ring have the same path in their errors."""
    graph = {
        "1": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }

    def blamed(node_id: str) -> Json:
        path = "1 (ImageInvert) -> 2 (ImageInvert) -> 1 (ImageInvert)"
        cycle = ["1", "2"]
        problem = _wrong(
            "dependency_cycle", "Dependency cycle detected", path, node_id=node_id, cycle_nodes=cycle
        )
        return {"errors": [problem], "dependent_outputs": ["3"], "class_type": "ImageInvert"}

    answer = {"error": ALL_FAILED, "node_errors": {"1": blamed("1"), "2": blamed("2")}}
    assert await client.ask("POST", "/prompt", json={"prompt": graph}) == (400, answer)


async def test_a_file_that_is_not_there_is_refused_by_the_node_itself(client: Client) -> None:
    """LoadImage's list of choices is not what decides."""
    graph = _pair({"class_type": "LoadImage", "inputs": {"image": "gone.png"}})
    problem = _wrong(
        "custom_validation_failed",
        "Custom validation failed for node",
        "image - Invalid image file: gone.png",
        input_name="image",
    )
    node = {"errors": [problem], "dependent_outputs": ["2"], "class_type": "LoadImage"}
    answer = {"error": ALL_FAILED, "node_errors": {"1": node}}
    assert await client.ask("POST", "/prompt", json={"prompt": graph}) == (400, answer)


@pytest.mark.parametrize(("given", "stored"), [(8.9, 8), ("9", 9), (True, 1)])
async def test_values_are_cast_before_they_are_stored(client: Client, given: Any, stored: int) -> None:
    """The history shows the cast value; unknown inputs pass."""
    entry = await client.run(_pair(_empty(width=given, unknown="x")))
    assert entry["prompt"][2]["1"]["inputs"]["width"] == stored


async def test_seeds_go_up_to_2_to_the_64th(client: Client, txt2img: Callable[..., Json]) -> None:
    """The highest is taken, one more is refused."""
    status, _ = await client.ask("POST", "/prompt", json={"prompt": txt2img(seed=2**64 - 1)})
    refused, answer = await client.ask("POST", "/prompt", json={"prompt": txt2img(seed=2**64)})
    (problem,) = answer["node_errors"]["3"]["errors"]
    assert (status, refused, problem["type"]) == (200, 400, "value_bigger_than_max")


async def test_only_the_partial_targets_run(client: Client, flat: Callable[..., Json]) -> None:
    """The other output is neither run nor reported."""
    graph = {**flat(), "4": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
    entry = await client.run(graph, partial_execution_targets=["4"])
    assert (entry["prompt"][4], list(entry["outputs"])) == (["4"], ["4"])


async def test_an_id_is_kept_and_may_run_twice(client: Client, flat: Callable[..., Json]) -> None:
    """Not idempotent: the second run replaces the entry of the first."""
    prompt_id = str(uuid.uuid4())
    await client.run(flat(1), prompt_id=prompt_id)
    entry = await client.run(flat(2), prompt_id=prompt_id)
    assert [run.prompt_id for run in client.simulator.runs] == [prompt_id, prompt_id]
    assert (entry["prompt"][0], len(await client.get("/history"))) == (1, 1)


async def test_a_body_over_the_limit_is_a_413(start: Callable[..., Any]) -> None:
    """In aiohttp's words."""
    client = await start(max_upload_size=1000)
    assert await client.ask("POST", "/prompt", data=b"x" * 2000) == (
        413,
        "Maximum request body size 1000 exceeded.",
    )
