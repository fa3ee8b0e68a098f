"""The other pages, and a connection that breaks."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chat_page import ChatPage, button, pictures
from tests.browser.conftest import TOKEN, House, Visit
from tests.processes import Program
from tests.web.proxy import prefixing_proxy

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_the_page_says_that_the_connection_is_lost_and_comes_back(
    visit: Visit, own_bot: Program
) -> None:
    """The text that is being written stays, a line sent meanwhile is kept, and the history is there again."""
    chat = await visit(url=own_bot.url)
    card = await chat.picture()
    await chat.text.fill("/imagine a grey owl")
    await own_bot.stop()
    banner = chat.page.get_by_text("Connection lost, trying again")
    await expect(banner).to_be_visible()
    await chat.text.press("Enter")
    await expect(chat.notice).to_contain_text("Muralist does not answer")
    await expect(chat.text).to_have_value("/imagine a grey owl")
    await own_bot.start()
    await expect(banner).to_be_hidden()
    await expect(chat.cards).to_have_count(1)
    await expect(pictures(card)).to_be_visible()


async def test_two_tabs_are_one_room_and_two_browsers_are_not(chat: ChatPage, visit: Visit) -> None:
    """What happens in one tab is seen in the other while it happens, and nowhere else."""
    other = await visit()
    same = ChatPage(await chat.page.context.new_page())
    await same.open(chat.page.url)
    await chat.imagine("/imagine a red fox --steps 100")
    await expect(same.cards.first).to_have_attribute("data-state", "running")
    await button(same.cards.first, "Cancel").click()
    await expect(chat.cards.first).to_have_attribute("data-state", "cancelled")
    await button(chat.cards.first, "Delete").click()
    await button(chat.cards.first, "Sure? Press again").click()
    await expect(same.cards).to_have_count(0)
    await expect(other.page.locator("#hint")).to_be_visible()
    await expect(other.cards).to_have_count(0)


async def test_the_api_is_described(chat: ChatPage) -> None:
    """Paths, the values of each workflow, and a request to copy."""
    await (await chat.you()).get_by_role("link", name="API").click()
    page = chat.page
    await expect(page.locator("#docs")).to_have_attribute("data-ready", "true")
    await expect(page.locator("#curl")).to_contain_text('"workflow":"imagine"')
    await page.locator("summary").filter(has_text="/api/v1/generate").click()
    await expect(page.get_by_role("rowheader", name="Idempotency-Key")).to_be_visible()
    await expect(page.locator("#workflows")).to_contain_text("denoise")


async def test_a_browser_gives_the_token_once(browser: Browser, guarded: str) -> None:
    """A wrong one is told; with the right one the page opens, and stays open. The token makes nobody admin."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(guarded)
    await page.get_by_label("Token").fill("something else")
    await page.get_by_role("button", name="Open").click()
    await expect(page.get_by_role("alert")).to_contain_text("not the token")
    await page.get_by_label("Token").fill(TOKEN)
    await page.get_by_role("button", name="Open").click()
    chat = ChatPage(page)
    await chat.open(guarded)
    await chat.picture()
    dialog = await chat.you()
    known_as = await dialog.locator("#you-id").inner_text()
    await expect(dialog.get_by_role("link", name="Admin")).to_be_hidden()
    await page.goto(f"{guarded}/admin")
    await expect(page.get_by_role("alert")).to_contain_text(f"Your id is {known_as}.")
    await expect(page.locator("#sections")).to_be_hidden()
    await context.close()


async def test_it_works_below_a_path(browser: Browser, guarded: str) -> None:
    """Behind a proxy that strips a prefix: login, a picture while it is made, its bytes, the other pages."""
    async with prefixing_proxy(guarded) as url:
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(f"{url}/docs")
        await page.get_by_label("Token").fill(TOKEN)
        await page.get_by_role("button", name="Open").click()
        chat = ChatPage(page)
        await chat.open(f"{url}/")
        await chat.picture()
        await page.reload()
        await chat.finished(chat.cards.first)
        await (await chat.you()).get_by_role("link", name="API").click()
        await expect(page.locator("#docs")).to_have_attribute("data-ready", "true")
        await expect(page.locator("#curl")).to_contain_text(f"curl {url}/api/v1/generate")
        await page.get_by_role("link", name="Chat").click()
        await expect(chat.cards).to_have_count(1)
        await context.close()
        assert chat.troubles == []


async def test_a_page_without_a_secure_context_sends_lines_too(browser: Browser, house: House) -> None:
    """Over plain http from elsewhere browsers have no `crypto.randomUUID`."""
    context = await browser.new_context()
    await context.add_init_script("delete Crypto.prototype.randomUUID")
    chat = ChatPage(await context.new_page())
    await chat.open(house.url)
    assert await chat.page.evaluate("crypto.randomUUID === undefined")
    await chat.picture()
    await context.close()
