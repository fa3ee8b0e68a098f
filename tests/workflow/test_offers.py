"""What a workflow needs against what ComfyUI servers offer."""

from __future__ import annotations

import copy
from importlib.resources import files
from typing import Any

from bot.comfy.schemas import NodeSchemas
from bot.workflow.load import load_workflow, load_workflows
from bot.workflow.offers import choices, problems
from tests.workflow.simulated import object_info

BUNDLED = load_workflows([files("workflows")])
IMG2IMG, IMAGINE = BUNDLED["img2img"], BUNDLED["sdxl"]


def _node(**required: Any) -> dict[str, Any]:
    return {"input": {"required": required}}


INFO: dict[str, Any] = {
    "KSampler": _node(
        sampler_name=[["euler", "heun"]],
        scheduler=["COMBO", {"options": ["normal", "karras"]}],
        seed=["INT", {"min": 0}],
    ),
    "CheckpointLoaderSimple": _node(ckpt_name=[["a.safetensors", "b.safetensors"]]),
    "CLIPTextEncode": _node(text=["STRING", {"multiline": True}]),
    "EmptyLatentImage": _node(width=["INT", {"min": 16}]),
    "VAEDecode": _node(),
    "VAEEncode": _node(),
    "SaveImage": _node(filename_prefix=["STRING", {}]),
    "LoadImage": _node(image=[["somebody-elses.png"], {"image_upload": True}]),
}


def _server(**changes: Any) -> NodeSchemas:
    """A server with other nodes than `INFO`'s; None for a node that it lacks."""
    info = {**copy.deepcopy(INFO), **changes}
    return NodeSchemas({name: body for name, body in info.items() if body is not None})


def test_servers_offer_together() -> None:
    """What several have is there once, in the order in which it is first found."""
    second = _server(CheckpointLoaderSimple=_node(ckpt_name=[["b.safetensors", "c.safetensors"]]))
    assert choices(IMAGINE, [_server(), second]) == {
        "model": ("a.safetensors", "b.safetensors", "c.safetensors"),
        "sampler": ("euler", "heun"),
        "scheduler": ("normal", "karras"),
    }


def test_a_name_is_one_whatever_its_slashes() -> None:
    """A Windows server and another offer one model; it is shown with `/`, and a graph's own spelling will do."""
    windows = _server(CheckpointLoaderSimple=_node(ckpt_name=[["SDXL\\a.safetensors", "b.safetensors"]]))
    other = _server(CheckpointLoaderSimple=_node(ckpt_name=[["SDXL/a.safetensors"]]))
    assert choices(IMAGINE, [windows, other])["model"] == ("SDXL/a.safetensors", "b.safetensors")


def test_what_no_server_knows_is_left_out() -> None:
    """Not known is another thing than nothing offered."""
    empty = _server(CheckpointLoaderSimple=_node(ckpt_name=[[]]), KSampler=None)
    assert choices(IMAGINE, [empty]) == {"model": ()}
    assert choices(IMAGINE, []) == {}


def test_a_server_that_has_all_has_no_problems() -> None:
    """A picture that is uploaded first need not lie there, and what a parameter sets need not either."""
    assert problems(IMAGINE, _server()) == []
    assert problems(IMG2IMG, _server()) == []


def test_missing_nodes_are_named() -> None:
    """All of them in one sentence."""
    assert problems(IMG2IMG, _server(VAEEncode=None, KSampler=None)) == [
        'ComfyUI lacks the node "KSampler", "VAEEncode". Install the custom node that brings it, then try again.'
    ]


def test_an_empty_models_folder_is_told() -> None:
    """There is nothing that anybody could choose."""
    assert problems(IMAGINE, _server(CheckpointLoaderSimple=_node(ckpt_name=[[]]))) == [
        "ComfyUI has no SDXL or SD 1.5 model yet. Put one into its models folder, then try again. "
        "For instance sd_xl_base_1.0.safetensors: https://huggingface.co/stabilityai/"
        "stable-diffusion-xl-base-1.0/resolve/main/sd_xl_base_1.0.safetensors (6.94 GB) into models/checkpoints."
    ]


def test_a_file_that_only_the_graph_names_must_be_there(tmp_path: Any) -> None:
    """No parameter sets it, so nobody could choose another."""
    folder = tmp_path / "fox"
    folder.mkdir()
    (folder / "graph.json").write_text(
        '{"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "mine.safetensors"}}, '
        '"2": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["1", 1]}}}'
    )
    (folder / "workflow.toml").write_text(
        'title = "Fox"\ndescription = ""\n[parameters.prompt]\ntype = "text"\nto = ["2.text"]'
    )
    workflow = load_workflow(folder)
    assert problems(workflow, _server()) == [
        'ComfyUI has no ckpt_name "mine.safetensors", which node 1 (CheckpointLoaderSimple) needs. '
        "Put it into ComfyUI's models folder, or choose another."
    ]
    with (folder / "workflow.toml").open("a") as file:
        file.write(
            '\n[[models]]\nname = "mine.safetensors"\nurl = "https://example.org/mine"\nsize = "6.5 GB"'
        )
        file.write('\nfolder = "checkpoints"')
    assert problems(load_workflow(folder), _server()) == [
        'ComfyUI has no ckpt_name "mine.safetensors", which node 1 (CheckpointLoaderSimple) needs. '
        "Download https://example.org/mine (6.5 GB) into models/checkpoints."
    ]
    there = _server(CheckpointLoaderSimple=_node(ckpt_name=[["mine.safetensors"]]))
    assert problems(workflow, there) == []
    graph = folder / "graph.json"
    graph.write_text(graph.read_text().replace("mine.", "SDXL/mine."))
    there = _server(CheckpointLoaderSimple=_node(ckpt_name=[["SDXL\\mine.safetensors"]]))
    assert problems(load_workflow(folder), there) == []


def test_custom_nodes_that_are_missing_are_told_with_what_brings_them() -> None:
    """And once they are there, which models they load."""
    without = NodeSchemas(object_info())
    assert problems(BUNDLED["sdxl-face"], without) == [
        'ComfyUI lacks the node "IPAdapterAdvanced", "IPAdapterModelLoader". Install '
        "https://github.com/cubiq/ComfyUI_IPAdapter_plus, then try again."
    ]
    told = problems(BUNDLED["sdxl-face"], NodeSchemas(object_info(custom_nodes=True)))
    assert told[0] == (
        'ComfyUI has no ipadapter_file "ip-adapter-plus-face_sdxl_vit-h.safetensors", which node 2 '
        "(IPAdapterModelLoader) needs. Download https://huggingface.co/h94/IP-Adapter/resolve/main/sdxl_models/"
        "ip-adapter-plus-face_sdxl_vit-h.safetensors (848 MB) into models/ipadapter."
    )
