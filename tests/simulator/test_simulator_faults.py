"""Faults on demand, restarts, the log of runs, and the command line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from simulator.runs import RunLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.conftest import Client, Json

    Graph = Callable[..., Json]


async def test_the_next_answers_fail_unprocessed(client: Client, flat: Graph) -> None:
    """As often as asked, below that path with and without /api, for that method."""
    client.simulator.faults.fail_next("/prompt", 502, 2, "POST", "<html>", "text/html")
    body = {"prompt": flat()}
    answers = [await client.ask("POST", path, json=body) for path in ("/prompt", "/api/prompt", "/prompt")]
    assert [status for status, _ in answers] == [502, 502, 200]
    assert answers[0] == (502, "<html>")
    assert answers[2][1]["number"] == 0


async def test_a_share_of_the_answers_fails(client: Client) -> None:
    """Of all routes, the same ones for the same seed; sockets are left alone."""
    seen = []
    for _ in range(2):
        client.simulator.faults.fail_share(0.3, seed=4)
        seen.append([(await client.ask("GET", "/prompt"))[0] for _ in range(50)])
        await client.connect()
    client.simulator.faults.fail_share(0)
    assert seen[0] == seen[1]
    assert (set(seen[0]), 5 <= seen[0].count(500) <= 25) == ({200, 500}, True)
    assert {(await client.ask("GET", "/prompt"))[0] for _ in range(20)} == {200}


async def test_a_slow_network(client: Client, flat: Graph) -> None:
    """Both ways of a request take their time, and so do messages, which do not wait for each other."""
    client.simulator.faults.network_delay(0.2)
    begun = time.monotonic()
    socket = await client.connect()
    prompt_id = await client.queue(flat(), socket.client_id)
    asked = time.monotonic()
    frames = await socket.finished(prompt_id)
    told = time.monotonic()
    client.simulator.faults.network_delay(0)
    assert asked - begun >= 0.6
    assert told - asked < 0.2 * len(frames)


async def test_messages_that_are_held_come_later(client: Client, flat: Graph) -> None:
    """As behind a reader that has stopped: HTTP and the prompts go on."""
    socket = await client.connect()
    client.simulator.faults.hold_messages()
    prompt_id = await client.queue(flat(), socket.client_id)
    while prompt_id not in await client.get(f"/history/{prompt_id}"):
        await asyncio.sleep(0.01)
    assert socket.frames == []
    client.simulator.faults.release_messages()
    assert (await socket.finished(prompt_id))[-1]["data"]["node"] is None


async def test_a_download_that_breaks(client: Client, flat: Graph) -> None:
    """Once; the next one is whole."""
    file = (await client.run(flat()))["outputs"]["3"]["images"][0]
    client.simulator.faults.cut_view(20)
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.picture(file)
    assert (await client.picture(file)).size == (32, 16)


async def test_one_clients_socket_is_dropped(client: Client) -> None:
    """Others keep theirs."""
    one, other = await client.connect(), await client.connect()
    client.simulator.faults.drop_sockets(one.client_id)
    with pytest.raises(ConnectionError):
        await one.next()
    assert await other.is_deaf()  # nothing was said, and it answers


async def test_a_swallowed_answer_leaves_the_prompt_queued(client: Client, flat: Graph) -> None:
    """The connection breaks, and the run happens all the same."""
    socket = await client.connect()
    client.simulator.faults.swallow_answer("/prompt", method="POST")
    with pytest.raises(aiohttp.ClientError):
        await client.queue(flat(), socket.client_id)
    await socket.until("executing", node=None)
    assert [run.outcome for run in client.simulator.runs] == ["success"]


async def test_a_delayed_answer_is_processed_at_once(client: Client, flat: Graph) -> None:
    """Infinity never answers, and does not hold up the end of the server."""
    socket = await client.connect()
    client.simulator.faults.delay_answer("/prompt", float("inf"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await client.queue(flat(), socket.client_id)
    await socket.until("executing", node=None)


async def test_deaf_sockets_live_but_hear_nothing(client: Client, flat: Graph) -> None:
    """New ones hear."""
    socket = await client.connect()
    client.simulator.faults.deafen()
    prompt_id = await client.queue(flat(), socket.client_id)
    other = await client.connect(socket.client_id)
    await other.finished(await client.queue(flat(2), socket.client_id))
    assert (await socket.is_deaf(), len(await client.get(f"/history/{prompt_id}"))) == (True, 1)


async def test_dropped_sockets_end_without_a_goodbye(client: Client) -> None:
    """Code 1006: no closing handshake."""
    socket = await client.connect()
    client.simulator.faults.drop_sockets()
    with pytest.raises(ConnectionError):
        await socket.next()
    assert socket.ws.close_code == 1006


async def test_unknown_messages_reach_every_socket(client: Client) -> None:
    """A type, a binary event and a text that no client knows."""
    socket = await client.connect()
    client.simulator.faults.send_unknown()
    assert [await socket.next() for _ in range(3)] == [
        {"type": "custom_pack.gossip", "data": {"prompt_id": 7}},
        ("binary", 99, b"\0\0\0\x63unknown"),
        '{"type": "progress", "data": {',
    ]


async def test_an_armed_error_hits_the_next_node_of_its_class(client: Client, flat: Graph) -> None:
    """Once; what ran before it keeps its outputs."""
    graph = {
        **flat(),
        "4": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "early"}},
    }
    client.simulator.faults.node_error_next("boom", "ImageInvert")
    entry = await client.run(graph)
    assert entry["status"]["messages"][-1][1]["exception_message"] == "boom\n"
    assert list(entry["outputs"]) == ["4"]
    assert (await client.run(graph))["status"]["status_str"] == "success"


async def test_out_of_memory_unloads_the_model(
    start: Callable[..., Any], txt2img: Graph, flat: Graph
) -> None:
    """The server goes on; the checkpoint loads again as soon as its loader has to run."""
    client: Client = await start(load_seconds=0.3)
    client.simulator.faults.oom_next()
    entry = await client.run(txt2img())
    assert entry["status"]["messages"][-1][1]["exception_type"] == "torch.OutOfMemoryError"
    await client.run(flat())
    began = time.monotonic()
    assert (await client.run(txt2img()))["status"]["status_str"] == "success"
    assert time.monotonic() - began >= 0.3


async def test_loading_takes_its_time_only_for_another_checkpoint(
    start: Callable[..., Any], txt2img: Graph, flat: Graph
) -> None:
    """After another graph in between, the loader runs again but the model is still in memory."""
    client: Client = await start(load_seconds=0.4)
    times = []
    for graph in (txt2img(), flat(), txt2img(), txt2img(checkpoint="sd_xl_base_1.0.safetensors")):
        began = time.monotonic()
        await client.run(graph)
        times.append(time.monotonic() - began >= 0.4)
    assert times == [True, False, False, True]


async def test_a_restart_forgets_all_but_the_disk(client: Client, txt2img: Graph, flat: Graph) -> None:
    """Sockets break, queue, history and ids are gone, numbers start at 0; while down nobody listens."""
    await client.run(flat())
    socket = await client.connect()
    client.simulator.faults.hang()
    running = await client.queue(txt2img(), socket.client_id)
    await socket.until("executing")
    await client.queue(flat())
    down = asyncio.create_task(client.simulator.faults.restart(0.3))
    with pytest.raises(ConnectionError):
        await socket.finished(running)
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.ask("GET", "/prompt")
    await down
    assert await client.get("/queue") == {"queue_running": [], "queue_pending": []}
    assert await client.get("/history") == {}
    assert (await client.ask("GET", f"/api/jobs/{running}"))[0] == 404
    assert (await client.run(flat()))["prompt"][0] == 0
    outcomes = [(run["run"], run["outcome"], run["steps"]) for run in await client.get("/simulator/runs")]
    assert outcomes == [(0, "success", 0), (1, "lost", 0), (2, "success", 0)]


async def test_faults_are_reached_over_http(client: Client, flat: Graph) -> None:
    """By name, with the rest of the body as arguments; mistakes are answered in words."""
    wish = {"name": "fail_next", "path_prefix": "/history", "status": 503}
    assert await client.ask("POST", "/simulator/faults", json=wish) == (200, {"done": "fail_next"})
    assert (await client.ask("GET", "/history"))[0] == 503
    status, answer = await client.ask("POST", "/simulator/faults", json={"name": "on_request"})
    assert (status, answer["error"].startswith("Faults are: clear_history, cut_view, deafen")) == (400, True)
    assert (await client.ask("POST", "/simulator/faults", json={"name": "hang", "x": 1}))[0] == 400
    await client.run(flat())
    restart = {"name": "restart", "downtime": 0.0}
    assert await client.ask("POST", "/simulator/faults", json=restart) == (200, {"done": "restart"})


async def test_the_history_may_lag_behind_success(client: Client, flat: Graph) -> None:
    """Told before it is written; the very last message comes after."""
    client.simulator.faults.delay_history(0.3)
    socket = await client.connect()
    prompt_id = await client.queue(flat(), socket.client_id)
    await socket.until("execution_success")
    assert await client.get(f"/history/{prompt_id}") == {}
    await socket.finished(prompt_id)
    assert len(await client.get(f"/history/{prompt_id}")) == 1
    client.simulator.faults.clear_history()
    assert await client.get("/history") == {}


async def test_runs_outlive_the_simulator(start: Callable[..., Any], txt2img: Graph, tmp_path: Path) -> None:
    """One line a start in the folder; cached nodes and steps are noted at the end."""
    client: Client = await start()
    await client.run(txt2img())
    entry = await client.run(txt2img(), extra_data={"bot": "j1"})
    again: Client = await start()
    first, second = await again.get("/simulator/runs")
    assert (first["outcome"], first["steps"], first["cached"]) == ("success", 3, [])
    assert (second["steps"], sorted(second["cached"])) == (0, ["3", "4", "5", "6", "7", "8", "9"])
    assert second["prompt_id"] == entry["prompt"][1]
    assert second["extra_data"]["bot"] == "j1"
    lines = (tmp_path / "comfyui" / "runs.jsonl").read_text().splitlines()
    assert [json.loads(line)["prompt_id"] for line in lines] == [first["prompt_id"], second["prompt_id"]]


def _started(folder: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    """The command in a process of its own, and its address."""
    command = [sys.executable, "-m", "simulator", "--port", "0", "--data-dir", str(folder), *options]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Simulated ComfyUI 0.33.0 at http://127.0.0.1:")
    assert line.endswith(" (no GPU: pictures are drawn, not sampled)\n")
    return process, line.split()[4]


async def test_the_command_serves_until_it_is_told_to_end(txt2img: Graph, tmp_path: Path) -> None:
    """A killed one leaves the start of its run; a terminated one ends with status 0."""
    process, url = await asyncio.to_thread(_started, tmp_path, "--checkpoint", "x.safetensors")
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/ws?clientId=me") as ws:
        graph = txt2img(checkpoint="x.safetensors", steps=1000)
        async with session.post(f"{url}/prompt", json={"prompt": graph, "client_id": "me"}) as answer:
            prompt_id = (await answer.json())["prompt_id"]
        while (await ws.receive_json())["type"] != "progress":
            pass
    process.kill()
    await asyncio.to_thread(process.communicate)
    (run,) = RunLog(tmp_path).runs
    assert (run.prompt_id, run.outcome, run.finished) == (prompt_id, None, None)
    process, _ = await asyncio.to_thread(_started, tmp_path)
    process.send_signal(signal.SIGTERM)
    await asyncio.to_thread(process.communicate)
    assert process.returncode == (0 if os.name == "posix" else 1)


async def test_the_command_puts_things_before_the_server(tmp_path: Path) -> None:
    """A path with or without slashes, and a token; both are asked for."""
    options = ("--path-prefix", "comfy/", "--token", "t", "--gpus", "2", "--version", "0.33.0")
    process, url = await asyncio.to_thread(_started, tmp_path, *options)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/system_stats") as answer:
            refused = answer.status
        async with session.get(f"{url}/system_stats?token=t") as answer:
            cards = len((await answer.json())["devices"])
    process.terminate()
    await asyncio.to_thread(process.communicate)
    assert (url.endswith("/comfy"), refused, cards) == (True, 401, 2)


async def test_a_taken_port_is_one_sentence(client: Client) -> None:
    """And status 1."""
    port = str(client.simulator.port)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "simulator", "--port", port),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )
    out, err = await process.communicate()
    sentence = (
        f"Port {port} of 127.0.0.1 is taken: end what listens there, or choose another one with --port."
    )
    assert (process.returncode, out, err.decode().strip()) == (1, b"", sentence)
