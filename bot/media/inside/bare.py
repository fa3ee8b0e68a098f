"""Pictures without metadata: parts of the file are left out, the rest is copied byte by byte.

Colour profiles and orientation stay, since they are part of what shows.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, Final

from bot.errors import MediaRejected
from bot.media.inside.chunks import (
    PNG_MAGIC,
    Chunk,
    gif_blocks,
    jpeg_segments,
    png_chunks,
    riff_chunks,
)
from bot.media.inside.exif import only_orientation
from bot.media.inside.pixels import DAMAGED

_BLOCK: Final = 1 << 20

_PNG_PICTURE: Final = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"bKGD", b"acTL", b"fcTL", b"fdAT"}
_PNG_COLOURS: Final = {b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"sBIT", b"mDCV", b"cLLI"}
_SMALL: Final = 2**20

_WEBP_EXIF: Final = 0x08
_WEBP_SAID: Final = 0x0C
"""The flags of EXIF and XMP."""

_JPEG_KEPT: Final = {0xE0, 0xEE}
"""JFIF and Adobe's, which says how the colours are stored."""

_GIF_LOOPS: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def bare_png(source: Path, folder: Path) -> Path:
    """Copy a PNG for a decoder: no text that could unpack to gigabytes, colours and orientation kept."""
    target = folder / f"readable-{os.getpid()}"
    with source.open("rb") as file, target.open("wb") as out:
        write_png(file, out)
    return target


def write_png(file: BinaryIO, out: BinaryIO) -> None:
    """Copy the chunks that show."""
    out.write(PNG_MAGIC)
    for chunk in png_chunks(file):
        if chunk.kind in _PNG_PICTURE or (chunk.kind in _PNG_COLOURS and chunk.size <= _SMALL):
            _copy(file, out, chunk)
        elif chunk.kind == b"eXIf" and (turned := only_orientation(_body(file, chunk))):
            body = b"eXIf" + turned
            out.write(struct.pack(">I", len(turned)) + body + struct.pack(">I", zlib.crc32(body)))


def write_webp(file: BinaryIO, out: BinaryIO) -> None:
    """Copy the chunks that show; the header no longer promises the others."""
    out.write(b"RIFF\0\0\0\0WEBP")
    turned, extended, flags_at = b"", b"", 0
    for chunk in riff_chunks(file):
        if chunk.kind == b"EXIF":
            turned = turned or only_orientation(_body(file, chunk))
        elif chunk.kind != b"XMP ":
            if chunk.kind == b"VP8X":
                flags_at, extended = out.tell() + 8, _body(file, chunk)
            _copy(file, out, chunk)
    if turned and extended:
        out.write(b"EXIF" + struct.pack("<I", len(turned)) + turned + bytes(len(turned) % 2))
    size = out.tell() - 8
    out.seek(4)
    out.write(struct.pack("<I", size))
    if extended:
        out.seek(flags_at)
        out.write(bytes([extended[0] & ~_WEBP_SAID | (_WEBP_EXIF if turned else 0)]))


def write_jpeg(file: BinaryIO, out: BinaryIO) -> None:
    """Up to the end of the first picture: what cameras hang on behind it is left out too."""
    out.write(b"\xff\xd8")
    for segment in jpeg_segments(file):
        marker = segment.kind[0]
        if marker == 0xE1:
            body = _body(file, segment)
            turned = only_orientation(body) if body.startswith(b"Exif\0\0") else b""
            if turned:
                out.write(b"\xff\xe1" + struct.pack(">H", len(turned) + 8) + b"Exif\0\0" + turned)
        elif marker == 0xE2:
            if _body(file, segment).startswith(b"ICC_PROFILE\0"):
                _copy(file, out, segment)
        elif marker in _JPEG_KEPT or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            _copy(file, out, segment)


def write_gif(file: BinaryIO, out: BinaryIO) -> None:
    """Copy all but comments and what programs noted. Raises `MediaRejected`."""
    blocks = gif_blocks(file)
    first = next(blocks, None)
    if first is None:
        raise MediaRejected(DAMAGED)
    file.seek(0)
    out.write(file.read(first.start))
    for block in (first, *blocks):
        said = block.kind == b"!\xfe"
        if block.kind == b"!\xff":
            file.seek(block.body + 1)
            said = file.read(11) not in _GIF_LOOPS
        if not said:
            _copy(file, out, block)


def _body(file: BinaryIO, chunk: Chunk) -> bytes:
    """What a small part holds; nothing of a large one."""
    if chunk.size > _SMALL:
        return b""
    file.seek(chunk.body)
    return file.read(chunk.size)


def _copy(file: BinaryIO, out: BinaryIO, chunk: Chunk) -> None:
    file.seek(chunk.start)
    left = chunk.end - chunk.start
    while left > 0 and (block := file.read(min(_BLOCK, left))):
        out.write(block)
        left -= len(block)
