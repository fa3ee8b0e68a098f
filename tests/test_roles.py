"""Chat and work in processes of their own, over one PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.asking import PATIENCE_SECONDS, fault, generate, ready, runs, until
from tests.postgres import Server, running
from tests.processes import Program, bot_program, run_command, simulator_program
from tests.web.test_steering import order

RUN = ["-c", "from bot.cli import main; main()", "run"]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    """A server that these tests may kill."""
    with running() as server:
        yield server


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """One chat process and two workers, each with a ComfyUI of its own."""

    chat: Program
    workers: list[Program]
    comfyuis: list[Program]


@pytest.fixture
async def cluster(tmp_path: Path, postgres: Server, request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """All of it, running."""
    name = str(request.node.name)[:40].lower()
    shared = {"DATA_DIR": str(tmp_path / "data"), "DATABASE_URL": postgres.create(name)}
    comfyuis, workers = [], []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        comfyui = simulator_program(folder, "--step-seconds", "0.02")
        log = folder / "bot.log"
        settings = {**shared, "COMFYUI_URLS": comfyui.url}
        comfyuis.append(comfyui)
        workers.append(Program([*RUN, "--role", "worker"], comfyui.url, "/system_stats", settings, log))
    chat = bot_program(tmp_path, ",".join(each.url for each in comfyuis), **shared)
    chat.arguments += ["--role", "chat"]
    everything = [*comfyuis, chat, *workers]
    for program in everything:
        await program.start()
    yield Cluster(chat=chat, workers=workers, comfyuis=comfyuis)
    for program in reversed(everything):
        await program.stop()
    postgres.drop(name)


async def test_the_chat_process_shows_what_a_worker_does(cluster: Cluster) -> None:
    """Progress and preview come from another process within a moment, and the picture in the end."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        url = cluster.chat.url
        await get_page(browser, url)
        await ready(browser, url)
        async with browser.get(f"{url}/api/v1/chat") as stream:
            line = "/imagine a red fox --width 64 --height 64 --steps 100"
            form = aiohttp.FormData({"text": line}, default_to_multipart=True)
            async with browser.post(f"{url}/api/v1/chat", data=form) as answer:
                assert answer.status == 200, await answer.text()
                job = (await answer.json())["job"]
            cards = [card async for card in _cards(stream)]
        fractions = sorted({card["fraction"] for card in cards if card["fraction"]})
        assert len([each for each in fractions if 0 < each < 1]) >= 3
        assert any(card["preview"] for card in cards)
        assert [media["url"] for media in cards[-1]["media"]] == [f"/api/v1/jobs/{job}/outputs/0"]


async def test_all_are_killed_and_nothing_is_lost(
    tmp_path: Path, postgres: Server, cluster: Cluster, http: aiohttp.ClientSession
) -> None:
    """A worker, the chat process and the database, each in the middle of it."""
    await ready(http, cluster.chat.url)
    jobs = [
        await generate(http, cluster.chat.url, f"fox {number}", user=f"u{number % 3}") for number in range(24)
    ]
    await until(http, cluster.chat.url, jobs[2], "done")
    await cluster.workers[0].kill()
    await cluster.workers[0].start()
    await until(http, cluster.chat.url, jobs[5], "done")
    await cluster.chat.kill()
    await asyncio.to_thread(postgres.kill)
    await asyncio.to_thread(postgres.start)
    await cluster.chat.start()
    pictures = set()
    for job in jobs:
        status = await until(http, cluster.chat.url, job, "done")
        async with http.get(cluster.chat.url + status["outputs"][0]["url"]) as answer:
            assert answer.status == 200
            pictures.add(await answer.read())
    assert len(pictures) == len(jobs)
    lines = [line for number in (1, 2) for line in _runs(tmp_path / str(number))]
    assert len(jobs) <= len(lines) <= len(jobs) + 2
    assert {number for number in (1, 2) if _runs(tmp_path / str(number))} == {1, 2}
    assert {json.loads(line)["extra_data"]["muralist"]["job"] for line in lines} == set(jobs)


async def test_what_an_admin_says_in_one_process_is_done_in_all(
    cluster: Cluster, http: aiohttp.ClientSession
) -> None:
    """Pause and resume, drain and restore, a GPU that its owner wants back, a server that comes and goes."""
    chat, comfyuis = cluster.chat, cluster.comfyuis
    one, other = (each.url.removeprefix("http://") for each in comfyuis)
    await ready(http, chat.url)

    assert await order(http, chat, "pause") == "The queue is paused."
    waits = await generate(http, chat.url, "a fox that waits")
    await order(http, chat, "drain", server=other)
    assert [await runs(http, each.url) for each in comfyuis] == [[], []]
    await order(http, chat, "resume")
    await until(http, chat.url, waits, "done")
    assert [len(await runs(http, each.url)) for each in comfyuis] == [1, 0]

    await order(http, chat, "restore", server=other)
    await order(http, chat, "drain", server=one)
    await fault(http, comfyuis[1].url, "pace", step_seconds=1)
    handed_over = await generate(http, chat.url, "a fox that moves", values={"steps": 100})
    await until(http, chat.url, handed_over, "running")
    assert await order(http, chat, "gpu back", server=other, how="hand over") == f"{other}: yours."
    await until(http, chat.url, handed_over, "queued")
    assert [run["outcome"] for run in await runs(http, comfyuis[1].url)] == ["interrupted"]
    async with Simulator(SimulatorSettings(port=0, step_seconds=0.001)) as third:
        added = third.url.removeprefix("http://")
        assert await order(http, chat, "backend add", url=third.url) == f"{added} is added."
        await until(http, chat.url, handed_over, "done")
        assert [run.outcome for run in third.runs] == ["success"]
        assert await order(http, chat, "backend remove", server=added) == f"{added} is removed."
        gone = "a server is worked with no longer"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not all(gone in each.log.read_text() for each in cluster.workers):
                await asyncio.sleep(0.02)

    await order(http, chat, "restore", server=one)
    last = await generate(http, chat.url, "the last fox")
    await until(http, chat.url, last, "done")
    assert [len(await runs(http, each.url)) for each in comfyuis] == [2, 1]


async def test_all_need_the_same_folder(tmp_path: Path, cluster: Cluster) -> None:
    """A process whose DATA_DIR is another one ends with a sentence, before it does anything."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    settings = dict(cluster.workers[0].environment)
    settings.pop("DATA_DIR")
    code, _, error = await run_command(elsewhere, "run", "--role", "worker", **_settings(settings))
    assert code == 2
    assert error.splitlines()[-1].startswith(
        f"error: DATA_DIR: the pictures of this database lie in another folder than {elsewhere / 'data'}."
    )


def _settings(environment: dict[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in ("DATABASE_URL", "COMFYUI_URLS")}


def _runs(folder: Path) -> list[str]:
    return (folder / "comfyui" / "runs.jsonl").read_text().splitlines()


async def get_page(browser: aiohttp.ClientSession, url: str) -> None:
    """Open the page, which begins a session."""
    async with browser.get(f"{url}/") as answer:
        assert answer.status == 200


async def _cards(stream: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """The cards of a room until one is final."""
    async with asyncio.timeout(120):
        async for raw in stream.content:
            name, _, value = raw.decode().strip().partition(": ")
            if name == "data" and "state" in (card := json.loads(value)):
                yield card
                if card["state"] == "done":
                    return
