"""Chromium, and a bot that runs for all tests: every visitor has a room of their own."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.chat_page import PATIENCE_MS, ChatPage
from tests.processes import Program, bot_program, simulator_program
from tests.web.seeding import File, Guest, clip, fill_room, new_guest, picture, tune

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # containers give it no namespaces of its own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
]
OLD_PICTURES = 60
TOKEN = "a-token-of-some-length"

expect.set_options(timeout=PATIENCE_MS)

# Two pictures in, the same two out: to see which went where.
COPY_GRAPH = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
    "2": {"class_type": "LoadImage", "inputs": {"image": "b.png"}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "one"}},
    "4": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "two"}},
}
COPY = """
title = "Copy"
description = "Two pictures, as they are"
roles = []
[parameters.first]
type = "image"
to = ["1.image"]
title = "First"
required = true
[parameters.second]
type = "image"
to = ["2.image"]
title = "Second"
required = true
"""

# A mask, a video and a sound in, the same out.
MEDIA_GRAPH = {
    "1": {"class_type": "LoadImageMask", "inputs": {"image": "a.png", "channel": "red"}},
    "2": {"class_type": "MaskToImage", "inputs": {"mask": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "mask"}},
    "4": {"class_type": "LoadVideo", "inputs": {"file": "a.mp4"}},
    "5": {
        "class_type": "SaveVideo",
        "inputs": {"video": ["4", 0], "filename_prefix": "film", "format": "mp4", "codec": "h264"},
    },
    "6": {"class_type": "LoadAudio", "inputs": {"audio": "a.wav"}},
    "7": {"class_type": "SaveAudio", "inputs": {"audio": ["6", 0], "filename_prefix": "sound"}},
}
MEDIA = """
title = "Media"
description = "A mask, a film and a sound, as they are"
roles = []
[parameters.mask]
type = "mask"
to = ["1.image"]
title = "Where"
required = true
[parameters.film]
type = "video"
to = ["4.file"]
title = "Film"
required = true
[parameters.sound]
type = "audio"
to = ["6.audio"]
title = "Sound"
required = true
"""

Visit = Callable[..., Awaitable[ChatPage]]


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """A bot and its simulated ComfyUI. `old` has a long history, `shelf` results of every kind."""

    url: str
    comfyui: str
    folder: Path
    old: Guest
    shelf: Guest


def chromium_path() -> str:
    """Where Chromium is. Without one the test is skipped; in CI it fails, or nobody would notice."""
    for name in NAMES:
        found = shutil.which(name)
        if found is not None:
            return found
    sentence = "There is no Chromium here. Get it with: apt-get install chromium"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser; tests take contexts of it, which share nothing."""
    path = chromium_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The bot for all tests that stop nothing."""
    folder = tmp_path_factory.mktemp("house")
    old, shelf = new_guest(), new_guest()
    await fill_room(folder, old, [(f"old picture {n}", [picture()]) for n in range(OLD_PICTURES)])
    await fill_room(folder, shelf, results())
    for name, graph, text in (("copy", COPY_GRAPH, COPY), ("media", MEDIA_GRAPH, MEDIA)):
        own = folder / "data" / "workflows" / name
        own.mkdir(parents=True)
        (own / "graph.json").write_text(json.dumps(graph))
        (own / "workflow.toml").write_text(text)
    comfyui = simulator_program(folder, "--step-seconds", "0.02")
    await comfyui.start()
    bot = bot_program(folder, comfyui.url)
    await bot.start()
    yield House(url=bot.url, comfyui=comfyui.url, folder=folder, old=old, shelf=shelf)
    await bot.stop()
    await comfyui.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, house: House) -> AsyncIterator[Visit]:
    """Opens the page as a new visitor, or as a guest; a script that fails or is blocked fails the test."""
    pages: list[ChatPage] = []

    async def visit(guest: Guest | None = None, url: str = house.url, **options: Any) -> ChatPage:
        context = await browser.new_context(**options)
        if guest is not None:
            await context.add_cookies([{"name": "muralist_session", "value": guest.cookie, "url": url}])
        chat = ChatPage(await context.new_page())
        pages.append(chat)
        await chat.open(url)
        return chat

    yield visit
    for chat in pages:
        await chat.page.context.close()
        assert chat.troubles == []


@pytest_asyncio.fixture(loop_scope="session")
async def chat(visit: Visit) -> ChatPage:
    """The chat page as a first visitor sees it."""
    return await visit()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def guarded(tmp_path_factory: pytest.TempPathFactory, house: House) -> AsyncIterator[str]:
    """The address of a bot that asks for `TOKEN`."""
    program = bot_program(tmp_path_factory.mktemp("guarded"), house.comfyui, WEB_TOKEN=TOKEN)
    await program.start()
    yield program.url
    await program.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def own_bot(tmp_path: Path, house: House) -> AsyncIterator[Program]:
    """A bot that a test may stop."""
    program = bot_program(tmp_path, house.comfyui)
    await program.start()
    yield program
    await program.stop()


def results() -> list[tuple[str, list[File]]]:
    """Jobs with results of every kind."""
    words = File(name="words-1.txt", media_type="text/plain", data=b"a fox sits in the snow")
    essay = File(name="essay-1.txt", media_type="text/plain", data=b"word " * 500 + b"end")
    model = File(name="model-1.glb", media_type="model/gltf-binary", data=bytes(1234567))
    drawing = File(name="drawing-1.svg", media_type="image/svg+xml", data=b"<svg/>")
    return [
        ("a film", [clip()]),
        ("a tune", [tune()]),
        ("what is seen", [words]),
        ("an essay", [essay]),
        ("a model", [model, picture("red"), picture("blue"), drawing]),
    ]
