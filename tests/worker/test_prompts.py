"""What people write within a prompt, from the line to the picture: LoRAs, alternatives, the owner's words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.asking import ready, runs
from tests.processes import Program, bot_program, running

Json = dict[str, Any]
SMALL = "--width 64 --height 64 --steps 2"
LORAS = ("add-detail-xl.safetensors", "oil_painting.safetensors")


@pytest.fixture
async def comfyui() -> AsyncIterator[Simulator]:
    """A simulated ComfyUI with two LoRAs."""
    async with Simulator(SimulatorSettings(port=0, step_seconds=0.0, loras=LORAS)) as simulator:
        yield simulator


@pytest.fixture
async def bot(tmp_path: Path, comfyui: Simulator, http: aiohttp.ClientSession) -> AsyncIterator[Program]:
    """The bot with a wildcard, a style, and the owner's own above."""
    data = tmp_path / "data"
    (data / "wildcards/nature").mkdir(parents=True)
    (data / "wildcards/nature/animal.txt").write_text("a grey wolf\na grey wolf\n", encoding="utf-8")
    (data / "workflows").mkdir()
    (data / "workflows/styles.toml").write_text(
        '[film]\nprompt = "{prompt}, on film"\nnegative = "drawing"\n', encoding="utf-8"
    )
    async with running(bot_program(tmp_path, comfyui.url)) as program:
        await ready(http, program.url)
        yield program


class Page:
    """A browser's room."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def say(self, text: str) -> Json:
        """A line; its answer."""
        form = aiohttp.FormData({"text": text}, default_to_multipart=True)
        async with self._session.post(f"{self._url}/api/v1/chat", data=form) as answer:
            found: Json = await answer.json()
            return found

    async def press(self, card: Json, label: str) -> Json:
        """A button of a card; its answer."""
        (action,) = [each["id"] for each in card["actions"] if each["label"] == label]
        async with self._session.post(f"{self._url}/api/v1/chat/press", json={"action": action}) as answer:
            found: Json = await answer.json()
            return found

    async def done(self, answer: Json) -> Json:
        """The card of what was begun, once it is done."""
        assert answer.get("kind") == "started", answer
        async with self._session.get(f"{self._url}/api/v1/chat") as stream:
            async for line in stream.content:
                if not line.startswith(b"data: "):
                    continue
                async with self._session.get(f"{self._url}/api/v1/chat/cards") as asked:
                    cards = (await asked.json())["cards"]
                found = [card for card in cards if card["id"] == answer["message"]]
                if found and found[0]["state"] == "done":
                    card: Json = found[0]
                    return card
        raise AssertionError("the stream ended")

    async def commands(self) -> dict[str, Json]:
        """What may be asked, by name."""
        async with self._session.get(f"{self._url}/api/v1/commands") as answer:
            return {command["name"]: command for command in (await answer.json())["commands"]}


@pytest.fixture
async def page(bot: Program) -> AsyncIterator[Page]:
    """Somebody at the page."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(f"{bot.url}/") as answer:
            assert answer.status == 200
        yield Page(bot.url, session)


def _lines(card: Json) -> list[str]:
    return ["".join(str(span.get("text", span.get("code", ""))) for span in line) for line in card["body"]]


async def _sent(http: aiohttp.ClientSession, comfyui: Simulator) -> list[Json]:
    """The graphs that were run."""
    found = []
    for run in await runs(http, comfyui.url):
        async with http.get(f"{comfyui.url}/history/{run['prompt_id']}") as answer:
            found.append((await answer.json())[run["prompt_id"]]["prompt"][2])
    return found


def _texts(graph: Json) -> list[str]:
    return [
        node["inputs"]["text"]
        for node in graph.values()
        if "text" in node["inputs"] and node["inputs"]["text"]
    ]


async def test_a_prompt_is_shown_as_it_was_read_and_kept_as_it_was_written(
    page: Page, comfyui: Simulator, http: aiohttp.ClientSession
) -> None:
    """The card has what was chosen; Again chooses anew, Info shows both."""
    line = f"/imagine {{red|blue}} <lora:detail:0.8> fox\x00 --seed 3 {SMALL}"
    card = await page.done(await page.say(line))
    (first,) = await _sent(http, comfyui)
    (text,) = _texts(first)
    assert text in ("red fox", "blue fox")
    assert _lines(card)[:3] == [
        text,
        "1 character that nobody can see was left out.",
        "LoRA: add-detail-xl (0.8)",
    ]
    info = (await page.press(card, "Info"))["card"]
    assert "prompt: {red|blue} <lora:detail:0.8> fox" in _lines(info)
    assert f"prompt as it was read: {text}" in _lines(info)
    said: set[str] = set()
    while said != {"red fox", "blue fox"}:
        card = await page.done(await page.press(card, "Again"))
        said.add(_lines(card)[0])
    for graph in await _sent(http, comfyui):
        assert graph["lora"]["inputs"] == {
            "lora_name": "add-detail-xl.safetensors", "strength_model": 0.8, "strength_clip": 0.8,
            "model": ["4", 0], "clip": ["4", 1],
        }  # fmt: skip
        assert graph["3"]["inputs"]["model"] == ["lora", 0]


async def test_the_owners_words_are_options_and_wildcards(
    page: Page, comfyui: Simulator, http: aiohttp.ClientSession
) -> None:
    """A style is around the prompt and kept for Again; it is among the options of every command with words."""
    options = {spec["name"]: spec for spec in (await page.commands())["imagine"]["parameters"]}
    assert (options["style"]["choices"], "16:9" in options["ar"]["choices"]) == (["film"], True)
    line = f"/imagine __nature/animal__ --style film --no fog, rain {SMALL}"
    card = await page.done(await page.say(line))
    card = await page.done(await page.press(card, "Again"))
    assert _lines(card)[0] == "a grey wolf, on film"
    assert [_texts(graph) for graph in await _sent(http, comfyui)] == [
        ["a grey wolf, on film", "fog, rain, drawing"]
    ] * 2
    told = [
        (await page.say(f"/imagine {text}"))["error"]["message"]
        for text in ("a fox --style flim", "a fox <lora:detial xl>", "a __../../muralist__", "<lora:oil:50>")
    ]
    assert told == [
        'Style "flim" is not offered. There is: film.',
        'ComfyUI has no LoRA "detial xl". The nearest that it has: add-detail-xl.',
        'There is no wildcard "__../../muralist__". The nearest that there is: __nature/animal__.',
        "The weight of the LoRA oil must be a number from -4 to 4, not 50.0. The nearest is 4.",
    ]
    assert len(await runs(http, comfyui.url)) == 2
