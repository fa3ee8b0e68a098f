"""Nothing is lost and nothing is made twice, whatever is killed in the middle."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import open_app
from bot.contract.values import JobId, JobState
from bot.jobs.states import State
from bot.settings import Settings
from bot.store.database import Database
from bot.store.messages import Messages
from tests.processes import Program, bot_program, simulator_program

USERS = 20
JOBS_EACH = 10
BOT_KILLS = 10
SIMULATOR_KILLS = 2
SMALL = {"width": 64, "height": 64, "steps": 4}


@pytest.fixture
async def programs(tmp_path: Path) -> AsyncIterator[tuple[Program, Program]]:
    """The simulator and the bot, each at an address that it keeps when it is started again."""
    comfyui = simulator_program(tmp_path, "--step-seconds", "0.04")
    await comfyui.start()
    bot = bot_program(tmp_path, comfyui.url)
    await bot.start()
    yield comfyui, bot
    await bot.stop()
    await comfyui.stop()


@pytest.mark.timeout(480)
async def test_two_hundred_jobs_survive_ten_kills_of_the_bot_and_two_of_comfyui(
    tmp_path: Path, programs: tuple[Program, Program], http: aiohttp.ClientSession
) -> None:
    """200 different pictures, each card final, and no more repeated GPU runs than there were kills.

    The campaign of the benchmarks does the same for longer.
    """
    comfyui, bot = programs
    chance = random.Random(7)
    submitting = asyncio.create_task(_submit_all(http, bot.url))
    kills = [bot] * BOT_KILLS + [comfyui] * SIMULATOR_KILLS
    chance.shuffle(kills)
    async with Database(f"sqlite+aiosqlite:///{tmp_path / 'data' / 'muralist.db'}") as database:
        for number, victim in enumerate(kills):
            await _finished(database, number * 15 + chance.randrange(10))
            await asyncio.sleep(chance.uniform(0.0, 0.3))
            await victim.kill()
            await victim.start()
    jobs = await submitting

    pictures = [await _picture(http, bot.url, job) for job in jobs]

    assert len(set(jobs)) == USERS * JOBS_EACH
    assert len({hashlib.sha256(picture).hexdigest() for picture in pictures}) == USERS * JOBS_EACH
    await _all_shown(tmp_path)
    assert await bot.stop() == 0
    await _check_cards(tmp_path, comfyui.url, jobs)
    runs = (tmp_path / "comfyui" / "runs.jsonl").read_text().splitlines()
    assert USERS * JOBS_EACH <= len(runs) <= USERS * JOBS_EACH + BOT_KILLS + SIMULATOR_KILLS


async def _finished(database: Database, count: int) -> None:
    """Wait until so many jobs are done: each kill comes while jobs flow, at another moment of theirs."""
    while (await Messages(database).ended()).get(State.DONE, 0) < count:
        await asyncio.sleep(0.02)


async def _submit_all(http: aiohttp.ClientSession, url: str) -> list[str]:
    """Every user sends their jobs one after another, each until it is taken: the key makes that safe."""
    lists = await asyncio.gather(*(_submit_of(http, url, f"user-{user}") for user in range(USERS)))
    return [job for jobs in lists for job in jobs]


async def _submit_of(http: aiohttp.ClientSession, url: str, user: str) -> list[str]:
    return [await _submit(http, url, user, number) for number in range(JOBS_EACH)]


async def _submit(http: aiohttp.ClientSession, url: str, user: str, number: int) -> str:
    body = {"workflow": "imagine", "values": {"prompt": f"{user} {number}", **SMALL}, "user": user}
    while True:
        try:
            headers = {"Idempotency-Key": f"{user}-{number}"}
            async with http.post(f"{url}/api/v1/generate", json=body, headers=headers) as answer:
                if answer.status == 202:
                    job: str = (await answer.json())["job_id"]
                    return job
                assert answer.status == 503, await answer.text()
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.1)


async def _picture(http: aiohttp.ClientSession, url: str, job: str) -> bytes:
    """The one picture of a job, once it is done."""
    while True:
        status = await _status(http, url, job)
        assert status["state"] not in ("failed", "cancelled"), status
        if status["state"] == "done":
            break
        await asyncio.sleep(0.2)
    assert [output["media_type"] for output in status["outputs"]] == ["image/png"]
    async with http.get(url + status["outputs"][0]["url"]) as answer:
        assert answer.status == 200
        return await answer.read()


async def _status(http: aiohttp.ClientSession, url: str, job: str) -> dict[str, Any]:
    async with http.get(f"{url}/api/v1/jobs/{job}") as answer:
        status: dict[str, Any] = await answer.json()
        return status


async def _all_shown(folder: Path) -> None:
    """Wait until the outbox is empty."""
    async with Database(f"sqlite+aiosqlite:///{folder / 'data' / 'muralist.db'}") as database:
        while (await Messages(database).unsettled("web", 1))[2]:
            await asyncio.sleep(0.2)


async def _check_cards(folder: Path, comfyui: str, jobs: list[str]) -> None:
    """Every card is final with its one picture, and the counters agree with a count."""
    settings = Settings(data_dir=folder / "data", comfyui_urls=(comfyui,))
    async with open_app(settings) as app:
        views = await app.store.messages.of_jobs([JobId(job) for job in jobs])
        cards = [await app.board.card(view) for view in views]
        assert [(card.state, len(card.media)) for card in cards] == [(JobState.DONE, 1)] * len(jobs)
        assert all(view.shown == view.wanted for view in views)
        assert await app.store.messages.totals() == (0, 0)
