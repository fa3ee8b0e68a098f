"""Every fault on the way to ComfyUI has its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.asking import ask, fault, generate, get, ready, runs, until
from tests.processes import Program, bot_program, simulator_program, wait_for_job


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[Program]:
    """A simulated ComfyUI that takes its time: a small picture of 4 steps needs 2 s."""
    program = simulator_program(tmp_path, "--step-seconds", "0.5")
    await program.start()
    yield program
    await program.stop()


@pytest.fixture
async def bot(tmp_path: Path, slow: Program) -> AsyncIterator[Program]:
    """The bot on the slow ComfyUI."""
    program = bot_program(tmp_path, slow.url)
    await program.start()
    yield program
    await program.stop()


async def test_passing_faults_cost_no_picture_and_no_second_run(
    simulated: Program, served: Program, http: aiohttp.ClientSession
) -> None:
    """Lost answers, errors of the server, files that take three tries, and noise on the socket."""
    for name, arguments in (
        ("swallow_answer", {"path_prefix": "/prompt", "method": "POST"}),
        ("fail_next", {"path_prefix": "/prompt", "status": 500, "method": "POST"}),
        ("fail_next", {"path_prefix": "/view", "status": 502, "times": 2}),
        ("swallow_answer", {"path_prefix": "/view"}),
        ("send_unknown", {}),
        ("delay_history", {"seconds": 0.3}),
    ):
        before = len(await runs(http, simulated.url))
        await fault(http, simulated.url, name, **arguments)
        job = await generate(http, served.url, f"after {name} {arguments}")
        status = await wait_for_job(http, served.url, job)
        assert (name, status["state"], len(await runs(http, simulated.url)) - before) == (name, "done", 1)


async def test_a_socket_that_is_lost_or_deaf_costs_nothing_but_time(
    slow: Program, bot: Program, http: aiohttp.ClientSession
) -> None:
    """In the middle of a run, and before one."""
    for name in ("drop_sockets", "deafen"):
        job = await generate(http, bot.url, name)
        await until(http, bot.url, job, "running")
        await fault(http, slow.url, name)
        after = await generate(http, bot.url, f"after {name}")
        states = [(await wait_for_job(http, bot.url, each))["state"] for each in (job, after)]
        assert states == ["done", "done"]
    assert [run["outcome"] for run in await runs(http, slow.url)] == ["success"] * 4


async def test_a_comfyui_that_forgets_everything_is_given_the_jobs_again(
    slow: Program, bot: Program, http: aiohttp.ClientSession
) -> None:
    """One that ran and one that waited there, both posted again under the ids that they had."""
    jobs = [await generate(http, bot.url, f"number {number}") for number in range(2)]
    await until(http, bot.url, jobs[0], "running")
    await fault(http, slow.url, "restart")

    states = [(await wait_for_job(http, bot.url, job))["state"] for job in jobs]

    assert states == ["done", "done"]
    made = await runs(http, slow.url)
    assert [run["outcome"] for run in made] == ["lost", "success", "success"]
    assert len({run["prompt_id"] for run in made}) == 2


async def test_what_fails_on_the_gpu_is_told_in_a_sentence(
    simulated: Program, served: Program, http: aiohttp.ClientSession
) -> None:
    """An error of a node, and a GPU out of memory; the next job is not harmed."""
    failing = await wait_for_job(http, served.url, await generate(http, served.url, "simulate an error"))
    memory = await wait_for_job(http, served.url, await generate(http, served.url, "simulate out of memory"))
    after = await wait_for_job(http, served.url, await generate(http, served.url))

    assert [failing["state"], memory["state"], after["state"]] == ["failed", "failed", "done"]
    assert failing["error"]["code"] == "node_failed"
    assert failing["error"]["message"].startswith('The node "Sampler" failed')
    assert memory["error"] == {
        "code": "out_of_memory",
        "message": "The GPU ran out of memory. Try a smaller size or fewer pictures.",
    }


async def test_a_bot_killed_in_mid_run_takes_its_job_up_again(
    slow: Program, bot: Program, http: aiohttp.ClientSession
) -> None:
    """One GPU run, and the bar goes on from where it was."""
    job = await generate(http, bot.url, values={"steps": 24})
    await until(http, bot.url, job, "running")
    while (await get(http, f"{bot.url}/api/v1/jobs/{job}"))["fraction"] < 0.2:
        await asyncio.sleep(0.05)
    await bot.kill()
    await bot.start()

    again = await get(http, f"{bot.url}/api/v1/jobs/{job}")
    assert (again["state"], again["fraction"] > 0) == ("running", True)
    assert (await wait_for_job(http, bot.url, job))["state"] == "done"
    assert [run["outcome"] for run in await runs(http, slow.url)] == ["success"]


async def test_jobs_wait_for_a_comfyui_that_is_away_and_new_ones_with_them(
    slow: Program, bot: Program, http: aiohttp.ClientSession
) -> None:
    """All are made when it returns, those too that were asked for meanwhile, even of a bot that never met it."""
    jobs = [await generate(http, bot.url, f"number {number}") for number in range(2)]
    await until(http, bot.url, jobs[0], "running")
    await slow.kill()
    while (await get(http, f"{bot.url}/api/v1/queue"))["backends"][0]["up"]:
        await asyncio.sleep(0.05)
    jobs.append(await generate(http, bot.url, "while it is away"))
    await bot.stop()
    await bot.start()
    jobs.append(await generate(http, bot.url, "after a restart", key="once"))
    assert await generate(http, bot.url, "after a restart", key="once") == jobs[-1]
    position = (await get(http, f"{bot.url}/api/v1/jobs/{jobs[-1]}"))["position"]
    await slow.start()

    assert position >= 2
    assert [(await wait_for_job(http, bot.url, job))["state"] for job in jobs] == ["done"] * 4


async def test_what_was_queued_while_comfyui_was_away_is_checked_again_by_the_one_that_returns(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Values are those that it last offered; a model that it has lost meanwhile is named, and what it has is made."""
    before = simulator_program(tmp_path, "--checkpoint", "fox.safetensors", "--checkpoint", "owl.safetensors")
    await before.start()
    bot = bot_program(tmp_path, before.url)
    await bot.start()
    await ready(http, bot.url)
    await before.stop()
    while (await get(http, f"{bot.url}/api/v1/queue"))["backends"][0]["up"]:
        await asyncio.sleep(0.05)

    kept = await generate(http, bot.url, values={"model": "owl.safetensors"})
    lost = await generate(http, bot.url, values={"model": "fox.safetensors"})
    status, answer = await ask(http, bot.url, values={"model": "cat.safetensors"})
    assert (status, answer["error"]["code"]) == (400, "invalid_value")

    port = int(before.url.rpartition(":")[2])
    after = simulator_program(tmp_path, "--checkpoint", "owl.safetensors", port=port)
    await after.start()
    ended = await wait_for_job(http, bot.url, lost)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "missing_model")
    assert "fox.safetensors" in ended["error"]["message"]
    assert (await wait_for_job(http, bot.url, kept))["state"] == "done"
    assert await bot.stop() == 0
    await after.stop()


async def test_a_request_is_refused_while_nothing_was_ever_known_of_any_comfyui(
    tmp_path: Path, slow: Program, http: aiohttp.ClientSession
) -> None:
    """Nobody can say what it could be made of."""
    await slow.stop()
    bot = bot_program(tmp_path, slow.url)
    await bot.start()
    status, answer = await ask(http, bot.url, "too early")
    queue = await get(http, f"{bot.url}/api/v1/queue")
    assert (status, answer["error"]["code"]) == (503, "no_backend")
    assert answer["error"]["message"] == (
        f"ComfyUI does not answer at {slow.url.removeprefix('http://')}. Start it, then send the command again."
    )
    assert queue["waiting"] + queue["running"] == 0
    assert await bot.stop() == 0


async def test_one_persons_batch_does_not_block_another(
    slow: Program, bot: Program, http: aiohttp.ClientSession
) -> None:
    """Six jobs of one, then one of another: it waits for the two that the backend has, and for one more at most.

    Whoever comes begins level with those who wait, and equals go by account.
    """
    many = [await generate(http, bot.url, f"many {number}", user="ann") for number in range(6)]
    await until(http, bot.url, many[0], "running")
    single = await generate(http, bot.url, "single", user="bob")
    position = (await get(http, f"{bot.url}/api/v1/jobs/{single}"))["position"]
    for job in [*many, single]:
        await wait_for_job(http, bot.url, job)

    order = [run["extra_data"]["muralist"]["job"] for run in await runs(http, slow.url)]
    assert position in (1, 2)
    assert order.index(single) in (2, 3)
    assert [job for job in order if job != single] == many


async def test_cancelling_reaches_waiting_committed_and_running_jobs(
    slow: Program, bot: Program, http: aiohttp.ClientSession
) -> None:
    """One in our queue, one in ComfyUI's, one that runs: all end, and only the running one was begun."""
    jobs = [await generate(http, bot.url, f"number {number}", values={"steps": 40}) for number in range(3)]
    await until(http, bot.url, jobs[0], "running")
    for job in reversed(jobs):
        async with http.delete(f"{bot.url}/api/v1/jobs/{job}") as answer:
            assert (answer.status, await answer.json()) == (202, {"job_id": job})

    ended = [await wait_for_job(http, bot.url, job) for job in jobs]

    assert [status["state"] for status in ended] == ["cancelled"] * 3
    assert [run["outcome"] for run in await runs(http, slow.url)] == ["interrupted"]
    assert await get(http, f"{slow.url}/queue") == {"queue_running": [], "queue_pending": []}
