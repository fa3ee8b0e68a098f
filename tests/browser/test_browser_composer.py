"""The composer: lines that are refused, files, suggestions."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import FilePayload, expect

from tests.browser.chat_page import ChatPage

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def png() -> FilePayload:
    """A small picture as a file."""
    buffer = io.BytesIO()
    Image.new("RGB", (96, 64), "teal").save(buffer, "PNG")
    return FilePayload(name="teal.png", mimeType="image/png", buffer=buffer.getvalue())


async def test_an_empty_prompt_is_refused_and_the_text_is_kept(chat: ChatPage) -> None:
    """The notice goes away with the next line that is taken."""
    await chat.say("/imagine --steps 20")
    await expect(chat.notice).to_have_text("Write a prompt.")
    await expect(chat.text).to_have_value("/imagine --steps 20")
    await expect(chat.cards).to_have_count(0)
    await chat.picture()
    await expect(chat.notice).to_be_hidden()


async def test_an_attachment_can_be_taken_back(chat: ChatPage) -> None:
    """Then there is nothing to send."""
    await chat.page.set_input_files("#file", png())
    send = chat.page.get_by_role("button", name="Send")
    await expect(send).to_be_enabled()
    await chat.page.get_by_role("button", name="Remove teal.png").click()
    await expect(chat.page.get_by_role("img", name="teal.png")).to_have_count(0)
    await expect(send).to_be_disabled()


@pytest.mark.parametrize("event", ["drop", "paste"])
async def test_a_dropped_or_pasted_picture_is_attached(chat: ChatPage, event: str) -> None:
    """As a browser hands it over: a `DataTransfer` with a file."""
    await chat.text.evaluate(
        """(box, event) => {
            const data = new DataTransfer();
            data.items.add(new File([new Blob(["x"])], "given.png", { type: "image/png" }));
            const options = { bubbles: true, cancelable: true };
            box.dispatchEvent(event === "drop"
                ? new DragEvent("drop", { ...options, dataTransfer: data })
                : new ClipboardEvent("paste", { ...options, clipboardData: data }));
        }""",
        event,
    )
    await expect(chat.page.get_by_role("button", name="Remove given.png")).to_be_visible()


async def test_an_unreadable_picture_is_refused_in_one_sentence(chat: ChatPage, tmp_path: Path) -> None:
    """Text and file are both kept, to be put right."""
    file = tmp_path / "broken.png"
    file.write_bytes(b"this is no picture")
    await chat.page.set_input_files("#file", file)
    await chat.say("/img2img a calm sea")
    await expect(chat.notice).to_contain_text("is not a picture that can be read")
    await expect(chat.text).to_have_value("/img2img a calm sea")
    await expect(chat.page.get_by_role("button", name="Remove broken.png")).to_be_visible()
    await expect(chat.cards).to_have_count(0)


async def test_a_slash_lists_the_commands(chat: ChatPage) -> None:
    """Arrows choose, Tab takes; the command's options are then shown below."""
    await chat.text.press("/")
    await expect(chat.suggestions.first).to_contain_text("/imagine")
    await expect(chat.suggestions.filter(has_text="/help")).to_be_visible()
    await chat.text.press("ArrowDown")
    await expect(chat.suggestions.nth(1)).to_have_attribute("aria-selected", "true")
    await chat.text.press("Tab")
    await expect(chat.text).to_have_value("/edit ")
    await expect(chat.suggestions).to_have_count(0)
    await expect(chat.option("Denoise")).to_be_visible()


async def test_enter_takes_a_suggestion_and_sends_a_whole_command(chat: ChatPage) -> None:
    """`/he` and Enter completes it; Enter again sends it."""
    await chat.text.press_sequentially("/he")
    await expect(chat.suggestions).to_have_count(1)
    await chat.text.press("Enter")
    await expect(chat.text).to_have_value("/help ")
    await chat.text.press("Enter")
    await expect(chat.notes).to_contain_text("/imagine")
    await expect(chat.text).to_have_value("")


async def test_what_comfyui_offers_is_suggested_for_an_option(chat: ChatPage) -> None:
    """First the option's name, then the names that it takes."""
    await chat.text.press_sequentially("/imagine a red fox --samp")
    await chat.text.press("Tab")
    await expect(chat.text).to_have_value("/imagine a red fox --sampler ")
    await chat.text.press_sequentially("eul")
    await expect(chat.suggestions.first).to_contain_text("euler")


async def test_shift_enter_begins_a_new_line(chat: ChatPage) -> None:
    """Nothing is sent."""
    await chat.text.fill("/imagine a red fox")
    await chat.text.press("Shift+Enter")
    await chat.text.press_sequentially("in snow")
    await expect(chat.text).to_have_value("/imagine a red fox\nin snow")
    await expect(chat.cards).to_have_count(0)


async def test_words_are_never_read_as_html(chat: ChatPage) -> None:
    """A prompt with tags is shown letter by letter."""
    card = await chat.picture("/imagine <img src=x onerror=alert(1)> <b>bold</b>")
    await expect(card.locator("strong")).to_have_text("<img src=x onerror=alert(1)> <b>bold</b>")
    await expect(card.locator("strong *")).to_have_count(0)
