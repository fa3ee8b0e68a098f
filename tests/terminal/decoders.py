"""What terminals make of pictures, decoded as their manuals say."""

from __future__ import annotations

import re
import zlib
from base64 import standard_b64decode

Pixels = list[list[tuple[int, int, int]]]


def kitty_commands(data: bytes) -> list[tuple[dict[str, str], bytes]]:
    """Each graphics command: its keys and its payload, of chunked ones joined."""
    found: list[tuple[dict[str, str], bytes]] = []
    more = False
    for keys, payload in re.findall(rb"\x1b_G([^;\x1b]*);?([^\x1b]*)\x1b\\", data):
        named = dict(pair.split("=", 1) for pair in keys.decode().split(",") if pair)
        if more:
            found[-1] = (found[-1][0], found[-1][1] + payload)
        else:
            found.append((named, payload))
        more = named.get("m") == "1"
    return found


def kitty_pixels(data: bytes) -> Pixels:
    """The first picture that is drawn."""
    keys, payload = next((k, p) for k, p in kitty_commands(data) if k.get("a") == "T")
    assert (keys["f"], keys["o"]) == ("24", "z")
    rgb = zlib.decompress(standard_b64decode(payload))
    width, height = int(keys["s"]), int(keys["v"])
    assert len(rgb) == 3 * width * height
    pixels = [(rgb[at], rgb[at + 1], rgb[at + 2]) for at in range(0, len(rgb), 3)]
    return [pixels[row * width : (row + 1) * width] for row in range(height)]


def sixel_pixels(data: bytes) -> Pixels:
    """The first picture that is drawn; colours to the percent that the format has."""
    body = data[data.index(b"\x1bP") + 2 :]
    body = body[body.index(b"q") + 1 : body.index(b"\x1b\\")]
    tokens = re.findall(rb'"[\d;]+|#[\d;]+|!\d+[?-~]|[?-~$\-]', body)
    assert b"".join(tokens) == body, "something that is no sixel"
    width, height = (int(number) for number in tokens[0][1:].split(b";")[2:])
    pixels: Pixels = [[(-1, -1, -1)] * width for _ in range(height)]
    palette: dict[int, tuple[int, int, int]] = {}
    colour, column, top = 0, 0, 0
    for token in tokens[1:]:
        match token[:1]:
            case b"#":
                numbers = [int(number) for number in token[1:].split(b";")]
                colour = numbers[0]
                if len(numbers) == 5:
                    assert numbers[1] == 2, "RGB"
                    palette[colour] = (numbers[2], numbers[3], numbers[4])
            case b"$":
                column = 0
            case b"-":
                column, top = 0, top + 6
            case _:
                count = int(token[1:-1]) if token.startswith(b"!") else 1
                bits = token[-1] - 63
                for row in (row for row in range(6) if bits >> row & 1):
                    pixels[top + row][column : column + count] = [palette[colour]] * count
                column += count
    return pixels
