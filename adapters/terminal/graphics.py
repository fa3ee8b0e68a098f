"""Pictures as what terminals draw: kitty's graphics protocol and sixel.

Sources: sw.kovidgoyal.net/kitty/graphics-protocol, vt100.net/docs/vt3xx-gp/chapter14.html. Pure.
"""

from __future__ import annotations

import re
import zlib
from base64 import standard_b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from bot.contract.card import Raster

IMAGE = 0x6D7572
"""The number of our picture in kitty's terminal: a new one with it replaces the old."""

_CHUNK = 4096
"""Most characters of one of kitty's commands."""


class Protocol(StrEnum):
    """How a terminal takes pictures."""

    KITTY = "kitty"
    SIXEL = "sixel"


@dataclass(frozen=True, kw_only=True, slots=True)
class Graphics:
    """What is known of a terminal that takes pictures. `cell_height` is a line's, in pixels, if it tells."""

    protocol: Protocol
    cell_height: int | None = None


def drawn(raster: Raster, protocol: Protocol, lines: int) -> bytes:
    """Draw a picture from the cursor on, over so many lines at most."""
    match protocol:
        case Protocol.KITTY:
            return _kitty(raster, lines)
        case Protocol.SIXEL:
            return _sixel(raster)
        case _ as never:
            assert_never(never)


def erased(protocol: Protocol) -> bytes:
    """Take our picture away, where clearing the lines does not."""
    return f"\x1b_Ga=d,d=I,i={IMAGE},q=2\x1b\\".encode() if protocol is Protocol.KITTY else b""


def _kitty(raster: Raster, lines: int) -> bytes:
    """Compressed RGB in chunks. `C=1` leaves the cursor where it is, `q=2` asks for no answer."""
    colours = [raster.palette[3 * number : 3 * number + 3] for number in range(256)]
    rgb = b"".join(map(colours.__getitem__, raster.pixels))
    data = standard_b64encode(zlib.compress(rgb))
    keys = f"a=T,f=24,o=z,s={raster.width},v={raster.height},i={IMAGE},p=1,r={lines},C=1,q=2,"
    chunks = [data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK)]
    return b"".join(
        f"\x1b_G{'' if number else keys}m={int(number < len(chunks) - 1)};".encode() + chunk + b"\x1b\\"
        for number, chunk in enumerate(chunks)
    )


def _sixel(raster: Raster) -> bytes:
    """Bands of six rows; in each, one pass for each colour that it has."""
    used = sorted(set(raster.pixels))
    registers = "".join(f"#{number};2;{_percent(raster, number)}" for number in used)
    bands = [_band(raster, top) for top in range(0, raster.height, 6)]
    head = f'\x1bP0;1;0q"1;1;{raster.width};{raster.height}{registers}'
    return head.encode() + b"-".join(bands) + b"\x1b\\"


def _percent(raster: Raster, number: int) -> str:
    return ";".join(str(round(value / 2.55)) for value in raster.palette[3 * number : 3 * number + 3])


def _band(raster: Raster, top: int) -> bytes:
    columns: dict[int, bytearray] = {}
    for row in range(min(6, raster.height - top)):
        begin = (top + row) * raster.width
        for column, colour in enumerate(raster.pixels[begin : begin + raster.width]):
            if colour not in columns:
                columns[colour] = bytearray(b"?" * raster.width)
            columns[colour][column] += 1 << row
    return b"$".join(b"#%d" % colour + _packed(sixels) for colour, sixels in sorted(columns.items()))


def _packed(sixels: bytes | bytearray) -> bytes:
    """Runs of four and more as a count."""
    return re.sub(rb"(.)\1{3,}", lambda run: b"!%d" % len(run[0]) + run[1], bytes(sixels).rstrip(b"?"))
