"""A disk without room: nothing is begun, nothing is corrupt, people and owner are told, and all goes on by itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from simulator.server import Simulator
from simulator.settings import SimulatorSettings
from tests.asking import PATIENCE_SECONDS, Json, ask, get, ready, until
from tests.faults.page import opened
from tests.processes import bot_program, running

FULL = "The disk of the machine that Muralist runs on is full."


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MB, as the folder `data`. Only root can make one."""
    place = tmp_path / "data"
    place.mkdir()
    if os.name == "nt" or os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", place], check=False)
    if made.returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@contextmanager
def _filled(disk: Path) -> Iterator[None]:
    """Without a byte of room while the block lasts."""
    with (disk / "filler").open("wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(512))
    try:
        yield
    finally:
        (disk / "filler").unlink()


async def test_a_disk_that_fills_up_in_the_middle_of_a_job(disk: Path, http: aiohttp.ClientSession) -> None:
    """Fault 21: the result waits on its ComfyUI, new requests are refused in words; then both are made, once."""
    async with Simulator(SimulatorSettings(port=0, step_seconds=0.02)) as comfyui:
        bot = bot_program(disk.parent, comfyui.url)
        async with running(bot), opened(bot.url) as page:
            await ready(http, bot.url)
            comfyui.faults.hang()
            job = await page.say("/imagine a red fox --width 256 --height 256 --steps 2")
            await until(page.browser, bot.url, job, "running")
            with _filled(disk):
                comfyui.faults.unhang()
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while (await _unready(http, bot.url)) == "ok":
                        await asyncio.sleep(0.05)
                status, answer = await _asked(http, bot.url)
                assert (status, answer["error"]["code"]) == (507, "no_room")
                assert answer["error"]["message"].startswith(FULL)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while not _told(bot.log):
                        await asyncio.sleep(0.05)
            await until(page.browser, bot.url, job, "done")
            status, answer = await ask(http, bot.url, "an owl")
            assert status == 202, answer
            await until(http, bot.url, answer["job_id"], "done")
            assert await bot.stop() == 0
    assert [run.outcome for run in comfyui.runs] == ["success", "success"]


def _told(log: Path) -> bool:
    """Whether the owner was told."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return any("disk" in line["event"] and line["level"] == "error" for line in lines)


async def _unready(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(f"{url}/readyz") as answer:
        status: str = (await answer.json())["status"]
        return status


async def _asked(http: aiohttp.ClientSession, url: str) -> tuple[int, Json]:
    """Ask until it is refused: the database may have a page left that is free."""
    for number in range(100):
        status, answer = await ask(http, url, f"owl {number} " + "x" * 900)
        if status != 202:
            return status, answer
    raise AssertionError("all of them found room")


async def test_results_that_find_no_room_wait_and_the_card_says_why(
    disk: Path, http: aiohttp.ClientSession
) -> None:
    """The database has room of its own here; the pictures' disk has none."""
    own = disk.parent / "elsewhere"
    own.mkdir()
    async with Simulator(SimulatorSettings(port=0, step_seconds=0.02)) as comfyui:
        url = f"sqlite+aiosqlite:///{own / 'muralist.db'}"
        bot = bot_program(disk.parent, comfyui.url, DATABASE_URL=url)
        async with running(bot), opened(bot.url) as page:
            await ready(http, bot.url)
            comfyui.faults.hang()
            job = await page.say("/imagine a red fox --width 256 --height 256 --steps 2")
            await until(page.browser, bot.url, job, "running")
            with _filled(disk):
                comfyui.faults.unhang()
                await page.card(FULL, job=job, state="running")
                waits = await page.say("/imagine an owl --width 64 --height 64 --steps 2")
                assert await _unready(http, bot.url) == "the disk of DATA_DIR is full"
                status = await get(page.browser, f"{bot.url}/api/v1/jobs/{waits}")
                assert status["state"] == "queued"
            await until(page.browser, bot.url, job, "done")
            await until(page.browser, bot.url, waits, "done")
    assert [run.outcome for run in comfyui.runs] == ["success", "success"]
