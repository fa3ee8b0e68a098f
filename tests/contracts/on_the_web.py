"""The conversations on the page's side of the server; each person is a browser with a room of its own."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.asking import ready
from tests.contracts.chats import SECONDS, File, Shown
from tests.processes import Program, bot_program, running

Json = dict[str, Any]
TOKEN = "correct-horse-battery"


class WebChat:
    """What the page does, over HTTP. An answer is its JSON, beside who asked."""

    name = "web"
    asks = False

    def __init__(self, program: Program, browsers: dict[str, aiohttp.ClientSession]) -> None:
        self._program = program
        self._browsers = browsers

    async def ask(
        self, line: str, *, by: str = "ann", to: Shown | None = None, files: Sequence[File] = ()
    ) -> tuple[str, Json]:
        """The form of a line."""
        form = aiohttp.FormData({"text": line}, default_to_multipart=True)
        if to is not None:
            form.add_field("reply_job", to.handle[1]["media"][0]["job"])
        for file in files:
            form.add_field("image", io.BytesIO(file.data), filename=file.name, content_type=file.kind)
        return by, await self._post(by, "/api/v1/chat", data=form)

    async def press(self, shown: Shown, label: str, by: str = "ann") -> tuple[str, Json]:
        """A press on a button."""
        (action,) = [each["id"] for each in shown.handle[1]["actions"] if each["label"] == label]
        return await self.forge(shown, action, by)

    async def forge(self, shown: Shown, action: str, by: str = "ann") -> tuple[str, Json]:
        """A press on a button that no card has."""
        return by, await self._post(by, "/api/v1/chat/press", json={"action": action})

    async def card(self, asked: Any, button: str) -> Shown:
        """The card of what was begun."""
        by, answer = asked
        if answer.get("kind") == "said":
            shown = await self._shown(by, answer["card"])
            assert button in shown.buttons
            return shown
        assert answer.get("kind") == "started", answer
        return await self._card(
            by, answer["message"], lambda card: button in [action["label"] for action in card["actions"]]
        )

    async def told(self, asked: Any) -> str:
        """The error, or the card that is an answer."""
        _, answer = asked
        if "error" in answer:
            return str(answer["error"]["message"])
        return _words(answer["card"]) if answer["kind"] == "said" else ""

    async def again(self, shown: Shown, words: str) -> Shown:
        """The card as it changes."""
        by, card = shown.handle
        return await self._card(by, card["id"], lambda card: words in _words(card))

    async def turned(self, shown: Shown, pressed: Any, words: str) -> Shown:
        """What the answer to the press has."""
        del shown
        by, answer = pressed
        assert answer.get("kind") == "turned", answer
        assert words in _words(answer["card"]), answer
        return await self._shown(by, answer["card"])

    async def fill(self, pressed: Any, value: str, by: str = "ann") -> tuple[str, Json]:
        """The line that the page writes for them, with the value at its end."""
        _, answer = pressed
        assert answer.get("kind") == "ask", answer
        given = "".join(f"--{name} {known} " for name, known in answer["values"].items())
        return await self.ask(f"/{answer['command']} {given}--{answer['about']} {value}", by=by)

    async def files(self, asked: Any) -> tuple[bytes, ...]:
        """What the card has."""
        by, answer = asked
        return (await self._shown(by, answer["card"])).pictures

    async def restart(self) -> None:
        """SIGKILL."""
        await self._program.kill()
        await self._program.start()

    async def appoint(self) -> None:
        """By the id that the page tells, with a token: without one everybody on this machine is."""
        self._program.environment["WEB_TOKEN"] = TOKEN
        await self.restart()
        for browser in self._browsers.values():
            async with browser.post(f"{self._program.url}/login", data={"token": TOKEN}) as answer:
                assert answer.status == 200
        async with self._browsers["ann"].get(f"{self._program.url}/api/v1/me") as answer:
            self._program.environment["ADMINS"] = (await answer.json())["id"]
        await self.restart()

    async def _post(self, by: str, path: str, **body: Any) -> Json:
        async with self._browsers[by].post(self._program.url + path, **body) as answer:
            found: Json = await answer.json()
            return found

    async def _card(self, by: str, message: str, fits: Any) -> Shown:
        async with asyncio.timeout(SECONDS):
            while True:
                async with self._browsers[by].get(f"{self._program.url}/api/v1/chat/cards") as answer:
                    cards = (await answer.json())["cards"]
                found = [card for card in cards if card["id"] == message and fits(card)]
                if found:
                    return await self._shown(by, found[0])
                await asyncio.sleep(0.05)

    async def _shown(self, by: str, card: Json) -> Shown:
        pictures = []
        for media in card["media"]:
            if media["url"].startswith("data:"):
                pictures.append(base64.b64decode(media["url"].partition(",")[2]))
                continue
            async with self._browsers[by].get(self._program.url + media["url"]) as answer:
                pictures.append(await answer.read())
        labels = tuple(action["label"] for action in card["actions"])
        return Shown(words=_words(card), pictures=tuple(pictures), buttons=labels, handle=(by, card))


def _words(card: Json) -> str:
    lines = ["".join(str(span.get("text", span.get("code", ""))) for span in line) for line in card["body"]]
    return "\n".join([card["title"], *lines])


@asynccontextmanager
async def browsers_of(url: str) -> AsyncIterator[dict[str, aiohttp.ClientSession]]:
    """Two browsers, each with a room of its own."""
    async with AsyncExitStack() as stack:
        browsers = {}
        for name in ("ann", "bob", "ruth"):
            jar = aiohttp.CookieJar(unsafe=True)
            browsers[name] = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
            async with browsers[name].get(f"{url}/") as answer:
                assert answer.status == 200
        yield browsers


@asynccontextmanager
async def opened(folder: Path, comfyui: str, http: aiohttp.ClientSession) -> AsyncIterator[WebChat]:
    """The bot, and two browsers."""
    async with running(bot_program(folder, comfyui)) as program, browsers_of(program.url) as browsers:
        await ready(http, program.url)
        yield WebChat(program, browsers)
