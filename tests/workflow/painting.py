"""Graphs that a test looks into, and what was found in them."""

from __future__ import annotations

from typing import Any

from bot.contract.values import ParameterSpec
from bot.workflow.infer.infer import Inferred
from bot.workflow.infer.meanings import Meaning

Found = dict[str, list[str]]


def found(made: Inferred, *meanings: Meaning) -> Found:
    """The inputs of the parameters of some meanings, by the parameters' names."""
    pairs = zip(made.parameters, made.meanings, strict=True)
    return {
        each.spec.name: [str(t) for t in each.targets]
        for each, kind in pairs
        if not meanings or kind in meanings
    }


def spec(made: Inferred, name: str) -> ParameterSpec:
    """What the parameter of a name takes."""
    return next(each.spec for each in made.parameters if each.spec.name == name)


def painting(**changes: Any) -> dict[str, Any]:
    """The classic graph: a picture from words."""
    nodes: dict[str, Any] = {
        "load": ("CheckpointLoaderSimple", {"ckpt_name": "a.safetensors"}),
        "yes": ("CLIPTextEncode", {"text": "a red fox", "clip": ("load", 1)}),
        "no": ("CLIPTextEncode", {"text": "blurry", "clip": ("load", 1)}),
        "size": ("EmptyLatentImage", {"width": 1024, "height": 768, "batch_size": 1}),
        "sample": (
            "KSampler",
            {
                "model": ("load", 0), "seed": 5, "steps": 20, "cfg": 7.5, "sampler_name": "euler",
                "scheduler": "simple", "positive": ("yes", 0), "negative": ("no", 0),
                "latent_image": ("size", 0), "denoise": 1,
            },
        ),
        "decode": ("VAEDecode", {"samples": ("sample", 0), "vae": ("load", 2)}),
        "save": ("SaveImage", {"images": ("decode", 0), "filename_prefix": "x"}),
    }  # fmt: skip
    return nodes | changes


def sampled(nodes: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    """The same graph with other inputs of its sampler."""
    kind, old, *_ = nodes["sample"]
    return nodes | {"sample": (kind, old | inputs)}


def film(**changes: Any) -> dict[str, Any]:
    """A video from words."""
    nodes = painting(
        size=("EmptyLatentVideo", {"width": 640, "height": 480, "length": 81, "batch_size": 1}),
        film=("CreateVideo", {"images": ("decode", 0), "fps": 16.0}),
        save=("SaveVideo", {"video": ("film", 0), "filename_prefix": "x"}),
    )
    return nodes | changes
