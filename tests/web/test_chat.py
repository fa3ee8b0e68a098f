"""The page's side of the server: lines, the room's stream, and buttons that outlive the process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.asking import fault, get, runs, until
from tests.processes import Program

LINE = "/imagine a red fox --width 64 --height 64 --steps 4"


@pytest.fixture
async def browser(served: Program) -> AsyncIterator[aiohttp.ClientSession]:
    """A client with a session of its own."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(f"{served.url}/") as answer:
            assert answer.status == 200
        yield session


async def test_a_room_is_told_of_a_card_from_its_first_state_to_its_last(
    served: Program, browser: aiohttp.ClientSession
) -> None:
    """The room as it stands first, then each change, the final one last."""
    async with browser.get(f"{served.url}/api/v1/chat") as stream:
        assert await _event(stream) == ("room", {"cards": [], "before": None})
        started = await _say(browser, served.url, LINE.replace("--steps 4", "--steps 100"))
        cards = [await _event(stream)]
        while cards[-1][1]["state"] != "done":
            cards.append(await _event(stream))

    assert {kind for kind, _ in cards} == {"card"}
    assert {card["id"] for _, card in cards} == {started["message"]}
    order = ["queued", "running", "done"]
    states = [card["state"] for _, card in cards]
    assert states == sorted(states, key=order.index)
    assert any(card["preview"] for _, card in cards)
    final = cards[-1][1]
    assert [action["label"] for action in final["actions"]] == ["Again", "Edit", "Vary", "Info", "Delete"]
    assert [media["url"] for media in final["media"]] == [f"/api/v1/jobs/{started['job']}/outputs/0"]


async def test_buttons_work_after_a_restart(
    served: Program, simulated: Program, browser: aiohttp.ClientSession
) -> None:
    """Each does what it says, and a press that comes twice is one request."""
    job = (await _say(browser, served.url, LINE))["job"]
    await until(browser, served.url, job, "done")
    await served.kill()
    await served.start()

    again = [await _press(browser, served.url, f"m1:again:{job}:0", key="once") for _ in range(2)]
    assert (again[0]["kind"], again[1]["job"], again[1]["existing"]) == ("started", again[0]["job"], True)
    child = await until(browser, served.url, again[0]["job"], "done")
    assert len(child["outputs"]) == 1
    told = (await _press(browser, served.url, f"m1:info:{job}:0"))["card"]
    assert {"text": "prompt: ", "strong": False} in told["body"][0]
    asked = await _press(browser, served.url, f"m1:use:{job}:0")
    assert asked == {"kind": "ask", "command": "edit", "job": job, "index": 0}
    made = await runs(browser, simulated.url)
    seeds = {run["extra_data"]["muralist"]["job"] for run in made}
    assert seeds == {job, again[0]["job"]}

    assert await _press(browser, served.url, f"m1:delete:{job}:0") == {"kind": "accepted"}
    async with browser.get(f"{served.url}/api/v1/chat") as stream:
        _, room = await _event(stream)
    assert [card["media"][0]["job"] for card in room["cards"]] == [again[0]["job"]]
    async with browser.get(f"{served.url}/api/v1/jobs/{job}/outputs/0") as answer:
        assert answer.status == 410


async def test_a_cancelled_job_can_be_asked_for_again(
    served: Program, simulated: Program, browser: aiohttp.ClientSession
) -> None:
    """One that waits ends at once; pressing Cancel again changes nothing."""
    await fault(browser, simulated.url, "hang")
    jobs = [(await _say(browser, served.url, LINE))["job"] for _ in range(3)]
    assert await _press(browser, served.url, f"m1:cancel:{jobs[2]}:0") == {"kind": "accepted"}
    assert (await get(browser, f"{served.url}/api/v1/jobs/{jobs[2]}"))["state"] == "cancelled"
    assert await _press(browser, served.url, f"m1:cancel:{jobs[2]}:0") == {"kind": "accepted"}
    await fault(browser, simulated.url, "unhang")
    child = (await _press(browser, served.url, f"m1:again:{jobs[2]}:0"))["job"]
    for job in (jobs[0], jobs[1], child):
        await until(browser, served.url, job, "done")


async def test_a_running_jobs_card_says_when_comfyui_is_away(
    served: Program, simulated: Program, browser: aiohttp.ClientSession
) -> None:
    """Nothing is heard of the job then, and yet its card changes; it goes on when ComfyUI returns."""
    await fault(browser, simulated.url, "hang")
    async with browser.get(f"{served.url}/api/v1/chat") as stream:
        await _event(stream)
        job = (await _say(browser, served.url, LINE))["job"]
        card: dict[str, Any] = {}
        while card.get("state") != "running":
            _, card = await _event(stream)
        await simulated.kill()
        while card["title"] != "ComfyUI does not answer. This goes on when it returns.":
            _, card = await _event(stream)
        assert card["state"] == "running"
    await simulated.start()
    await until(browser, served.url, job, "done")


async def test_words_in_reply_to_a_picture_edit_it(served: Program, browser: aiohttp.ClientSession) -> None:
    """Without a command; without a picture they are told how to begin."""
    job = (await _say(browser, served.url, LINE))["job"]
    await until(browser, served.url, job, "done")
    edited = await _say(browser, served.url, "at night --denoise 0.3", reply_job=job)
    await until(browser, served.url, edited["job"], "done")
    told = (await _press(browser, served.url, f"m1:info:{edited['job']}:0"))["card"]
    assert told["title"] == "/edit"
    assert [line[1]["code"] for line in told["body"][:2]] == ["at night", "0.3"]

    chain = [job, edited["job"]]
    for words in ("in snow", "and a moon", "in oil", "as a card"):
        again = await _say(browser, served.url, f"{words} --denoise 0.5", reply_job=chain[-1])
        await until(browser, served.url, again["job"], "done")
        chain.append(again["job"])
    made = [
        (await (await browser.get(f"{served.url}/api/v1/jobs/{each}")).json())["outputs"] for each in chain
    ]
    pictures = [await (await browser.get(served.url + each[0]["url"])).read() for each in made]
    assert len(set(pictures)) == 6

    form = aiohttp.FormData({"text": "at night"}, default_to_multipart=True)
    async with browser.post(f"{served.url}/api/v1/chat", data=form) as answer:
        error = (await answer.json())["error"]
    assert (answer.status, error["message"]) == (
        404,
        "Begin with a command, as in /imagine a red fox. /help lists them all.",
    )


async def _say(browser: aiohttp.ClientSession, url: str, text: str, **fields: str) -> dict[str, Any]:
    form = aiohttp.FormData({"text": text, **fields}, default_to_multipart=True)
    async with browser.post(f"{url}/api/v1/chat", data=form) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


async def _press(
    browser: aiohttp.ClientSession, url: str, action: str, key: str | None = None
) -> dict[str, Any]:
    async with browser.post(f"{url}/api/v1/chat/press", json={"action": action, "key": key}) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


async def _event(stream: aiohttp.ClientResponse) -> tuple[str, dict[str, Any]]:
    """The next event of a stream."""
    kind = ""
    async with asyncio.timeout(30):
        while True:
            name, _, value = (await stream.content.readuntil(b"\n")).decode().strip().partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                return kind, json.loads(value)
