"""Names, colours, and the page for admins."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, expect

from tests.browser.axe import check
from tests.browser.chat_page import ChatPage, button
from tests.browser.conftest import House, Visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LIGHT, DARK = "rgb(246, 245, 248)", "rgb(21, 19, 28)"


async def test_a_person_chooses_a_name(chat: ChatPage) -> None:
    """It is seen at once, and after a reload; a name that is none gives the first one back."""
    shown = chat.page.locator("#you-shown")
    await expect(shown).to_have_text(re.compile("^Guest [0-9a-f]{4}$"))
    guest = await shown.inner_text()
    for name, expected in (("Ann Lee", "Ann Lee"), ("   ", guest)):
        dialog = await chat.you()
        await dialog.get_by_label("Name").fill(name)
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_have_count(0)
        await expect(shown).to_have_text(expected)
        await chat.page.reload()
        await expect(shown).to_have_text(expected)


async def test_colours_are_the_systems_until_one_chooses(visit: Visit) -> None:
    """The choice is remembered, and holds on the other pages too."""
    chat = await visit(color_scheme="dark")
    body = chat.page.locator("body")
    await expect(body).to_have_css("background-color", DARK)
    dialog = await chat.you()
    await dialog.get_by_label("Light").check()
    await expect(body).to_have_css("background-color", LIGHT)
    for path in ("", "docs", "admin"):
        await chat.page.goto(chat.page.url.rsplit("/", 1)[0] + "/" + path)
        await expect(body).to_have_css("background-color", LIGHT)
    await chat.page.goto(chat.page.url.rsplit("/", 1)[0] + "/")
    dialog = await chat.you()
    await expect(dialog.get_by_label("Light")).to_be_checked()
    await dialog.get_by_label("As the system").check()
    await expect(body).to_have_css("background-color", DARK)


async def test_an_admin_sees_a_job_and_ends_it(chat: ChatPage, house: House) -> None:
    """Who, what, where, how far; the cancel asks twice, and the person's card says what happened."""
    dialog = await chat.you()
    await dialog.get_by_label("Name").fill("Ann")
    await dialog.get_by_role("button", name="Save").click()
    admin = await chat.page.context.new_page()
    await admin.goto(chat.page.url)
    await admin.locator("#you-button").click()
    await admin.get_by_role("link", name="Admin").click()
    await expect(admin.get_by_text("Nothing runs.")).to_be_visible()
    servers = admin.get_by_role("row", name=house.comfyui.removeprefix("http://"))
    await expect(servers).to_contain_text("answers0.33.0")
    await expect(servers).to_contain_text("GB free")
    slow = await chat.imagine("/imagine a red fox --steps 100 --count 4")
    card = await chat.imagine("/imagine a grey owl --steps 100 --count 4")
    row = admin.get_by_role("row", name="/imagine a grey owl")
    await expect(row).to_contain_text("Ann (web)")
    running = admin.get_by_role("region", name="Running").get_by_role("progressbar").first
    await expect(running).to_have_attribute("aria-valuenow", re.compile("[1-9]"))
    await row.get_by_role("button", name="Cancel").click()
    await row.get_by_role("button", name="Sure? Press again").click()
    await expect(card).to_have_attribute("data-state", "cancelled")
    await expect(button(card, "Again")).to_be_visible()
    await expect(slow).to_have_attribute("data-state", "done")
    await expect(admin.get_by_text("Nothing runs.")).to_be_visible()
    person = admin.get_by_role("region", name="People").get_by_role("row", name="Ann (web)")
    await expect(person).to_contain_text("Ann (web)001")


async def test_an_admin_sees_what_failed(chat: ChatPage) -> None:
    """The sentence that the person read."""
    card = await chat.imagine("/imagine simulate out of memory --width 64 --height 64")
    await expect(card).to_have_attribute("data-state", "failed")
    await chat.page.goto(chat.page.url + "admin")
    failures = chat.page.get_by_role("region", name="Recent errors")
    await expect(failures.get_by_role("row").nth(1)).to_contain_text("memory")


async def test_an_admin_runs_the_queue_by_keyboard(chat: ChatPage, house: House) -> None:
    """Pause, to the front, drain and restore, clear, resume: each says what it did, and is in the list of changes."""
    admin = await chat.page.context.new_page()
    await admin.goto(chat.page.url + "admin")
    server = house.comfyui.removeprefix("http://")
    servers = admin.get_by_role("region", name="Servers").get_by_role("row", name=server)
    said = admin.get_by_role("status")

    async def press(label: str, where: Locator | None = None, *, twice: bool = False) -> None:
        await (where or admin).get_by_role("button", name=label, exact=True).focus()
        await admin.keyboard.press("Enter")
        if twice:
            await admin.keyboard.press("Enter")

    await press("Pause the queue")
    await expect(said).to_contain_text("The queue is paused.")
    try:
        cards = [await chat.imagine(f"/imagine a fox {n} --width 64 --height 64 --steps 4") for n in range(3)]
        await expect(cards[0]).to_contain_text(
            "The queue is paused by an admin. You are 1st when it goes on."
        )
        waiting = admin.get_by_role("region", name="Waiting")
        await press("To the front", waiting.get_by_role("row", name="/imagine a fox 2"))
        await expect(said).to_contain_text("goes before all others.")
        await expect(cards[2]).to_contain_text("You are 1st when it goes on.")
        await expect(waiting.get_by_role("row").nth(1)).to_contain_text("/imagine a fox 2")
        await press("Drain", servers)
        await expect(servers).to_contain_text("answers: drained")
        await check(admin)
        await expect(servers.get_by_role("button", name="Restore")).to_be_focused()
        await admin.keyboard.press("Enter")
        await expect(servers.get_by_role("button", name="Drain")).to_be_focused()
        await press("Cancel", waiting.get_by_role("row", name="/imagine a fox 1"), twice=True)
        await expect(cards[1]).to_have_attribute("data-state", "cancelled")
        await press("Clear", admin.get_by_role("region", name="People"), twice=True)
        await expect(said).to_contain_text("2 waiting jobs of Guest")
        await expect(cards[0]).to_have_attribute("data-state", "cancelled")
    finally:
        await press("Resume the queue")
        await expect(admin.get_by_role("button", name="Pause the queue")).to_be_visible()
    changes = admin.get_by_role("region", name="Changes by admins").get_by_role("row")
    for nth, what in enumerate(("resume", "clear", "restore", "drain", "front", "pause"), start=1):
        await expect(changes.nth(nth)).to_contain_text(what)
