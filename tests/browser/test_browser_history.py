"""A room with a history: older cards, a search, all pictures, and results of every kind."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.chat_page import ChatPage, pictures
from tests.browser.conftest import OLD_PICTURES, House, Visit
from tests.browser.hands import swipe

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALL = "--width 64 --height 64 --steps 4"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


async def test_older_cards_come_when_one_scrolls_up(house: House, visit: Visit) -> None:
    """What was read stays where it is."""
    chat = await visit(house.old)
    await expect(chat.cards).to_have_count(50)
    newest, first = chat.cards.last, chat.page.locator("[data-card]", has_text="old picture 10")
    await expect(newest).to_be_in_viewport()
    await chat.page.locator("#log").evaluate("log => log.scrollTo(0, 0)")
    await expect(chat.cards).to_have_count(OLD_PICTURES)
    await expect(chat.cards.first).to_contain_text("old picture 0")
    await expect(first).to_be_in_viewport()
    await expect(chat.page.get_by_role("button", name="Show older")).to_be_hidden()


async def test_jobs_are_found_by_words(house: House, visit: Visit) -> None:
    """Also those that were not loaded; Escape shows everything again."""
    chat = await visit(house.old)
    await chat.page.get_by_role("button", name="Search").click()
    words = chat.page.get_by_role("searchbox")
    await words.fill("Picture 3")
    await expect(chat.cards).to_have_count(15)
    await expect(chat.cards.first).to_contain_text("old picture 3")
    await words.fill("no such thing")
    await expect(chat.page.get_by_text("Nothing here has these words.")).to_be_visible()
    await words.press("Escape")
    await expect(chat.page.get_by_role("button", name="Search")).to_be_focused()
    await expect(chat.cards).to_have_count(50)


async def test_a_line_that_is_sent_ends_the_search(chat: ChatPage) -> None:
    """Its card would not be seen otherwise."""
    await chat.picture(f"/imagine a red fox {SMALL}")
    await chat.page.get_by_role("button", name="Search").click()
    await chat.page.get_by_role("searchbox").fill("owl")
    await expect(chat.cards).to_have_count(0)
    await chat.say(f"/imagine a horse {SMALL}")
    await expect(chat.cards.locator("strong")).to_have_text(["a red fox", "a horse"])
    await expect(chat.page.get_by_role("searchbox")).to_be_hidden()


async def test_all_pictures_are_seen_at_once(house: House, visit: Visit) -> None:
    """The newest first, older ones as one scrolls; each opens, and the arrows go on from there."""
    chat = await visit(house.old)
    toggle = chat.page.get_by_role("button", name="All pictures")
    await toggle.click()
    grid = chat.page.locator("#gallery-grid").get_by_role("img")
    await expect(grid.first).to_have_attribute("alt", f"old picture {OLD_PICTURES - 1}")
    await grid.nth(40).scroll_into_view_if_needed()
    await chat.page.locator("#gallery-older").evaluate("button => button.scrollIntoView()")
    await expect(grid).to_have_count(OLD_PICTURES)
    await grid.last.scroll_into_view_if_needed()
    await grid.last.click()
    dialog = chat.page.get_by_role("dialog", name="Picture")
    await expect(dialog.get_by_role("status")).to_have_text(f"{OLD_PICTURES} of {OLD_PICTURES}")
    await chat.page.keyboard.press("ArrowLeft")
    await expect(dialog.get_by_role("img")).to_have_attribute("alt", "old picture 1")
    await chat.page.keyboard.press("Escape")
    await toggle.click()
    await expect(chat.cards.last).to_be_in_viewport()


async def test_the_arrows_go_through_all_pictures_of_the_room(house: House, visit: Visit) -> None:
    """Past what was loaded, to the first; there they stay."""
    chat = await visit(house.old)
    await expect(chat.cards).to_have_count(50)
    await chat.cards.first.scroll_into_view_if_needed()
    await pictures(chat.page.locator("[data-card]", has_text="old picture 11")).click()
    dialog = chat.page.get_by_role("dialog", name="Picture")
    for number in range(10, -1, -1):
        await chat.page.keyboard.press("ArrowLeft")
        await expect(dialog.get_by_role("img")).to_have_attribute("alt", f"old picture {number}")
    await chat.page.keyboard.press("ArrowLeft")
    await expect(dialog.get_by_role("status")).to_have_text(f"1 of {OLD_PICTURES}")
    await dialog.get_by_role("button", name="Next picture").click()
    await expect(dialog.get_by_role("img")).to_have_attribute("alt", "old picture 1")
    await chat.page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_a_finger_swipes_to_the_next_picture(house: House, visit: Visit) -> None:
    """To the left for the next, to the right for the one before; a little is nothing."""
    chat = await visit(house.shelf, **PHONE)
    await pictures(chat.cards.last).first.click()
    dialog = chat.page.get_by_role("dialog", name="Picture")
    shown = dialog.get_by_role("img")
    await expect(shown).to_have_attribute("alt", "a model (2 of 4)")
    for start, end, alt in ((300, 100, "(3 of 4)"), (100, 110, "(3 of 4)"), (100, 300, "(2 of 4)")):
        await swipe(shown, start, end)
        await expect(shown).to_have_attribute("alt", f"a model {alt}")


async def test_a_film_plays_with_its_sound(house: House, visit: Visit) -> None:
    """In its place on the card, and a tune too; both can be kept."""
    chat = await visit(house.shelf)
    film = chat.cards.nth(0).locator("video")
    facts = await film.evaluate(
        """film => new Promise((told, fail) => {
            const tell = () =>
                told([film.videoWidth, film.controls, film.muted, film.playsInline, film.duration > 0.3]);
            film.onerror = () => fail(film.error.message);
            film.readyState > 0 ? tell() : (film.onloadedmetadata = tell);
        })"""
    )
    assert facts == [96, True, False, True, True]
    tune = chat.cards.nth(1).locator("audio")
    await tune.evaluate("tune => tune.play().then(() => new Promise(done => (tune.onended = done)))")
    for card, name in ((0, "clip-1.webm"), (1, "tune-1.wav")):
        link = chat.cards.nth(card).get_by_role("link", name=f"Download {name}")
        assert await link.get_attribute("download") == name


async def test_words_are_read_and_copied(house: House, visit: Visit) -> None:
    """Long ones are cut on the card, and whole as a file and in the copy."""
    chat = await visit(house.shelf)
    await chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for card, text in ((2, "a fox sits in the snow"), (3, "word " * 500 + "end")):
        await chat.cards.nth(card).get_by_role("button", name="Copy").click()
        await expect(chat.cards.nth(card).get_by_role("button", name="Copied")).to_be_visible()
        assert await chat.page.evaluate("navigator.clipboard.readText()") == text
    await expect(chat.cards.nth(2).locator(".made")).to_have_text("a fox sits in the snow")
    await expect(chat.cards.nth(3).locator(".made")).to_have_text(re.compile("word…$"))


async def test_other_files_are_kept_by_name(house: House, visit: Visit) -> None:
    """With their size; the pictures beside them make a gallery."""
    chat = await visit(house.shelf)
    card = chat.cards.nth(4)
    await expect(card.locator(".file")).to_contain_text(["model-1.glb1.2 MB", "drawing-1.svg6 bytes"])
    async with chat.page.expect_download() as download:
        await card.get_by_role("link", name="Download model-1.glb").click()
    assert (await download.value).suggested_filename == "model-1.glb"
    await expect(pictures(card)).to_have_count(2)
