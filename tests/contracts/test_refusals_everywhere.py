"""What can't be done is told in the same words on every platform, and nothing is queued."""

from __future__ import annotations

import io

import aiohttp
import pytest
from PIL import Image

from tests.asking import runs
from tests.contracts.chats import Chat, File
from tests.processes import Program

CHATS = ["discord", "telegram", "web"]
EVERYWHERE = [*CHATS, "terminal"]
SEEDS = "from 0 to 18446744073709551615"

LINES = {
    "/imagine a fox --seed abc": f"Seed must be a whole number {SEEDS}.",
    "/imagine a fox --seed -5": f"Seed must be a number {SEEDS}, not -5.",
    "/imagine a fox --seed 18446744073709551616": f"Seed must be a number {SEEDS}, not 18446744073709551616.",
    "/imagine a fox --width 0": "Width must be a number from 64 to 2048, not 0.",
    "/imagine a fox --width NaN": "Width must be a whole number from 64 to 2048.",
    "/imagine a fox --width 513": "Width can be 512 or 520, but not 513.",
    "/imagine a fox --width 20000 --height 20000": "Width must be a number from 64 to 2048, not 20000.",
    "/imagine a fox --steps 1000000000": "Steps must be a number from 1 to 100, not 1000000000.",
    "/imagine a fox --cfg 7,5": "CFG: write the number with a point: 7.5.",
    "/imagine a fox --count 999": "Count must be a number from 1 to 4, not 999.",
    "/imagine a fox --ar 100:1": "A picture can be at most 4:1 or 1:4, not 100:1.",
    "/imagine a fox --model sd_xl_bas": 'Model "sd_xl_bas" is not offered. There is: ',
    "/imagine a fox --sampler eulr": 'Sampler "eulr" is not offered. There is: for instance euler, ',
    "/imagine a fox --stpes 30": '/imagine has no option "stpes". Did you mean "steps"?',
    "/imagine a fox --private": '/imagine has no option "private". ',
    f"/imagine {'x' * 4001}": "Prompt has 4,001 characters; at most 4,000 are allowed. Shorten it.",
    "/imagin a fox": "There is no command /imagin. Did you mean /imagine?",
}

AT_THE_TERMINAL = ("/imagine a fox --seed abc", "/imagine a fox --ar 100:1", "/imagin a fox")

MISSING = {
    "/imagine": ("Write a prompt.", "Prompt\nWhat the picture shows"),
    "/img2img a fox": (
        "Picture is missing: attach one, or reply to one.",
        "Picture\nThe picture to start from",
    ),
}
"""What is told, or asked for where a question can be answered."""


def _jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, "JPEG")
    return buffer.getvalue()


def _frames(count: int) -> bytes:
    buffer = io.BytesIO()
    frames = [Image.new("L", (1, 1), number % 256) for number in range(count)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


FILES = {
    "fox.png": (
        b"%PDF-1.7\n%a fox\n" * 20,
        "That file is not a picture that can be read. Send a PNG, JPEG, WebP or GIF.",
    ),
    "cut.jpg": (_jpeg()[:-900], "That picture is damaged. Send it again, or save it anew first."),
    "long.gif": (_frames(501), "That animation has 501 frames: at most 500. Shorten it."),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("chat", EVERYWHERE, indirect=True)
async def test_refusals_are_the_same_sentences(
    chat: Chat, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Values, names and what is missing."""
    expected = LINES | {line: asked if chat.asks else told for line, (told, asked) in MISSING.items()}
    if chat.name == "terminal":  # a process for each line: some of them
        expected = {line: expected[line] for line in AT_THE_TERMINAL}
    said = {line: await chat.told(await chat.ask(line)) for line in expected}
    other = {line: told for line, told in said.items() if not told.startswith(expected[line])}
    assert other == {}
    assert await runs(http, simulated.url) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("chat", EVERYWHERE, indirect=True)
async def test_files_that_are_no_pictures(
    chat: Chat, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Each with what is wrong with it; afterwards a good one is taken."""
    said = {}
    for name, (data, _) in FILES.items():
        kind = "image/gif" if name.endswith("gif") else "image/png"
        said[name] = await chat.told(
            await chat.ask("/img2img a fox --steps 4", files=[File(name=name, data=data, kind=kind)])
        )
    assert said == {name: sentence for name, (_, sentence) in FILES.items()}
    assert await runs(http, simulated.url) == []
