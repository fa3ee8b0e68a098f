"""Counts the frames of GIF, WebP and APNG without decoding any."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from bot.media.inside.chunks import gif_blocks, png_chunks, riff_chunks


def count_frames(source: Path, media_type: str) -> int:
    """The frames of a picture file: 1 if it does not move. For APNG the larger of promised and there."""
    with source.open("rb") as file:
        match media_type:
            case "image/gif":
                return max(1, sum(block.kind == b"," for block in gif_blocks(file)))
            case "image/webp":
                return max(1, sum(chunk.kind == b"ANMF" for chunk in riff_chunks(file)))
            case "image/png":
                return _apng_frames(file)
            case _:
                return 1


def _apng_frames(file: BinaryIO) -> int:
    promised, there = 1, 0
    for chunk in png_chunks(file):
        if chunk.kind == b"acTL" and chunk.size >= 8:
            file.seek(chunk.body)
            promised = struct.unpack(">I", file.read(4).rjust(4, b"\0"))[0]
        there += chunk.kind == b"fcTL"
    return max(1, promised, there)


def webp_size(source: Path) -> tuple[int, int]:
    """Width and height that a WebP's header gives: its decoder takes the memory as it opens a file."""
    with source.open("rb") as file:
        file.seek(12)
        head = file.read(18)
    kind, body = head[:4], head[8:]
    if kind == b"VP8X" and len(body) >= 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(body) >= 10:
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0
