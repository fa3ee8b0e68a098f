"""The drawn pictures: every parameter shows, equal values give equal pictures, and all say what they are."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageChops, ImageStat

from simulator import drawing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.conftest import Client, Json

SCENE = drawing.Scene(
    positive="a red fox in snow",
    negative="",
    seed=1,
    width=160,
    height=128,
    steps=8,
    cfg=7.0,
    sampler="euler",
    scheduler="normal",
    style="sd_xl_base_1.0.safetensors",
)

OUT_OF_MEMORY = (
    "Allocation on device 0 would exceed allowed memory. (out of memory)\n"
    "This error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before "
    "you might have accidentally set the batch_size to a large number."
)


def _distance(first: Image.Image, second: Image.Image) -> float:
    """Mean difference of two pictures' values, 0 to 255."""
    return sum(ImageStat.Stat(ImageChops.difference(first, second)).mean) / 3


def test_equal_scenes_are_equal_pictures_of_the_size() -> None:
    """Byte for byte."""
    picture = drawing.paint(SCENE)
    assert (picture.size, picture.mode) == ((160, 128), "RGB")
    assert picture.tobytes() == drawing.paint(SCENE).tobytes()


@pytest.mark.parametrize(
    "change",
    [
        {"positive": "a red fox in rain"},
        {"negative": "blurry"},
        {"seed": 2},
        {"seed": 0},
        {"steps": 9},
        {"cfg": 7.5},
        {"sampler": "heun"},
        {"scheduler": "karras"},
        {"style": "dreamshaper_8.safetensors"},
    ],
)
def test_every_parameter_shows(change: Json) -> None:
    """Changing any one of them changes the picture."""
    assert _distance(drawing.paint(SCENE), drawing.paint(replace(SCENE, **change))) > 0


def test_seeds_and_the_items_of_a_batch_differ_visibly() -> None:
    """By far more than the other parameters."""
    picture = drawing.paint(SCENE)
    assert _distance(picture, drawing.paint(replace(SCENE, seed=2))) > 10
    assert _distance(picture, drawing.paint(SCENE, item=1)) > 10


def test_colours_that_the_prompt_names_are_there_unless_the_negative_has_them() -> None:
    """The sky takes the first one."""

    def sky(positive: str, negative: str = "") -> tuple[float, ...]:
        scene = replace(SCENE, positive=positive, negative=negative)
        return tuple(ImageStat.Stat(drawing.paint(scene).crop((0, 0, 160, 12))).mean)

    red, _, blue = sky("red, red, red")
    assert red > blue + 50
    red, _, blue = sky("blue, blue, blue")
    assert blue > red + 50
    red, _, blue = sky("red, blue, blue, blue", negative="red")
    assert blue > red + 50


def test_previews_sharpen_towards_the_picture() -> None:
    """Enlarged to the wanted side, nearer to the end with every step."""
    picture = drawing.paint(SCENE)
    target = picture.resize((512, 410))
    stages = [Image.open(BytesIO(drawing.preview(picture, part / 4, 512))) for part in (1, 2, 3, 4)]
    distances = [_distance(target, stage.resize(target.size)) for stage in stages]
    assert {stage.size for stage in stages} == {(512, 410)}
    assert distances == sorted(distances, reverse=True)


def test_the_caption_is_printed_at_the_top_and_the_bottom() -> None:
    """The middle of the picture stays as it was; the input is not changed."""
    picture = drawing.paint(SCENE)
    before = picture.tobytes()
    printed = drawing.caption(picture, "a red fox in snow " * 20)
    assert picture.tobytes() == before
    for box, differs in (((0, 0, 40, 12), True), ((0, 20, 160, 60), False), ((0, 110, 160, 128), True)):
        assert (_distance(picture.crop(box), printed.crop(box)) > 0) is differs


async def _pictures(client: Client, graph: Json, node: str = "9") -> list[Image.Image]:
    entry = await client.run(graph)
    return [await client.picture(file) for file in entry["outputs"][node]["images"]]


async def test_a_batch_is_as_many_different_pictures(client: Client, txt2img: Callable[..., Json]) -> None:
    """Of the size of the latent, which is cut to eights."""
    pictures = await _pictures(client, txt2img(size=84, batch=3))
    assert [picture.size for picture in pictures] == [(80, 80)] * 3
    assert len({picture.tobytes() for picture in pictures}) == 3


async def test_the_same_graph_draws_the_same_picture_on_another_day(
    client: Client, txt2img: Callable[..., Json]
) -> None:
    """A restart forgets the cache, not how to draw."""
    first = await _pictures(client, txt2img())
    await client.simulator.faults.restart()
    second = await _pictures(client, txt2img())
    assert first[0].tobytes() == second[0].tobytes()


def _img2img(txt2img: Callable[..., Json], denoise: float) -> Json:
    return {
        **txt2img(denoise=denoise, latent=["11", 0]),
        "10": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "11": {"class_type": "VAEEncode", "inputs": {"pixels": ["10", 0], "vae": ["4", 2]}},
    }


async def test_denoise_says_how_much_of_the_input_is_left(
    client: Client, txt2img: Callable[..., Json]
) -> None:
    """At 0.2 most of it, at 1 nothing: that is the picture an empty latent gives."""
    original = await client.picture({"filename": "example.png", "type": "input"})
    middle = (0, 40, original.width, original.height - 60)
    drawn = [(await _pictures(client, _img2img(txt2img, d)))[0] for d in (0.2, 0.6, 1.0)]
    distances = [_distance(original.convert("RGB").crop(middle), picture.crop(middle)) for picture in drawn]
    assert distances == sorted(distances)
    assert distances[0] < 0.3 * distances[2]


async def test_inpainting_leaves_what_is_outside_the_mask(
    client: Client, txt2img: Callable[..., Json]
) -> None:
    """The example has no transparent part, so its mask is empty and nothing changes."""
    graph = _img2img(txt2img, 1.0)
    wires = {"pixels": ["10", 0], "vae": ["4", 2], "mask": ["10", 1], "grow_mask_by": 6}
    graph["11"] = {"class_type": "VAEEncodeForInpaint", "inputs": wires}
    original = await client.picture({"filename": "example.png", "type": "input"})
    (picture,) = await _pictures(client, graph)
    middle = (0, 40, original.width, original.height - 60)
    assert _distance(original.convert("RGB").crop(middle), picture.crop(middle)) == 0


async def test_a_second_pass_with_the_other_nodes_runs(
    start: Callable[..., Any], txt2img: Callable[..., Json]
) -> None:
    """Upscaled latent, advanced sampler, lora, clip layer, other VAE, SD3 latent."""
    client: Client = await start(loras=("ink.safetensors",))
    graph = txt2img(size=64)
    size = {"width": 64, "height": 96, "batch_size": 1}
    graph["5"] = {"class_type": "EmptySD3LatentImage", "inputs": size}
    strength = {"lora_name": "ink.safetensors", "strength_model": 0.8, "strength_clip": 1.0}
    graph["20"] = {
        "class_type": "LoraLoader",
        "inputs": {"model": ["4", 0], "clip": ["21", 0], **strength},
    }
    graph["21"] = {
        "class_type": "CLIPSetLastLayer",
        "inputs": {"clip": ["4", 1], "stop_at_clip_layer": -2},
    }
    graph["22"] = {
        "class_type": "VAELoader",
        "inputs": {"vae_name": "vae-ft-mse-840000-ema-pruned.safetensors"},
    }
    graph["23"] = {
        "class_type": "LatentUpscaleBy",
        "inputs": {"samples": ["3", 0], "upscale_method": "bislerp", "scale_by": 1.5},
    }
    sampling = {key: value for key, value in graph["3"]["inputs"].items() if key not in ("seed", "denoise")}
    graph["24"] = {
        "class_type": "KSamplerAdvanced",
        "inputs": {
            **sampling,
            "add_noise": "enable",
            "noise_seed": 3,
            "latent_image": ["23", 0],
            "steps": 10,
            "start_at_step": 6,
            "end_at_step": 10000,
            "return_with_leftover_noise": "disable",
        },
    }
    graph["3"]["inputs"]["model"] = ["20", 0]
    graph["6"]["inputs"]["clip"] = ["20", 1]
    graph["8"]["inputs"] = {"samples": ["24", 0], "vae": ["22", 0]}
    (picture,) = await _pictures(client, graph)
    assert (picture.size, client.simulator.runs[-1].steps) == ((96, 144), 3 + 4)


async def test_the_image_nodes_scale_crop_and_join(client: Client) -> None:
    """A joined picture takes the first one's size; one side 0 keeps the proportions."""

    def node(kind: str, **inputs: Any) -> Json:
        return {"class_type": kind, "inputs": inputs}

    graph = {
        "1": node("EmptyImage", width=64, height=32, batch_size=1, color=0x336699),
        "2": node("ImageScale", image=["1", 0], upscale_method="lanczos", width=0, height=8, crop="center"),
        "3": node("ImageScaleBy", image=["1", 0], upscale_method="area", scale_by=0.5),
        "4": node("ImageBatch", image1=["2", 0], image2=["3", 0]),
        "5": node("ImageInvert", image=["4", 0]),
        "6": node("SaveImage", images=["5", 0], filename_prefix="joined"),
    }
    pictures = await _pictures(client, graph, "6")
    assert [(picture.size, picture.getpixel((3, 3))) for picture in pictures] == [
        ((16, 8), (0xCC, 0x99, 0x66))
    ] * 2


@pytest.mark.parametrize(
    ("text", "kind", "message", "steps"),
    [
        (
            "please SIMULATE an error",
            "RuntimeError",
            "The prompt asked the simulator for an error\n",
            2,
        ),
        (
            "simulate out of memory",
            "torch.OutOfMemoryError",
            OUT_OF_MEMORY,
            0,
        ),
    ],
)
async def test_a_prompt_may_ask_for_a_failure(
    client: Client, txt2img: Callable[..., Json], text: str, kind: str, message: str, steps: int
) -> None:
    """The error leaks what real ones leak, and the job is failed."""
    entry = await client.run(txt2img(text, steps=4))
    name, error = entry["status"]["messages"][-1]
    assert (name, error["exception_type"], error["exception_message"]) == ("execution_error", kind, message)
    assert (error["node_id"], error["node_type"]) == ("3", "KSampler")
    assert (error["executed"], error["current_outputs"]) == (["4", "5", "7", "6"], list(txt2img()))
    assert error["current_inputs"]["seed"] == [1]
    assert "sampling.py" in "".join(error["traceback"])
    job = await client.get(f"/api/jobs/{entry['prompt'][1]}")
    assert (job["status"], job["execution_error"]) == ("failed", error)
    run = client.simulator.runs[-1]
    assert (run.outcome, run.steps) == ("error", steps)
