"""Masks, films and sounds: given to a command, seen in a result, and used again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Locator, expect

from tests.browser.axe import check
from tests.browser.chat_page import ChatPage, pictures
from tests.web.seeding import File, clip, picture, tune

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PICTURES = os.environ.get("MURALIST_TEST_PICTURES")
"""A folder to put pictures of the page into, for whoever wants to look at it."""


def _payload(file: File) -> FilePayload:
    return FilePayload(name=file.name, mimeType=file.media_type, buffer=file.data)


async def _choose(chat: ChatPage, label: str, file: File) -> None:
    async with chat.page.expect_file_chooser() as chooser:
        await chat.controls.get_by_role("button", name=label).click()
    await (await chooser.value).set_files(_payload(file))


async def _look(chat: ChatPage, name: str) -> None:
    if PICTURES is not None:
        await chat.page.screenshot(path=Path(PICTURES) / f"{name}.png")


def _slot(chat: ChatPage, name: str) -> Locator:
    return chat.controls.locator(f"[data-slot={name}]")


async def test_every_sort_of_file_has_its_place_and_its_way_back(chat: ChatPage) -> None:
    """Chosen, dropped, put into its place by its sort; what comes of it is replied to, and is in its place again."""
    await chat.text.fill("/media")
    await _choose(chat, "Where: choose a picture", picture())
    await _choose(chat, "Film: choose a video", clip())
    async with chat.page.expect_file_chooser() as chooser:
        await chat.page.get_by_role("button", name="Attach a file").click()
    await (await chooser.value).set_files(_payload(tune()))
    await expect(_slot(chat, "mask").get_by_role("img", name="picture-1.png")).to_be_visible()
    await expect(_slot(chat, "film").get_by_text("clip-1.webm")).to_be_visible()
    await expect(_slot(chat, "sound").get_by_text("tune-1.wav")).to_be_visible()
    await check(chat.page)
    await _look(chat, "slots")
    await chat.text.press("Enter")
    card = chat.cards.first
    await expect(card).to_have_attribute("data-state", "done")
    await expect(pictures(card)).to_have_count(1)
    await expect(card.locator("video")).to_have_count(1)
    await expect(card.locator("audio")).to_have_count(1)

    await card.get_by_title("Reply to this video").click()
    await expect(chat.reply).to_contain_text("Reply to this video: media-")
    await expect(chat.reply.get_by_role("img")).to_have_count(0)
    await chat.text.fill("/media")
    await expect(_slot(chat, "film").get_by_text(".mp4")).to_be_visible()
    await _look(chat, "replying")
    await chat.page.get_by_role("button", name="Do not reply").click()

    await card.get_by_title("Reply to this sound").click()
    await expect(chat.reply).to_contain_text("Reply to this sound: media-")
    await expect(_slot(chat, "sound").get_by_text(".flac")).to_be_visible()
    await expect(_slot(chat, "film").locator(".chip")).to_have_count(0)
    await _choose(chat, "Where: choose a picture", picture("red"))
    await _choose(chat, "Film: choose a video", clip())
    await chat.text.press("Enter")
    second = chat.cards.nth(1)
    await expect(second).to_have_attribute("data-state", "done")
    await expect(second.locator("audio")).to_have_count(1)
    await expect(chat.reply).to_be_hidden()
    await check(chat.page)
    await _look(chat, "result")
