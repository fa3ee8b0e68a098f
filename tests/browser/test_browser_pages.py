"""The other pages, and a connection that breaks."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chat_page import ChatPage, pictures
from tests.processes import Program, bot_program

pytestmark = pytest.mark.browser

TOKEN = "a-token-of-some-length"


async def test_the_page_says_that_the_connection_is_lost_and_comes_back(
    chat: ChatPage, served: Program
) -> None:
    """The text that is being written stays, a line sent meanwhile is kept, and the history is there again."""
    card = await chat.picture()
    await chat.text.fill("/imagine a grey owl")
    await served.stop()
    banner = chat.page.get_by_text("Connection lost, trying again")
    await expect(banner).to_be_visible()
    await chat.text.press("Enter")
    await expect(chat.notice).to_contain_text("Muralist does not answer")
    await expect(chat.text).to_have_value("/imagine a grey owl")
    await served.start()
    await expect(banner).to_be_hidden(timeout=20_000)
    await expect(chat.cards).to_have_count(1)
    await expect(pictures(card)).to_be_visible()


async def test_two_browsers_do_not_see_each_other(browser: Browser, chat: ChatPage, served: Program) -> None:
    """Each session is a room of its own; two pages of one session are the same room."""
    same = ChatPage(await chat.page.context.new_page())
    await same.open(served.url)
    context = await browser.new_context()
    other = ChatPage(await context.new_page())
    await other.open(served.url)
    await chat.picture()
    await same.finished(same.cards.first)
    await expect(other.page.locator("#hint")).to_be_visible()
    await expect(other.cards).to_have_count(0)


async def test_the_api_is_described(chat: ChatPage) -> None:
    """Paths, the values of each workflow, and a request to copy."""
    await chat.page.get_by_role("link", name="API").click()
    page = chat.page
    await expect(page.locator("#docs")).to_have_attribute("data-ready", "true")
    await expect(page.locator("#curl")).to_contain_text('"workflow":"imagine"')
    await page.locator("summary").filter(has_text="/api/v1/generate").click()
    await expect(page.get_by_role("rowheader", name="Idempotency-Key")).to_be_visible()
    await expect(page.locator("#workflows")).to_contain_text("denoise")


async def test_a_browser_gives_the_token_once(browser: Browser, simulated: Program, tmp_path: Path) -> None:
    """A wrong one is told; with the right one the page opens, and stays open."""
    program = bot_program(tmp_path, simulated.url, WEB_TOKEN=TOKEN)
    await program.start()
    try:
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(program.url)
        await page.get_by_label("Token").fill("something else")
        await page.get_by_role("button", name="Open").click()
        await expect(page.get_by_role("alert")).to_contain_text("not the token")
        await page.get_by_label("Token").fill(TOKEN)
        await page.get_by_role("button", name="Open").click()
        chat = ChatPage(page)
        await chat.open(program.url)
        await chat.picture()
    finally:
        await program.stop()


async def test_the_page_fits_a_phone_in_the_dark(browser: Browser, served: Program) -> None:
    """Nothing sticks out to the side, and dark is dark."""
    context = await browser.new_context(
        viewport={"width": 390, "height": 800}, is_mobile=True, has_touch=True, color_scheme="dark"
    )
    chat = ChatPage(await context.new_page())
    await chat.open(served.url)
    await chat.picture("/imagine " + "a-very-long-word-without-any-space-" * 8)
    assert await chat.page.evaluate("document.documentElement.scrollWidth") == 390
    background = await chat.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(21, 19, 28)"
    assert chat.troubles == []


async def test_a_page_without_a_secure_context_sends_lines_too(browser: Browser, served: Program) -> None:
    """Over plain http from elsewhere browsers have no `crypto.randomUUID`."""
    context = await browser.new_context()
    await context.add_init_script("delete Crypto.prototype.randomUUID")
    chat = ChatPage(await context.new_page())
    await chat.open(served.url)
    assert await chat.page.evaluate("crypto.randomUUID === undefined")
    await chat.picture()
