"""Small graphs of six families, as people build them, and what a person may set in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Graph = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Family:
    """`changes` are inputs by `node.input` with another value; `output` is the node that saves."""

    graph: Graph
    changes: dict[str, Any]
    output: str


def node(class_type: str, **inputs: Any) -> Graph:
    """A node."""
    return {"class_type": class_type, "inputs": inputs}


def _dotted(class_type: str, inputs: dict[str, Any]) -> Graph:
    return {"class_type": class_type, "inputs": inputs}


def _loaders(model: str, clip: str, vae: str, kind: str) -> Graph:
    return {
        "model": node("UNETLoader", unet_name=model, weight_dtype="default"),
        "clip": node("CLIPLoader", clip_name=clip, type=kind, device="default"),
        "vae": node("VAELoader", vae_name=vae),
    }


_SAMPLER = {"sampler_name": "euler", "scheduler": "simple"}

CHECKPOINT = Family(
    graph={
        "load": node("CheckpointLoaderSimple", ckpt_name="dreamshaper_8.safetensors"),
        "lora": node(
            "LoraLoader",
            model=["load", 0],
            clip=["load", 1],
            lora_name="ink.safetensors",
            strength_model=0.8,
            strength_clip=1.0,
        ),
        "positive": node("CLIPTextEncode", text="a red fox", clip=["lora", 1]),
        "negative": node("CLIPTextEncode", text="blurry", clip=["lora", 1]),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "sample": node(
            "KSampler",
            model=["lora", 0],
            seed=1,
            steps=3,
            cfg=7.0,
            **_SAMPLER,
            positive=["positive", 0],
            negative=["negative", 0],
            latent_image=["latent", 0],
            denoise=1.0,
        ),
        "decode": node("VAEDecode", samples=["sample", 0], vae=["load", 2]),
        "save": node("SaveImage", images=["decode", 0], filename_prefix="t"),
    },
    changes={
        "load.ckpt_name": "sd_xl_base_1.0.safetensors",
        "lora.lora_name": "chalk.safetensors",
        "lora.strength_model": 0.5,
        "lora.strength_clip": 0.5,
        "positive.text": "a red fox in rain",
        "negative.text": "sharp",
        "latent.width": 96,
        "latent.height": 96,
        "latent.batch_size": 2,
        "sample.seed": 0,
        "sample.steps": 4,
        "sample.cfg": 7.5,
        "sample.sampler_name": "heun",
        "sample.scheduler": "karras",
    },
    output="save",
)

FLUX = Family(
    graph={
        **_loaders("flux.safetensors", "t5.safetensors", "ae.safetensors", "flux2"),
        "positive": node("CLIPTextEncode", text="a blue boat", clip=["clip", 0]),
        "guidance": node("FluxGuidance", conditioning=["positive", 0], guidance=3.5),
        "guider": node("BasicGuider", model=["model", 0], conditioning=["guidance", 0]),
        "noise": node("RandomNoise", noise_seed=5),
        "sampler": node("KSamplerSelect", sampler_name="euler"),
        "steps": node("PrimitiveInt", value=3),
        "more": node("PrimitiveInt", value=6),
        "turbo": node("PrimitiveBoolean", value=True),
        "switch": node("ComfySwitchNode", switch=["turbo", 0], on_false=["more", 0], on_true=["steps", 0]),
        "sigmas": node("Flux2Scheduler", steps=["switch", 0], width=["size", 0], height=["size", 1]),
        "size": node("ResolutionSelector", aspect_ratio="1:1 (Square)", megapixels=0.1, multiple=16),
        "latent": node("EmptyFlux2LatentImage", width=["size", 0], height=["size", 1], batch_size=1),
        "sample": node(
            "SamplerCustomAdvanced",
            noise=["noise", 0],
            guider=["guider", 0],
            sampler=["sampler", 0],
            sigmas=["sigmas", 0],
            latent_image=["latent", 0],
        ),
        "decode": node("VAEDecode", samples=["sample", 0], vae=["vae", 0]),
        "save": node("SaveImage", images=["decode", 0], filename_prefix="t"),
    },
    changes={
        "model.unet_name": "other.safetensors",
        "model.weight_dtype": "fp8_e4m3fn",
        "clip.clip_name": "other.safetensors",
        "vae.vae_name": "other.safetensors",
        "positive.text": "a green boat",
        "guidance.guidance": 2.0,
        "noise.noise_seed": 6,
        "sampler.sampler_name": "heun",
        "steps.value": 4,
        "turbo.value": False,
        "size.aspect_ratio": "16:9 (Widescreen)",
        "size.megapixels": 0.2,
    },
    output="save",
)

QWEN_EDIT = Family(
    graph={
        **_loaders("qwen.safetensors", "vl.safetensors", "qwenvae.safetensors", "qwen_image"),
        "one": node("LoadImage", image="one.png"),
        "two": node("LoadImage", image="two.png"),
        "scaled": node(
            "ImageScaleToTotalPixels",
            image=["one", 0],
            upscale_method="lanczos",
            megapixels=0.02,
            resolution_steps=1,
        ),
        "shift": node("ModelSamplingAuraFlow", model=["model", 0], shift=3.0),
        "norm": node("CFGNorm", model=["shift", 0], strength=1.0),
        "positive": node(
            "TextEncodeQwenImageEditPlus",
            clip=["clip", 0],
            prompt="put the second into the first",
            vae=["vae", 0],
            image1=["scaled", 0],
            image2=["two", 0],
        ),
        "negative": node("TextEncodeQwenImageEditPlus", clip=["clip", 0], prompt="", vae=["vae", 0]),
        "latent": node("VAEEncode", pixels=["scaled", 0], vae=["vae", 0]),
        "sample": node(
            "KSampler",
            model=["norm", 0],
            seed=1,
            steps=2,
            cfg=2.5,
            **_SAMPLER,
            positive=["positive", 0],
            negative=["negative", 0],
            latent_image=["latent", 0],
            denoise=1.0,
        ),
        "decode": node("VAEDecode", samples=["sample", 0], vae=["vae", 0]),
        "save": node("SaveImage", images=["decode", 0], filename_prefix="t"),
    },
    changes={
        "one.image": "three.png",
        "two.image": "three.png",
        "shift.shift": 2.0,
        "norm.strength": 0.5,
        "positive.prompt": "leave it",
        "negative.prompt": "blurry",
        "sample.seed": 2,
        "sample.steps": 3,
        "sample.cfg": 3.0,
        "sample.denoise": 0.5,
    },
    output="save",
)

WAN_VIDEO = Family(
    graph={
        **_loaders("wan.safetensors", "umt5.safetensors", "wanvae.safetensors", "wan"),
        "one": node("LoadImage", image="one.png"),
        "sound": node("LoadAudio", audio="tone.wav"),
        "positive": node("CLIPTextEncode", text="the circle rises", clip=["clip", 0]),
        "negative": node("CLIPTextEncode", text="still", clip=["clip", 0]),
        "video": node(
            "WanImageToVideo",
            positive=["positive", 0],
            negative=["negative", 0],
            vae=["vae", 0],
            width=64,
            height=64,
            length=9,
            batch_size=1,
            start_image=["one", 0],
        ),
        "sample": node(
            "KSampler",
            model=["model", 0],
            seed=1,
            steps=2,
            cfg=3.5,
            **_SAMPLER,
            positive=["video", 0],
            negative=["video", 1],
            latent_image=["video", 2],
            denoise=1.0,
        ),
        "decode": node("VAEDecode", samples=["sample", 0], vae=["vae", 0]),
        "create": node("CreateVideo", images=["decode", 0], fps=8.0, audio=["sound", 0]),
        "save": _dotted(
            "SaveVideo",
            {"video": ["create", 0], "filename_prefix": "v", "format": "auto", "format.codec": "auto"},
        ),
    },
    changes={
        "one.image": "three.png",
        "sound.audio": "tone2.wav",
        "positive.text": "the circle falls",
        "negative.text": "fast",
        "video.width": 96,
        "video.length": 13,
        "sample.seed": 2,
        "sample.steps": 3,
        "sample.cfg": 4.0,
        "create.fps": 16.0,
    },
    output="save",
)

INPAINT = Family(
    graph={
        "load": node("CheckpointLoaderSimple", ckpt_name="dreamshaper_8.safetensors"),
        "one": node("LoadImage", image="hole.png"),
        "positive": node("CLIPTextEncode", text="a red fox", clip=["load", 1]),
        "negative": node("CLIPTextEncode", text="", clip=["load", 1]),
        "encode": node(
            "VAEEncodeForInpaint", pixels=["one", 0], vae=["load", 2], mask=["one", 1], grow_mask_by=2
        ),
        "sample": node(
            "KSampler",
            model=["load", 0],
            seed=1,
            steps=2,
            cfg=7.0,
            **_SAMPLER,
            positive=["positive", 0],
            negative=["negative", 0],
            latent_image=["encode", 0],
            denoise=1.0,
        ),
        "decode": node("VAEDecode", samples=["sample", 0], vae=["load", 2]),
        "save": node("SaveImage", images=["decode", 0], filename_prefix="t"),
    },
    changes={
        "positive.text": "a tree",
        "negative.text": "blurry",
        "encode.grow_mask_by": 8,
        "sample.seed": 2,
        "sample.denoise": 0.6,
    },
    output="save",
)

MUSIC = Family(
    graph={
        "load": node("CheckpointLoaderSimple", ckpt_name="dreamshaper_8.safetensors"),
        "positive": node(
            "TextEncodeAceStepAudio", clip=["load", 1], tags="calm piano", lyrics="la la", lyrics_strength=1.0
        ),
        "negative": node("ConditioningZeroOut", conditioning=["positive", 0]),
        "latent": node("EmptyAceStepLatentAudio", seconds=2.0, batch_size=1),
        "sample": node(
            "KSampler",
            model=["load", 0],
            seed=1,
            steps=2,
            cfg=5.0,
            **_SAMPLER,
            positive=["positive", 0],
            negative=["negative", 0],
            latent_image=["latent", 0],
            denoise=1.0,
        ),
        "decode": node("VAEDecodeAudio", samples=["sample", 0], vae=["load", 2]),
        "save": node("SaveAudioMP3", audio=["decode", 0], filename_prefix="a", quality="V0"),
    },
    changes={
        "positive.tags": "wild drums",
        "positive.lyrics": "lo lo",
        "positive.lyrics_strength": 0.5,
        "latent.seconds": 3.0,
        "sample.seed": 2,
        "sample.steps": 3,
        "sample.cfg": 4.0,
        "save.quality": "128k",
    },
    output="save",
)

FAMILIES = {
    "checkpoint": CHECKPOINT,
    "flux": FLUX,
    "qwen edit": QWEN_EDIT,
    "wan video": WAN_VIDEO,
    "inpaint": INPAINT,
    "music": MUSIC,
}
MODELS = {
    "loras": ("ink.safetensors", "chalk.safetensors"),
    "diffusion_models": ("flux.safetensors", "qwen.safetensors", "wan.safetensors", "other.safetensors"),
    "text_encoders": ("t5.safetensors", "vl.safetensors", "umt5.safetensors", "other.safetensors"),
    "vae": ("ae.safetensors", "qwenvae.safetensors", "wanvae.safetensors", "other.safetensors"),
}
