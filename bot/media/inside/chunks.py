"""Walks through the chunks of PNG and RIFF files, the segments of JPEG and the blocks of GIF.

Nothing is decoded or held in memory: a walk tells where each part lies. Walks end silently where a file
does; who needs the rest notices.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """`size` bytes of body from `body`; the whole part with its head and tail is `start` to `end`."""

    kind: bytes
    start: int
    body: int
    size: int
    end: int


def png_chunks(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks after the magic, up to IEND."""
    start = len(PNG_MAGIC)
    while len(head := _at(file, start, 8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        yield Chunk(kind=kind, start=start, body=start + 8, size=size, end=start + 12 + size)
        if kind == b"IEND":
            return
        start += 12 + size


def riff_chunks(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks of a RIFF file (WebP, WAV) as far as its own size says."""
    head = _at(file, 0, 12)
    if len(head) < 12:
        return
    start, stop = 12, 8 + int(struct.unpack("<I", head[4:8])[0])
    while start < stop and len(head := _at(file, start, 8)) == 8:
        kind, size = struct.unpack("<4sI", head)
        end = start + 8 + size + size % 2
        yield Chunk(kind=kind, start=start, body=start + 8, size=size, end=end)
        start = end


STANDALONE = {0x01, *range(0xD0, 0xD9)}


def jpeg_segments(file: BinaryIO) -> Iterator[Chunk]:
    """The segments of the first picture up to and with EOI; a scan's coded data belongs to its SOS."""
    start = 2
    while len(head := _at(file, start, 4)) >= 2 and head[0] == 0xFF:
        marker = head[1]
        if marker == 0xFF:  # filling
            start += 1
            continue
        body, size = start + 2, 0
        if marker not in STANDALONE and marker != 0xD9:
            if len(head) < 4:
                return
            size = int(struct.unpack(">H", head[2:])[0])
        end = _after_scan(file, body + size) if marker == 0xDA else body + size
        yield Chunk(kind=bytes([marker]), start=start, body=body + 2, size=max(size - 2, 0), end=end)
        if marker == 0xD9:
            return
        start = end


def _after_scan(file: BinaryIO, start: int) -> int:
    """Where coded data ends: at a marker that is neither a stuffed FF nor a restart."""
    file.seek(start)
    kept = b""
    while block := file.read(1 << 16):
        data = kept + block
        at = data.find(b"\xff")
        while 0 <= at < len(data) - 1:
            if data[at + 1] not in (0x00, 0xFF) and not 0xD0 <= data[at + 1] <= 0xD7:
                return start + at
            at = data.find(b"\xff", at + 1)
        kept = data[-1:] if data.endswith(b"\xff") else b""
        start += len(data) - len(kept)
    return start + len(kept)


def gif_blocks(file: BinaryIO) -> Iterator[Chunk]:
    """The blocks of a GIF: `,` a frame, `!` + label an extension, `;` the end. Bodies follow the head."""
    head = _at(file, 0, 13)
    if len(head) < 13:
        return
    start = 13 + _table(head[10])
    while introducer := _at(file, start, 1):
        if introducer == b",":
            descriptor = _at(file, start, 10)
            if len(descriptor) < 10:
                return
            kind, body = b",", start + 11 + _table(descriptor[9])
        elif introducer == b"!":
            kind, body = _at(file, start, 2), start + 2
        else:
            kind, body = introducer, start + 1
        end = _after_blocks(file, body) if kind[:1] in b",!" else body
        if end is None:
            return
        yield Chunk(kind=kind, start=start, body=body, size=end - body, end=end)
        if kind[:1] not in (b",", b"!"):
            return
        start = end


def _table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


def _after_blocks(file: BinaryIO, start: int) -> int | None:
    """Where a chain of blocks ends, or None if the file ends first."""
    file.seek(start)
    while length := file.read(1):
        start += 1 + length[0]
        if length == b"\0":
            return start
        file.seek(length[0], 1)
    return None


def _at(file: BinaryIO, where: int, count: int) -> bytes:
    file.seek(where)
    return file.read(count)
