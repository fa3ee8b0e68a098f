"""Which families models are of, and which of them go together."""

from __future__ import annotations

from typing import Any

import pytest

from bot.workflow.families import CHECKPOINTS, DIFFUSION_MODELS, LORAS, OTHER, by_name, told_by, within
from bot.workflow.kinship import by_fit, kinds_of, mismatches, nearest_fitting

Graph = dict[str, dict[str, Any]]


def _node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


@pytest.mark.parametrize(
    ("head", "family"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "SDXL"),
        ({"ss_base_model_version": "sd_v1"}, "SD 1.5"),
        ({"ss_base_model_version": "sd_1.5"}, "SD 1.5"),
        ({"ss_base_model_version": "sd_v2_v"}, "SD 2"),
        ({"ss_base_model_version": "sd3.5-large"}, "SD 3"),
        ({"ss_base_model_version": "flux1"}, "Flux.1"),
        ({"ss_base_model_version": "flux2_klein_9b"}, "Flux.2"),
        ({"ss_base_model_version": "zimage"}, "Z-Image"),
        ({"ss_base_model_version": "qwen_image"}, "Qwen-Image"),
        ({"ss_base_model_version": "wan2.1"}, "Wan"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "SDXL"),
        ({"modelspec.architecture": "stable-diffusion-v1"}, "SD 1.5"),
        ({"modelspec.architecture": "stable-diffusion-v3-medium"}, "SD 3"),
        ({"modelspec.architecture": "flux-1-dev"}, "Flux.1"),
        ({"ss_sd_model_name": "v1-5-pruned-emaonly.safetensors"}, "SD 1.5"),
        ({"ss_base_model_version": "swan lake"}, OTHER),
        ({"format": "pt"}, OTHER),
        ({"ss_base_model_version": None, "modelspec.architecture": 7}, OTHER),
    ],
)
def test_a_head_tells_a_family(head: dict[str, object], family: str) -> None:
    """As trainers and savers write it."""
    assert told_by(head) == family


@pytest.mark.parametrize(
    ("folder", "name", "family"),
    [
        (CHECKPOINTS, "ponyDiffusionV6XL.safetensors", "SDXL"),
        (LORAS, "my-pony.safetensors", OTHER),
        (CHECKPOINTS, "v1-5-pruned.safetensors", "SD 1.5"),
        (LORAS, "paper_v1_5.safetensors", OTHER),
        (LORAS, "paper_sd15.safetensors", "SD 1.5"),
        (LORAS, "styles/sdxl_lightning_4step_lora.safetensors", "SDXL"),
        (LORAS, "Qwen-Image-Lightning-8steps.safetensors", "Qwen-Image"),
        (LORAS, "saltxy.safetensors", OTHER),
        (LORAS, "ltx-2-camera.safetensors", "LTX"),
    ],
)
def test_a_name_tells_a_family_if_it_is_sure(folder: str, name: str, family: str) -> None:
    """A LoRA is named for what it shows."""
    assert by_name(folder, name) == family


def test_what_a_head_tells_roughly_fits_what_is_told_finely() -> None:
    """Of two that names tell apart, a head tells one alone; no family stands for another that names tell."""
    assert within("SD 3", ["SD 3.5"])
    assert within("Wan", ["Wan 2.2"])
    assert not within("Flux.1", ["Flux.1 Fill"])
    assert not within("SDXL", ["SD 1.5", OTHER])


def _families(folder: str, name: str) -> str:
    known = {"fur": "SD 1.5", "ink": "SDXL", "tale": "Wan", "xl": "SDXL", "old": "SD 1.5"}
    return known.get(name.removesuffix(".safetensors"), OTHER)


def _stacked(model: str, *loras: str) -> Graph:
    """LoRAs one behind the other, with a node between them and the checkpoint, and a second model aside."""
    graph = {
        "1": _node("CheckpointLoaderSimple", ckpt_name=f"{model}.safetensors"),
        "2": _node("ModelSamplingDiscrete", model=["1", 0], sampling="eps"),
        "9": _node("UNETLoader", unet_name="unknown.safetensors"),
    }
    above: list[Any] = ["2", 0]
    for number, lora in enumerate(loras):
        graph[f"l{number}"] = _node("LoraLoader", model=above, clip=["1", 1], lora_name=f"{lora}.safetensors")
        above = [f"l{number}", 0]
    return graph


@pytest.mark.parametrize(
    ("graph", "wrong"),
    [
        (_stacked("xl", "ink", "fur"), [("fur.safetensors", "SD 1.5", "xl.safetensors", "SDXL")]),
        (_stacked("old", "fur", "tale", "ink"), [
            ("tale.safetensors", "Wan", "old.safetensors", "SD 1.5"),
            ("ink.safetensors", "SDXL", "old.safetensors", "SD 1.5"),
        ]),
        (_stacked("xl", "ink", "nobody-knows"), []),
        (_stacked("nobody-knows", "fur", "ink"), []),
        (
            {
                "1": _node("CheckpointLoaderSimple", ckpt_name="xl.safetensors"),
                "2": _node(
                    "Power Lora Loader (rgthree)",
                    model=["1", 0],
                    lora_1={"on": True, "lora": "fur.safetensors", "strength": 1},
                    lora_2={"on": False, "lora": "tale.safetensors", "strength": 1},
                ),
            },
            [("fur.safetensors", "SD 1.5", "xl.safetensors", "SDXL")],
        ),
        (
            {
                "1": _node("WanVideoLoraSelect", lora="ink.safetensors"),
                "2": _node("DiffusionModelLoader", model_name="xl.safetensors", lora=["1", 0]),
            },
            [],
        ),
        ({"1": _node("LoraLoader", model=["1", 0], lora_name="fur.safetensors")}, []),
    ],
)  # fmt: skip
def test_loras_are_held_against_the_models_below_them(graph: Graph, wrong: list[Any]) -> None:
    """Up the links of the model, whatever stands between; what nobody knows about is right."""
    found = mismatches(graph, _families)
    assert [(m.lora.name, m.lora_family, m.model.name, m.model_family) for m in found] == wrong


def test_what_fits_comes_first() -> None:
    """Then what nobody knows about; as an advice only what is known to fit, the most alike first."""
    kinds = kinds_of({"1": _node("CheckpointLoaderSimple", ckpt_name="xl.safetensors")}, _families)
    names = ("fur.safetensors", "what.safetensors", "ink.safetensors", "xl.safetensors")
    assert by_fit(names, LORAS, kinds, _families) == (names[2], names[3], names[1], names[0])
    assert nearest_fitting(names, "xml.safetensors", "SDXL", _families) == [names[3], names[2]]
    mixed = {
        "1": _node("UNETLoader", unet_name="xl.safetensors"),
        "2": _node("UNETLoader", unet_name="a.gguf"),
    }
    assert kinds_of(mixed, _families) == frozenset()
    assert by_fit(names, LORAS, kinds_of(mixed, _families), _families) == names
    assert by_name(DIFFUSION_MODELS, "wan2.2_t2v_high_noise.safetensors") == "Wan 2.2"
