"""POST /prompt: what is refused and in which words, what is made of values, what is accepted in part."""

from __future__ import annotations

import json
from typing import Any

from tests.real.differential.answers import Json
from tests.real.differential.case import Act, Group
from tests.real.differential.graphs import empty, inverted, node, placed, save
from tests.real.differential.side import Side, unnumbered

refusals = Group("refused")
accepted = Group("accepted")
ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"


def _flat(**inputs: Any) -> Json:
    """One coloured picture, some of whose inputs are given."""
    graph = {"1": empty(), "2": save(["1", 0], "RUN/flat")}
    graph["1"]["inputs"].update(inputs)
    return graph


def _without(graph: Json, number: str, name: str) -> Json:
    del graph[number]["inputs"][name]
    return graph


def _scale(**inputs: Any) -> Json:
    sizes: Json = {"image": ["1", 0], "upscale_method": "area", "width": 8, "height": 8, "crop": "disabled"}
    return {"1": empty(), "2": node("ImageScale", **{**sizes, **inputs}), "3": save(["2", 0], "RUN/scaled")}


def _loop() -> Json:
    return {
        "1": node("ImageInvert", image=["2", 0]),
        "2": node("ImageInvert", image=["1", 0]),
        "3": save(["2", 0], "RUN/loop"),
    }


def _sampling(**inputs: Any) -> Json:
    """A sampler whose model is not there; shows long and short lists of choices."""
    values: Json = {
        "seed": 1,
        "steps": 2,
        "cfg": 7,
        "sampler_name": "euler",
        "scheduler": "normal",
        "denoise": 1,
    }
    wires = {"model": ["4", 0], "positive": ["6", 0], "negative": ["6", 0], "latent_image": ["5", 0]}
    return {
        "3": node("KSampler", **{**values, **wires, **inputs}),
        "4": node("CheckpointLoaderSimple", ckpt_name="none.safetensors"),
        "5": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "6": node("CLIPTextEncode", text="x", clip=["4", 1]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": save(["8", 0], "RUN/sampled"),
    }


def _titled(title: str) -> Json:
    return {**_flat(), "9": {**node("NoSuchNode"), "_meta": {"title": title}}}


REFUSED: dict[str, Any] = {
    "no prompt": {},
    "a list": [],
    "an empty prompt": {"prompt": {}},
    "prompt is a list": {"prompt": []},
    "prompt is text": {"prompt": "text"},
    "prompt is null": {"prompt": None},
    "prompt of the editor": {"prompt": {"nodes": [], "links": [], "version": 0.4}},
    "a key that is no node": {"prompt": {**_flat(), "_comment": "words"}},
    "no output": {"prompt": {"1": empty()}},
    "unknown class": {"prompt": {**_flat(), "9": node("NoSuchNode")}},
    "unknown class with a title": {"prompt": _titled("My Node")},
    "no class": {"prompt": {**_flat(), "9": {"inputs": {}}}},
    "class null": {"prompt": {**_flat(), "9": {"class_type": None, "inputs": {}}}},
    "no inputs": {"prompt": {"1": {"class_type": "EmptyImage"}, "2": save(["1", 0], "x")}},
    "output without inputs": {"prompt": {"2": {"class_type": "SaveImage"}}},
    "a required input is missing": {"prompt": _without(_flat(), "1", "width")},
    "a required link is missing": {"prompt": _without(_flat(), "2", "images")},
    "too small": {"prompt": _flat(width=0)},
    "too big": {"prompt": _flat(width=100000)},
    "not a number": {"prompt": _flat(width="wide")},
    "fraction as text": {"prompt": _flat(width="8.9")},
    "null for a number": {"prompt": _flat(width=None)},
    "object for a number": {"prompt": _flat(width={})},
    "infinite": {"prompt": _flat(width=float("inf"))},
    "several wrong": {"prompt": _flat(width=0, height="x", batch_size=5000)},
    "link of length 1": {"prompt": _scale(image=["1"])},
    "link of length 3": {"prompt": _scale(image=["1", 0, 0])},
    "empty link": {"prompt": _scale(image=[])},
    "link to nothing": {"prompt": _scale(image=["77", 0])},
    "link by number": {"prompt": _scale(image=[1, 0])},
    "link to a far slot": {"prompt": _scale(image=["1", 5])},
    "link slot as text": {"prompt": _scale(image=["1", "0"])},
    "link of another type": {"prompt": {**_scale(width=["9", 0]), "9": node("PrimitiveString", value="x")}},
    "value for a link": {"prompt": _scale(image="words")},
    "choice not there": {"prompt": _scale(upscale_method="nope")},
    "choice null": {"prompt": _scale(crop=None)},
    "choice a number": {"prompt": _scale(crop=5)},
    "missing file": {"prompt": {"1": node("LoadImage", image="RUN-none.png"), "2": save(["1", 0], "x")}},
    "missing file by escape": {
        "prompt": {"1": node("LoadImage", image="../../x.png"), "2": save(["1", 0], "x")}
    },
    "no file named": {"prompt": {"1": node("LoadImage"), "2": save(["1", 0], "x")}},
    "missing mask file": {
        "prompt": {
            "1": node("LoadImageMask", image="RUN-none.png", channel="alpha"),
            "2": node("MaskToImage", mask=["1", 0]),
            "3": save(["2", 0], "x"),
        }
    },
    "circle": {"prompt": _loop()},
    "circle of one": {"prompt": {"1": node("ImageInvert", image=["1", 0]), "2": save(["1", 0], "x")}},
    "two outputs both wrong": {
        "prompt": {"1": empty(width=0), "2": save(["1", 0], "x"), "3": save(["1", 0], "y")}
    },
    "missing model": {"prompt": _sampling()},
    "missing model and sampler": {"prompt": _sampling(sampler_name="nope", scheduler="nope")},
    "seed too big": {"prompt": _sampling(seed=2**64)},
    "seed negative": {"prompt": _sampling(seed=-1)},
    "cfg as text": {"prompt": _sampling(cfg="high")},
    "missing lora": {
        "prompt": {
            **{key: entry for key, entry in _sampling().items() if key not in ("8", "9")},
            "10": node(
                "LoraLoader",
                lora_name="none",
                strength_model=1,
                strength_clip=1,
                model=["4", 0],
                clip=["4", 1],
            ),
            "11": node("VAEDecode", samples=["3", 0], vae=["10", 0]),
            "12": save(["11", 0], "x"),
        }
    },
    "id in upper case": {"prompt": _flat(), "prompt_id": ID.upper()},
    "id without hyphens": {"prompt": _flat(), "prompt_id": ID.replace("-", "")},
    "id empty": {"prompt": _flat(), "prompt_id": ""},
    "id a number": {"prompt": _flat(), "prompt_id": 5},
    "id in braces": {"prompt": _flat(), "prompt_id": f"{{{ID}}}"},
    "bad id before a bad graph": {"prompt": {}, "prompt_id": "x"},
    "number as words": {"prompt": _flat(), "number": "abc"},
    "number null": {"prompt": _flat(), "number": None},
    "extra_data null": {"prompt": _flat(), "client_id": "x", "extra_data": None},
    "targets empty": {"prompt": _flat(), "partial_execution_targets": []},
    "targets unknown": {"prompt": _flat(), "partial_execution_targets": ["77"]},
    "targets not an output": {"prompt": _flat(), "partial_execution_targets": ["1"]},
    "a number as the prompt": {"prompt": 5},
}


def _refusal(body: Any) -> Act:
    async def act(side: Side) -> Json:
        answer = await side.ask("POST", "/prompt", json=placed(body, side.run_name))
        seen = answer.seen()
        if answer.status == 200:
            seen["body"] = unnumbered(seen["body"])
        if answer.status == 400:
            for entry in seen["body"]["node_errors"].values():
                # Real servers check the inputs of a node in no fixed order.
                entry["errors"].sort(key=lambda error: str(error["extra_info"].get("input_name")))
                entry["dependent_outputs"].sort()
            seen["body"]["error"]["details"] = sorted(seen["body"]["error"]["details"].split("\n"))
        return seen

    return act


for _name, _body in REFUSED.items():
    refusals.add(_name, _refusal(_body))

ACCEPTED: dict[str, Any] = {
    "fraction for a whole number": {"prompt": _flat(width=8.9)},
    "text for a number": {"prompt": _flat(width="9")},
    "true for a number": {"prompt": _flat(width=True)},
    "value in a wrapping": {"prompt": _flat(width={"__value__": 7})},
    "unknown inputs": {"prompt": _flat(nonsense=[1, 2, 3], more="x")},
    "unknown keys": {"prompt": _flat(), "nonsense": 1},
    "a broken node aside": {"prompt": {**_flat(), "9": node("ImageScale")}},
    "number for text": {
        "prompt": {"1": node("PrimitiveString", value=5), "2": node("PreviewAny", source=["1", 0])}
    },
    "false as text": {
        "prompt": {"1": node("PrimitiveBoolean", value="false"), "2": node("PreviewAny", source=["1", 0])}
    },
    "one output is wrong": {
        "prompt": {
            **_flat(),
            "6": save(["7", 0], "RUN/wrong"),
            "7": node("ImageScale", image=["1", 0], upscale_method="no", width=1, height=1, crop="disabled"),
        }
    },
    "a file missing in a part": {
        "prompt": {**_flat(), "6": save(["7", 0], "x"), "7": node("LoadImage", image="RUN-none.png")}
    },
    "targets": {
        "prompt": {**_flat(), "5": save(["1", 0], "RUN/other"), "6": node("PreviewImage", images=["1", 0])},
        "partial_execution_targets": ["5"],
    },
    "targets a string": {"prompt": _flat(), "partial_execution_targets": "2"},
    "targets null": {"prompt": _flat(), "partial_execution_targets": None},
    "id null": {"prompt": _flat(), "prompt_id": None},
    "id of one's own": {"prompt": _flat(), "prompt_id": ID},
    "number of one's own": {"prompt": _flat(), "number": -3},
    "number as digits": {"prompt": _flat(), "number": "12.5"},
    "front": {"prompt": _flat(), "front": True},
    "extra data": {
        "prompt": _flat(),
        "extra_data": {"bot": {"job": "x"}, "preview_method": "nope", "extra_pnginfo": {"a": [1], "b": "ü"}},
    },
    "secrets": {
        "prompt": _flat(),
        "extra_data": {"auth_token_comfy_org": "s", "api_key_comfy_org": "t", "comfy_usage_source": "u"},
    },
    "titles kept": {"prompt": {"1": {**empty(), "_meta": {"title": "Colour"}}, "2": save(["1", 0], "RUN/t")}},
}


def _acceptance(body: Json) -> Act:
    async def act(side: Side) -> Json:
        given = placed(body, side.run_name)
        run = await side.run(given.pop("prompt"), **given)
        for entry in run["answer"]["body"].get("node_errors", {}).values():
            entry["errors"].sort(key=lambda error: str(error["extra_info"].get("input_name")))
        return run

    return act


for _name, _body in ACCEPTED.items():
    accepted.add(_name, _acceptance(_body))


@accepted
async def any_client_id(side: Side) -> list[Json]:
    """Numbers, nothing and null are taken as client ids too."""
    seen = []
    for client_id in (5, "", None, "nobody"):
        body = {"prompt": inverted(side.run_name), "client_id": client_id}
        answer = await side.ask("POST", "/prompt", json=body)
        seen.append(
            {"status": answer.status, "body": unnumbered(answer.json()) if answer.status == 200 else ""}
        )
    return seen


@accepted
async def the_same_id_twice(side: Side) -> Json:
    """The same id is run twice; the second run's entry takes the place of the first."""
    socket = await side.connect()
    await side.ask("POST", "/history", json={"delete": [ID]})
    runs = [await side.run(inverted(side.run_name, colour), socket, prompt_id=ID) for colour in (10, 11)]
    entries = list(await side.get(f"/history/{ID}"))
    return {"runs": runs, "entries": entries}


@accepted
async def without_content_type(side: Side) -> list[Json]:
    """JSON is read whatever it is called."""
    body = json.dumps({"prompt": inverted(side.run_name)})
    kinds = ("text/plain", "application/octet-stream", "application/x-www-form-urlencoded")
    answers = [await side.ask("POST", "/prompt", data=body, headers={"Content-Type": kind}) for kind in kinds]
    return [{**answer.seen(), "body": unnumbered(answer.json())} for answer in answers]
