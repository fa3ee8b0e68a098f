"""What a file says about how it was made: read, and taken out with nothing else touched.

The files in `samples` come from a ComfyUI 0.33.0, which wrote them for the graphs that stand in them.
"""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageChops
from PIL.PngImagePlugin import PngInfo

from bot.errors import MediaRejected
from bot.media.embedded import Embedded, read_embedded, strip
from bot.media.parameters import Parameters, parse_parameters
from tests.media.clips import make_video
from tests.media.hostile import png, png_chunk, zeros

SAMPLES = Path(__file__).with_name("samples")
WORKFLOW = {"id": "wf-77", "nodes": [{"id": 1, "type": "EmptyImage"}], "version": 0.4}
PROMPT = {"9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}}
NOTHING = Embedded(prompt=None, workflow=None, parameters=None)
SINKS = {
    "image.png": "SaveImage",
    "adv16.png": "SaveImageAdvanced",
    "apng.png": "SaveAnimatedPNG",
    "awebp.webp": "SaveAnimatedWEBP",
    "mp4.mp4": "SaveVideo",
    "mkv.mkv": "SaveVideo",
    "vwebm.webm": "SaveVideo",
    "webm.webm": "SaveWEBM",
    "flac.flac": "SaveAudio",
    "mp3.mp3": "SaveAudioMP3",
    "opus.opus": "SaveAudioOpus",
    "latent.latent": "SaveLatent",
}
A1111 = """a (red:1.2) fox, in snow: deep
<lora:fluffy:0.8>
Negative prompt: blurry, text
low quality
Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 123, Size: 512x768, Model hash: abc, \
Model: fox-v1, Lora hashes: "fluffy: 1a2b, other: 3c4d", Version: v1.10.1"""
PARAMETERS = Parameters(
    prompt="a (red:1.2) fox, in snow: deep\n<lora:fluffy:0.8>",
    negative="blurry, text\nlow quality",
    settings={
        "Steps": "20",
        "Sampler": "DPM++ 2M Karras",
        "CFG scale": "7.5",
        "Seed": "123",
        "Size": "512x768",
        "Model hash": "abc",
        "Model": "fox-v1",
        "Lora hashes": "fluffy: 1a2b, other: 3c4d",
        "Version": "v1.10.1",
    },
)


def _decoded(path: Path) -> list[Any]:
    """A picture's frames as they are decoded, a clip's as they are encoded; a latent's numbers."""
    if path.suffix == ".latent":
        return [path.read_bytes()[-64:]]
    if path.suffix in (".png", ".webp", ".jpg", ".gif"):
        with Image.open(path) as image:
            frames = []
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                frames.append((image.convert("RGBA").tobytes(), image.info.get("duration")))
        return frames
    with av.open(str(path)) as container:
        return [
            (packet.stream.type, packet.pts, bytes(packet)) for packet in container.demux() if packet.size
        ]


def test_the_samples_are_all_here() -> None:
    """None is left untried."""
    assert {path.name for path in SAMPLES.iterdir()} == SINKS.keys()


@pytest.mark.parametrize("name", SINKS)
async def test_comfyui_s_own_files_tell_their_graph(name: str) -> None:
    """Both forms of it, in every format that it writes."""
    found = await read_embedded(SAMPLES / name, name)
    assert found.workflow == WORKFLOW
    assert found.prompt is not None
    assert found.prompt["9"]["class_type"] == SINKS[name]
    assert found.parameters is None


@pytest.mark.parametrize("name", SINKS)
async def test_comfyui_s_own_files_are_stripped(name: str, tmp_path: Path) -> None:
    """What shows and plays is the same to the last bit."""
    bare = await strip(SAMPLES / name, tmp_path, name)
    assert bare != SAMPLES / name
    assert await read_embedded(bare, name) == NOTHING
    assert b"EmptyImage" not in bare.read_bytes()
    assert _decoded(bare) == _decoded(SAMPLES / name)
    assert len(_decoded(bare)) > 0


@pytest.mark.parametrize("packed", ["tEXt", "zTXt", "iTXt", "iTXt packed"])
async def test_all_ways_of_a_png_are_read(tmp_path: Path, packed: str) -> None:
    """Plain, packed, and with letters from all over the world."""
    info = PngInfo()
    prompt = {"9": {"inputs": {"text": "Fuchs" if packed in ("tEXt", "zTXt") else "狐"}}}
    text = json.dumps(prompt, ensure_ascii=False)
    if packed.startswith("iTXt"):
        info.add_itxt("prompt", text, "en", "prompt", zip=packed.endswith("packed"))
    else:
        info.add_text("prompt", text, zip=packed == "zTXt")
    source = tmp_path / "fox.png"
    Image.new("RGB", (8, 8)).save(source, pnginfo=info)
    found = await read_embedded(source, "fox.png")
    assert found == Embedded(prompt=prompt, workflow=None, parameters=None)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
async def test_comfyui_s_exif_is_read_in_any_picture(tmp_path: Path, kind: str) -> None:
    """In the fields of a camera's make and model."""
    exif = Image.Exif()
    exif[0x010F] = "workflow:" + json.dumps(WORKFLOW)
    exif[0x0110] = "prompt:" + json.dumps(PROMPT)
    source = tmp_path / "fox"
    Image.new("RGB", (8, 8)).save(source, kind, exif=exif)
    found = await read_embedded(source, f"fox.{kind.lower()}")
    assert found == Embedded(prompt=PROMPT, workflow=WORKFLOW, parameters=None)


def _commented(kind: str, comment: bytes) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, kind, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + A1111.encode("utf-16-be"),
        b"UNICODE\0" + A1111.encode("utf-16-le"),
        b"ASCII\0\0\0" + A1111.encode(),
        bytes(8) + A1111.encode(),
        A1111.encode(),
    ],
)
async def test_a1111_s_comment_is_read(tmp_path: Path, kind: str, comment: bytes) -> None:
    """In whichever letters it was written."""
    source = tmp_path / "fox"
    source.write_bytes(_commented(kind, comment))
    found = await read_embedded(source, "fox")
    assert found == Embedded(prompt=None, workflow=None, parameters=PARAMETERS)
    assert await read_embedded(await strip(source, tmp_path, "fox.x"), "fox") == NOTHING


async def test_a1111_s_png_is_read(tmp_path: Path) -> None:
    """Its text chunk."""
    info = PngInfo()
    info.add_text("parameters", A1111)
    source = tmp_path / "fox.png"
    Image.new("RGB", (8, 8)).save(source, pnginfo=info)
    assert (await read_embedded(source, "fox.png")).parameters == PARAMETERS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a fox", None),
        ("", None),
        ("a fox\nNegative prompt: blurry", Parameters(prompt="a fox", negative="blurry", settings={})),
        ("Steps: 4", Parameters(prompt="", negative="", settings={"Steps": "4"})),
        ("a fox, style: oil", None),
        (
            'a fox\r\nSteps: 4, Hires: {"a": 1, "b": [2, 3]}, Note: "say \\"hi\\", fox"',
            Parameters(
                prompt="a fox",
                negative="",
                settings={"Steps": "4", "Hires": '{"a": 1, "b": [2, 3]}', "Note": 'say "hi", fox'},
            ),
        ),
    ],
)
def test_parameters_are_parsed(text: str, expected: Parameters | None) -> None:
    """What is written otherwise is no such text."""
    assert parse_parameters(text) == expected


async def test_a_comment_of_a_video_may_hold_both(tmp_path: Path) -> None:
    """As a well-known pack of video nodes writes it: texts in a text."""
    comment = json.dumps({"prompt": json.dumps(PROMPT), "workflow": WORKFLOW})
    source = make_video(tmp_path / "fox.mp4", tags={"comment": comment})
    found = await read_embedded(source, "fox.mp4")
    assert found == Embedded(prompt=PROMPT, workflow=WORKFLOW, parameters=None)


def _glb() -> bytes:
    extras = {"prompt": json.dumps(PROMPT), "workflow": json.dumps(WORKFLOW)}
    scene = json.dumps({"asset": {"version": "2.0", "extras": extras}, "buffers": []}).encode()
    scene += b" " * (-len(scene) % 4)
    body = struct.pack("<I4s", len(scene), b"JSON") + scene + struct.pack("<I4s", 8, b"BIN\0") + b"vertices"
    return b"glTF" + struct.pack("<II", 2, 12 + len(body)) + body


async def test_a_model_tells_its_graph(tmp_path: Path) -> None:
    """And keeps its shape without it."""
    source = tmp_path / "fox.glb"
    source.write_bytes(_glb())
    found = await read_embedded(source, "fox.glb")
    assert found == Embedded(prompt=PROMPT, workflow=WORKFLOW, parameters=None)
    bare = (await strip(source, tmp_path, "fox.glb")).read_bytes()
    size = struct.unpack_from("<I", bare, 12)[0]
    assert json.loads(bare[20 : 20 + size]) == {"asset": {"version": "2.0"}, "buffers": []}
    assert bare[20 + size :] == struct.pack("<I4s", 8, b"BIN\0") + b"vertices"
    assert struct.unpack_from("<I", bare, 8)[0] == len(bare)


async def test_a_drawing_tells_its_graph(tmp_path: Path) -> None:
    """In an element of its own."""
    graphs = json.dumps({"prompt": PROMPT, "workflow": WORKFLOW}, indent=2)
    source = tmp_path / "fox.svg"
    source.write_text(
        f"<svg xmlns='http://www.w3.org/2000/svg'>\n <metadata>\n <![CDATA[\n{graphs}\n]]>\n</metadata><g/></svg>"
    )
    found = await read_embedded(source, "fox.svg")
    assert found == Embedded(prompt=PROMPT, workflow=WORKFLOW, parameters=None)
    bare = await strip(source, tmp_path, "fox.svg")
    assert bare.read_text() == "<svg xmlns='http://www.w3.org/2000/svg'>\n <g/></svg>"


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
async def test_stripping_keeps_what_shows(tmp_path: Path, kind: str) -> None:
    """How a picture is turned and what its colours mean stay; place, camera and program do not."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "secret"
    exif.get_ifd(0x8825)[1] = "secret"
    image = Image.linear_gradient("L").resize((64, 32)).convert("RGB")
    options: dict[str, Any] = {
        "exif": exif,
        "icc_profile": b"a profile of some kind",
        "xmp": b"<x>secret</x>",
    }
    if kind == "PNG":
        info = PngInfo()
        info.add_text("Software", "secret")
        info.add_itxt("XML:com.adobe.xmp", "secret")
        options = {"exif": exif, "icc_profile": options["icc_profile"], "pnginfo": info}
    source = tmp_path / "fox"
    image.save(source, kind, **options)
    if kind == "JPEG":
        source.write_bytes(source.read_bytes() + b"secret film behind the picture")
    assert b"secret" in source.read_bytes()
    bare = await strip(source, tmp_path, f"fox.{kind.lower()}")
    assert b"secret" not in bare.read_bytes()
    with Image.open(source) as before, Image.open(bare) as after:
        assert ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox() is None
        assert after.info.get("icc_profile") == b"a profile of some kind"
        assert dict(after.getexif()) == {0x0112: 6}


async def test_an_upright_picture_needs_no_exif(tmp_path: Path) -> None:
    """None is left of it."""
    exif = Image.Exif()
    exif[0x0112] = 1
    source = tmp_path / "fox.webp"
    Image.new("RGB", (8, 8)).save(source, exif=exif)
    bare = await strip(source, tmp_path, "fox.webp")
    assert b"EXIF" not in bare.read_bytes()
    with Image.open(bare) as image:
        image.load()
        assert dict(image.getexif()) == {}


async def test_a_gif_keeps_its_frames_and_loses_its_comment(tmp_path: Path) -> None:
    """It still plays for ever."""
    source = tmp_path / "fox.gif"
    frames = [Image.new("RGB", (8, 8), (n, 0, 0)) for n in (0, 90, 180)]
    frames[0].save(
        source, save_all=True, append_images=frames[1:], duration=[50, 60, 70], loop=0, comment=b"secret"
    )
    assert b"secret" in source.read_bytes()
    bare = await strip(source, tmp_path, "fox.gif")
    assert b"secret" not in bare.read_bytes()
    assert _decoded(bare) == _decoded(source)
    with Image.open(bare) as image:
        assert image.info["loop"] == 0


async def test_a_file_that_says_nothing_is_left_alone(tmp_path: Path) -> None:
    """It is not even copied."""
    source = tmp_path / "fox.txt"
    source.write_text("a fox")
    assert await strip(source, tmp_path, "fox.txt") == source
    assert await read_embedded(source, "fox.txt") == NOTHING


@pytest.mark.parametrize(
    "data",
    [
        png(4, 4, png_chunk(b"tEXt", b"prompt\0{")),
        png(4, 4, png_chunk(b"tEXt", b"prompt\0" + b"[" * 200_000)),
        png(4, 4, png_chunk(b"tEXt", b"prompt\0[1]")),
        png(4, 4, png_chunk(b"zTXt", b"prompt\0\0not packed")),
        png(4, 4, png_chunk(b"zTXt", b"prompt\0\0" + zeros(64 * 2**20))),
        png(4, 4, png_chunk(b"iTXt", b"prompt\0\1\0\0\0" + zeros(64 * 2**20))),
        png(4, 4, png_chunk(b"eXIf", b"II*\0" + bytes(range(250)))),
        _commented("JPEG", b"UNICODE\0\xff"),
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXt",
        b"",
    ],
)
async def test_nonsense_says_nothing(tmp_path: Path, data: bytes) -> None:
    """However much of it there is."""
    source = tmp_path / "fox.png"
    source.write_bytes(data)
    assert await read_embedded(source, "fox.png") == NOTHING


@pytest.mark.parametrize("name", ["fox.latent", "fox.glb", "fox.gif", "fox.mp4"])
async def test_what_can_t_be_stripped_is_told(tmp_path: Path, name: str) -> None:
    """Rather than sent with all that it says."""
    heads = {"fox.glb": b"glTF", "fox.gif": b"GIF89a", "fox.mp4": b"\0\0\0\x18ftypisom"}
    source = tmp_path / name
    source.write_bytes(heads.get(name, b"\xff" * 8) + b"prompt")
    with pytest.raises(MediaRejected):
        await strip(source, tmp_path, name)
