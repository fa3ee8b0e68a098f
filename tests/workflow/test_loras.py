"""LoRAs that a prompt names: found by nearly their names, and chained behind the graph's models and nowhere else."""

from __future__ import annotations

import copy
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.comfy.schemas import NodeSchemas
from bot.errors import InvalidValue, NotOffered
from bot.jobs.models import Graph
from bot.workflow.load import load_workflow
from bot.workflow.loras import Lora, named, offered_loras, with_loras
from bot.workflow.model import Workflow
from bot.workflow.patch import apply, bind
from bot.workflow.phrase import LoraTag
from bot.workflow.vocabulary import Style, Vocabulary
from tests.workflow.simulated import object_info

LORAS = (
    "add-detail-xl.safetensors",
    "styles\\Oil_Painting.safetensors",
    "wan_snow_high_noise.safetensors",
    "wan_snow_low_noise.safetensors",
    "pixel.v1.safetensors",
    "pixel.v2.safetensors",
)
INFO = object_info(loras=LORAS)
SCHEMAS = NodeSchemas(INFO)
OFFERED = offered_loras([SCHEMAS])
SDXL, Z_IMAGE, WAN, UPSCALE = (
    load_workflow(files("workflows") / name) for name in ("sdxl", "z-image", "wan", "upscale-model")
)
CHOICES = {
    "model": ("sd_xl_base_1.0.safetensors",),
    "sampler": ("euler",),
    "scheduler": ("normal",),
}
WORDS = Vocabulary(
    wildcards={"animal": ("a fox", "a <lora:pixel.v1:1> wolf", "{a|b} hen")},
    styles={"film": Style(prompt="{prompt}, film {grain|dust}", negative="drawing")},
)


def _chained(workflow: Workflow, *loras: Lora) -> dict[str, Any]:
    return dict(with_loras(workflow.name, workflow.graph, loras, SCHEMAS))


def _lora(name: str, model: float = 1.0, clip: float = 1.0) -> Lora:
    return Lora(name=name, model=model, clip=clip)


def _named(name: str) -> str:
    return named("prompt", [LoraTag(name=name)], OFFERED)[0].name


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("add-detail-xl", "add-detail-xl.safetensors"),
        ("Add Detail XL", "add-detail-xl.safetensors"),
        ("add-detail-xl.safetensors", "add-detail-xl.safetensors"),
        ("detail", "add-detail-xl.safetensors"),
        ("oil_painting", "styles/Oil_Painting.safetensors"),
        ("styles\\oilpainting", "styles/Oil_Painting.safetensors"),
        ("pixel.v2", "pixel.v2.safetensors"),
        ("wan snow high", "wan_snow_high_noise.safetensors"),
    ],
)
def test_names_are_nearly_enough(written: str, found: str) -> None:
    """Folders, endings, capitals, dashes and a beginning are often left out."""
    assert _named(written) == found


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("pixel", 'Several LoRAs are like "pixel". The nearest that it has: pixel.v1, pixel.v2.'),
        ("oyl painting", 'ComfyUI has no LoRA "oyl painting". The nearest that it has: Oil_Painting'),
        ("§$%", 'ComfyUI has no LoRA "§$%". The nearest that it has: '),
    ],
)
def test_a_name_that_is_none_is_told_with_the_nearest(written: str, told: str) -> None:
    """Or with those that it may mean."""
    with pytest.raises(InvalidValue) as raised:
        _named(written)
    assert str(raised.value).startswith(told)


def test_a_server_without_any_is_told() -> None:
    """There is nothing near."""
    with pytest.raises(InvalidValue, match='has no LoRA "x", nor any other'):
        named("prompt", [LoraTag(name="x")], ())


def test_a_checkpoint_has_loaders_for_model_and_text() -> None:
    """In the order in which they are named; what took the checkpoint's takes the last one's."""
    graph = _chained(SDXL, _lora(OFFERED[0], 0.8, 0.5), _lora("styles/Oil_Painting.safetensors"))
    expected = copy.deepcopy(dict(SDXL.graph))
    expected["lora"] = {
        "class_type": "LoraLoader",
        "inputs": {
            "lora_name": "add-detail-xl.safetensors", "strength_model": 0.8, "strength_clip": 0.5,
            "model": ["4", 0], "clip": ["4", 1],
        },
        "_meta": {"title": "LoRA add-detail-xl"},
    }  # fmt: skip
    expected["lora1"] = {
        "class_type": "LoraLoader",
        "inputs": {
            "lora_name": "styles/Oil_Painting.safetensors", "strength_model": 1.0, "strength_clip": 1.0,
            "model": ["lora", 0], "clip": ["lora", 1],
        },
        "_meta": {"title": "LoRA Oil_Painting"},
    }  # fmt: skip
    for node, name, link in (("3", "model", 0), ("6", "clip", 1), ("7", "clip", 1)):
        expected[node] = {
            **expected[node],
            "inputs": {**expected[node]["inputs"], name: ["lora1", link]},
        }
    assert graph == expected


def test_a_model_alone_has_loaders_for_models_alone() -> None:
    """Its text encoder is another's."""
    made = {node: body for node, body in _chained(Z_IMAGE, _lora(OFFERED[0])).items() if "lora" in node}
    (source,) = [node for node, body in Z_IMAGE.graph.items() if body["class_type"] == "UNETLoader"]
    assert [(body["class_type"], body["inputs"]) for body in made.values()] == [
        (
            "LoraLoaderModelOnly",
            {"lora_name": "add-detail-xl.safetensors", "strength_model": 1.0, "model": [source, 0]},
        )
    ]


def test_each_of_two_models_has_the_loras_that_are_for_it() -> None:
    """One for much noise is not for the model for little; one that says neither is for both."""
    both = [_lora("wan_snow_high_noise.safetensors"), _lora("add-detail-xl.safetensors")]
    graph = _chained(WAN, *both)
    behind = {}
    for node, body in graph.items():
        if node.startswith("lora"):
            behind[node] = (body["inputs"]["lora_name"], body["inputs"]["model"][0])
    assert behind == {
        "lora": ("wan_snow_high_noise.safetensors", "1"),
        "lora1": ("add-detail-xl.safetensors", "lora"),
        "lora2": ("add-detail-xl.safetensors", "20"),
    }
    assert graph["18"]["inputs"]["model"] == ["lora1", 0]
    assert graph["21"]["inputs"]["model"] == ["lora2", 0]


def test_what_has_no_model_takes_none() -> None:
    """It is told, and so is a server without the loader."""
    with pytest.raises(InvalidValue, match="/upscale-model has no model that a LoRA could change"):
        _chained(UPSCALE, _lora(OFFERED[0]))
    without = NodeSchemas({name: body for name, body in INFO.items() if name != "LoraLoader"})
    with pytest.raises(NotOffered, match=r"can't add LoRAs to /sdxl\. The server has no node \"LoraLoader\""):
        with_loras("sdxl", SDXL.graph, [_lora(OFFERED[0])], without)


def _taken_out(graph: Graph) -> dict[str, Any]:
    """A graph without its chain: what took the chain's end takes its beginning."""
    chain = {node: body for node, body in graph.items() if node.startswith("lora")}

    def back(value: Any) -> Any:
        while isinstance(value, list) and value[0] in chain:
            value = chain[value[0]]["inputs"]["model" if value[1] == 0 else "clip"]
        return value

    return {
        node: {**body, "inputs": {name: back(value) for name, value in body["inputs"].items()}}
        for node, body in graph.items()
        if node not in chain
    }


PIECES = st.sampled_from(
    ["<lora:detail:0.8>", "<lora:oil>", "<lora:none>", "<lora:", "{a|b}", "__animal__", "{", "}", "|", "\\",
     '["4", 0]', '"}, "9": {"class_type": "Evil"', "a fox", "\x00", "\u202e", " ", "--no", "<", ">", "__"]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=6), max_size=8).map("".join)


@pytest.mark.parametrize("workflow", [SDXL, Z_IMAGE, WAN], ids=lambda workflow: str(workflow.name))
@settings(max_examples=150, deadline=None)
@given(
    prompt=TEXTS, negative=TEXTS, seed=st.integers(0, 2**53), style=st.sampled_from([None, "film", "x<lora:"])
)
@example(prompt="<lora:detail:0.8><lora:oil>", negative="", seed=1, style="film")
@example(prompt="__animal__", negative="{x|<lora:detail>}", seed=5, style=None)
def test_no_text_changes_the_structure_but_by_a_tag(
    workflow: Workflow, prompt: str, negative: str, seed: int, style: str | None
) -> None:
    """With a valid tag there is the chain of loaders more, each of a LoRA that the server has, and nothing else."""
    raw: dict[str, object] = {"prompt": prompt, "style": style}
    if any(parameter.spec.name == "negative" for parameter in workflow.parameters):
        raw["negative"] = negative
    try:
        bound = bind(workflow, raw, CHOICES, seed, words=WORDS)
        loras = named("prompt", bound.loras, OFFERED)
    except InvalidValue:
        return
    graph = with_loras(workflow.name, workflow.graph, loras, SCHEMAS)
    assert _taken_out(graph) == workflow.graph
    made = [body["inputs"] for node, body in graph.items() if node not in workflow.graph]
    assert {inputs["lora_name"] for inputs in made} == {lora.name for lora in loras} <= set(OFFERED)
    patched = apply(graph, bound.patch)
    sent = {(setting.node, setting.input): setting.value for setting in bound.patch}
    for node, body in patched.items():
        for name, value in body["inputs"].items():
            assert value == sent.get((node, name), graph[node]["inputs"][name])
            assert (node, name) not in sent or isinstance(value, str | int | float | bool)
