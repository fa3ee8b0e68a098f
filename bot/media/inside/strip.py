"""Takes metadata out of files: whole parts of them are left out, what shows is copied byte by byte."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from bot.media.inside.chunks import PNG_MAGIC, png_chunks

_BLOCK = 1 << 20

_PNG_PICTURE = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT"}
_PNG_COLOURS = {b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"sBIT"}
_SMALL = 2**20


def bare_png(source: Path, target: Path) -> Path:
    """Copy a PNG for a decoder: no text that could unpack to gigabytes, colours and orientation kept."""
    with source.open("rb") as file, target.open("wb") as out:
        out.write(PNG_MAGIC)
        for chunk in png_chunks(file):
            small = chunk.kind in (_PNG_COLOURS | {b"eXIf"}) and chunk.size <= _SMALL
            if chunk.kind in _PNG_PICTURE or small:
                copy(file, out, chunk.start, chunk.end)
    return target


def copy(file: BinaryIO, out: BinaryIO, start: int, end: int) -> None:
    """The bytes from `start` to `end`, as far as there are any."""
    file.seek(start)
    while start < end and (block := file.read(min(_BLOCK, end - start))):
        out.write(block)
        start += len(block)
