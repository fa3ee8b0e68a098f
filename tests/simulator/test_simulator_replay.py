"""The simulator answers captured requests with what the real server answered, message by message."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.conftest import Client, Json, Socket, Start

REAL = {"checkpoints": ("random-sd15.safetensors",), "default_preview_method": "auto"}
# In the order of the capture: what is cached depends on the one before.
IN_ORDER = (
    "txt2img",
    "txt2img_batch",
    "img2img",
    "no_model_invert",
    "no_model_load_invert",
    "preview_image",
)
STATE_KEYS = {
    "value",
    "max",
    "state",
    "node_id",
    "prompt_id",
    "display_node_id",
    "parent_node_id",
    "real_node_id",
}


def _brief(frame: Any) -> list[Any]:
    if isinstance(frame, tuple):
        return ["binary", frame[1]]
    if frame["type"] != "progress_state":
        return [frame["type"], frame["data"]]
    nodes = frame["data"]["nodes"]
    assert all(set(state) == STATE_KEYS for state in nodes.values())
    return ["progress_state", {key: [row["value"], row["max"], row["state"]] for key, row in nodes.items()}]


async def _replay(client: Client, socket: Socket, run: Json) -> Json:
    """What the simulator did, in the shape of a capture."""
    body = {"prompt": run["graph"], "client_id": socket.client_id, "extra_data": run["extra_data"]}
    status, answer = await client.ask("POST", "/prompt", json=body)
    prompt_id = answer["prompt_id"]
    frames = await socket.finished(prompt_id)
    entry = (await client.get(f"/history/{prompt_id}"))[prompt_id]
    job = await client.get(f"/api/jobs/{prompt_id}")
    _, _, _, extra_data, outputs = entry.pop("prompt")
    del job["workflow"], job["execution_status"]
    answer["number"] = job["priority"] = 0
    return {
        "status": status,
        "answer": answer,
        "messages": [_brief(frame) for frame in frames],
        "history": {"extra_data": extra_data, "outputs_to_execute": outputs, **entry},
        "job": job,
    }


def _agree(real: Json, simulated: Json) -> None:
    # Which output comes first changes from start to start in real servers.
    for side in (real, simulated):
        side["history"]["outputs_to_execute"].sort()
    wanted = {key: real[key] for key in simulated}
    assert simulated == wanted
    # Equal dicts may differ in the order of their keys; clients see that order.
    assert json.dumps(simulated["messages"]) == json.dumps(wanted["messages"])


async def _compare(client: Client, socket: Socket, run: Json, reduced: Callable[[Any, str], Any]) -> None:
    simulated = await _replay(client, socket, run)
    prompt_id = simulated["answer"]["prompt_id"]
    text = json.dumps(simulated).replace(socket.client_id, "CLIENT")
    _agree(run, reduced(json.loads(text), prompt_id))


async def test_a_sequence_of_prompts_equals_the_captured_one(
    start: Start, capture: Callable[[str], Json], reduced: Callable[[Any, str], Any]
) -> None:
    """Same graphs in the same order: same messages, history, job and cache hits."""
    client = await start(**REAL)
    for name in IN_ORDER:
        (run,) = capture(name)["runs"]
        await _compare(client, await client.connect(), run, reduced)


@pytest.mark.parametrize("name", ["cached_second_time", "accepted_in_part", "two_outputs"])
async def test_runs_on_one_socket_equal_the_captured_ones(
    start: Start, capture: Callable[[str], Json], reduced: Callable[[Any, str], Any], name: str
) -> None:
    """A second run is answered from the cache with the first one's files; a bad branch is dropped."""
    client = await start(**REAL)
    socket = await client.connect()
    for run in capture(name)["runs"]:
        socket.frames.clear()
        await _compare(client, socket, run, reduced)


@pytest.mark.parametrize(
    "name",
    [
        "alpha_save",
        "animated_webp",
        "audio_flac",
        "audio_mp3",
        "save_text",
        "text_preview",
        "trial_sleep",
        "trial_text_expand",
        "video_mp4",
        "video_mp4_audio",
        "webm",
        "ws_image",
    ],
)
async def test_every_kind_of_output_equals_the_captured_one(
    start: Start, capture: Callable[[str], Json], reduced: Callable[[Any, str], Any], name: str
) -> None:
    """Videos, sound, text, pictures over the socket, an expanded graph; what was cached then is so now."""
    client = await start(**REAL, trial_nodes=True)
    (run,) = capture(name)["runs"]
    await _put_alpha(client)
    await _prime(client, run)
    await _compare(client, await client.connect(), run, reduced)


async def _put_alpha(client: Client) -> None:
    assert client.simulator.settings.data_dir is not None
    picture = Image.new("RGBA", (64, 64), (200, 30, 30, 128))
    await asyncio.to_thread(picture.save, client.simulator.settings.data_dir / "input" / "alpha.png")


async def _prime(client: Client, run: Json) -> None:
    """Run what was cached when the capture was made."""
    cached = next(data["nodes"] for name, data in run["messages"] if name == "execution_cached")
    graph = {node_id: run["graph"][node_id] for node_id in cached}
    sinks = {
        f"show {node_id}": {"class_type": "PreviewAny", "inputs": {"source": [node_id, 0]}}
        for node_id in cached
    }
    if graph:
        await client.run({**graph, **sinks})


async def test_a_failed_run_equals_the_captured_one(
    start: Start, capture: Callable[[str], Json], reduced: Callable[[Any, str], Any]
) -> None:
    """But for the traceback, which is the simulator's own, and what tensors look like."""
    client = await start(**REAL, trial_nodes=True)
    (run,) = capture("trial_boom")["runs"]

    def plain(value: Any, prompt_id: str) -> Any:
        text = json.dumps(reduced(value, prompt_id))
        # Real servers keep the ids in a set.
        text = re.sub(r'"current_outputs": \[[^\]]*\]', '"current_outputs": ["2", "1", "3"]', text)
        text = re.sub(r'"tensor\((?:[^"\\]|\\.)*"', '"tensor"', text)
        return json.loads(re.sub(r'"traceback": \[(?:"(?:[^"\\]|\\.)*"(?:, )?)*\]', '"traceback": []', text))

    await _compare(client, await client.connect(), run, plain)


async def test_previews_without_feature_flags_are_of_the_old_kind(
    start: Start, capture: Callable[[str], Json], reduced: Callable[[Any, str], Any]
) -> None:
    """Type 1 frames come after `progress`, not before it."""
    client = await start(**REAL)
    (run,) = capture("txt2img_without_feature_flags")["runs"]
    await _compare(client, await client.connect(flags=False), run, reduced)


@pytest.mark.parametrize("name", ["refused_bad_sampler", "refused_missing_model", "refused_missing_node"])
async def test_refusals_equal_the_captured_ones(
    start: Start, capture: Callable[[str], Json], name: str
) -> None:
    """Same status, types, messages, details and extra info."""
    client = await start(**REAL)
    (run,) = capture(name)["runs"]
    status, answer = await client.ask("POST", "/prompt", json={"prompt": run["graph"]})
    for side in (answer, run["answer"]):
        for node in side["node_errors"].values():
            # Real servers check the inputs of a node in no fixed order.
            node["errors"].sort(key=lambda error: error["extra_info"]["input_name"])
    assert (status, answer) == (run["status"], run["answer"])


async def test_a_cancelled_run_ends_as_the_captured_one(
    start: Start,
    capture: Callable[[str], Json],
    reduced: Callable[[Any, str], Any],
    txt2img: Callable[..., Json],
) -> None:
    """After two steps: interrupted, status, executing null; history error, job cancelled."""
    client = await start(step_seconds=0.2)
    socket = await client.connect()
    prompt_id = await client.queue(txt2img(steps=12), socket.client_id)
    await socket.until("progress", value=2)
    answer = await client.ask("POST", f"/api/jobs/{prompt_id}/cancel")
    assert answer == (200, {"cancelled": True})
    frames = reduced([_brief(frame) for frame in await socket.finished(prompt_id)], prompt_id)
    (real,) = capture("cancelled_while_running")["runs"]
    assert [frame[0] for frame in frames[-4:]] == ["progress", *(row[0] for row in real["messages"][-3:])]
    assert frames[-3][1] == {
        **real["messages"][-3][1],
        "node_id": "3",
        "node_type": "KSampler",
        "executed": ["4", "5", "7", "6"],
    }
    assert frames[-2:] == real["messages"][-2:]
    job = reduced(await client.get(f"/api/jobs/{prompt_id}"), prompt_id)
    assert {key: job[key] for key in real["job"]} == {**real["job"], "priority": 0}
