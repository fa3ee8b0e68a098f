"""The ways in which a person works a page: with a mouse, with a finger, with nothing but the keyboard."""

from __future__ import annotations

from typing import Protocol

from playwright.async_api import Locator, expect

from tests.browser.chat_page import ChatPage

MOST_TABS = 80
"""A person would have given up by then."""

BYTES_TO_FILE = """const file = new File([new Uint8Array(bytes)], "given.png", { type: "image/png" });"""


class Hands(Protocol):
    """What every person can do, each in their own way."""

    async def press(self, target: Locator) -> None:
        """Press a button or a link."""

    async def write(self, field: Locator, text: str) -> None:
        """Write into a field, in place of what stands there."""

    async def take(self, field: Locator, offered: Locator) -> None:
        """Take the first of what is offered below or above a field in which one writes."""

    async def choose(self, field: Locator, label: str) -> None:
        """Choose from a list of a few."""

    async def pick(self, radio: Locator) -> None:
        """Choose one of a few that are all seen."""

    async def send(self, chat: ChatPage) -> None:
        """Send the line that is written."""

    async def give(self, chat: ChatPage, picture: bytes) -> None:
        """Attach a picture."""

    async def go_on(self, dialog: Locator) -> None:
        """From a picture that is large to the next."""

    async def close(self, dialog: Locator) -> None:
        """Close it."""


class Mouse:
    """Points and clicks; drags files in."""

    async def press(self, target: Locator) -> None:
        await target.click()

    async def write(self, field: Locator, text: str) -> None:
        await self.press(field)
        await field.press("Control+A")
        await field.press("Delete")
        await field.press_sequentially(text)

    async def take(self, field: Locator, offered: Locator) -> None:
        await self.press(offered)

    async def choose(self, field: Locator, label: str) -> None:
        await field.select_option(label)

    async def pick(self, radio: Locator) -> None:
        await self.press(radio)

    async def send(self, chat: ChatPage) -> None:
        await chat.text.press("Enter")

    async def give(self, chat: ChatPage, picture: bytes) -> None:
        await chat.text.evaluate(
            f"""(box, bytes) => {{
                {BYTES_TO_FILE}
                const dataTransfer = new DataTransfer();
                dataTransfer.items.add(file);
                box.dispatchEvent(new DragEvent("drop", {{ bubbles: true, cancelable: true, dataTransfer }}));
            }}""",
            list(picture),
        )

    async def go_on(self, dialog: Locator) -> None:
        await self.press(dialog.get_by_role("button", name="Next picture"))

    async def close(self, dialog: Locator) -> None:
        await self.press(dialog.get_by_role("button", name="Close"))


class Finger(Mouse):
    """Taps, swipes, and chooses files from the phone."""

    async def press(self, target: Locator) -> None:
        await target.tap()

    async def send(self, chat: ChatPage) -> None:
        await self.press(chat.page.get_by_role("button", name="Send"))

    async def give(self, chat: ChatPage, picture: bytes) -> None:
        async with chat.page.expect_file_chooser() as chooser:
            await self.press(chat.page.get_by_role("button", name="Attach a file"))
        await (await chooser.value).set_files(
            {"name": "given.png", "mimeType": "image/png", "buffer": picture}
        )

    async def go_on(self, dialog: Locator) -> None:
        await swipe(dialog.get_by_role("img"), 300, 100)


class Keys:
    """Tab, Enter, arrows and letters; what has the focus must show it."""

    async def press(self, target: Locator) -> None:
        await self._reach(target)
        await target.press("Enter")

    async def write(self, field: Locator, text: str) -> None:
        await self._reach(field)
        await field.press("Control+A")
        await field.press("Delete")
        await field.page.keyboard.type(text)

    async def take(self, field: Locator, offered: Locator) -> None:
        while await offered.get_attribute("aria-selected") != "true":
            await field.press("ArrowDown")
        await field.press("Enter")

    async def choose(self, field: Locator, label: str) -> None:
        await self._reach(field)
        await field.page.keyboard.type(label)
        await expect(field).to_have_value(label)

    async def pick(self, radio: Locator) -> None:
        await self._reach(radio.page.locator(f"[name={await radio.get_attribute('name')}]:checked"))
        while not await radio.is_checked():
            await radio.page.keyboard.press("ArrowDown")

    async def send(self, chat: ChatPage) -> None:
        await chat.text.press("Enter")

    async def give(self, chat: ChatPage, picture: bytes) -> None:
        await chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await chat.page.evaluate(
            """bytes => navigator.clipboard.write(
                [new ClipboardItem({ "image/png": new Blob([new Uint8Array(bytes)], { type: "image/png" }) })])""",
            list(picture),
        )
        await self._reach(chat.text)
        await chat.text.press("Control+V")

    async def go_on(self, dialog: Locator) -> None:
        await dialog.page.keyboard.press("ArrowRight")

    async def close(self, dialog: Locator) -> None:
        await dialog.page.keyboard.press("Escape")

    async def _reach(self, target: Locator) -> None:
        """Tab to it, by the shorter way."""
        await expect(target).to_be_visible()
        for _ in range(MOST_TABS):
            if (where := await target.evaluate(WHERE)) == 0:
                assert await focus_is_seen(target)
                return
            await target.page.keyboard.press("Tab" if where > 0 else "Shift+Tab")
        raise AssertionError("the keyboard does not lead there")


WHERE = """one => {
    const now = document.activeElement;
    if (now === one) return 0;
    return now.compareDocumentPosition(one) & (Node.DOCUMENT_POSITION_FOLLOWING) ? 1 : -1;
}"""


async def focus_is_seen(target: Locator) -> bool:
    """Whether a ring shows that it has the focus; around the line it is the whole form's."""
    seen: bool = await target.evaluate(
        """one => {
            const shown = getComputedStyle(one);
            if (one.id !== "text") return shown.outlineStyle !== "none" && parseFloat(shown.outlineWidth) >= 2;
            const form = getComputedStyle(one.closest("form")).borderTopColor;
            one.style.color = "var(--accent)";
            const accent = getComputedStyle(one).color;
            one.style.color = "";
            return form === accent;
        }"""
    )
    return seen


async def swipe(picture: Locator, start: int, end: int) -> None:
    """A finger's way over a picture, as a browser tells it."""
    await picture.evaluate(
        """(picture, [start, end]) => {
            const finger = clientX => new Touch({ identifier: 1, target: picture, clientX, clientY: 300 });
            const send = (type, x, touches) => picture.dispatchEvent(
                new TouchEvent(type, { bubbles: true, touches, changedTouches: [finger(x)] }));
            send("touchstart", start, [finger(start)]);
            send("touchend", end, []);
        }""",
        [start, end],
    )
