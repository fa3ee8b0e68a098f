"""For everybody: checked by axe, on small phones, and with what the system asks for."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.axe import check
from tests.browser.chat_page import pictures
from tests.browser.conftest import House, Visit
from tests.browser.hands import Keys

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALL = "--width 64 --height 64 --steps 4"
TINY = {"viewport": {"width": 320, "height": 568}, "is_mobile": True, "has_touch": True}

ABOVE = """field => {
    const list = document.getElementById(field.getAttribute("aria-controls")).getBoundingClientRect();
    const gap = field.getBoundingClientRect().top - list.bottom;
    return list.height > 0 && gap > 2 && gap < 6;
}"""

STICKING_OUT = """() => [...document.querySelectorAll("body *")].filter(one => {
    const { left, right, width } = one.getBoundingClientRect();
    const scrolls = one.closest(".table, .suggestions, pre, .unseen");
    return width > 1 && !scrolls && (left < -1 || right > innerWidth + 1);
}).map(one => one.outerHTML.slice(0, 120))"""

SMALL_TARGETS = """() => [...document.querySelectorAll("button, a, input, select, textarea, summary")].filter(one => {
    const target = one.closest("label") ?? one;
    const { width, height } = target.getBoundingClientRect();
    return one.checkVisibility({ opacityProperty: false }) && one.type !== "checkbox" && !one.matches(".opens")
        && (width < 34 || height < 34 || Math.max(width, height) < 44);
}).map(one => one.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_on_the_chat(house: House, visit: Visit, scheme: str) -> None:
    """With cards of every kind, options open, suggestions, the dialogs, all pictures."""
    chat = await visit(house.shelf, color_scheme=scheme)
    await expect(chat.cards).to_have_count(5)
    await check(chat.page)
    await chat.text.fill("/img2img at night ")
    await chat.controls.locator("summary").click()
    await check(chat.page)
    await chat.option("Sampler").click()
    await check(chat.page)
    await chat.text.fill("/")
    await expect(chat.suggestions.first).to_be_visible()
    await check(chat.page)
    await chat.text.fill("")
    await pictures(chat.cards.last).first.click()
    await check(chat.page)
    await chat.page.keyboard.press("Escape")
    await chat.you()
    await check(chat.page)
    await chat.page.keyboard.press("Escape")
    await chat.page.get_by_role("button", name="Search").click()
    await chat.page.get_by_role("button", name="All pictures").click()
    await check(chat.page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_while_a_job_runs_or_failed(visit: Visit, scheme: str) -> None:
    """A first visitor's room too, and a notice."""
    chat = await visit(color_scheme=scheme)
    await expect(chat.page.locator("#hint")).to_be_visible()
    await check(chat.page)
    failed = await chat.imagine(f"/imagine simulate an error {SMALL}")
    await expect(failed).to_have_attribute("data-state", "failed")
    card = await chat.imagine("/imagine a red fox --steps 100")
    await expect(card).to_have_attribute("data-state", "running")
    await chat.say("/imagin a red fox")
    await expect(chat.notice).to_be_visible()
    await check(chat.page)
    await chat.page.goto(chat.page.url + "admin")
    await expect(
        chat.page.get_by_role("region", name="Recent errors").get_by_role("row").nth(1)
    ).to_be_visible()
    await check(chat.page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_serious_on_the_other_pages(
    browser: Browser, house: House, guarded: str, scheme: Literal["light", "dark"]
) -> None:
    """The login with what is wrong, the API's description with a part of it open."""
    context = await browser.new_context(color_scheme=scheme)
    page = await context.new_page()
    await page.goto(f"{guarded}/login?wrong=1")
    await expect(page.get_by_role("alert")).to_be_visible()
    await check(page)
    await page.goto(f"{house.url}/docs")
    await expect(page.locator("#docs")).to_have_attribute("data-ready", "true")
    await page.locator("summary").first.click()
    await check(page)
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_smallest_phone_shows_all_of_it(house: House, visit: Visit, scheme: str) -> None:
    """Nothing sticks out to the side at 320 pixels, and a thumb hits everything."""
    chat = await visit(house.shelf, color_scheme=scheme, **TINY)
    await expect(chat.cards).to_have_count(5)
    await _fits(chat.page)
    await chat.text.fill("/imagine a-very-long-word-without-any-space-" + "x" * 200)
    await chat.controls.locator("summary").click()
    await _fits(chat.page)
    await chat.option("Sampler").click()
    await _fits(chat.page)
    await chat.text.fill("words without a command")
    await _fits(chat.page)
    await chat.text.fill("")
    await pictures(chat.cards.last).first.click()
    await _fits(chat.page)
    await chat.page.keyboard.press("Escape")
    await chat.you()
    await _fits(chat.page)
    await chat.page.keyboard.press("Escape")
    await chat.page.get_by_role("button", name="All pictures").click()
    await chat.page.get_by_role("button", name="Search").click()
    await _fits(chat.page)
    for path in ("docs", "admin"):
        await chat.page.goto(f"{house.url}/{path}")
        await expect(chat.page.locator("#sections:not([hidden]), [data-ready]")).to_have_count(1)
        assert await chat.page.evaluate("document.documentElement.scrollWidth") == 320


async def test_the_line_stays_above_a_phones_keyboard(visit: Visit) -> None:
    """With its options open, in the little that is left; the newest card is still the one that is seen."""
    chat = await visit(**TINY)
    await chat.picture(f"/imagine a red fox {SMALL}")
    await chat.text.fill("/imagine a red fox ")
    await expect(chat.option("Width")).to_be_visible()
    await chat.page.set_viewport_size({"width": 320, "height": 300})
    await expect(chat.text).to_be_in_viewport(ratio=1)
    await expect(chat.page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
    await expect(chat.cards.first).to_be_in_viewport()


async def test_a_list_stays_with_its_field(visit: Visit) -> None:
    """When a phone's keyboard comes up, and when the options are scrolled."""
    chat = await visit(viewport={"width": 390, "height": 780}, is_mobile=True, has_touch=True)
    await chat.text.fill("/imagine a red fox")
    await chat.controls.locator("summary").tap()
    sampler = chat.option("Sampler")
    await sampler.tap()
    offered = chat.controls.get_by_role("listbox")
    await expect(offered).to_be_visible()
    before = await sampler.evaluate("field => field.getBoundingClientRect().top")
    await chat.page.set_viewport_size({"width": 390, "height": 500})
    assert await sampler.evaluate("field => field.getBoundingClientRect().top") < before - 100
    await chat.page.wait_for_function(ABOVE, arg=await sampler.element_handle())
    await chat.controls.evaluate("box => box.scrollBy(0, -30)")
    await chat.page.wait_for_function(ABOVE, arg=await sampler.element_handle())


async def test_nothing_moves_for_those_who_ask_for_that(visit: Visit) -> None:
    """Neither the dot nor the bar."""
    chat = await visit(reduced_motion="reduce")
    card = await chat.imagine("/imagine a red fox --steps 100")
    bar = card.get_by_role("progressbar").locator("div")
    await expect(bar).to_have_css("transition-property", "none")
    dot = await card.locator(".card-title").evaluate(
        "title => getComputedStyle(title, '::before').animationName"
    )
    assert dot == "none"


async def test_the_systems_own_colours_leave_nothing_unseen(visit: Visit) -> None:
    """Bar, state and focus are still there when backgrounds are not."""
    chat = await visit(forced_colors="active")
    card = await chat.imagine("/imagine a red fox --steps 100")
    bar = card.get_by_role("progressbar")
    await expect(bar).to_have_css("border-top-style", "solid")
    colours = "bar => [bar, bar.firstElementChild].map(one => getComputedStyle(one).backgroundColor)"
    back, filled = await bar.evaluate(colours)
    assert back != filled
    await Keys().press(chat.page.get_by_role("button", name="Search"))


async def _fits(page: Page) -> None:
    assert await page.evaluate(STICKING_OUT) == []
    assert await page.evaluate(SMALL_TARGETS) == []
