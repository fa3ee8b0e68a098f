"""What a person does on the page, thing after thing in one room: each begins where the one before ended."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

from PIL import Image
from playwright.async_api import Locator, expect

from tests.browser.axe import check
from tests.browser.chat_page import ChatPage, button, pictures, width
from tests.browser.hands import Hands

SMALL = "--width 64 --height 64 --steps 4"
SLOW = "--width 64 --height 64 --steps 100"


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody at the page, with their way of working it. `scheme` is what their system asks for."""

    name: str
    chat: ChatPage
    hands: Hands
    scheme: str

    def named(self, name: str) -> Locator:
        """A button of the page itself."""
        return self.chat.page.get_by_role("button", name=name, exact=True)

    async def say(self, line: str) -> Locator:
        """Write a line and send it; the newest card, once it is there."""
        before = await self.chat.cards.count()
        await self.hands.write(self.chat.text, line)
        await self.hands.send(self.chat)
        await expect(self.chat.cards).to_have_count(before + 1)
        return self.chat.cards.nth(before)


async def take_the_example(person: Person) -> None:
    """A new room says how to begin."""
    await person.hands.press(person.named("/imagine a red fox in snow"))
    await expect(person.chat.text).to_have_value("/imagine a red fox in snow")
    await person.hands.write(person.chat.text, f"/imagine a red fox in snow {SLOW}")


async def watch_it_become_a_picture(person: Person) -> None:
    """A bar that moves, a preview, then the picture on the same card."""
    await person.hands.send(person.chat)
    card = person.chat.cards.first
    await expect(card.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile("^[1-9]"))
    await expect(card.locator(".preview img")).to_be_visible()
    await person.chat.finished(card)
    await expect(card.get_by_role("progressbar")).to_have_count(0)


async def see_how_the_queue_stands(person: Person) -> None:
    """In the header, whatever else is seen."""
    queue = person.chat.page.get_by_label("Queue")
    await expect(queue).to_have_text(re.compile(r"^\d+ (waiting|running), (\d+ running, )?ComfyUI answers$"))


async def list_the_commands(person: Person) -> None:
    """A slash is enough."""
    await person.hands.write(person.chat.text, "/")
    await expect(person.chat.suggestions.first).to_contain_text("/imagine")
    assert await person.chat.suggestions.count() >= 4


async def take_a_command(person: Person) -> None:
    """What is typed narrows the list."""
    await person.chat.page.keyboard.type("ima")
    await expect(person.chat.suggestions).to_have_count(1)
    await person.hands.take(person.chat.text, person.chat.suggestions.first)
    await expect(person.chat.text).to_have_value("/imagine ")
    await person.chat.page.keyboard.type("an owl")


async def set_numbers(person: Person) -> None:
    """Each tells its range; the line stays as it is."""
    for title in ("Width", "Height"):
        await person.hands.write(person.chat.option(title), "64")
    await expect(person.chat.text).to_have_value("/imagine an owl")
    await expect(person.chat.option("Steps")).to_have_accessible_description(re.compile(r"^1\D100$"))


async def be_told_that_a_number_is_out_of_range(person: Person) -> None:
    """In a sentence; nothing that was written is lost."""
    await person.hands.write(person.chat.option("Steps"), "1000")
    await expect(person.chat.option("Steps")).to_have_attribute("aria-invalid", "true")
    await person.hands.send(person.chat)
    await expect(person.chat.notice).to_have_text(
        "Steps must be a number from 1 to 100, not 1000. The nearest is 100."
    )
    await person.hands.write(person.chat.option("Steps"), "4")
    await expect(person.chat.text).to_have_value("/imagine an owl")


async def say_what_is_not_wanted(person: Person) -> None:
    """In words of its own place."""
    await person.hands.write(person.chat.option("Negative"), "blurry, dark")


async def choose_from_a_few(person: Person) -> None:
    """Behind More, where what is rarely needed stands."""
    await person.hands.press(person.chat.controls.locator("summary"))
    await person.hands.choose(person.chat.option("Scheduler"), "karras")


async def search_among_many(person: Person) -> None:
    """By a part of the name."""
    sampler = person.chat.option("Sampler")
    await person.hands.write(sampler, "dpmpp_2m")
    offered = person.chat.controls.get_by_role("listbox").get_by_role("option")
    await person.hands.take(sampler, offered.first)
    await expect(sampler).to_have_value("dpmpp_2m")
    await check(person.chat.page)


async def roll_a_seed(person: Person) -> None:
    """One that can be told to others."""
    await person.hands.press(person.chat.controls.get_by_role("button", name="Roll a seed"))
    await expect(person.chat.option("Seed")).to_have_value(re.compile(r"^\d+$"))


async def ask_for_two_pictures(person: Person) -> None:
    """One card, both on it."""
    await person.hands.write(person.chat.option("Count"), "2")
    await person.hands.send(person.chat)
    card = person.chat.cards.nth(1)
    await expect(card).to_have_attribute("data-state", "done")
    await expect(pictures(card)).to_have_count(2)


async def read_what_was_asked_for(person: Person) -> None:
    """Every option, in a note that can be put away."""
    await person.hands.press(button(person.chat.cards.nth(1), "Info"))
    for told in ("steps: 4", "scheduler: karras", "sampler: dpmpp_2m", "blurry, dark"):
        await expect(person.chat.notes).to_contain_text(told)
    await person.hands.press(person.chat.notes.get_by_role("button", name="Dismiss"))
    await expect(person.chat.notes).to_have_count(0)


async def edit_by_plain_words(person: Person) -> None:
    """In reply to the second of two pictures."""
    await person.hands.press(person.chat.cards.nth(1).get_by_role("button", name="Reply").nth(1))
    await expect(person.chat.reply).to_be_visible()
    card = await person.say("make it night --steps 4")
    await person.chat.finished(card)
    await expect(card.locator(".card-title")).to_have_text("/edit")
    await expect(person.chat.reply).to_be_hidden()


async def change_a_picture_of_ones_own(person: Person) -> None:
    """Dropped, pasted, or chosen; it is seen before it is sent."""
    await person.hands.give(person.chat, _png())
    given = person.chat.page.get_by_role("img", name=re.compile(r"\.png$"))
    await expect(given).to_be_visible()
    await person.chat.finished(await person.say("/edit in oil --steps 4"))
    await expect(given).to_have_count(0)


async def ask_again(person: Person) -> None:
    """The same words, another picture."""
    count = await person.chat.cards.count()
    await person.hands.press(button(person.chat.cards.first, "Again"))
    await expect(person.chat.cards).to_have_count(count + 1)
    await expect(person.chat.cards.last).to_have_attribute("data-state", re.compile("queued|running"))


async def end_what_is_no_longer_wanted(person: Person) -> None:
    """At once, and without being asked whether one is sure."""
    card = person.chat.cards.last
    await person.hands.press(button(card, "Cancel"))
    await expect(card).to_have_attribute("data-state", "cancelled")
    await expect(card.get_by_role("progressbar")).to_have_count(0)
    await expect(button(card, "Again")).to_be_visible()


async def read_why_it_failed(person: Person) -> None:
    """A sentence that says what to do."""
    card = await person.say(f"/imagine simulate out of memory {SMALL}")
    await expect(card).to_have_attribute("data-state", "failed")
    await expect(card.locator(".card-body")).to_contain_text("Try a smaller size")
    await expect(card.locator("strong")).to_have_text("simulate out of memory")
    await expect(button(card, "Again")).to_be_visible()


async def mend_a_mistyped_line(person: Person) -> None:
    """The line stays, and the nearest command is named."""
    await person.hands.write(person.chat.text, f"/imagin a horse {SMALL}")
    await person.hands.send(person.chat)
    await expect(person.chat.notice).to_contain_text("Did you mean /imagine?")
    await person.chat.finished(await person.say(f"/imagine a horse {SMALL}"))
    await expect(person.chat.notice).to_be_hidden()


async def look_at_a_picture_large(person: Person) -> None:
    """And from there at the next."""
    await person.hands.press(person.chat.cards.nth(1).get_by_title("Open large").first)
    dialog = person.chat.page.get_by_role("dialog", name="Picture")
    await expect(dialog.get_by_role("img")).to_have_attribute("alt", "an owl (1 of 2)")
    await person.hands.go_on(dialog)
    await expect(dialog.get_by_role("img")).to_have_attribute("alt", "an owl (2 of 2)")
    await check(person.chat.page)


async def keep_a_picture(person: Person) -> None:
    """As a file with a name."""
    dialog = person.chat.page.get_by_role("dialog", name="Picture")
    async with person.chat.page.expect_download() as download:
        await person.hands.press(dialog.get_by_role("link", name="Download"))
    assert (await download.value).suggested_filename.endswith(".png")
    original = dialog.get_by_role("link", name="Open original")
    shown = await dialog.get_by_role("img").get_attribute("src")
    assert (await original.get_attribute("href"), await original.get_attribute("target")) == (shown, "_blank")


async def go_on_from_a_large_picture(person: Person) -> None:
    """It becomes what the next words change."""
    dialog = person.chat.page.get_by_role("dialog", name="Picture")
    await person.hands.press(dialog.get_by_role("button", name="Use as input"))
    await expect(dialog).to_have_count(0)
    await expect(person.chat.reply).to_be_visible()
    await person.hands.press(person.named("Do not reply"))
    await expect(person.chat.reply).to_be_hidden()


async def see_all_pictures(person: Person) -> None:
    """The newest first; each opens."""
    await person.hands.press(person.named("All pictures"))
    grid = person.chat.page.locator("#gallery-grid")
    await expect(grid.get_by_role("img").first).to_have_attribute("alt", "a horse")
    await check(person.chat.page)
    await person.hands.press(grid.get_by_role("button").first)
    dialog = person.chat.page.get_by_role("dialog", name="Picture")
    await expect(dialog.get_by_role("status")).to_have_text(re.compile("^1 of"))
    await person.hands.close(dialog)
    await expect(dialog).to_have_count(0)
    await person.hands.press(person.named("All pictures"))
    await expect(person.chat.cards.last).to_be_in_viewport()


async def search_ones_jobs(person: Person) -> None:
    """By words of their prompts."""
    await person.hands.press(person.named("Search"))
    await person.hands.write(person.chat.page.get_by_role("searchbox"), "owl")
    await expect(person.chat.cards).to_have_count(1)
    await person.hands.press(person.named("Search"))
    await expect(person.chat.page.get_by_role("searchbox")).to_be_hidden()
    await expect(person.chat.cards.first).to_contain_text("a red fox in snow")


async def come_back_later(person: Person) -> None:
    """Everything is there again, in its order."""
    before = await person.chat.cards.locator("strong").all_inner_texts()
    await person.chat.page.reload()
    await expect(person.chat.cards.locator("strong")).to_have_text(before)
    assert await width(pictures(person.chat.cards.last)) == 64


async def work_in_two_tabs(person: Person) -> None:
    """What is asked for in one is seen in the other while it is made."""
    other = ChatPage(await person.chat.page.context.new_page())
    await other.open(person.chat.page.url)
    await person.chat.page.bring_to_front()
    await person.say(f"/imagine a lighthouse {SLOW}")
    await expect(other.cards.last).to_contain_text("a lighthouse")
    await expect(other.cards.last.get_by_role("progressbar")).to_be_visible()
    await person.chat.finished(person.chat.cards.last)
    await other.finished(other.cards.last)
    await other.page.close()
    assert other.troubles == []


async def take_a_name(person: Person) -> None:
    """It stands in the header from then on."""
    await person.hands.press(person.chat.page.locator("#you-button"))
    dialog = person.chat.page.get_by_role("dialog", name="You")
    await person.hands.write(dialog.get_by_label("Name"), person.name)
    await person.hands.press(dialog.get_by_role("button", name="Save"))
    await expect(person.chat.page.locator("#you-shown")).to_have_text(person.name)


async def change_the_colours(person: Person) -> None:
    """To the other ones, and back to what the system says."""
    await person.hands.press(person.chat.page.locator("#you-button"))
    dialog = person.chat.page.get_by_role("dialog", name="You")
    other = "Light" if person.scheme == "dark" else "Dark"
    await person.hands.pick(dialog.get_by_label(other))
    scheme = "getComputedStyle(document.documentElement).colorScheme"
    assert await person.chat.page.evaluate(scheme) == other.lower()
    await check(person.chat.page)
    await person.hands.pick(dialog.get_by_label("As the system"))
    assert await person.chat.page.evaluate(scheme) == "light dark"
    await person.hands.close(dialog)


async def ask_for_help(person: Person) -> None:
    """A note for this page alone."""
    await person.say("/help")
    await expect(person.chat.notes).to_contain_text("/edit")
    await person.hands.press(person.chat.notes.get_by_role("button", name="Dismiss"))


async def delete_a_card(person: Person) -> None:
    """It asks once whether one is sure."""
    count = await person.chat.cards.count()
    await person.hands.press(button(person.chat.cards.last, "Delete"))
    await person.hands.press(button(person.chat.cards.last, "Sure? Press again"))
    await expect(person.chat.cards).to_have_count(count - 1)


async def see_how_everything_stands(person: Person) -> None:
    """On the page for admins: servers, people, what failed."""
    await person.hands.press(person.chat.page.locator("#you-button"))
    await person.hands.press(person.chat.page.get_by_role("link", name="Admin"))
    page = person.chat.page
    await expect(page.get_by_role("region", name="Servers")).to_contain_text("answers")
    await expect(
        page.get_by_role("region", name="People").get_by_text(f"{person.name} (web)")
    ).to_be_visible()
    await expect(page.get_by_role("region", name="Recent errors")).to_contain_text("memory")
    await check(page)
    await person.hands.press(page.get_by_role("link", name="Chat"))
    await expect(person.chat.cards.first).to_be_attached()


THINGS = (
    take_the_example,
    watch_it_become_a_picture,
    see_how_the_queue_stands,
    list_the_commands,
    take_a_command,
    set_numbers,
    be_told_that_a_number_is_out_of_range,
    say_what_is_not_wanted,
    choose_from_a_few,
    search_among_many,
    roll_a_seed,
    ask_for_two_pictures,
    read_what_was_asked_for,
    edit_by_plain_words,
    change_a_picture_of_ones_own,
    ask_again,
    end_what_is_no_longer_wanted,
    read_why_it_failed,
    mend_a_mistyped_line,
    look_at_a_picture_large,
    keep_a_picture,
    go_on_from_a_large_picture,
    see_all_pictures,
    search_ones_jobs,
    come_back_later,
    work_in_two_tabs,
    take_a_name,
    change_the_colours,
    ask_for_help,
    delete_a_card,
    see_how_everything_stands,
)
"""In their order."""


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (96, 64), "teal").save(buffer, "PNG")
    return buffer.getvalue()
