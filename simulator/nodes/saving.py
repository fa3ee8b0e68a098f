"""Nodes that write files or show things, with the prompt in the files as real ones have it."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Mapping
from fractions import Fraction
from io import BytesIO
from typing import Any

from PIL.PngImagePlugin import PngInfo

from simulator.folders import SavePlace
from simulator.nodes import media, models3d
from simulator.nodes.bench import Bench, Call, Job, Produced
from simulator.nodes.cutting import cut
from simulator.nodes.glue import shown
from simulator.nodes.values import Audio, File, Frames, Size, Video

Named = dict[str, str]
_WEBP_METHODS = {"default": 4, "fastest": 0, "slowest": 6}


def place(bench: Bench, prefix: str, kind: str, size: Size = (0, 0)) -> SavePlace:
    """Where the next files of a prefix go, with its tokens such as %year% and %width% filled in."""
    now = time.localtime()
    tokens = {
        "%width%": size[0], "%height%": size[1], "%year%": now.tm_year, "%month%": f"{now.tm_mon:02}",
        "%day%": f"{now.tm_mday:02}", "%hour%": f"{now.tm_hour:02}", "%minute%": f"{now.tm_min:02}",
        "%second%": f"{now.tm_sec:02}",
    }  # fmt: skip
    for token, value in tokens.items():
        prefix = prefix.replace(token, str(value))
    return bench.folders.save_place(prefix, kind)


def metadata(bench: Bench) -> dict[str, str]:
    """What is written into files: the graph, and every key of the prompt's `extra_pnginfo`, as JSON."""
    extra = bench.extra_data.get("extra_pnginfo") or {}
    return {"prompt": json.dumps(bench.graph), **{key: json.dumps(value) for key, value in extra.items()}}


def _named(where: SavePlace, name: str, kind: str) -> Named:
    return {"filename": name, "subfolder": where.subfolder, "type": kind}


def pictures(
    bench: Bench, frames: Frames, prefix: str, kind: str, *, plain: bool = False, ending: str = "_.png"
) -> list[Named]:
    """Write one PNG file for each picture; `plain` ones do not hold the graph. `ending` follows the number."""
    where = place(bench, prefix, kind, frames.size)
    chunks = PngInfo()
    for key, value in ({} if plain else metadata(bench)).items():
        chunks.add_text(key, value)
    files = []
    for batch, picture in enumerate(frames):
        name = f"{where.stem.replace('%batch_num%', str(batch))}_{where.counter + batch:05}{ending}"
        picture.save(where.folder / name, pnginfo=chunks, compress_level=4 if kind == "output" else 1)
        files.append(_named(where, name, kind))
    return files


def temporary(call: Call, frames: Frames) -> list[Named]:
    """Write pictures that only last until the server ends."""
    return pictures(call.bench, frames, call.bench.temp_prefix(), "temp")


async def _save_images(call: Call) -> Produced:
    frames: Frames = call.inputs["images"]
    files = await asyncio.to_thread(pictures, call.bench, frames, call.inputs["filename_prefix"], "output")
    return Produced(values=(frames,), ui={"images": files})


async def _save_images_of_a_format(call: Call) -> Produced:
    """Pictures of whichever format are PNG files here."""
    frames, prefix = call.inputs["images"], call.inputs["filename_prefix"]
    files = await asyncio.to_thread(pictures, call.bench, frames, prefix, "output", ending=".png")
    return Produced(values=(frames,), ui={"images": files})


async def _preview_images(call: Call) -> Produced:
    frames: Frames = call.inputs["images"]
    return Produced(values=(frames,), ui={"images": await asyncio.to_thread(temporary, call, frames)})


async def _preview_mask(call: Call) -> Produced:
    mask: Frames = call.inputs["mask"]
    shown = mask.mapped(lambda one: one.convert("RGB"), mask.digest)
    files = await asyncio.to_thread(pictures, call.bench, shown, call.bench.temp_prefix(), "temp", plain=True)
    return Produced(values=(mask,), ui={"images": files, "animated": [False]})


async def _crop(call: Call) -> Produced:
    """Cut out a part, and show it."""
    box = {"x": 0, "y": 0, "width": 512, "height": 512, **call.inputs["crop_region"]}
    part = cut(call.inputs["image"], box["x"], box["y"], box["width"], box["height"], call.digest)
    files = await asyncio.to_thread(pictures, call.bench, part, call.bench.temp_prefix(), "temp", plain=True)
    return Produced(values=(part,), ui={"images": files, "animated": [False]})


async def _compare(call: Call) -> Produced:
    ui = {}
    for side in ("a", "b"):
        frames = call.inputs.get(f"image_{side}")
        prefix = f"comfy.compare.{side}{call.bench.temp_prefix().removeprefix('ComfyUI')}"
        ui[f"{side}_images"] = (
            [] if frames is None else await asyncio.to_thread(pictures, call.bench, frames, prefix, "temp")
        )
    return Produced(ui=ui)


async def _save_to_socket(call: Call) -> Produced:
    """Send the pictures themselves, and leave nothing behind."""
    frames: Frames = call.inputs["images"]

    def packed(number: int) -> bytes:
        buffer = BytesIO()
        frames[number].save(buffer, format="PNG")
        return buffer.getvalue()

    for number in range(frames.count):
        png = await asyncio.to_thread(packed, number)
        await call.bench.report(number, frames.count, png, png=True, sampling=False)
    return Produced(ui={})


async def _save_video(call: Call) -> Produced:
    video: Video = call.inputs["video"]
    codec = call.inputs.get("format.codec", call.inputs.get("codec", "auto"))
    crf = call.inputs.get("format.codec.encoding.crf", 23.0)
    format_key = call.inputs.get("format", "auto")
    if "format" not in call.inputs:
        raise TypeError("SaveVideo.execute() missing 1 required positional argument: 'format'")
    suffix = format_key if format_key in ("mp4", "webm") else "mp4"
    encoder = codec if codec in ("h264", "av1", "vp9") else ("vp9" if suffix == "webm" else "h264")
    ui = await asyncio.to_thread(_written, call, video, suffix, encoder, crf)
    return Produced(values=(video,), ui=ui)


def _written(call: Call, video: Video, suffix: str, codec: str, crf: float) -> Mapping[str, Any]:
    where = place(call.bench, call.inputs["filename_prefix"], "output", video.frames.size)
    name = f"{where.stem}_{where.counter:05}_.{suffix}"
    media.write_video(where.folder / name, video, metadata(call.bench), codec=codec, crf=crf)
    return {"images": [_named(where, name, "output")], "animated": [True]}


async def _save_webm(call: Call) -> Produced:
    inputs = call.inputs
    fps = Fraction(round(inputs["fps"] * 1000), 1000)
    video = Video(frames=inputs["images"], fps=fps, audio=None, digest=call.digest)
    ui = await asyncio.to_thread(_written, call, video, "webm", inputs["codec"], inputs["crf"])
    return Produced(values=(inputs["images"],), ui=ui)


async def _save_animation(call: Call) -> Produced:
    """An animated WebP or PNG; "animated" is told only of more than one picture."""
    frames: Frames = call.inputs["images"]
    write = _write_png if call.class_type == "SaveAnimatedPNG" else _write_webp
    file = await asyncio.to_thread(write, call, frames)
    ui: dict[str, Any] = {"images": [file]}
    if frames.count > 1:
        ui["animated"] = [True]
    return Produced(values=(frames,), ui=ui)


def _write_webp(call: Call, frames: Frames) -> Named:
    inputs = call.inputs
    where = place(call.bench, inputs["filename_prefix"], "output", frames.size)
    name = f"{where.stem}_{where.counter:05}_.webp"
    first, *rest = frames
    exif = first.getexif()
    # Real servers put the prompt where cameras put their model, and the other keys below it.
    for tag, (key, value) in zip(range(0x0110, 0, -1), metadata(call.bench).items(), strict=False):
        exif[tag] = f"{key}:{value}"
    first.save(
        where.folder / name,
        save_all=True,
        append_images=rest,
        duration=int(1000 / inputs["fps"]),
        lossless=inputs["lossless"],
        quality=inputs["quality"],
        method=_WEBP_METHODS[inputs["method"]],
        exif=exif,
    )
    return _named(where, name, "output")


def _write_png(call: Call, frames: Frames) -> Named:
    inputs = call.inputs
    where = place(call.bench, inputs["filename_prefix"], "output", frames.size)
    name = f"{where.stem}_{where.counter:05}_.png"
    chunks = PngInfo()
    for key, value in metadata(call.bench).items():
        chunks.add(
            b"comf",
            key.encode("latin-1", "replace") + b"\0" + value.encode("latin-1", "replace"),
            after_idat=True,
        )
    first, *rest = frames
    first.save(
        where.folder / name,
        save_all=True,
        append_images=rest,
        duration=int(1000 / inputs["fps"]),
        pnginfo=chunks,
        compress_level=inputs["compress_level"],
    )
    return _named(where, name, "output")


def _sound(call: Call) -> Audio:
    audio: Audio | None = call.inputs["audio"]
    if audio is None:
        raise ValueError(f"{call.class_type}: input audio is None (source video may have no audio track).")
    return audio


async def _save_audio(call: Call) -> Produced:
    audio = _sound(call)
    kind = _AUDIO_KINDS.get(call.class_type) or call.inputs["format"]
    quality = call.inputs.get("quality", call.inputs.get("format.quality", "128k"))
    if kind == "flac":
        quality = ""

    def write() -> Named:
        where = place(call.bench, call.inputs["filename_prefix"], "output")
        name = f"{where.stem}_{where.counter:05}.{kind}"
        (where.folder / name).write_bytes(media.audio_file(audio, kind, metadata(call.bench), quality))
        return _named(where, name, "output")

    return Produced(values=(audio,), ui={"audio": [await asyncio.to_thread(write)]})


_AUDIO_KINDS = {"SaveAudio": "flac", "SaveAudioMP3": "mp3", "SaveAudioOpus": "opus"}


async def _preview_audio(call: Call) -> Produced:
    audio = _sound(call)

    def write() -> Named:
        where = place(call.bench, call.bench.temp_prefix(), "temp")
        name = f"{where.stem}_{where.counter:05}.flac"
        (where.folder / name).write_bytes(media.audio_file(audio, "flac", metadata(call.bench), ""))
        return _named(where, name, "temp")

    return Produced(values=(audio,), ui={"audio": [await asyncio.to_thread(write)]})


async def _preview_any(call: Call) -> Produced:
    text = shown(call.inputs.get("source"))
    return Produced(values=(text,), ui={"text": [text]})


async def _save_text(call: Call) -> Produced:
    text, suffix = call.inputs["text"], call.inputs["format"]
    content = text
    if suffix == "json":
        try:
            content = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except ValueError:
            content = text
    file = await _put(call, f".{suffix}", content.encode(), numbered="_{:05}")
    return Produced(values=(text,), ui={"text": [text], "files": [file]})


async def _save_svg(call: Call) -> Produced:
    svg: File = call.inputs["svg"]
    known = {key: json.loads(value) for key, value in metadata(call.bench).items()}
    inside = f"<metadata><![CDATA[{json.dumps(known, indent=2)}]]></metadata>".encode()
    data = re.sub(rb"(<svg[^>]*>)", lambda match: match[1] + inside, svg.data, count=1)
    return Produced(values=(svg,), ui={"images": [await _put(call, ".svg", data)]})


async def _save_3d(call: Call) -> Produced:
    model: File = call.inputs.get("mesh") or call.inputs["model_3d"]
    extras = metadata(call.bench) if call.class_type == "SaveGLB" else {}
    data = models3d.with_extras(model.data, extras)
    file = await _put(call, f".{model.suffix}", data)
    passed = (model, None, None, call.inputs.get("width"), call.inputs.get("height"))
    return Produced(values=passed[: len(call.node.outputs)], ui={"3d": [file]})


async def _put(call: Call, suffix: str, data: bytes, *, numbered: str = "_{:05}_") -> Named:
    def write() -> Named:
        where = place(call.bench, call.inputs["filename_prefix"], "output")
        name = where.stem + numbered.format(where.counter) + suffix
        (where.folder / name).write_bytes(data)
        return _named(where, name, "output")

    return await asyncio.to_thread(write)


async def _preview_3d(call: Call) -> Produced:
    model = call.inputs.get("model_file") or call.inputs.get("model_3d")
    name = model
    if isinstance(model, File):
        name = f"preview3d_{uuid.uuid4().hex}.{model.suffix}"
        output = call.bench.folders.save_place("preview3d", "output").folder
        await asyncio.to_thread((output / name).write_bytes, model.data)
    passed = (model, None, None, call.inputs.get("width"), call.inputs.get("height"))
    return Produced(values=passed[: len(call.node.outputs)], ui={"result": [name, None, None]})


async def _save_latent(call: Call) -> Produced:
    data = json.dumps({"latent": call.inputs["samples"].digest, **metadata(call.bench)}).encode()
    return Produced(ui={"latents": [await _put(call, ".latent", data)]})


SAVING: Mapping[str, Job] = {
    "SaveImage": _save_images,
    "SaveImageAdvanced": _save_images_of_a_format,
    "PreviewImage": _preview_images,
    "MaskPreview": _preview_mask,
    "ImageCropV2": _crop,
    "ImageCompare": _compare,
    "SaveImageWebsocket": _save_to_socket,
    "SaveVideo": _save_video,
    "SaveWEBM": _save_webm,
    "SaveAnimatedWEBP": _save_animation,
    "SaveAnimatedPNG": _save_animation,
    "SaveAudio": _save_audio,
    "SaveAudioMP3": _save_audio,
    "SaveAudioOpus": _save_audio,
    "SaveAudioAdvanced": _save_audio,
    "PreviewAudio": _preview_audio,
    "PreviewAny": _preview_any,
    "SaveText": _save_text,
    "SaveSVGNode": _save_svg,
    "SaveGLB": _save_3d,
    "Save3DAdvanced": _save_3d,
    "Preview3D": _preview_3d,
    "Preview3DAdvanced": _preview_3d,
    "SaveLatent": _save_latent,
}
