"""Files of every kind: what is in them, what they are called, and what is written into them beside that."""

from __future__ import annotations

import io
import json
import struct
import time
from typing import TYPE_CHECKING, Any

import av
import pytest
from PIL import Image, ImageChops

from tests.simulator.families import node
from tests.simulator.files import picture, video

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulator.conftest import Client, Json

EXTRA = {"extra_pnginfo": {"workflow": {"id": "w"}}}


def _inputs(client: Client) -> Path:
    assert client.simulator.settings.data_dir is not None
    return client.simulator.settings.data_dir / "input"


async def _saved(client: Client, graph: Json, output: str = "save") -> tuple[Json, bytes]:
    """What the sink shows, and its first file."""
    entry = await client.run(graph, extra_data=EXTRA)
    assert entry["status"]["status_str"] == "success", entry["status"]["messages"][-1]
    shown: Json = entry["outputs"][output]
    file = next(item for items in shown.values() for item in items if isinstance(item, dict))
    async with client.session.get(f"{client.simulator.url}/view", params=file) as response:
        return shown, await response.read()


@pytest.mark.parametrize(
    ("save", "codec", "name", "rate"),
    [
        (node("SaveAudio", audio=["sound", 0], filename_prefix="a"), "flac", "a_00001.flac", 22050),
        (
            node("SaveAudioMP3", audio=["sound", 0], filename_prefix="a", quality="128k"),
            "mp3float",
            "a_00001.mp3",
            22050,
        ),
        (
            node("SaveAudioOpus", audio=["sound", 0], filename_prefix="a", quality="64k"),
            "opus",
            "a_00001.opus",
            48000,
        ),
        (
            {
                "class_type": "SaveAudioAdvanced",
                "inputs": {"audio": ["sound", 0], "filename_prefix": "a", "format": "flac"},
            },
            "flac",
            "a_00001.flac",
            22050,
        ),
    ],
)
async def test_sound_is_saved_as_asked(client: Client, save: Json, codec: str, name: str, rate: int) -> None:
    """Of its length, with the prompt in its tags."""
    graph = {"sound": node("EmptyAudio", duration=1.5, sample_rate=22050, channels=1), "save": save}
    shown, data = await _saved(client, graph)
    assert [file["filename"] for file in shown["audio"]] == [name]
    container: Any
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        tags = {**container.metadata, **stream.metadata}
        heard = sum(frame.samples for frame in container.decode(stream)) / stream.rate
        assert (stream.codec_context.name, stream.rate, stream.channels) == (codec, rate, 1)
    assert heard == pytest.approx(1.5, abs=0.1)
    assert json.loads(tags["prompt"]) == graph
    assert json.loads(tags["workflow"]) == {"id": "w"}


async def test_animated_pictures_carry_the_prompt(client: Client) -> None:
    """As EXIF of WebP, as chunks of PNG; of one picture "animated" is not told."""
    frames = {
        "one": node("EmptyImage", width=16, height=16, batch_size=2, color=255),
        "two": node("ImageInvert", image=["one", 0]),
        "all": node("ImageBatch", image1=["one", 0], image2=["two", 0]),
    }
    webp = node(
        "SaveAnimatedWEBP",
        images=["all", 0],
        filename_prefix="w",
        fps=4.0,
        lossless=True,
        quality=80,
        method="default",
    )
    shown, data = await _saved(client, {**frames, "save": webp})
    image = Image.open(io.BytesIO(data))
    assert (shown["animated"], getattr(image, "n_frames", 1)) == ([True], 2)
    assert json.loads(image.getexif()[0x0110].removeprefix("prompt:")) == {**frames, "save": webp}
    assert image.getexif()[0x010F] == 'workflow:{"id": "w"}'
    png = node("SaveAnimatedPNG", images=["one", 0], filename_prefix="p", fps=4.0, compress_level=4)
    shown, data = await _saved(client, {"one": {**frames["one"]}, "save": png})
    assert shown["animated"] == [True]
    assert b'workflow\0{"id": "w"}' in data
    single = {**frames["one"], "inputs": {**frames["one"]["inputs"], "batch_size": 1}}
    shown, _ = await _saved(
        client, {"one": single, "save": webp | {"inputs": {**webp["inputs"], "images": ["one", 0]}}}
    )
    assert "animated" not in shown


async def test_a_video_goes_through_unharmed(client: Client) -> None:
    """Loaded, cut, taken apart, put together and saved as WebM."""
    (_inputs(client) / "film.mp4").write_bytes(video(frames=12, fps=12))
    graph = {
        "load": node("LoadVideo", file="film.mp4"),
        "slice": node("Video Slice", video=["load", 0], start_time=0.5, duration=0.25, strict_duration=False),
        "parts": node("GetVideoComponents", video=["slice", 0]),
        "save": node("SaveWEBM", images=["parts", 0], filename_prefix="w", codec="vp9", fps=6.0, crf=10.0),
        "size": node("GetImageSize", image=["parts", 0]),
        "fps": node("PreviewAny", source=["parts", 2]),
        "count": node("PreviewAny", source=["size", 2]),
        "flac": node("SaveAudio", audio=["parts", 1], filename_prefix="sound"),
    }
    entry = await client.run(graph)
    assert entry["status"]["status_str"] == "success"
    assert [entry["outputs"][name]["text"] for name in ("fps", "count")] == [["12.0"], ["3"]]
    _, data = await _saved(client, graph)
    container: Any
    with av.open(io.BytesIO(data)) as container:
        first = next(container.decode(video=0)).to_image().convert("RGB")
        assert container.streams.video[0].codec_context.name == "vp9"
    white = first.crop((62, 104, 66, 116)).resize((1, 1)).getpixel((0, 0))
    assert min(white) > 180  # the mark of frame 6 stands there


async def test_a_picture_is_turned_as_its_camera_says_and_its_alpha_is_a_mask(client: Client) -> None:
    """EXIF says that up is on the right; what is transparent is white in the mask."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture((80, 60)).save(_inputs(client) / "turned.jpg", exif=exif)
    half = Image.new("RGBA", (32, 32), (10, 20, 30, 255))
    half.paste((0, 0, 0, 0), (0, 0, 16, 32))
    half.save(_inputs(client) / "half.png")
    graph = {
        "turned": node("LoadImage", image="turned.jpg"),
        "save": node("SaveImage", images=["turned", 0], filename_prefix="t"),
        "half": node("LoadImage", image="half.png"),
        "shown": node("MaskToImage", mask=["half", 1]),
        "mask": node("SaveImage", images=["shown", 0], filename_prefix="m"),
    }
    _, turned = await _saved(client, graph)
    _, mask = await _saved(client, graph, "mask")
    assert Image.open(io.BytesIO(turned)).size == (60, 80)
    wanted = Image.new("RGB", (32, 32))
    wanted.paste((255, 255, 255), (0, 0, 16, 32))
    assert ImageChops.difference(Image.open(io.BytesIO(mask)), wanted).getbbox() is None


async def test_names_of_files_have_tokens(client: Client) -> None:
    """The date and the size; others stay as they are."""
    graph = {
        "one": node("EmptyImage", width=24, height=16, batch_size=1, color=255),
        "save": node("SaveImage", images=["one", 0], filename_prefix="%year%/%width%x%height%_%seed%"),
    }
    shown, _ = await _saved(client, graph)
    assert shown["images"] == [
        {"filename": "24x16_%seed%_00001_.png", "subfolder": str(time.localtime().tm_year), "type": "output"}
    ]


async def test_pictures_for_the_socket_are_whole_and_never_cached(client: Client) -> None:
    """PNG, in frames like previews, each time again; to a socket without flags in the old form."""
    graph = {
        "one": node("EmptyImage", width=24, height=16, batch_size=2, color=255),
        "save": node("SaveImageWebsocket", images=["one", 0]),
    }
    for flags, event in ((True, 4), (True, 4), (False, 1)):
        socket = await client.connect(flags=flags)
        prompt_id = await client.queue(graph, socket.client_id)
        frames = [frame for frame in await socket.finished(prompt_id) if isinstance(frame, tuple)]
        assert [frame[1] for frame in frames] == [event, event]
        for _, _, data in frames:
            start = 8 + (struct.unpack(">I", data[4:8])[0] if flags else 0)
            assert Image.open(io.BytesIO(data[start:])).size == (24, 16)
        assert (await client.get(f"/history/{prompt_id}"))[prompt_id]["outputs"] == {}


async def test_models_and_vectors_are_files_too(client: Client) -> None:
    """A GLB with its chunks and a vector picture, both with the prompt inside."""
    size = {"model_3d": ["load", 6], "filename_prefix": "m", "viewport_state": {}, "width": 64, "height": 64}
    graph = {
        "load": node("Load3D", model_file="", image={}, width=64, height=64),
        "mesh": node("VoxelToMesh", voxel=["voxel", 0], algorithm="basic", threshold=0.6),
        "voxel": node(
            "VAEDecodeHunyuan3D", samples=["empty", 0], vae=["vae", 0], num_chunks=1000, octree_resolution=16
        ),
        "empty": node("EmptyLatentHunyuan3Dv2", resolution=64, batch_size=1),
        "vae": node("VAELoader", vae_name="vae-ft-mse-840000-ema-pruned.safetensors"),
        "save": node("SaveGLB", mesh=["mesh", 0], filename_prefix="mesh/x"),
        "copy": {"class_type": "Save3DAdvanced", "inputs": size},
    }
    shown, data = await _saved(client, graph)
    assert shown == {"3d": [{"filename": "x_00001_.glb", "subfolder": "mesh", "type": "output"}]}
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    (chunk,) = struct.unpack_from("<I", data, 12)
    extras = json.loads(data[20 : 20 + chunk])["asset"]["extras"]
    assert json.loads(extras["prompt"]) == graph
