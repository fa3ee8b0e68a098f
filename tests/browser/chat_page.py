"""The chat page as a person meets it."""

from __future__ import annotations

from playwright.async_api import ConsoleMessage, Error, Locator, Page, expect

PATIENCE_MS = 60_000
"""How long a job may take before a wait counts as failed."""

FOX = "/imagine a red fox --width 64 --height 64 --steps 4"
"""A line whose picture is soon there."""


class ChatPage:
    """The page's parts by what they are for. `troubles` are the scripts' failures."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.troubles: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", self._failed)
        page.on("console", self._spoke)
        self.text = page.get_by_label("Message", exact=True)
        self.notice = page.get_by_role("alert").get_by_role("paragraph")
        self.cards = page.locator("[data-card]")
        self.notes = page.locator("[data-card][data-state=note]")
        self.reply = page.locator("#reply")
        self.controls = page.get_by_role("group", name="Options")
        self.suggestions = page.locator("#suggestions").get_by_role("option")

    async def open(self, url: str) -> None:
        """Go there and wait until a picture can be asked for."""
        await self.page.goto(url)
        await expect(self.page.locator("#queue")).to_contain_text("ComfyUI answers")

    async def say(self, line: str) -> None:
        """Type a line and send it with Enter."""
        await self.text.fill(line)
        await self.text.press("Enter")

    async def imagine(self, line: str = FOX) -> Locator:
        """Send a line that makes a picture; the newest card, once it is there."""
        before = await self.cards.count()
        await self.say(line)
        await expect(self.cards).to_have_count(before + 1)
        return self.cards.nth(before)

    async def picture(self, line: str = FOX) -> Locator:
        """Send a line and wait for its picture; the card."""
        card = await self.imagine(line)
        await self.finished(card)
        return card

    def option(self, title: str) -> Locator:
        """The control of an option of the command that is written."""
        return self.controls.get_by_label(title, exact=True)

    async def told(self, card: Locator) -> str:
        """Everything that a job was asked to do, as its Info button tells it."""
        await button(card, "Info").click()
        await expect(self.notes).to_have_count(1)
        told = await self.notes.inner_text()
        await self.notes.get_by_role("button", name="Dismiss").click()
        return told

    async def you(self) -> Locator:
        """Open the dialog about oneself."""
        await self.page.locator("#you-button").click()
        return self.page.get_by_role("dialog", name="You")

    async def finished(self, card: Locator) -> None:
        """Wait until a card shows a picture that a person can see."""
        await expect(card).to_have_attribute("data-state", "done")
        await expect(pictures(card)).to_have_count(1)
        await expect(card.locator(".preview")).to_have_count(0)
        await expect(pictures(card)).to_be_visible()
        assert await width(pictures(card)) > 0

    def _failed(self, error: Error) -> None:
        self.troubles.append(error.message)

    def _spoke(self, message: ConsoleMessage) -> None:
        """Chromium reports every refused request as an error: those are the tests' own doing."""
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.troubles.append(message.text)


def pictures(card: Locator) -> Locator:
    """The finished pictures of a card."""
    return card.locator(".opens img")


def button(card: Locator, name: str) -> Locator:
    """One of the buttons below a card."""
    return card.locator(".card-actions").get_by_role("button", name=name, exact=True)


async def width(picture: Locator) -> int:
    """A picture's own width in pixels; 0 if it did not load."""
    value: int = await picture.evaluate(
        "picture => picture.decode().then(() => picture.naturalWidth, () => 0)"
    )
    return value
