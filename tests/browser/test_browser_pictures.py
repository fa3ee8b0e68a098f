"""Pictures: asked for, changed, and what their buttons do."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.chat_page import ChatPage, button, pictures

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SLOW = "/imagine a red fox --steps 100"


async def test_a_line_becomes_progress_and_then_a_picture(chat: ChatPage) -> None:
    """The bar and a preview are there while it runs, and gone when the picture is."""
    card = await chat.imagine(SLOW)
    bar = card.get_by_role("progressbar")
    await expect(bar).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d?$"))
    await expect(card).to_have_attribute("data-state", "running")
    await expect(card.locator(".preview img")).to_be_visible()
    await chat.finished(card)
    await expect(bar).to_have_count(0)
    assert await pictures(card).get_attribute("alt") == "a red fox"
    await expect(chat.text).to_have_value("")


async def test_the_tabs_name_tells_how_far_it_is(chat: ChatPage) -> None:
    """Whoever looked at another tab meanwhile sees there that it is done."""
    await expect(chat.page).to_have_title("Muralist")
    card = await chat.imagine(SLOW)
    await expect(chat.page).to_have_title(re.compile(r"^[1-9]\d?% Muralist$"))
    await chat.page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    await expect(chat.page).to_have_title("Done: Muralist")
    await chat.page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    await expect(chat.page).to_have_title("Muralist")
    await chat.finished(card)


async def test_a_progress_update_keeps_the_card_and_its_buttons(chat: ChatPage) -> None:
    """Cards change in place: a button that has the focus keeps it through every step."""
    card = await chat.imagine(SLOW)
    await button(card, "Cancel").focus()
    await expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile("^[5-9]."))
    await expect(button(card, "Cancel")).to_be_focused()


async def test_a_spoiler_is_hidden_until_it_is_clicked(chat: ChatPage) -> None:
    """The click that shows it opens nothing."""
    card = await chat.picture("/imagine --spoiler a red fox")
    await expect(card.locator("strong")).to_have_text("a red fox")
    await expect(pictures(card)).to_have_css("filter", "blur(40px)")
    await pictures(card).click()
    await expect(pictures(card)).to_have_css("filter", "none")
    await expect(chat.page.get_by_role("dialog")).to_have_count(0)


async def test_a_reply_with_a_command_makes_a_picture_from_that_picture(chat: ChatPage) -> None:
    """The Reply button sets what is replied to; once sent, the next line is no reply any more."""
    first = await chat.picture()
    await first.get_by_role("button", name="Reply").click()
    await expect(chat.reply).to_be_visible()
    await expect(chat.text).to_be_focused()
    second = await chat.picture("/img2img the same at night")
    await expect(second.locator(".card-title")).to_have_text("/img2img")
    await expect(chat.reply).to_be_hidden()
    assert await pictures(first).get_attribute("src") != await pictures(second).get_attribute("src")


async def test_a_reply_can_be_taken_back(chat: ChatPage) -> None:
    """Plain words that reply to nothing are then told to begin with a command."""
    card = await chat.picture()
    await card.get_by_role("button", name="Reply").click()
    await chat.page.get_by_role("button", name="Do not reply").click()
    await expect(chat.reply).to_be_hidden()
    await chat.say("now in summer")
    await expect(chat.notice).to_contain_text("/imagine")


async def test_use_as_input_prepares_the_edit(chat: ChatPage) -> None:
    """The command stands in the composer, the picture above it; only the words are missing."""
    first = await chat.picture()
    await button(first, "Edit").click()
    await expect(chat.text).to_have_value("/edit ")
    await expect(chat.text).to_be_focused()
    await expect(chat.reply).to_be_visible()
    await chat.text.press_sequentially("in autumn")
    await chat.text.press("Enter")
    await expect(chat.cards).to_have_count(2)
    await chat.finished(chat.cards.nth(1))


async def test_info_is_a_note_that_can_be_dismissed(chat: ChatPage) -> None:
    """All values are told, to this page alone: a reload forgets them."""
    card = await chat.picture("/imagine a red fox seed=7 --width 64 --height 64 --steps 4")
    await button(card, "Info").click()
    await expect(chat.notes).to_contain_text("seed: 7")
    await chat.notes.get_by_role("button", name="Dismiss").click()
    await expect(chat.notes).to_have_count(0)
    await expect(card).to_be_visible()


async def test_delete_takes_the_card_away(chat: ChatPage) -> None:
    """Asked for twice: leaving the button is a no. It is still gone after a reload; the hint is back."""
    card = await chat.picture()
    await button(card, "Delete").click()
    sure = button(card, "Sure? Press again")
    await expect(sure).to_be_focused()
    await chat.text.click()
    await expect(sure).to_have_count(0)
    await button(card, "Delete").click()
    await sure.press("Escape")
    await expect(sure).to_have_count(0)
    await button(card, "Delete").click()
    await sure.click()
    await expect(chat.cards).to_have_count(0)
    await chat.page.reload()
    await expect(chat.page.locator("#hint")).to_be_visible()
    await expect(chat.cards).to_have_count(0)


async def test_several_pictures_have_a_reply_button_each(chat: ChatPage) -> None:
    """The second picture's button replies to the second picture."""
    card = await chat.imagine("/imagine a red fox --count 2")
    await expect(card).to_have_attribute("data-state", "done")
    await expect(pictures(card)).to_have_count(2)
    assert await pictures(card).nth(1).get_attribute("alt") == "a red fox (2 of 2)"
    await card.get_by_role("button", name="Reply").nth(1).click()
    second = await pictures(card).nth(1).get_attribute("src")
    await expect(chat.reply.get_by_role("img")).to_have_attribute("src", second or "")
