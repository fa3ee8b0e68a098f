"""Chromium, and the page of a bot that runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests.browser.chat_page import ChatPage
from tests.processes import Program

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # containers give it no namespaces of its own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


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


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser of the test's own."""
    path = chromium_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def chat(browser: Browser, served: Program) -> AsyncIterator[ChatPage]:
    """The chat page as a first visitor sees it; a script that fails or is blocked fails the test."""
    context = await browser.new_context()
    chat = ChatPage(await context.new_page())
    await chat.open(served.url)
    yield chat
    await context.close()
    assert chat.troubles == []
