"""What a real 0.33.0 server made of one small picture, and what the simulator makes of it."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.simulator.conftest import Client, Json


def _scaled(method: str, width: int, height: int, crop: str = "disabled") -> Json:
    return _node("ImageScale", upscale_method=method, width=width, height=height, crop=crop)


def _node(class_type: str, **inputs: Any) -> Json:
    return {"class_type": class_type, "inputs": {"image": ["1", 0], **inputs}}


# The node, the size of its picture, and its pixels.
REAL: dict[str, tuple[Json, tuple[int, int], str]] = {
    "nearest down": (
        _scaled("nearest-exact", 4, 3), (4, 3),
        "0000005e00008d00ffeb00ff1a0000787c00a7baff0536ff27000085ba00b417ff12d1ff",
    ),
    "bilinear down": (
        _scaled("bilinear", 4, 3), (4, 3),
        "0d01005409009a10ffe118ff1f0b00655100ac97ff927cff301500779900bd48ff44abff",
    ),
    "area down": (
        _scaled("area", 4, 3), (4, 3),
        "1e07004d1700ab36ffd945ff2b17005a4500b8a2ffa791ff382600677400c58fff749cff",
    ),
    "area up": (
        _scaled("area", 9, 5), (9, 5),
        "0000001700002f00005e000075007f8d00ffbc00ffd300ffeb00ff0600001e0700350f00641f007c267f932effc23eff"
        "d945fff14dff1300002b1700422e00715d0089747fa08bffcfbaffa791ff7e68ff2000003826004f4d007e9b0096817f"
        "ad68ffdcb6ff749cff0b83ff2700003e2e00565d0085ba009c687fb417ffe374ff7aa2ff12d1ff",
    ),
    "bicubic down": (
        _scaled("bicubic", 4, 3), (4, 3),
        "0a00005106009c0cffe716ff1c0800634c00b2b9ff9282ff2e110075ae00c934ff3db1ff",
    ),
    "bicubic up": (
        _scaled("bicubic", 9, 5), (9, 5),
        "00000012000038000053000074007f9600ffb100ffd700ffee00fe0300001b07004016005b21007d2f7f9e3cffb745ff"
        "ed65ffff7efe0f00002612004c370067510088807facb2ffd0d5ffaba1ff775ffe1a0000321e00585b00738a0094957f"
        "bba4ffe9e2ff68a2ff004afe2300003a26006077007bc1009d657fc309fff051ff7facff00e4fe",
    ),
    "cut to fit": (
        _scaled("bilinear", 3, 3, "center"), (3, 3),
        "390600770c7fb613fe4a360089747fc7b2ff5b66009a707fd97bff",
    ),
    "blurred": (
        _node("ImageBlur", blur_radius=1, sigma=1.0), (6, 4),
        "2009003610006521459432b9c343fed84bfe2610003c1e006a3d45995cb9b568febe6afe332100483e00776845a787b9"
        "a392fe9799fe3929004e4c007d7845ac90b99595fe7d9ffe",
    ),
    "sharpened": (
        _node("ImageSharpen", sharpen_radius=1, sigma=1.0, alpha=0.5), (6, 4),
        "0000000b00003a00006900ff9800feff00fe0000003b1f006a3e009a5dffffdcfefffffe000000493e0077dc00a6ffff"
        "fffffe0000fe00000079b100a8ff00d700ffff00fe00fffe",
    ),
    "flipped": (
        _node("ImageFlip", flip_method="x-axis: vertically"), (6, 4),
        "270000565d0085ba00b417ffe374ff12d1ff1a0000493e00787c00a7baffd6f8ff0536ff0d00003c1f006b3e009a5dff"
        "c97cfff89bff0000002f00005e00008d00ffbc00ffeb00ff",
    ),
    "turned": (
        _node("ImageRotate", rotation="90 degrees"), (4, 6),
        "2700001a00000d0000000000565d00493e003c1f002f000085ba00787c006b3e005e0000b417ffa7baff9a5dff8d00ff"
        "e374ffd6f8ffc97cffbc00ff12d1ff0536fff89bffeb00ff",
    ),
    "cut": (
        _node("ImageCrop", width=3, height=9, x=2, y=1), (3, 3),
        "6b3e009a5dffc97cff787c00a7baffd6f8ff85ba00b417ffe374ff",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
async def test_pixels_are_the_real_ones(client: Client, name: str) -> None:
    """None is off by more than 1 of 255."""
    node, size, pixels = REAL[name]
    await _upload(client, "six.png", _small())
    save = {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "pixels"}}
    load = {"class_type": "LoadImage", "inputs": {"image": "six.png"}}
    entry = await client.run({"1": load, "2": node, "3": save})
    made = await client.picture(entry["outputs"]["3"]["images"][0])
    assert made.size == size
    far = [abs(one - other) for one, other in zip(made.tobytes(), bytes.fromhex(pixels), strict=True)]
    assert max(far) <= 1, far


async def test_a_saved_file_holds_what_its_inputs_were_like(client: Client) -> None:
    """The graph in it has the hash of the file that was loaded; the history's has not."""
    await _upload(client, "six.png", _small())
    load = {"class_type": "LoadImage", "inputs": {"image": "six.png"}}
    save = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "stamped"}}
    entry = await client.run({"1": load, "2": save})
    saved = await client.picture(entry["outputs"]["2"]["images"][0])
    stamped = json.loads(saved.info["prompt"])
    assert len(stamped["1"].pop("is_changed")[0]) == 64
    assert stamped == entry["prompt"][2]


async def test_texts_and_truth_values_are_computed(client: Client) -> None:
    """Inputs of a list that grows keep their names."""
    graph = {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": 7}},
        "2": {
            "class_type": "StringFormat",
            "inputs": {"f_string": "{a:03d} {b}", "values.a": ["1", 0], "values.b": "w"},
        },
        "3": {
            "class_type": "StringContains",
            "inputs": {"string": "W", "substring": "w", "case_sensitive": False},
        },
        "4": {"class_type": "ComfyAndNode", "inputs": {"values.value0": ["3", 0], "values.value1": 0}},
        **{
            f"show {number}": {"class_type": "PreviewAny", "inputs": {"source": [number, 0]}}
            for number in ("2", "3", "4")
        },
    }
    outputs = (await client.run(graph))["outputs"]
    assert {key: shown["text"] for key, shown in outputs.items()} == {
        "show 2": ["007 w"],
        "show 3": ["True"],
        "show 4": ["False"],
    }


def _small() -> bytes:
    picture = Image.new("RGB", (6, 4))
    picture.putdata(
        [((x * 47 + y * 13) % 256, x * y * 31 % 256, 255 * (x > 2)) for y in range(4) for x in range(6)]
    )
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


async def _upload(client: Client, name: str, data: bytes) -> None:
    form = aiohttp.FormData()
    form.add_field("image", data, filename=name)
    assert (await client.ask("POST", "/upload/image", data=form))[0] == 200
