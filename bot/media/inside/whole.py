"""Tells by a container's own structure whether the end of the file is missing."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_TAIL = 1 << 17
_SEGMENT = b"\x18\x53\x80\x67"


def is_cut(source: Path, media_type: str) -> bool:
    """True if the file ends before its structure does; False too where its structure does not tell."""
    size = source.stat().st_size
    with source.open("rb") as file:
        match media_type:
            case "video/mp4" | "video/quicktime" | "audio/mp4":
                return _boxes_end(file, size) > size
            case "video/webm" | "video/x-matroska":
                return _segment_end(file) > size
            case "audio/wav":
                return _riff_end(file) > size
            case "audio/ogg":
                return _last_page_end(file, size) > size
            case _:
                return False


def _boxes_end(file: BinaryIO, size: int) -> int:
    """Where the last of an MP4's top boxes ends."""
    end = 0
    while end < size:
        file.seek(end)
        head = file.read(16)
        if len(head) < 8:
            return size + 1
        length = int(struct.unpack(">I", head[:4])[0])
        if length == 1 and len(head) == 16:
            length = int(struct.unpack(">Q", head[8:])[0])
        elif length == 0:  # up to the end of the file
            return size
        if length < 8:
            return size + 1
        end += length
    return end


def _segment_end(file: BinaryIO) -> int:
    """Where a Matroska file's segment ends; 0 if that is left open, as recorders do."""
    head = file.read(4)
    length = _varint(file)
    if head != b"\x1a\x45\xdf\xa3" or length is None or length > _TAIL:
        return 0
    file.seek(length, 1)
    if file.read(4) != _SEGMENT or (length := _varint(file)) is None:
        return 0
    return file.tell() + length


def _varint(file: BinaryIO) -> int | None:
    """A Matroska number of 1 to 8 bytes; None if it stands for an unknown one."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & (0x7F >> more)]) + file.read(more), "big")
    return None if value == (1 << 7 * (more + 1)) - 1 else value


def _riff_end(file: BinaryIO) -> int:
    """Where a RIFF file ends by its header; 0 if that was never filled in."""
    head = file.read(8)
    length = int.from_bytes(head[4:8], "little")
    return 0 if length in (0, 0xFFFFFFFF) else 8 + length


def _last_page_end(file: BinaryIO, size: int) -> int:
    """Where the last Ogg page ends."""
    start = max(0, size - _TAIL)
    file.seek(start)
    tail = file.read(_TAIL)
    page = tail.rfind(b"OggS")
    if page < 0 or page + 27 > len(tail):
        return size + 1
    table = tail[page + 27 : page + 27 + tail[page + 26]]
    if len(table) < tail[page + 26]:
        return size + 1
    return start + page + 27 + len(table) + sum(table)
