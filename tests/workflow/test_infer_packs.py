"""What is found in graphs of other people's packs of nodes: with what the server says of them, and without."""

from __future__ import annotations

from typing import Any

import pytest

from bot.comfy.schemas import NodeSchemas
from bot.contract.values import ParameterType
from bot.workflow.infer.infer import infer
from bot.workflow.infer.meanings import Meaning
from bot.workflow.model import Role
from tests.workflow.nodes import CFG, LONG, NODES, SAMPLERS, SCHEDULERS, SIZE, STEPS, TEXT, graph, node
from tests.workflow.painting import found, painting, sampled, spec

INT = ("INT", {"default": 0, "min": 0})
FLOAT = ("FLOAT", {"default": 1.0})
NAMES: tuple[Any, ...] = (["None", "x.safetensors"], {})

PACKS: dict[str, Any] = NODES | {
    "Efficient Loader": node(
        "MODEL CONDITIONING:CONDITIONING+ CONDITIONING:CONDITIONING- LATENT VAE CLIP",
        ckpt_name=NAMES, vae_name=(["Baked VAE"], {}), lora_name=NAMES, lora_model_strength=FLOAT, positive=LONG,
        negative=LONG, empty_latent_width=SIZE, empty_latent_height=SIZE, batch_size=INT,
    ),
    "KSampler (Efficient)": node(
        "MODEL CONDITIONING:CONDITIONING+ CONDITIONING:CONDITIONING- LATENT VAE IMAGE", shows=True, model="MODEL",
        seed=INT, steps=STEPS, cfg=CFG, sampler_name=SAMPLERS, scheduler=SCHEDULERS, positive="CONDITIONING",
        negative="CONDITIONING", latent_image="LATENT", denoise=FLOAT,
    ),
    "easy fullLoader": node(
        "PIPE_LINE:pipe MODEL CLIP CONDITIONING:positive CONDITIONING:negative",
        ckpt_name=NAMES, resolution=(["custom", "512 x 512", "512 x 768"], {}), empty_latent_width=SIZE,
        empty_latent_height=SIZE, positive=LONG, positive_weight_interpretation=(["A1111", "comfy"], {}),
        negative=LONG, batch_size=INT,
    ),
    "easy positive": node("STRING:positive", positive=LONG),
    "easy preSampling": node(
        "PIPE_LINE:pipe", shows=True, pipe="PIPE_LINE", steps=STEPS, cfg=CFG, sampler_name=SAMPLERS,
        scheduler=SCHEDULERS, denoise=FLOAT, seed=INT,
    ),
    "easy kSampler": node(
        "PIPE_LINE:pipe IMAGE:image", shows=True, pipe="PIPE_LINE", image_output=(["Hide", "Save"], {})
    ),
    "Context (rgthree)": node(
        "RGTHREE_CONTEXT:CONTEXT MODEL CONDITIONING:POSITIVE CONDITIONING:NEGATIVE LATENT INT:SEED",
        optional={
            "base_ctx": "RGTHREE_CONTEXT", "model": "MODEL", "positive": "CONDITIONING",
            "negative": "CONDITIONING", "latent": "LATENT", "seed": ("INT", {"forceInput": True}),
        },
    ),
    "Seed (rgthree)": node("INT:SEED", seed=INT),
    "KSampler Config (rgthree)": node(
        "INT:STEPS INT:REFINER_STEP FLOAT:CFG", steps_total=STEPS, refiner_step=INT, cfg=CFG
    ),
    "ToBasicPipe": node("BASIC_PIPE:basic_pipe", model="MODEL", positive="CONDITIONING", negative="CONDITIONING"),
    "ImpactKSamplerBasicPipe": node(
        "BASIC_PIPE LATENT VAE", basic_pipe="BASIC_PIPE", seed=INT, steps=STEPS, cfg=CFG,
        sampler_name=SAMPLERS, scheduler=SCHEDULERS, latent_image="LATENT", denoise=FLOAT,
    ),
    "ImpactWildcardEncode": node(
        "MODEL CLIP CONDITIONING:conditioning STRING:populated_text", model="MODEL", clip="CLIP",
        wildcard_text=LONG, populated_text=LONG, mode=("BOOLEAN", {}), seed=INT,
    ),
    "FaceDetailer": node(
        "IMAGE:image", image="IMAGE", model="MODEL", seed=INT, steps=STEPS, cfg=CFG, sampler_name=SAMPLERS,
        scheduler=SCHEDULERS, positive="CONDITIONING", negative="CONDITIONING", denoise=FLOAT, wildcard=LONG,
    ),
    "SDXLPromptStyler": node(
        "STRING:text_positive STRING:text_negative", text_positive=LONG, text_negative=LONG,
        style=(["base", "film"], {}),
    ),
    "CLIPTextEncodeSDXL": node(
        "CONDITIONING", clip="CLIP", width=SIZE, height=SIZE, target_width=SIZE, text_g=TEXT, text_l=TEXT
    ),
    "ShowText|pysssss": node("STRING", shows=True, text=("STRING", {"forceInput": True})),
    "WD14Tagger|pysssss": node(
        "STRING", shows=True, image="IMAGE", threshold=FLOAT, exclude_tags=("STRING", {"default": ""})
    ),
    "Prompts Everywhere": node("", shows=True, optional={"+ve": "*", "-ve": "*"}),
    "WanVideoTextEncode": node("WANVIDEOTEXTEMBEDS", positive_prompt=LONG, negative_prompt=LONG),
    "WanVideoImageToVideoEncode": node(
        "WANVIDIMAGE_EMBEDS", width=SIZE, height=SIZE, num_frames=INT, noise_aug_strength=FLOAT, start_image="IMAGE"
    ),
    "WanVideoSampler": node(
        "LATENT:samples", text_embeds="WANVIDEOTEXTEMBEDS", image_embeds="WANVIDIMAGE_EMBEDS", steps=STEPS, cfg=CFG,
        shift=FLOAT, seed=INT, scheduler=SCHEDULERS,
    ),
    "WanVideoDecode": node("IMAGE:images", samples="LATENT", tile_x=INT, tile_y=INT),
    "VHS_LoadVideo": node(
        "IMAGE INT:frame_count", video=(["a.mp4", "b.webm"], {}), custom_width=INT, frame_load_cap=INT,
    ),
    "Lora Loader (LoraManager)": node("MODEL CLIP STRING:trigger_words", model="MODEL", clip="CLIP", text=LONG),
    "Any Switch (rgthree)": node("*", optional={"any_01": "*", "any_02": "*"}),
    "Textbox": node("STRING:text", text=LONG, optional={"passthrough": ("STRING", {"forceInput": True})}),
    "easy showAnything": node("", shows=True, anything="*"),
    "VHS_VideoCombine": node(
        "VHS_FILENAMES", shows=True, images="IMAGE", frame_rate=FLOAT, filename_prefix=("STRING", {}),
        format=(["video/h264-mp4", "image/gif"], {}),
    ),
}  # fmt: skip

MAIN = (
    Meaning.PROMPT,
    Meaning.NEGATIVE,
    Meaning.SEED,
    Meaning.WIDTH,
    Meaning.STEPS,
    Meaning.CFG,
    Meaning.LENGTH,
)
MADE: Any = {
    "prompt": ["yes.text"],
    "width": ["size.width"],
    "negative": ["no.text"],
    "seed": ["sample.seed"],
}
DONE: Any = {"steps": ["sample.steps"], "cfg": ["sample.cfg"]}
USUAL = {"steps": 20, "cfg": 7.0, "sampler_name": "euler", "scheduler": "karras", "denoise": 1.0}
JOINT = {"positive": ("yes", 0), "negative": ("no", 0), "model": ("load", 0)}


def _efficient() -> dict[str, Any]:
    loader = {
        "ckpt_name": "x.safetensors", "vae_name": "Baked VAE", "lora_name": "None", "lora_model_strength": 1.0,
        "positive": "a red fox", "negative": "blurry, ugly", "empty_latent_width": 512, "empty_latent_height": 768,
        "batch_size": 1,
    }  # fmt: skip
    links = {
        "model": ("load", 0),
        "positive": ("load", 1),
        "negative": ("load", 2),
        "latent_image": ("load", 3),
    }
    return {
        "load": ("Efficient Loader", loader, "效率加载器"),
        "sample": ("KSampler (Efficient)", USUAL | links | {"seed": 3}),
        "save": ("SaveImage", {"images": ("sample", 5), "filename_prefix": "x"}, "保存图像"),
    }


def _pipes() -> dict[str, Any]:
    loader = {
        "ckpt_name": "x.safetensors", "resolution": "512 x 768", "empty_latent_width": 512,
        "empty_latent_height": 768, "positive": ("words", 0), "positive_weight_interpretation": "A1111",
        "negative": "bad hands", "batch_size": 1,
    }  # fmt: skip
    return {
        "words": ("easy positive", {"positive": "a garden"}),
        "load": ("easy fullLoader", loader),
        "pre": ("easy preSampling", USUAL | {"seed": 3, "pipe": ("load", 0)}),
        "sample": ("easy kSampler", {"pipe": ("pre", 0), "image_output": "Save"}),
    }


def _contexts() -> dict[str, Any]:
    nodes = painting(
        seed=("Seed (rgthree)", {"seed": -1}),
        config=("KSampler Config (rgthree)", {"steps_total": 30, "refiner_step": 24, "cfg": 6.5}),
        pack=("Context (rgthree)", JOINT | {"latent": ("size", 0), "seed": ("seed", 0)}),
        other=("Context (rgthree)", {"base_ctx": ("pack", 0)}),
    )
    links = {"model": ("other", 1), "positive": ("other", 2), "negative": ("other", 3)}
    numbers = {"seed": ("other", 5), "steps": ("config", 0), "cfg": ("config", 2)}
    return sampled(nodes, **links, **numbers, latent_image=("other", 4))


def _basic_pipe() -> dict[str, Any]:
    pipe = {"basic_pipe": ("pipe", 0), "latent_image": ("size", 0), "seed": 3}
    return painting(
        pipe=("ToBasicPipe", JOINT),
        sample=("ImpactKSamplerBasicPipe", USUAL | pipe),
        decode=("VAEDecode", {"samples": ("sample", 1), "vae": ("load", 2)}),
    )


def _detailed() -> dict[str, Any]:
    detail = USUAL | JOINT | {"image": ("decode", 0), "seed": 9, "wildcard": ""}
    return painting(
        face=("FaceDetailer", detail),
        save=("SaveImage", {"images": ("face", 0), "filename_prefix": "x"}),
    )


def _styled() -> dict[str, Any]:
    return painting(
        style=(
            "SDXLPromptStyler",
            {"text_positive": "an old man", "text_negative": "drawing", "style": "base"},
        ),
        yes=("CLIPTextEncode", {"text": ("style", 0), "clip": ("load", 1)}),
        no=("CLIPTextEncode", {"text": ("style", 1), "clip": ("load", 1)}),
    )


def _sized_words() -> dict[str, Any]:
    sizes = {"width": 4096, "height": 4096, "target_width": 4096, "clip": ("load", 1)}
    return painting(
        yes=("CLIPTextEncodeSDXL", sizes | {"text_g": "a fox", "text_l": "a fox, photo"}),
        no=("CLIPTextEncodeSDXL", sizes | {"text_g": "blurry", "text_l": "ugly"}),
    )


def _shown() -> dict[str, Any]:
    return painting(
        words=("PrimitiveText", {"value": "a queen"}, "提示词"),
        look=("ShowText|pysssss", {"text": ("words", 0), "text_0": "what was shown before"}),
        yes=("CLIPTextEncode", {"text": ("look", 0), "clip": ("load", 1)}),
        everywhere=("Prompts Everywhere", {"+ve": ("yes", 0), "-ve": ("no", 0)}),
    )


def _drawn() -> dict[str, Any]:
    text = {"wildcard_text": "a {red|blue} fox", "populated_text": "a red fox", "mode": True, "seed": 1}
    nodes = painting(yes=("ImpactWildcardEncode", text | {"model": ("load", 0), "clip": ("load", 1)}))
    return sampled(nodes, positive=("yes", 2), model=("yes", 0))


def _tagged() -> dict[str, Any]:
    return painting(
        picture=("LoadImage", {"image": "a.png"}),
        tags=("WD14Tagger|pysssss", {"image": ("picture", 0), "threshold": 0.3, "exclude_tags": ""}),
        yes=("CLIPTextEncode", {"text": ("tags", 0), "clip": ("load", 1)}),
    )


def _batch() -> dict[str, Any]:
    return painting(
        size=("EmptyLatentImage", {"width": 512, "height": 512, "batch_size": 16}),
        save=(
            "VHS_VideoCombine",
            {"images": ("decode", 0), "frame_rate": 8.0, "filename_prefix": "x", "format": "gif"},
        ),
    )


def _wrapped() -> dict[str, Any]:
    size = {
        "width": 832,
        "height": 480,
        "num_frames": 81,
        "noise_aug_strength": 0.0,
        "start_image": ("picture", 0),
    }
    links = {"text_embeds": ("words", 0), "image_embeds": ("size", 0)}
    numbers = {"steps": 30, "cfg": 6.0, "shift": 5.0, "seed": 3, "scheduler": "unipc"}
    return {
        "picture": ("LoadImage", {"image": "a.png"}),
        "words": ("WanVideoTextEncode", {"positive_prompt": "a cat runs", "negative_prompt": "static"}),
        "size": ("WanVideoImageToVideoEncode", size),
        "sample": ("WanVideoSampler", links | numbers),
        "decode": ("WanVideoDecode", {"samples": ("sample", 0), "tile_x": 272, "tile_y": 272}),
        "save": ("VHS_VideoCombine", {"images": ("decode", 0), "frame_rate": 16.0, "filename_prefix": "x"}),
    }


CASES: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "one loader has it all": (_efficient(), {
        "prompt": ["load.positive"], "width": ["load.empty_latent_width"], "negative": ["load.negative"],
        "seed": ["sample.seed"], **DONE,
    }),
    "all goes through pipes": (_pipes(), {
        "prompt": ["words.positive"], "width": ["load.empty_latent_width"], "negative": ["load.negative"],
        "seed": ["pre.seed"], "steps": ["pre.steps"], "cfg": ["pre.cfg"],
    }),
    "a context in a context": (_contexts(), MADE | {
        "seed": ["seed.seed"], "steps": ["config.steps_total"], "cfg": ["config.cfg"],
    }),
    "a pipe that nothing unpacks": (_basic_pipe(), MADE | DONE),
    "faces are sampled again": (_detailed(), MADE | {"seed": ["sample.seed", "face.seed"], **DONE}),
    "a node gives both texts": (_styled(), MADE | DONE | {
        "prompt": ["style.text_positive"], "negative": ["style.text_negative"],
    }),
    "an encoder that is told a size": (_sized_words(), MADE | DONE | {
        "prompt": ["yes.text_g", "yes.text_l"], "negative": ["no.text_g", "no.text_l"],
    }),
    "what was shown before is no text": (_shown(), MADE | DONE | {"prompt": ["words.value"]}),
    "a text and what is drawn from it": (_drawn(), MADE | DONE | {
        "prompt": ["yes.wildcard_text", "yes.populated_text"], "seed": ["yes.seed", "sample.seed"],
    }),
    "a picture's own tags": (_tagged(), {key: MADE[key] for key in ("width", "negative", "seed")} | DONE),
    "a batch that becomes a film": (_batch(), MADE | DONE | {"length": ["size.batch_size"]}),
    "a pack with types of its own": (_wrapped(), {
        "prompt": ["words.positive_prompt"], "width": ["size.width"], "length": ["size.num_frames"],
        "negative": ["words.negative_prompt"], "seed": ["sample.seed"], **DONE,
    }),
}  # fmt: skip


ROLES = {
    "a picture's own tags": None,
    "a batch that becomes a film": Role.ANIMATE,
    "a pack with types of its own": Role.ANIMATE,
}


@pytest.mark.parametrize("known", ["all", "ComfyUI's own", "none"])
@pytest.mark.parametrize("case", CASES)
def test_graphs_of_other_packs(case: str, known: str) -> None:
    """The same is found whatever the server tells: by types where it does, else by names, values and what follows."""
    nodes, wanted = CASES[case]
    schemas = NodeSchemas({"all": PACKS, "ComfyUI's own": NODES, "none": {}}[known])
    made = infer(graph(**nodes), schemas)
    groups = found(made, *MAIN)
    assert {key: sorted(each) for key, each in groups.items()} == {
        key: sorted(each) for key, each in wanted.items()
    }
    unknown = case == "all goes through pipes" and known != "all"  # its only result is a pipe
    assert made.role is (None if unknown else ROLES.get(case, Role.IMAGINE))


@pytest.mark.parametrize("schemas", [NodeSchemas(PACKS), NodeSchemas({})])
def test_files_are_told_by_their_endings_where_no_upload_is_said(schemas: NodeSchemas) -> None:
    """A choice among videos is a video to send; so is a picture's name in a class that no server knows."""
    nodes = painting(
        film=("VHS_LoadVideo", {"video": "a.mp4", "frame_load_cap": 16}),
        encode=("VAEEncode", {"pixels": ("film", 0), "vae": ("load", 2)}),
        save=("VHS_VideoCombine", {"images": ("decode", 0), "frame_rate": 8.0, "filename_prefix": "x"}),
    )
    made = infer(graph(**sampled(nodes, latent_image=("encode", 0))), schemas)
    assert (found(made, Meaning.VIDEO), made.role) == ({"video": ["film.video"]}, Role.ANIMATE)


def test_a_choice_among_sizes_stands_with_the_sizes() -> None:
    """Its values say so, whatever it is called."""
    made = infer(graph(**_pipes()), NodeSchemas(PACKS))
    assert found(made, Meaning.RESOLUTION) == {"resolution": ["load.resolution"]}
    resolution = spec(made, "resolution")
    assert (resolution.type, resolution.default, resolution.more) == (
        ParameterType.CHOICE,
        "512 x 768",
        False,
    )


def _from_picture(**changes: Any) -> dict[str, Any]:
    """What is sampled comes from a film's pictures."""
    nodes = _sized_words() | {
        "film": ("VHS_LoadVideo", {"video": "a.mp4", "custom_width": 0, "frame_load_cap": 16}),
        "encode": ("VAEEncode", {"pixels": ("film", 0), "vae": ("load", 2)}),
    }
    return sampled(nodes, latent_image=("encode", 0)) | changes


@pytest.mark.parametrize("schemas", [NodeSchemas(PACKS), NodeSchemas({})])
def test_sizes_that_are_not_the_results(schemas: NodeSchemas) -> None:
    """What an encoder is told of a size, and what a file is read in, where the picture brings its own."""
    assert found(infer(graph(**_from_picture()), schemas), Meaning.WIDTH) == {}
    measured = _from_picture(
        measure=("GetImageSize", {"image": ("film", 0)}),
        size=("EmptyLatentImage", {"width": ("measure", 0), "height": ("measure", 1), "batch_size": 1}),
    )
    made = infer(graph(**sampled(measured, latent_image=("size", 0))), schemas)
    assert found(made, Meaning.WIDTH) == {}


@pytest.mark.parametrize("schemas", [NodeSchemas(PACKS), NodeSchemas({})])
def test_of_a_node_with_many_numbers_the_one_that_is_called_so(schemas: NodeSchemas) -> None:
    """Through a switch that takes anything, too."""
    nodes = painting(
        config=("KSampler Config (rgthree)", {"steps_total": 30, "refiner_step": 24, "cfg": 6.5}),
        pick=("Any Switch (rgthree)", {"any_02": ("config", 2)}),
    )
    made = infer(graph(**sampled(nodes, cfg=("pick", 0))), schemas)
    assert found(made, Meaning.CFG) == {"cfg": ["config.cfg"]}


@pytest.mark.parametrize("schemas", [NodeSchemas(PACKS), NodeSchemas({})])
def test_what_is_given_through_counts_and_what_is_shown_does_not(schemas: NodeSchemas) -> None:
    """A text box passes on what it is linked to; what a node shows of others is no prompt, nor is its node a result."""
    nodes = painting(
        words=("PrimitiveText", {"value": "a queen"}),
        box=("Textbox", {"text": "a king", "passthrough": ("words", 0)}),
        yes=("CLIPTextEncode", {"text": ("box", 0), "clip": ("load", 1)}),
        name=("PrimitiveText", {"value": "pictures/x"}),
        look=("easy showAnything", {"anything": ("words", 0), "text": "what was shown before"}),
        save=("SaveImage", {"images": ("decode", 0), "filename_prefix": ("name", 0)}),
    )
    made = infer(graph(**nodes), schemas)
    assert found(made, Meaning.PROMPT, Meaning.NEGATIVE) == {
        "prompt": ["words.value"],
        "negative": ["no.text"],
    }
    assert made.role is Role.IMAGINE


@pytest.mark.parametrize("schemas", [NodeSchemas(PACKS), NodeSchemas({})])
def test_the_text_of_what_changes_models_is_no_prompt(schemas: NodeSchemas) -> None:
    """It names LoRAs; their trigger words go into the prompt."""
    nodes = painting(
        loras=("Lora Loader (LoraManager)", {"model": ("load", 0), "clip": ("load", 1), "text": ""}),
        words=("Concatenate", {"string_a": "a red fox", "string_b": ("loras", 2), "delimiter": ","}),
        yes=("CLIPTextEncode", {"text": ("words", 0), "clip": ("loras", 1)}),
    )
    made = infer(graph(**sampled(nodes, model=("loras", 0))), schemas)
    assert found(made, Meaning.PROMPT) == {"prompt": ["words.string_a"]}
