"""The node classes: their inputs with types, ranges and choices as a 0.33.0 server lists them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from simulator.folders import Folders
from simulator.settings import SimulatorSettings

MAX_RESOLUTION = 16384
SAMPLERS = [
    "euler", "euler_cfg_pp", "euler_ancestral", "euler_ancestral_cfg_pp", "heun", "heunpp2",
    "exp_heun_2_x0", "exp_heun_2_x0_sde", "dpm_2", "dpm_2_ancestral", "lms", "dpm_fast", "dpm_adaptive",
    "dpmpp_2s_ancestral", "dpmpp_2s_ancestral_cfg_pp", "dpmpp_sde", "dpmpp_sde_gpu", "dpmpp_2m",
    "dpmpp_2m_cfg_pp", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu", "dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun_gpu",
    "dpmpp_3m_sde", "dpmpp_3m_sde_gpu", "ddpm", "lcm", "ipndm", "ipndm_v", "deis", "res_multistep",
    "res_multistep_cfg_pp", "res_multistep_ancestral", "res_multistep_ancestral_cfg_pp",
    "gradient_estimation", "gradient_estimation_cfg_pp", "er_sde", "seeds_2", "seeds_3", "sa_solver",
    "sa_solver_pece", "ddim", "uni_pc", "uni_pc_bh2",
]  # fmt: skip
SCHEDULERS = [
    "simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "beta", "normal",
    "linear_quadratic", "kl_optimal",
]  # fmt: skip


class Shelf(StrEnum):
    """Lists of files that a choice is made from; looked up when they are needed."""

    CHECKPOINTS = "checkpoints"
    VAES = "vae"
    LORAS = "loras"
    INPUTS = "input"


# The type (a name, a list of choices or a shelf) and the options of one input.
Spec = tuple[str | list[str] | Shelf, dict[str, Any]]
Inputs = dict[str, Spec]


@dataclass(frozen=True, kw_only=True)
class NodeClass:
    """One class; `model_free` ones need no checkpoint and take `node_seconds`."""

    title: str
    category: str
    inputs: Inputs
    outputs: tuple[str, ...]
    is_output: bool = False
    model_free: bool = False


def _number(kind: str, default: float, low: float, high: float, **more: Any) -> Spec:
    return kind, {"default": default, "min": low, "max": high, **more}


def _links(**kinds: str) -> Inputs:
    return {name: (kind, {}) for name, kind in kinds.items()}


def _sizes(default: int, step: int) -> Inputs:
    side = _number("INT", default, 16, MAX_RESOLUTION, step=step)
    return {"width": side, "height": side, "batch_size": _number("INT", 1, 1, 4096)}


def _model(title: str, category: str, inputs: Inputs, outputs: str) -> NodeClass:
    return NodeClass(title=title, category=f"model/{category}", inputs=inputs, outputs=tuple(outputs.split()))


def _image(title: str, category: str, inputs: Inputs, outputs: str = "IMAGE") -> NodeClass:
    return NodeClass(
        title=title, category=category, inputs=inputs, outputs=tuple(outputs.split()), model_free=True
    )


_SEED = _number("INT", 0, 0, 2**64 - 1, control_after_generate=True)
_SAMPLING: Inputs = {
    "steps": _number("INT", 20, 1, 10000),
    "cfg": _number("FLOAT", 8.0, 0.0, 100.0, step=0.1, round=0.01),
    "sampler_name": (SAMPLERS, {}),
    "scheduler": (SCHEDULERS, {}),
    **_links(positive="CONDITIONING", negative="CONDITIONING", latent_image="LATENT"),
}
_ADVANCED_SAMPLING: Inputs = {
    "start_at_step": _number("INT", 0, 0, 10000, advanced=True),
    "end_at_step": _number("INT", 10000, 0, 10000, advanced=True),
    "return_with_leftover_noise": (["disable", "enable"], {"advanced": True}),
}
_PIXELS = _number("INT", 512, 1, MAX_RESOLUTION, step=1)
_PIXELS_OR_0 = _number("INT", 512, 0, MAX_RESOLUTION, step=1)
_STRENGTH = _number("FLOAT", 1.0, -100.0, 100.0, step=0.01)
_COLOUR = _number("INT", 0, 0, 0xFFFFFF, step=1, display="color")
_RESIZING: Spec = (["nearest-exact", "bilinear", "area", "bicubic", "lanczos"], {})
_LATENT_RESIZING: Spec = (["nearest-exact", "bilinear", "area", "bicubic", "bislerp"], {})

CLASSES: Mapping[str, NodeClass] = {
    "CheckpointLoaderSimple": _model(
        "Load Checkpoint", "loaders", {"ckpt_name": (Shelf.CHECKPOINTS, {})}, "MODEL CLIP VAE"
    ),
    "LoraLoader": _model(
        "Load LoRA (Model and CLIP)",
        "loaders",
        _links(model="MODEL", clip="CLIP")
        | {"lora_name": (Shelf.LORAS, {}), "strength_model": _STRENGTH, "strength_clip": _STRENGTH},
        "MODEL CLIP",
    ),
    "VAELoader": _model("Load VAE", "loaders", {"vae_name": (Shelf.VAES, {})}, "VAE"),
    "CLIPTextEncode": _model(
        "CLIP Text Encode (Prompt)",
        "conditioning",
        {"text": ("STRING", {"multiline": True, "dynamicPrompts": True}), **_links(clip="CLIP")},
        "CONDITIONING",
    ),
    "CLIPSetLastLayer": _model(
        "CLIP Set Last Layer",
        "conditioning",
        _links(clip="CLIP") | {"stop_at_clip_layer": _number("INT", -1, -24, -1, step=1, advanced=True)},
        "CLIP",
    ),
    "KSampler": _model(
        "KSampler",
        "sampling",
        _links(model="MODEL")
        | {"seed": _SEED, **_SAMPLING, "denoise": _number("FLOAT", 1.0, 0.0, 1.0, step=0.01)},
        "LATENT",
    ),
    "KSamplerAdvanced": _model(
        "KSampler (Advanced)",
        "sampling",
        _links(model="MODEL")
        | {"add_noise": (["enable", "disable"], {"advanced": True}), "noise_seed": _SEED}
        | _SAMPLING
        | _ADVANCED_SAMPLING,
        "LATENT",
    ),
    "VAEDecode": _model("VAE Decode", "latent", _links(samples="LATENT", vae="VAE"), "IMAGE"),
    "VAEEncode": _model("VAE Encode", "latent", _links(pixels="IMAGE", vae="VAE"), "LATENT"),
    "VAEEncodeForInpaint": _model(
        "VAE Encode (for Inpainting)",
        "latent",
        _links(pixels="IMAGE", vae="VAE", mask="MASK") | {"grow_mask_by": _number("INT", 6, 0, 64, step=1)},
        "LATENT",
    ),
    "EmptyLatentImage": _model("Empty Latent Image", "latent", _sizes(512, 8), "LATENT"),
    "EmptySD3LatentImage": _model(
        "EmptySD3LatentImage", "latent/stable diffusion", _sizes(1024, 16), "LATENT"
    ),
    "LatentUpscaleBy": _model(
        "Upscale Latent By",
        "latent",
        _links(samples="LATENT")
        | {"upscale_method": _LATENT_RESIZING, "scale_by": _number("FLOAT", 1.5, 0.01, 8.0, step=0.01)},
        "LATENT",
    ),
    "EmptyImage": _image(
        "Empty Image",
        "image",
        {"width": _PIXELS, "height": _PIXELS, "batch_size": _number("INT", 1, 1, 4096), "color": _COLOUR},
    ),
    "LoadImage": _image(
        "Load Image", "image", {"image": (Shelf.INPUTS, {"image_upload": True})}, "IMAGE MASK"
    ),
    "ImageScale": _image(
        "Upscale Image",
        "image/upscaling",
        _links(image="IMAGE")
        | {"upscale_method": _RESIZING, "width": _PIXELS_OR_0, "height": _PIXELS_OR_0}
        | {"crop": (["disabled", "center"], {})},
    ),
    "ImageScaleBy": _image(
        "Upscale Image By",
        "image/upscaling",
        _links(image="IMAGE")
        | {"upscale_method": _RESIZING, "scale_by": _number("FLOAT", 1.0, 0.01, 8.0, step=0.01)},
    ),
    "ImageInvert": _image("Invert Image Colors", "image/color", _links(image="IMAGE")),
    "ImageBatch": _image("Batch Images (DEPRECATED)", "image/batch", _links(image1="IMAGE", image2="IMAGE")),
    "SaveImage": replace(
        _image(
            "Save Image",
            "image",
            _links(images="IMAGE") | {"filename_prefix": ("STRING", {"default": "ComfyUI"})},
        ),
        is_output=True,
    ),
    "PreviewImage": replace(_image("Preview Image", "image", _links(images="IMAGE")), is_output=True),
}


class Catalogue:
    """The classes with the choices that are on this server's disk right now."""

    def __init__(self, settings: SimulatorSettings, folders: Folders) -> None:
        self.folders = folders
        self._shelves: dict[Shelf, Callable[[], list[str]]] = {
            Shelf.CHECKPOINTS: lambda: list(settings.checkpoints),
            Shelf.VAES: lambda: list(settings.vaes),
            Shelf.LORAS: lambda: list(settings.loras),
            Shelf.INPUTS: folders.input_pictures,
        }

    def shelf(self, shelf: Shelf) -> list[str]:
        """The names on a shelf."""
        return self._shelves[shelf]()

    def inputs(self, class_type: str) -> dict[str, tuple[str | list[str], dict[str, Any]]]:
        """The inputs of a class, with shelves replaced by what is on them."""
        return {name: self._stocked(spec) for name, spec in CLASSES[class_type].inputs.items()}

    def object_info(self, class_type: str) -> dict[str, Any]:
        """A class as GET /object_info describes it."""
        node = CLASSES[class_type]
        inputs = self.inputs(class_type)
        required = {name: [kind, options] if options else [kind] for name, (kind, options) in inputs.items()}
        hidden = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"} if node.is_output else {}
        groups: dict[str, Any] = {"required": required} | ({"hidden": hidden} if hidden else {})
        return {
            "input": groups,
            "input_order": {group: list(members) for group, members in groups.items()},
            "is_input_list": False,
            "output": node.outputs,
            "output_is_list": [False] * len(node.outputs),
            "output_name": ("images",) if node.is_output else node.outputs,
            "name": class_type,
            "display_name": node.title,
            "description": "",
            "python_module": "nodes",
            "category": node.category,
            "output_node": node.is_output,
            "has_intermediate_output": False,
            "search_aliases": [],
        }

    def _stocked(self, spec: Spec) -> tuple[str | list[str], dict[str, Any]]:
        kind, options = spec
        return (self.shelf(kind) if isinstance(kind, Shelf) else kind), options
