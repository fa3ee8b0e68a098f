"""A room with a history: paging, searching; and lines with values and pictures beside them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

from tests.asking import picture, until
from tests.processes import Program, bot_program
from tests.web.seeding import File, fill_room, new_guest
from tests.web.seeding import picture as small_picture

PROMPTS = ["a red fox", "Zoë's café", "the fox and the owl", "an owl", "ЛИСА в снегу"]


async def test_older_cards_come_in_pages_and_words_narrow_them(tmp_path: Path, simulated: Program) -> None:
    """Fifty at once, to the first; words match in any case of any alphabet; other rooms are not looked at."""
    guest, other = new_guest(), new_guest()
    await fill_room(tmp_path, other, [("a fox of somebody else", [small_picture()])])
    await fill_room(tmp_path, guest, [(f"{PROMPTS[n % 5]} {n}", [small_picture()]) for n in range(105)])
    program = bot_program(tmp_path, simulated.url)
    await program.start()
    try:
        async with aiohttp.ClientSession(cookies={"muralist_session": guest.cookie}) as browser:
            pages = [await _cards(browser, program.url)]
            while pages[-1]["before"]:
                pages.append(await _cards(browser, program.url, before=pages[-1]["before"]))
            assert [len(page["cards"]) for page in pages] == [50, 50, 5]
            every = [card for page in reversed(pages) for card in page["cards"]]
            assert [_prompt(card) for card in every] == [f"{PROMPTS[n % 5]} {n}" for n in range(105)]
            for words, first, count in (
                ("FOX owl", "the fox and the owl 2", 21),
                ("zoë's CAFÉ", "Zoë's café 1", 21),
                ("лиса", "ЛИСА в снегу 4", 21),
                ("/imagine 104", "ЛИСА в снегу 104", 1),
                ("100%", None, 0),
            ):
                page = await _cards(browser, program.url, words=words)
                assert (words, len(page["cards"]), page["before"]) == (words, count, None)
                assert (_prompt(page["cards"][0]) if count else None) == first
            foxes = await _cards(browser, program.url, words="o")
            older = await _cards(browser, program.url, words="o", before=foxes["before"])
            shown = [_prompt(card) for card in older["cards"] + foxes["cards"]]
            assert (
                shown == [_prompt(card) for card in every if "o" in _prompt(card).casefold()][-len(shown) :]
            )
            assert await _cards(browser, program.url, before="unknown") == {"cards": [], "before": None}
    finally:
        await program.stop()


async def test_strangers_files_run_no_script(tmp_path: Path, simulated: Program) -> None:
    """Opened by itself an output has no rights; what a browser would run is kept as a file."""
    guest = new_guest()
    svg = File(name="drawing.svg", media_type="image/svg+xml", data=b"<svg/>")
    await fill_room(tmp_path, guest, [("a drawing", [svg, small_picture()])])
    program = bot_program(tmp_path, simulated.url)
    await program.start()
    try:
        async with aiohttp.ClientSession(cookies={"muralist_session": guest.cookie}) as browser:
            media = (await _cards(browser, program.url))["cards"][0]["media"]
            assert [one["size"] for one in media] == [6, len(small_picture().data)]
            for one, disposition in zip(media, ("attachment", "inline"), strict=True):
                async with browser.get(program.url + one["url"]) as answer:
                    assert answer.headers["Content-Disposition"] == f'{disposition}; filename="{one["name"]}"'
                    assert "sandbox" in answer.headers["Content-Security-Policy"]
                    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    finally:
        await program.stop()


async def test_values_and_pictures_go_beside_the_line(served: Program) -> None:
    """They stand above what the line says, and a picture is for the parameter that its field names."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(f"{served.url}/") as answer:
            assert answer.status == 200
        values = {"steps": "4", "width": "128", "height": 64, "negative": 'two\nlines, "quoted"'}
        status, told = await _say(
            browser, served.url, text="/imagine a fox --steps 9", values=json.dumps(values)
        )
        assert status == 200
        done = await until(browser, served.url, told["job"], "done")
        assert (await picture(browser, served.url, done)).size == (128, 64)
        told = await _info(browser, served.url, told["job"])
        assert (told["steps: "], told["negative: "]) == ("4", 'two\nlines, "quoted"')

        buffer = io.BytesIO()
        Image.new("RGB", (64, 128), "red").save(buffer, "PNG")
        for field, expected in (("image:image", 200), ("image:mask", 400), ("file", 200)):
            form = aiohttp.FormData({"text": "/img2img at night"}, default_to_multipart=True)
            form.add_field(field, buffer.getvalue(), filename="red.png", content_type="image/png")
            async with browser.post(f"{served.url}/api/v1/chat", data=form) as answer:
                assert (field, answer.status) == (field, expected)
        for wrong in ("[1]", "{", '"x"'):
            status, told = await _say(browser, served.url, text="/imagine a fox", values=wrong)
            assert (status, told["error"]["message"]) == (400, "values must be a JSON object.")


async def _cards(browser: aiohttp.ClientSession, url: str, **query: str) -> dict[str, Any]:
    async with browser.get(f"{url}/api/v1/chat/cards", params=query) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


def _prompt(card: dict[str, Any]) -> str:
    prompt: str = card["body"][0][0]["text"]
    return prompt


async def _say(browser: aiohttp.ClientSession, url: str, **fields: str) -> tuple[int, dict[str, Any]]:
    form = aiohttp.FormData(fields, default_to_multipart=True)
    async with browser.post(f"{url}/api/v1/chat", data=form) as answer:
        return answer.status, await answer.json()


async def _info(browser: aiohttp.ClientSession, url: str, job: str) -> dict[str, str]:
    body = {"action": f"m1:info:{job}:0"}
    async with browser.post(f"{url}/api/v1/chat/press", json=body) as answer:
        lines = (await answer.json())["card"]["body"]
    return {name["text"]: value["code"] for name, value in lines}
