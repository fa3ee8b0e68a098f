"""Makes the pictures in docs/images: `python -m tests.browser.screenshots`."""

from __future__ import annotations

import asyncio
import io
import re
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.chat_page import ChatPage, pictures
from tests.browser.conftest import ARGUMENTS, chromium_path
from tests.processes import ROOT, bot_program, simulator_program

FOLDER = ROOT / "docs" / "images"
LARGEST = 300_000
"""Bytes of a picture that is read in a README."""

DESKTOP: dict[str, Any] = {"viewport": {"width": 1180, "height": 980}, "color_scheme": "light"}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 780},
    "color_scheme": "dark",
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


async def main() -> None:
    """Both pictures, of a bot on a simulated ComfyUI."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        comfyui = simulator_program(Path(folder), "--step-seconds", "0.05")
        await comfyui.start()
        bot = bot_program(Path(folder), comfyui.url)
        await bot.start()
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
                await _desktop(browser, bot.url)
                await _phone(browser, bot.url)
                await browser.close()
        finally:
            await bot.stop()
            await comfyui.stop()


async def _desktop(browser: Browser, url: str) -> None:
    """A finished job of three pictures, one that is being made, and the options of the next."""
    chat = await _open(browser, url, DESKTOP)
    card = await chat.imagine("/imagine a red fox in snow --count 2 --width 768 --height 512 --seed 7")
    await expect(pictures(card)).to_have_count(2)
    running = await chat.imagine("/imagine a lighthouse at dusk --steps 100 --width 768 --height 512")
    await expect(running.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile("^[4-9]."))
    await chat.text.fill("/imagine a castle above the clouds --steps 30 ")
    await chat.page.locator("#log").evaluate("log => log.scrollTo(0, 0)")
    await _keep(chat, "chat-light.png")


async def _phone(browser: Browser, url: str) -> None:
    """A picture and its edit."""
    chat = await _open(browser, url, PHONE)
    card = await chat.picture("/imagine a red fox in snow --width 768 --height 512 --seed 7")
    await card.get_by_role("button", name="Edit", exact=True).click()
    await expect(chat.reply).to_be_visible()
    await chat.text.fill("/edit at night --seed 8")
    await chat.text.press("Enter")
    await chat.finished(chat.cards.nth(1))
    await chat.cards.first.evaluate("card => card.scrollIntoView()")
    await _keep(chat, "chat-dark-phone.png")


async def _open(browser: Browser, url: str, options: dict[str, Any]) -> ChatPage:
    chat = ChatPage(await (await browser.new_context(**options)).new_page())
    await chat.open(url)
    return chat


async def _keep(chat: ChatPage, name: str) -> None:
    shot = Image.open(io.BytesIO(await chat.page.screenshot())).convert("RGB")
    shot.save(FOLDER / name, optimize=True)
    size = (FOLDER / name).stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{name} has {size:,} bytes; at most {LARGEST:,} are wanted.")


if __name__ == "__main__":
    asyncio.run(main())
