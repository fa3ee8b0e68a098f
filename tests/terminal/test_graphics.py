"""Pictures for terminals, and what is known of terminals."""

from __future__ import annotations

import random

import pytest

from adapters.terminal.ability import named, told
from adapters.terminal.graphics import IMAGE, Graphics, Protocol, drawn, erased
from bot.contract.card import Raster
from tests.terminal.decoders import kitty_commands, kitty_pixels, sixel_pixels

KITTY = b"\x1b_Gi=31;OK\x1b\\"


def raster(width: int, height: int, colours: int) -> Raster:
    """Noise with runs, in so many colours."""
    dice = random.Random(width * height)
    palette = bytes(dice.randrange(256) for _ in range(3 * 256))
    pixels = bytearray()
    while len(pixels) < width * height:
        pixels += bytes([dice.randrange(colours)]) * dice.randint(1, 9)
    return Raster(width=width, height=height, palette=palette, pixels=bytes(pixels[: width * height]))


def rgb(picture: Raster) -> list[list[tuple[int, int, int]]]:
    """Its pixels by rows."""
    palette = [
        (picture.palette[at], picture.palette[at + 1], picture.palette[at + 2]) for at in range(0, 768, 3)
    ]
    return [
        [palette[number] for number in picture.pixels[row * picture.width : (row + 1) * picture.width]]
        for row in range(picture.height)
    ]


SIZES = [(1, 1, 1), (7, 5, 3), (64, 64, 256), (320, 13, 40), (200, 180, 256)]


@pytest.mark.parametrize(("width", "height", "colours"), SIZES)
def test_kitty_gets_every_pixel(width: int, height: int, colours: int) -> None:
    """In one command, however many chunks it takes, none over 4096 characters."""
    picture = raster(width, height, colours)
    data = drawn(picture, Protocol.KITTY, 9)
    assert kitty_pixels(data) == rgb(picture)
    ((keys, _),) = kitty_commands(data)
    wanted = {"r": "9", "C": "1", "q": "2", "i": str(IMAGE), "p": "1"}
    assert wanted.items() <= keys.items()
    assert max(len(part) for part in data.split(b"\x1b\\")) < 4096 + 100


@pytest.mark.parametrize(("width", "height", "colours"), SIZES)
def test_sixel_terminals_get_every_pixel(width: int, height: int, colours: int) -> None:
    """In the percent that the format has; and runs are packed."""
    picture = raster(width, height, colours)
    percent = [
        [(round(r / 2.55), round(g / 2.55), round(b / 2.55)) for r, g, b in row] for row in rgb(picture)
    ]
    assert sixel_pixels(drawn(picture, Protocol.SIXEL, 9)) == percent
    plain = Raster(width=320, height=6, palette=bytes(768), pixels=bytes(320 * 6))
    assert b"!320~" in drawn(plain, Protocol.SIXEL, 9)


def test_a_picture_is_taken_away() -> None:
    """From kitty's memory; sixels go with the text."""
    assert kitty_commands(erased(Protocol.KITTY)) == [({"a": "d", "d": "I", "i": str(IMAGE), "q": "2"}, b"")]
    assert erased(Protocol.SIXEL) == b""


@pytest.mark.parametrize(
    ("answer", "graphics"),
    [
        (b"", None),
        (b"\x1b[?62;22c", None),
        (b"\x1b[?4c", None),  # a VT132: the first number is its kind
        (b"\x1b[?62;4;22c", Graphics(protocol=Protocol.SIXEL)),
        (b"\x1b[6;18;9t\x1b[?65;1;4c", Graphics(protocol=Protocol.SIXEL, cell_height=18)),
        (b"\x1b[6;0;0t\x1b[?62;4c", Graphics(protocol=Protocol.SIXEL)),
        (KITTY + b"\x1b[6;20;10t\x1b[?62;4c", Graphics(protocol=Protocol.KITTY, cell_height=20)),
        (b"\x1b_Gi=31;ENOTSUPPORTED:no\x1b\\\x1b[?62;c", None),
        (b"typed ahead" + KITTY + b"\x1b[?62;c", Graphics(protocol=Protocol.KITTY)),
    ],
)
def test_what_a_terminal_answers(answer: bytes, graphics: Graphics | None) -> None:
    """Kitty's own protocol comes before sixel: its pictures can be taken away."""
    assert told(answer) == graphics


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({}, None),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm-kitty"}, Protocol.KITTY),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, Protocol.KITTY),
        ({"TERM": "xterm-ghostty"}, Protocol.KITTY),
        ({"TERM": "foot-extra"}, Protocol.SIXEL),
        ({"TERM": "mlterm"}, Protocol.SIXEL),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1", "TMUX": "/tmp/tmux-1/default,1,0"}, None),
        ({"TERM": "screen", "KITTY_WINDOW_ID": "1", "STY": "1.pts"}, None),
    ],
)
def test_what_the_environment_says(environment: dict[str, str], protocol: Protocol | None) -> None:
    """Within tmux and screen it speaks of another terminal."""
    found = named(environment)
    assert (None if found is None else found.protocol) is protocol
