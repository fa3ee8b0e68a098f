"""A small `/object_info`: types, ranges and choices of the classes that the tests' graphs are made of."""

from __future__ import annotations

from typing import Any

SEED = ("INT", {"default": 0, "min": 0, "max": 2**64 - 1, "control_after_generate": True})
TEXT = ("STRING", {"multiline": True, "dynamicPrompts": True})
LONG = ("STRING", {"multiline": True})
MATCH = ("COMFY_MATCHTYPE_V3", {"lazy": True})
CFG = ("FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0, "step": 0.1})
STEPS = ("INT", {"default": 20, "min": 1, "max": 10000})
SIZE = ("INT", {"default": 512, "min": 16, "max": 16384, "step": 8})
DURATION = ["COMBO", {"options": [5, 10]}]
SAMPLERS: tuple[Any, ...] = (["euler", "heun"], {})
SCHEDULERS = ("COMBO", {"options": ["simple", "karras"]})

Entry = tuple[Any, ...] | str


def node(
    outputs: str,
    *,
    shows: bool = False,
    title: str = "",
    optional: dict[str, Entry] | None = None,
    **inputs: Entry,
) -> dict[str, Any]:
    """A class. `outputs` are `TYPE` or `TYPE:name`, parted by spaces; names with dots come by `inputs_of`."""
    made = [each.partition(":") for each in outputs.split()]
    groups = {"required": inputs, "optional": optional or {}}
    return {
        "input": {
            group: {name: [entry] if isinstance(entry, str) else list(entry) for name, entry in named.items()}
            for group, named in groups.items()
        },
        "output": [kind for kind, _, _ in made],
        "output_name": [name or kind for kind, _, name in made],
        "output_node": shows,
        "display_name": title,
    }


def autogrow(kind: str, *names: str) -> Entry:
    """An input that grows: `values.a`, `values.b`."""
    return (
        "COMFY_AUTOGROW_V3",
        {"template": {"input": {"required": {"each": [kind, {}]}}, "names": list(names)}},
    )


def dynamic(**branches: dict[str, Any]) -> Entry:
    """A combo whose choices have inputs of their own."""
    options = [
        {"key": key.replace("_", " "), "inputs": {"required": {n: list(e) for n, e in inner.items()}}}
        for key, inner in branches.items()
    ]
    return ("COMFY_DYNAMICCOMBO_V3", {"options": options})


NODES: dict[str, Any] = {
    "CheckpointLoaderSimple": node("MODEL CLIP VAE", ckpt_name=(["a.safetensors", "b.safetensors"], {})),
    "LoraLoaderModelOnly": node(
        "MODEL", model="MODEL", lora_name=(["x.safetensors"], {}), strength_model=("FLOAT", {"min": -100, "max": 100})
    ),
    "CLIPTextEncode": node("CONDITIONING", title="CLIP Text Encode (Prompt)", text=TEXT, clip="CLIP"),
    "CLIPTextEncodeFlux": node("CONDITIONING", clip="CLIP", clip_l=TEXT, t5xxl=TEXT, guidance=("FLOAT", {})),
    "ConditioningZeroOut": node("CONDITIONING", conditioning="CONDITIONING"),
    "ConditioningCombine": node("CONDITIONING", conditioning_1="CONDITIONING", conditioning_2="CONDITIONING"),
    "ControlNetApply": node(
        "CONDITIONING:positive CONDITIONING:negative",
        positive="CONDITIONING",
        negative="CONDITIONING",
        image="IMAGE",
        strength=("FLOAT", {"min": 0.0, "max": 10.0}),
    ),
    "EmptyLatentImage": node("LATENT", width=SIZE, height=SIZE, batch_size=("INT", {"min": 1, "max": 64})),
    "EmptyLatentVideo": node(
        "LATENT", width=SIZE, height=SIZE, length=("INT", {"min": 1, "max": 1000, "step": 4}), batch_size=("INT", {})
    ),
    "SizedScheduler": node("SIGMAS", steps=STEPS, width=SIZE, height=SIZE),
    "KSampler": node(
        "LATENT", model="MODEL", seed=SEED, steps=STEPS, cfg=CFG, sampler_name=SAMPLERS, scheduler=SCHEDULERS,
        positive="CONDITIONING", negative="CONDITIONING", latent_image="LATENT",
        denoise=("FLOAT", {"min": 0.0, "max": 1.0}),
    ),
    "KSamplerAdvanced": node(
        "LATENT", model="MODEL", add_noise=(["enable", "disable"], {}), noise_seed=SEED, steps=STEPS, cfg=CFG,
        positive="CONDITIONING", negative="CONDITIONING", latent_image="LATENT",
        start_at_step=("INT", {"min": 0, "max": 10000}), end_at_step=("INT", {"min": 0, "max": 10000}),
    ),
    "RandomNoise": node("NOISE", noise_seed=SEED),
    "CFGGuider": node("GUIDER", model="MODEL", positive="CONDITIONING", negative="CONDITIONING", cfg=CFG),
    "BasicScheduler": node("SIGMAS", model="MODEL", scheduler=SCHEDULERS, steps=STEPS, denoise=("FLOAT", {})),
    "SamplerCustomAdvanced": node(
        "LATENT LATENT", noise="NOISE", guider="GUIDER", sigmas="SIGMAS", latent_image="LATENT"
    ),
    "VAEDecode": node("IMAGE", samples="LATENT", vae="VAE"),
    "VAEEncode": node("LATENT", pixels="IMAGE", vae="VAE"),
    "LoadImage": node("IMAGE MASK", title="Load Image", image=(["a.png"], {"image_upload": True})),
    "LoadVideo": node("VIDEO", title="Load Video", file=("COMBO", {"options": ["a.mp4"], "video_upload": True})),
    "LoadAudio": node("AUDIO", title="Load Audio", audio=("COMBO", {"options": ["a.mp3"], "audio_upload": True})),
    "SetLatentNoiseMask": node("LATENT", samples="LATENT", mask="MASK"),
    "ImageScale": node("IMAGE", image="IMAGE", width=SIZE, height=SIZE),
    "GetImageSize": node("INT:width INT:height INT:batch_size", image="IMAGE"),
    "UpscaleModelLoader": node("UPSCALE_MODEL", model_name=(["4x.pth", "2x.pth"], {})),
    "ImageUpscaleWithModel": node("IMAGE", upscale_model="UPSCALE_MODEL", image="IMAGE"),
    "Detect": node("MASK BOUNDING_BOX", model="MODEL", image="IMAGE", conditioning="CONDITIONING"),
    "Pose": node(
        "CONDITIONING:positive CONDITIONING:negative", positive="CONDITIONING", negative="CONDITIONING",
        positive_pose="CONDITIONING",
    ),
    "FilmParts": node("IMAGE:images AUDIO:audio FLOAT:fps", video="VIDEO"),
    "ImageFromBatch": node("IMAGE", image="IMAGE", batch_index=("INT", {}), length=("INT", {"min": 1, "max": 4096})),
    "SaveModel": node("", shows=True, model="MESH", filename_prefix=("STRING", {}), width=SIZE, height=SIZE),
    "ServiceModel": node("MESH", image="IMAGE", prompt=LONG, seed=SEED),
    "CreateVideo": node("VIDEO", images="IMAGE", fps=("FLOAT", {"min": 1.0, "max": 120.0})),
    "SaveImage": node("IMAGE", shows=True, images="IMAGE", filename_prefix=("STRING", {})),
    "SaveVideo": node("VIDEO", shows=True, video="VIDEO", filename_prefix=("STRING", {})),
    "PreviewImage": node("IMAGE", shows=True, images="IMAGE"),
    "PreviewAny": node("STRING", shows=True, source="*"),
    "PrimitiveInt": node(
        "INT", title="Int", value=("INT", {"min": -(2**63), "max": 2**63 - 1, "control_after_generate": "fixed"})
    ),
    "PrimitiveFloat": node("FLOAT", title="Float", value=("FLOAT", {})),
    "PrimitiveBoolean": node("BOOLEAN", title="Boolean", value=("BOOLEAN", {})),
    "PrimitiveText": node("STRING", title="Text (Multiline)", value=LONG),
    "Switch": node("COMFY_MATCHTYPE_V3", switch=("BOOLEAN", {}), on_false=MATCH, on_true=MATCH),
    "IndexSwitch": node("*", select=("INT", {"min": 1}), input1="*", input2="*", input3="*"),
    "Math": node(
        "FLOAT INT BOOLEAN", expression=LONG, values=autogrow("FLOAT,INT,BOOLEAN", "a", "b", "c")
    ),
    "Concatenate": node("STRING", string_a=LONG, string_b=LONG, delimiter=("STRING", {})),
    "Replace": node("STRING", string=LONG, find=LONG, replace=LONG),
    "ResolutionSelector": node(
        "INT:width INT:height",
        aspect_ratio=("COMBO", {"options": ["1:1", "16:9"]}),
        megapixels=("FLOAT", {"min": 0.1, "max": 16.0}),
        multiple=("INT", {"min": 8, "advanced": True}),
    ),
    "TextGenerate": node("STRING", clip="CLIP", prompt=TEXT, max_length=("INT", {"min": 1}), seed=SEED),
    "ServiceVideo": node(
        "VIDEO",
        model=dynamic(
            fast={"prompt": LONG, "duration": DURATION},
            good={"prompt": LONG, "duration": DURATION, "quality": ["COMBO", {"options": ["a", "b"]}]},
        ),
        first_frame="IMAGE",
        last_frame="IMAGE",
        seed=("INT", {"min": 0, "max": 2**31 - 1, "control_after_generate": True}),
        watermark=("BOOLEAN", {"advanced": True}),
    ),
}  # fmt: skip


def graph(**nodes: Any) -> dict[str, dict[str, Any]]:
    """A graph of `name=(class, inputs)` or `(class, inputs, title)`; `("name", 0)` among the inputs is a link."""
    return {
        name: {
            "class_type": entry[0],
            "inputs": {
                key: list(value) if isinstance(value, tuple) else value for key, value in entry[1].items()
            },
            **({"_meta": {"title": entry[2]}} if len(entry) > 2 else {}),
        }
        for name, entry in nodes.items()
    }
