"""Takes metadata out of files: whole parts of them are left out, what shows is copied byte by byte."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from bot.errors import MediaRejected
from bot.media.inside import bare
from bot.media.inside.made import Written
from bot.media.inside.remux import MUXERS, remux
from bot.media.kinds import HEAD_BYTES, ending, media_type

DAMAGED: Final = "That file is damaged. Send it again, or save it anew first."
_BLOCK: Final = 1 << 20


def write_bare(source: Path, folder: Path, name: str) -> Written:
    """The same file without what is said about it, as `folder`/bare with the ending of `name`.

    Lossless: nothing is encoded again. Colour profiles and orientation stay, since they are part of what
    shows. A type that is not known to carry metadata is left as it is. Raises `MediaRejected`.
    """
    with source.open("rb") as file:
        kind = media_type(name, file.read(HEAD_BYTES))
    target = folder / f"bare{ending(name)}"
    if kind in MUXERS:
        remux(source, target)
    elif (writer := _writer(kind, ending(name))) is not None:
        with source.open("rb") as file, target.open("wb") as out:
            writer(file, out)
    else:
        return Written(name="", media_type=kind, width=0, height=0)
    return Written(name=target.name, media_type=kind, width=0, height=0)


def bare_bytes(data: bytes, name: str) -> bytes:
    """The same for a file in memory, of a type that takes no decoder. Raises `MediaRejected`."""
    writer = _writer(media_type(name, data[:HEAD_BYTES]), ending(name))
    if writer is None:
        return data
    out = BytesIO()
    writer(BytesIO(data), out)
    return out.getvalue()


def _writer(kind: str, end: str) -> Callable[[BinaryIO, BinaryIO], None] | None:
    if end in (".latent", ".safetensors"):
        return _bare_tensors
    return {
        "image/png": bare.write_png,
        "image/jpeg": bare.write_jpeg,
        "image/webp": bare.write_webp,
        "image/gif": bare.write_gif,
        "image/svg+xml": _bare_svg,
        "model/gltf-binary": _bare_glb,
    }.get(kind)


def _bare_svg(file: BinaryIO, out: BinaryIO) -> None:
    """The metadata element, which holds the graph, is cut out; the drawing stays as it was written."""
    text = file.read()
    while (found := re.search(rb"<metadata[\s>]", text)) and (
        end := text.find(b"</metadata>", found.start())
    ) >= 0:
        text = text[: found.start()] + text[end + len(b"</metadata>") :]
    out.write(text)


def _bare_tensors(file: BinaryIO, out: BinaryIO) -> None:
    """Safetensors: a length, a JSON header, the numbers, whose places count from the header's end."""
    size = int.from_bytes(file.read(8), "little")
    header = _json(file, size)
    header.pop("__metadata__", None)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    out.write(len(text).to_bytes(8, "little") + text)
    _copy_rest(file, out)


def _bare_glb(file: BinaryIO, out: BinaryIO) -> None:
    """Binary glTF: a head of 12 bytes, the JSON chunk, the rest."""
    head = file.read(20)
    if len(head) < 20 or head[16:] != b"JSON":
        raise MediaRejected(DAMAGED)
    size = int.from_bytes(head[12:16], "little")
    scene = _json(file, size)
    asset = scene.get("asset")
    if isinstance(asset, dict):
        asset.pop("extras", None)
    text = json.dumps(scene, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    whole = int.from_bytes(head[8:12], "little") - size + len(text)
    out.write(head[:8] + struct.pack("<II", whole, len(text)) + b"JSON" + text)
    _copy_rest(file, out)


_LARGEST_JSON: Final = 64 * 2**20


def _json(file: BinaryIO, size: int) -> dict[str, object]:
    if size > _LARGEST_JSON:
        raise MediaRejected(DAMAGED)
    try:
        value = json.loads(file.read(size))
    except (ValueError, RecursionError) as error:
        raise MediaRejected(DAMAGED) from error
    if not isinstance(value, dict):
        raise MediaRejected(DAMAGED)
    return value


def _copy_rest(file: BinaryIO, out: BinaryIO) -> None:
    while block := file.read(_BLOCK):
        out.write(block)
