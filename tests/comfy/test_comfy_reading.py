"""Files, history entries, refusals and schemas, as servers write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.comfy.located import Queue, parse_entry, parse_queue
from bot.comfy.outputs import results
from bot.comfy.refusals import clean, node_failure, refusal
from bot.comfy.schemas import NodeSchemas, parse_object_info
from bot.errors import MissingModel, MissingNode, OutOfMemory
from bot.jobs.events import Broke, Finished, Interrupted, RemoteFile, RemoteText, SentPicture
from tests.comfy.conftest import file, txt2img

OBJECT_INFO: dict[str, Any] = {
    "KSampler": {
        "input": {
            "required": {
                "seed": ["INT", {"default": 0, "min": 0, "max": 2**64 - 1}],
                "cfg": ["FLOAT", {"min": 0.0, "max": 100.0}],
                "sampler_name": [["euler", "heun"], {"tooltip": "..."}],
                "model": ["MODEL"],
            },
            "hidden": {"unique_id": "UNIQUE_ID"},
        },
        "output_node": False,
    },
    "BasicScheduler": {
        "input": {"required": {"scheduler": ["COMBO", {"options": ["simple", "karras"]}], "steps": ["INT"]}}
    },
    "LoadImage": {"input": {"required": {"image": [["a.png"], {"image_upload": True}]}}},
    "LoadImageOutput": {"input": {"required": {"image": ["COMBO", {"remote": {"route": "/x"}}]}}},
    "SaveVideo": {
        "input": {
            "required": {
                "format": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {
                        "options": [
                            {"key": "auto", "inputs": {"required": {}}},
                            {
                                "key": "mp4",
                                "inputs": {
                                    "required": {"codec": ["COMBO", {"options": ["h264", "av1"]}]},
                                    "optional": {"crf": ["INT,FLOAT", {"min": 0}]},
                                },
                            },
                        ]
                    },
                ]
            }
        },
        "output_node": True,
    },
    "Odd": {"input": None, "output_node": "yes"},
}


def saved(*names: str, folder: str = "output") -> list[dict[str, str]]:
    """A node's list of files."""
    return [{"filename": name, "subfolder": "", "type": folder} for name in names]


def test_files_come_from_any_key() -> None:
    """Videos under `images`, inventions of custom nodes, text as bare strings; ordered by node as numbers."""
    outputs: list[tuple[str, dict[str, object]]] = [
        ("10", {"gifs": [{"filename": "b.mp4", "subfolder": "v", "type": "output", "format": "video/mp4"}]}),
        ("9", {"images": saved("z.png", "a.png"), "animated": [True], "text": ["filename"]}),
        ("11", {"images": saved("z.png")}),
        ("1", {"images": saved("p.png", folder="temp"), "odd": 7, "empty": [{"filename": ""}, {}]}),
    ]
    assert results(outputs) == (
        file("z.png"),
        file("a.png"),
        RemoteFile(node="10", filename="b.mp4", subfolder="v", folder="output"),
        file("z.png", "11"),
    )


def test_previews_are_kept_when_nothing_was_saved() -> None:
    """A workflow that only shows has a result too."""
    found = results([("3", {"images": saved("p.png", folder="temp")})])
    assert found == (RemoteFile(node="3", filename="p.png", subfolder="", folder="temp"),)


def test_words_are_results_when_nothing_was_saved() -> None:
    """Beside saved files they are words about those, and a node's shown input is no result at all."""
    said = ("5", {"text": ["a red fox ", "", 7], "images": saved("in.png", folder="input")})
    assert results([said]) == (RemoteText(node="5", text="a red fox"),)
    assert results([("4", {"text": "in one piece"})]) == (RemoteText(node="4", text="in one piece"),)
    assert results([said, ("9", {"images": saved("a.png")})]) == (file("a.png"),)


def test_pictures_sent_over_the_socket_are_results() -> None:
    """They come after what was saved, and previews do not count beside them."""
    sent = SentPicture(node="8", data=b"png", media_type="image/png")
    preview = ("3", {"images": saved("p.png", folder="temp")})
    assert results([preview], [sent]) == (sent,)
    assert results([("9", {"images": saved("a.png")})], [sent]) == (file("a.png"), sent)


def entry(status: str, *messages: list[Any]) -> dict[str, Any]:
    """A history entry with one file of an expanded node."""
    return {
        "prompt": [1, "p", txt2img(), {}, ["9"]],
        "outputs": {"9.0.0.2": {"images": saved("a.png")}},
        "status": {"status_str": status, "completed": status == "success", "messages": list(messages)},
        "meta": {"9.0.0.2": {"display_node": "9"}},
    }


def test_history_entries() -> None:
    """Only the messages tell an interrupted run from a failed one; both have partial outputs."""
    start = ["execution_start", {"prompt_id": "p"}]
    assert parse_entry(entry("success", start, ["execution_success", {}]), {}) == Finished(
        results=(file("a.png"),)
    )
    assert parse_entry(entry("error", start, ["execution_interrupted", {}]), {}) == Interrupted(
        results=(file("a.png"),)
    )
    broke = parse_entry(
        entry("error", start, ["execution_error", {"node_id": "3", "exception_message": "boom"}]), {}
    )
    assert isinstance(broke, Broke)
    assert broke.results == (file("a.png"),)
    assert broke.error.sentence == 'The node "The sampler" failed: boom'
    assert parse_entry({"outputs": {}}, {}) == Finished(results=())
    assert isinstance(parse_entry(entry("error"), {}), Broke)


def test_queues() -> None:
    """Of everybody."""
    body = {"queue_running": [[1, "a", {}, {}, []]], "queue_pending": [[2, "b", {}, {}, []], [3], 7]}
    assert parse_queue(body) == Queue(running=frozenset({"a"}), pending=frozenset({"b"}))
    assert parse_queue([]) == Queue(running=frozenset(), pending=frozenset())
    assert [parse_queue(body).others(mine) for mine in ((), {"a"}, {"a", "b", "c"})] == [
        (1, 1),
        (0, 1),
        (0, 0),
    ]


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("boom\n", "boom"),
        ("\n  first\nsecond", "first"),
        ("can't open /home/me/models/x.safetensors: no", "can't open …: no"),
        (r"can't open C:\Users\me\x.pt now", "can't open … now"),
        ("No such file: '/srv/my files/a b.png'", "No such file: …"),
        ("got tensor([[1., 2.], [3., 4.]]) here", "got …"),
        ("see https://user:pw@host/x?token=1 for more", "see … for more"),
        ("mat1 and mat2 shapes cannot be multiplied (77x2048 and 768x320)", None),
        ("16/9 is no ratio, and/or use 1/2", None),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_messages_are_cleaned(message: str, shown: str | None) -> None:
    """The first line, without paths, links and tensors."""
    assert clean(message) == (message if shown is None else shown)


@pytest.mark.parametrize(
    "data",
    [
        {"exception_type": "torch.OutOfMemoryError", "exception_message": "x"},
        {"exception_type": "torch.cuda.OutOfMemoryError", "exception_message": "x"},
        {"exception_type": "RuntimeError", "exception_message": "CUDA error: out of memory"},
        {"exception_type": "RuntimeError", "exception_message": "Allocation on device 0"},
    ],
)
def test_out_of_memory(data: dict[str, Any]) -> None:
    """By any of its names."""
    assert isinstance(node_failure(data, {}), OutOfMemory)


def test_a_failure_that_says_nothing() -> None:
    """Falls back to what is known."""
    sentences = [
        node_failure(data, {}).sentence
        for data in ({"node_type": "A", "exception_type": "x.KeyError"}, {"node_type": "A"}, {})
    ]
    assert sentences == [
        'The node "A" failed: KeyError',
        'The node "A" failed: it gave no reason',
        'The node "?" failed: it gave no reason',
    ]


def test_tracebacks_go_to_the_log_only() -> None:
    """Into the detail."""
    error = node_failure({"exception_message": "boom", "traceback": ["a", "File x", "b", "c"]}, {})
    assert ("File x" in error.detail, "File" in error.sentence) == (True, False)


def flaw(kind: str, details: str = "", **extra: Any) -> dict[str, Any]:
    """A 400 with one error at the sampler."""
    item = {"type": kind, "message": kind, "details": details, "extra_info": extra}
    return {
        "error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"},
        "node_errors": {"3": {"errors": [item], "dependent_outputs": ["9"], "class_type": "KSampler"}},
    }


def test_a_missing_model_is_told_with_where_it_is_to_be_had() -> None:
    """The graph's own notes say it; missing nodes are an error of their own kind, too."""
    body = flaw(
        "value_not_in_list", input_name="unet_name", received_value="flow.safetensors", input_config=None
    )
    graph = txt2img()
    graph["3"]["_meta"] = {
        "models": [{"name": "flow.safetensors", "url": "https://a/flow", "folder": "unet", "size": "2 GB"}]
    }
    error = refusal(body, graph, None)
    assert (type(error), error.code) == (MissingModel, "missing_model")
    assert error.sentence == (
        'ComfyUI has no unet_name "flow.safetensors". Download https://a/flow (2 GB) into models/unet.'
    )
    unknown = refusal(body, txt2img(), None)
    assert isinstance(unknown, MissingModel)
    assert unknown.sentence == 'ComfyUI has no unet_name "flow.safetensors". Choose another.'
    lacking = {"error": {"type": "missing_node_type", "message": "", "extra_info": {"class_type": "Odd"}}}
    assert type(refusal(lacking, {}, None)) is MissingNode


MEND = "Mend the workflow in ComfyUI and export it again."


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            flaw("value_not_in_list", input_name="sampler_name", received_value="eul", input_config=None),
            'ComfyUI has no sampler_name "eul". It has: euler, heun.',
        ),
        (
            flaw(
                "value_not_in_list",
                input_name="m",
                received_value="x",
                input_config=["COMBO", {"options": ["a", "x1"]}],
            ),
            'ComfyUI has no m "x". It has: x1, a.',
        ),
        (
            flaw("value_not_in_list", input_name="m", received_value="x", input_config=[[], {}]),
            'ComfyUI has no m "x". It has none at all: put one into its models folder.',
        ),
        (
            flaw("value_not_in_list", input_name="other", received_value="x", input_config=None),
            'ComfyUI has no other "x". Choose another.',
        ),
        (
            flaw("required_input_missing", "latent_image", input_name="latent_image"),
            f'The node "The sampler" lacks its input "latent_image". {MEND}',
        ),
        (
            flaw("custom_validation_failed", "image - Invalid image file: in/example.png"),
            'ComfyUI does not have the input file "example.png". Send the file again.',
        ),
        (
            flaw("custom_validation_failed", "size: too odd."),
            'The node "The sampler" does not take what it was given: size: too odd. Choose another value.',
        ),
        (flaw("dependency_cycle"), f'The workflow runs in a circle at the node "The sampler". {MEND}'),
        (
            flaw("return_type_mismatch", input_name="model"),
            f'The workflow is wired wrongly at the node "The sampler", input "model". {MEND}',
        ),
        (
            flaw("exception_during_inner_validation"),
            f'The workflow is wired wrongly at the node "The sampler". {MEND}',
        ),
        (flaw("something_new"), f'The workflow is wired wrongly at the node "The sampler". {MEND}'),
        (
            {
                "error": {
                    "type": "invalid_prompt",
                    "message": "Cannot execute because node Foo does not exist.",
                }
            },
            'ComfyUI lacks the node "Foo". Install the custom node that brings it.',
        ),
        (
            {"error": {"type": "missing_node_type", "extra_info": {"node_id": "3", "class_type": None}}},
            'ComfyUI lacks the node "KSampler". Install the custom node that brings it.',
        ),
        (
            {
                "error": {"type": "invalid_prompt_id", "message": "prompt_id must be a UUID"},
                "node_errors": [],
            },
            "ComfyUI refused the workflow: prompt_id must be a UUID.",
        ),
        ({"error": "no"}, "ComfyUI refused the workflow: no."),
        ([], "ComfyUI refused the workflow."),
    ],
)
def test_refusals(body: object, sentence: str) -> None:
    """One clear sentence each."""
    assert refusal(body, txt2img(), NodeSchemas(OBJECT_INFO)).sentence == sentence


def test_the_most_telling_flaw_is_told() -> None:
    """A missing model comes before the wiring that broke because of it."""
    body = flaw("exception_during_validation")
    missing = flaw("value_not_in_list", input_name="m", received_value="x", input_config=[["a"], {}])
    body["node_errors"]["4"] = missing["node_errors"]["3"]
    assert refusal(body, txt2img(), None).sentence == 'ComfyUI has no m "x". It has: a.'


def test_schemas() -> None:
    """Both kinds of combo, numbers, uploads, nested inputs, and what is not known."""
    schemas = NodeSchemas(OBJECT_INFO)
    assert [schemas.has(name) for name in ("KSampler", "Nope")] == [True, False]
    assert [schemas.is_output(name) for name in ("SaveVideo", "KSampler", "Odd", "Nope")] == [
        True,
        False,
        False,
        False,
    ]
    assert [
        schemas.choices(*where)
        for where in (
            ("KSampler", "sampler_name"),
            ("BasicScheduler", "scheduler"),
            ("SaveVideo", "format"),
            ("SaveVideo", "format.codec"),
            ("LoadImageOutput", "image"),
            ("KSampler", "seed"),
            ("KSampler", "unique_id"),
            ("Odd", "x"),
            ("Nope", "x"),
        )
    ] == [("euler", "heun"), ("simple", "karras"), ("auto", "mp4"), ("h264", "av1"), *[None] * 5]
    assert [
        schemas.bounds(*where)
        for where in (
            ("KSampler", "seed"),
            ("KSampler", "cfg"),
            ("BasicScheduler", "steps"),
            ("SaveVideo", "format.crf"),
            ("KSampler", "sampler_name"),
            ("KSampler", "model"),
            ("Nope", "x"),
        )
    ] == [(0, 2**64 - 1), (0.0, 100.0), (None, None), (0, None), None, None, None]
    assert [schemas.upload_kind(*where) for where in (("LoadImage", "image"), ("KSampler", "seed"))] == [
        "image",
        None,
    ]


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":"), (" ,\n", "\t: ")])
def test_object_info_is_parsed_class_by_class(separators: tuple[str, str]) -> None:
    """To the same as by the parser of JSON."""
    for classes in (OBJECT_INFO, {}, {"Лиса 🦊": {"input": {}}, 'a"b}': 7}):
        for text in (json.dumps(classes, separators=separators), f" {json.dumps(classes, indent=2)} "):
            assert parse_object_info(text.encode()) == classes


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>",
        b"{",
        b'{"a"',
        b'{"a":',
        b'{"a": {}',
        b'{"a": {"b": 1}, ',
        b"\xff",
        b'{"a":' + b"[" * 100_000,
    ],
)
def test_what_is_no_object_info(body: bytes) -> None:
    """Is one error."""
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words
        parse_object_info(body)
