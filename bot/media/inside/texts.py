"""Reads what ComfyUI and A1111 write into the files they make, as the texts that stand there."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from bot.media.inside import clip, exif
from bot.media.inside.chunks import Chunk, jpeg_segments, png_chunks, riff_chunks
from bot.media.kinds import HEAD_BYTES, ending, media_type

LARGEST: Final = 16 * 2**20
"""Bytes of text that are still read, unpacked. Real graphs stay under one hundredth of it."""

_NAMES: Final = ("prompt", "workflow", "parameters")


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """`prompt` and `workflow` are JSON, `parameters` is A1111's way of writing; nothing for none."""

    prompt: str
    workflow: str
    parameters: str


def read_texts(source: Path, name: str) -> Texts:
    """The texts of a file that people know as `name`. Raises `MediaRejected` for a clip that can't be read."""
    with source.open("rb") as file:
        kind = media_type(name, file.read(HEAD_BYTES))
        found = _found(kind, ending(name), source, file)
    return Texts(**{one: found.get(one, "") for one in _NAMES})


def _found(kind: str, end: str, source: Path, file: BinaryIO) -> Mapping[str, str]:
    if kind in clip.FORMATS:
        return _tags(source)
    if end in (".latent", ".safetensors"):
        file.seek(0)
        return _strings(_json(file, int.from_bytes(file.read(8), "little")).get("__metadata__"))
    match kind:
        case "image/png":
            return _png(file)
        case "image/webp":
            return _exif(b"".join(_body(file, one) for one in riff_chunks(file) if one.kind == b"EXIF"))
        case "image/jpeg":
            return _jpeg(file)
        case "image/svg+xml":
            return _svg(file)
        case "model/gltf-binary":
            return _glb(file)
        case _:
            return {}


def _png(file: BinaryIO) -> Mapping[str, str]:
    """The text chunks, ComfyUI's own `comf` of animations, EXIF."""
    found: dict[str, str] = {}
    for chunk in png_chunks(file):
        if chunk.kind in (b"tEXt", b"zTXt", b"iTXt", b"comf"):
            name, _, text = _body(file, chunk).partition(b"\0")
            if (known := name.decode("latin-1").lower()) in _NAMES:
                found.setdefault(known, _unpacked(chunk.kind, text))
        elif chunk.kind == b"eXIf":
            found = {**_exif(_body(file, chunk)), **found}
    return found


def _unpacked(kind: bytes, text: bytes) -> str:
    """A chunk's text; nothing of one that unpacks to more than the limit."""
    packed, letters = kind == b"zTXt", "utf-8"
    if kind == b"zTXt":
        text = text[1:]
    elif kind == b"iTXt":
        packed, text = text[:1] == b"\1", text[2:].split(b"\0", 2)[-1]
    if packed:
        unpacker = zlib.decompressobj()
        try:
            text = unpacker.decompress(text, LARGEST)
        except zlib.error:
            return ""
        if unpacker.unconsumed_tail:
            return ""
    try:
        return text.decode(letters)
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _jpeg(file: BinaryIO) -> Mapping[str, str]:
    for segment in jpeg_segments(file):
        if segment.kind == b"\xe1" and (body := _body(file, segment)).startswith(b"Exif\0\0"):
            return _exif(body)
    return {}


def _exif(data: bytes) -> Mapping[str, str]:
    """ComfyUI writes `prompt:{...}` into whichever of the fields is free; A1111 a comment."""
    fields = exif.texts(data)
    found = {}
    for text in fields.values():
        name, colon, rest = text.partition(":")
        if colon and name.lower() in ("prompt", "workflow") and rest.lstrip().startswith("{"):
            found[name.lower()] = rest
    comment = fields.get("comment", "")
    return {**_nested(comment), **found} if comment.startswith("{") else {"parameters": comment, **found}


def _tags(source: Path) -> Mapping[str, str]:
    """Tags of the whole and of its streams; Matroska writes their names in capitals."""
    with clip.opened(source) as opened:
        streams = [one.metadata for one in (opened.audio, opened.video) if one is not None]
        found = {
            name.lower(): text
            for tags in (*streams, opened.container.metadata)
            for name, text in tags.items()
            if len(text) <= LARGEST
        }
    return {**_nested(found.get("comment", "")), **found}


def _svg(file: BinaryIO) -> Mapping[str, str]:
    file.seek(0)
    found = re.search(rb"<metadata>\s*<!\[CDATA\[(.*?)\]\]>", file.read(LARGEST), re.S)
    return _nested(found[1].decode("utf-8", "replace")) if found else {}


def _glb(file: BinaryIO) -> Mapping[str, str]:
    file.seek(12)
    size = int.from_bytes(file.read(4), "little")
    file.seek(20)
    asset = _json(file, size).get("asset")
    return _strings(asset.get("extras")) if isinstance(asset, dict) else {}


def _nested(text: str) -> Mapping[str, str]:
    """Both graphs in one JSON object, as text or as they are: comments of video nodes, drawings."""
    try:
        return _strings(json.loads(text))
    except (ValueError, RecursionError):
        return {}


def _strings(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        return {}
    return {
        name: text if isinstance(text, str) else json.dumps(text)
        for name, text in value.items()
        if name in _NAMES
    }


def _json(file: BinaryIO, size: int) -> dict[str, object]:
    if size > 4 * LARGEST:
        return {}
    try:
        value = json.loads(file.read(size))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _body(file: BinaryIO, chunk: Chunk) -> bytes:
    """What a part holds; nothing of one over the limit."""
    if chunk.size > LARGEST:
        return b""
    file.seek(chunk.body)
    return file.read(chunk.size)
