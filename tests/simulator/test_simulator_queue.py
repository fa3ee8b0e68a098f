"""The line of prompts, cancelling, history and job objects."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.conftest import Client, Json, Socket

    Graph = Callable[..., Json]


async def _hold(client: Client, txt2img: Graph) -> tuple[Socket, str]:
    """A prompt that holds the worker until `unhang`, and the socket of its client."""
    client.simulator.faults.hang()
    socket = await client.connect()
    prompt_id = await client.queue(txt2img(seed=999), socket.client_id)
    await socket.until("execution_cached")
    return socket, prompt_id


async def test_the_lowest_number_runs_first_and_front_jumps_the_line(
    client: Client, txt2img: Graph, flat: Graph
) -> None:
    """The order captured from a real server, with the counter that goes on behind named numbers."""
    socket, _ = await _hold(client, txt2img)
    wishes: list[Json] = [
        {},
        {},
        {"front": True},
        {"front": True},
        {"number": -1e9},
        {"number": 0.5},
        {},
        {"front": False},
    ]
    numbers = {}
    for colour, wish in enumerate(wishes):
        _, answer = await client.ask("POST", "/prompt", json={"prompt": flat(colour), **wish})
        numbers[answer["prompt_id"]] = answer["number"]
    assert list(numbers.values()) == [1, 2, -3, -4, -1e9, 0.5, 5, 6]
    listed = (await client.get("/queue"))["queue_pending"]
    assert [item[0] for item in listed] == [-1e9, -4, 0.5, 2, -3, 1, 5, 6]
    client.simulator.faults.unhang()
    while (await socket.until("status"))["data"]["status"]["exec_info"]["queue_remaining"]:
        pass
    ran = [numbers[run.prompt_id] for run in client.simulator.runs[1:]]
    assert ran == [-1e9, -4, -3, 0.5, 1, 2, 5, 6]


async def test_a_queue_item_has_five_elements_and_no_secrets(
    client: Client, txt2img: Graph, flat: Graph
) -> None:
    """Number, id, graph, extra_data with client and time, outputs."""
    _, running = await _hold(client, txt2img)
    extra = {"bot": {"job": "j"}, "api_key_comfy_org": "secret"}
    prompt_id = await client.queue(flat(), "me", extra_data=extra)
    queue = await client.get("/api/queue")
    (item,) = queue["queue_pending"]
    assert item[3].pop("create_time") > 1_600_000_000_000
    assert item == [1, prompt_id, flat(), {"bot": {"job": "j"}, "client_id": "me"}, ["3"]]
    assert [item[1] for item in queue["queue_running"]] == [running]
    assert await client.get("/prompt") == {"exec_info": {"queue_remaining": 2}}


async def test_the_counter_also_counts_refused_prompts(client: Client, flat: Graph) -> None:
    """And starts at 0, where `front` has no effect."""
    first = await client.ask("POST", "/prompt", json={"prompt": flat(), "front": True})
    await client.ask("POST", "/prompt", json={"prompt": {}})
    third = await client.ask("POST", "/prompt", json={"prompt": flat()})
    assert (first[1]["number"], third[1]["number"]) == (0, 2)


async def test_equal_number_and_id_fail_but_stay_in_the_line(
    client: Client, txt2img: Graph, flat: Graph
) -> None:
    """The heap compares the graphs, which raises after the item was put."""
    await _hold(client, txt2img)
    body = {"number": 5, "prompt_id": str(uuid.uuid4())}
    statuses = [
        (await client.ask("POST", "/prompt", json={"prompt": flat(colour), **body}))[0] for colour in (1, 2)
    ]
    assert statuses == [200, 500]
    assert len((await client.get("/queue"))["queue_pending"]) == 2


@pytest.mark.parametrize("way", ["/queue", "/api/jobs/cancel", "/api/jobs/{}/cancel"])
async def test_a_waiting_prompt_vanishes_without_a_word(
    client: Client, txt2img: Graph, flat: Graph, way: str
) -> None:
    """Only the count changes, told twice for the last one; no history, no job."""
    socket, _ = await _hold(client, txt2img)
    prompt_id = await client.queue(flat(), socket.client_id)
    await socket.until("status")
    socket.frames.clear()
    body = {"delete": [prompt_id], "job_ids": [prompt_id]}
    status, answer = await client.ask("POST", way.format(prompt_id), json=body)
    assert (status, answer) == (200, "" if way == "/queue" else {"cancelled": True})
    gone = {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 1}}}}
    assert [await socket.next(), await socket.next()] == [gone, gone]
    assert await client.get(f"/history/{prompt_id}") == {}
    assert await client.ask("GET", f"/api/jobs/{prompt_id}") == (404, {"error": "Job not found"})
    assert await client.ask("POST", f"/api/jobs/{prompt_id}/cancel") == (200, {"cancelled": False})


async def test_clear_empties_the_line_but_not_the_worker(client: Client, txt2img: Graph, flat: Graph) -> None:
    """The running prompt ends in success."""
    socket, running = await _hold(client, txt2img)
    for colour in range(3):
        await client.queue(flat(colour))
    assert await client.ask("POST", "/queue", json={"clear": True}) == (200, "")
    assert await client.get("/prompt") == {"exec_info": {"queue_remaining": 1}}
    client.simulator.faults.unhang()
    await socket.finished(running)
    assert [run.outcome for run in client.simulator.runs] == ["success"]


async def test_an_interrupt_by_id_spares_others(client: Client, txt2img: Graph, flat: Graph) -> None:
    """The id of a waiting prompt or of nobody does nothing; no id hits whatever runs."""
    socket, _ = await _hold(client, txt2img)
    waiting = await client.queue(flat(), socket.client_id)
    for wrong in (waiting, str(uuid.uuid4())):
        assert await client.ask("POST", "/interrupt", json={"prompt_id": wrong}) == (200, "")
    client.simulator.faults.unhang()
    await socket.finished(waiting)
    assert [run.outcome for run in client.simulator.runs] == ["success", "success"]


async def test_an_interrupt_without_an_id_hits_whatever_runs(client: Client, txt2img: Graph) -> None:
    """With an empty body too; with nothing running it is forgotten."""
    assert await client.ask("POST", "/interrupt") == (200, "")
    assert (await client.run(txt2img()))["status"]["status_str"] == "success"
    socket, running = await _hold(client, txt2img)
    assert await client.ask("POST", "/interrupt", json={"prompt_id": ""}) == (200, "")
    client.simulator.faults.unhang()
    await socket.finished(running)
    assert client.simulator.runs[-1].outcome == "interrupted"


async def test_a_node_without_a_model_is_interrupted_at_the_next_node_or_never(
    start: Callable[..., Any], flat: Graph
) -> None:
    """Cancelled while it runs: the invert goes on to the save; cancelled while saving it succeeds."""
    client: Client = await start(node_seconds=0.2)
    socket = await client.connect()
    outcomes = []
    for colour, node in ((1, "2"), (2, "3")):
        prompt_id = await client.queue(flat(colour), socket.client_id)
        await socket.until("executing", node=node, prompt_id=prompt_id)
        answer = await client.ask("POST", f"/api/jobs/{prompt_id}/cancel")
        await socket.finished(prompt_id)
        job = await client.get(f"/api/jobs/{prompt_id}")
        outcomes.append((answer, job["status"], job["outputs_count"]))
    cancelled = (200, {"cancelled": True})
    assert outcomes == [(cancelled, "cancelled", 0), (cancelled, "completed", 1)]
    interrupted = next(f for f in socket.frames if f["type"] == "execution_interrupted")
    assert interrupted["data"]["node_id"] == "3"


async def test_history_pages_as_real_servers_do(client: Client, flat: Graph) -> None:
    """The last n without an offset, n from the k-th oldest with one."""
    ids = []
    for colour in range(5):
        entry = await client.run(flat(colour))
        ids.append(entry["prompt"][1])
    asked = ["", "?max_items=2", "?max_items=2&offset=1", "?max_items=0", "?max_items=99", "?offset=3"]
    pages = [list(await client.get(f"/history{query}")) for query in asked]
    assert pages == [ids, ids[3:], ids[1:3], [], ids, ids[3:]]
    assert (await client.ask("GET", "/history?max_items=abc"))[0] == 500
    await client.ask("POST", "/history", json={"delete": [ids[0], "unknown"]})
    assert list(await client.get("/history")) == ids[1:]
    await client.ask("POST", "/history", json={"clear": True})
    assert await client.get("/history") == {}


async def test_the_history_has_an_end(start: Callable[..., Any], flat: Graph) -> None:
    """The oldest entry goes when there is one more than the size."""
    client: Client = await start(history_size=2)
    ids = [(await client.run(flat(colour)))["prompt"][1] for colour in range(5)]
    assert list(await client.get("/history")) == ids[2:]


async def test_jobs_are_filtered_sorted_and_paged(client: Client, txt2img: Graph, flat: Graph) -> None:
    """Newest first; list items have no outputs."""
    done = (await client.run(flat(), extra_data={"extra_pnginfo": {"workflow": {"id": "w1"}}}))["prompt"][1]
    _, running = await _hold(client, txt2img)
    waiting = await client.queue(flat(2))
    jobs = (await client.get("/api/jobs?sort_order=asc"))["jobs"]
    assert [(job["id"], job["status"]) for job in jobs] == [
        (done, "completed"),
        (running, "in_progress"),
        (waiting, "pending"),
    ]
    page = await client.get("/api/jobs?status=completed,in_progress&sort_order=asc&offset=1&limit=1")
    assert page["pagination"] == {"offset": 1, "limit": 1, "total": 2, "has_more": False}
    assert [job["id"] for job in page["jobs"]] == [running]
    (found,) = (await client.get("/api/jobs?workflow_id=w1"))["jobs"]
    assert (found["id"], "outputs" in found) == (done, False)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        (
            "status=foo",
            "Invalid status value(s): foo. Valid values: pending, in_progress, completed, failed, cancelled",
        ),
        ("limit=0", "limit must be a positive integer"),
        ("limit=x", "limit must be an integer"),
        ("offset=x", "offset must be an integer"),
        ("sort_by=zzz", "sort_by must be 'created_at' or 'execution_duration'"),
        ("sort_order=up", "sort_order must be 'asc' or 'desc'"),
    ],
)
async def test_a_bad_question_about_jobs_is_answered_in_words(client: Client, query: str, error: str) -> None:
    """With 400."""
    assert await client.ask("GET", f"/api/jobs?{query}") == (400, {"error": error})


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("{", {"error": "Request body must be valid JSON"}),
        ('{"job_ids": "x"}', {"error": "job_ids must be a list"}),
        (
            '{"job_ids": ["nope", 3]}',
            {"error": "job_ids contains invalid id(s)", "invalid_ids": ["nope", "3"]},
        ),
    ],
)
async def test_a_bad_batch_of_cancels_is_refused_as_a_whole(client: Client, body: str, answer: Json) -> None:
    """Ids must be canonical UUIDs here, unlike in the route for one job."""
    assert await client.ask("POST", "/api/jobs/cancel", data=body) == (400, answer)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/queue", "null"),
        ("/queue", '{"delete": null}'),
        ("/history", ""),
        ("/free", ""),
        ("/interrupt", "[]"),
    ],
)
async def test_malformed_commands_are_500s(client: Client, path: str, body: str) -> None:
    """As on a real server."""
    assert (await client.ask("POST", path, data=body))[0] == 500


async def test_the_cache_follows_the_previous_prompt_only(client: Client, flat: Graph) -> None:
    """Ids do not matter, another prefix runs the save only, another prompt in between runs all again."""

    async def run(graph: Json) -> tuple[list[str], str]:
        entry = await client.run(graph)
        cached = dict(entry["status"]["messages"])["execution_cached"]["nodes"]
        ((images,),) = [list(shown.values()) for shown in entry["outputs"].values()]
        return cached, images[0]["filename"]

    renamed = {
        "11": flat()["1"],
        "12": {"class_type": "ImageInvert", "inputs": {"image": ["11", 0]}},
        "13": {**flat()["3"], "inputs": {"images": ["12", 0], "filename_prefix": "flat"}},
    }
    assert await run(flat()) == ([], "flat_00001_.png")
    assert await run(flat()) == (["1", "2", "3"], "flat_00001_.png")
    assert await run(flat(prefix="d")) == (["1", "2"], "d_00001_.png")
    assert await run(renamed) == (["11", "12"], "flat_00002_.png")
    assert await run(flat(colour=2)) == ([], "flat_00003_.png")
    assert await run(flat()) == ([], "flat_00004_.png")
    await client.ask("POST", "/free", json={"free_memory": True})
    assert await run(flat()) == ([], "flat_00005_.png")


async def test_what_leads_to_an_output_soonest_runs_first(client: Client, txt2img: Graph) -> None:
    """A VAE two nodes before the save goes before all that the sampler needs."""
    graph = txt2img()
    graph["10"] = {"class_type": "VAELoader", "inputs": {"vae_name": client.simulator.settings.vaes[0]}}
    graph["8"]["inputs"] = {"vae": ["10", 0], "samples": ["3", 0]}
    socket = await client.connect()
    frames = await socket.finished(await client.queue(graph, socket.client_id))
    order = [frame["data"]["node"] for frame in frames if frame["type"] == "executing"]
    assert order == ["10", "5", "4", "7", "6", "3", "8", "9", None]


async def test_a_deleted_file_is_still_named_by_the_cache_and_its_number_comes_again(
    client: Client, flat: Graph
) -> None:
    """So a name alone does not tell which picture it is."""
    ((file,),) = [shown["images"] for shown in (await client.run(flat()))["outputs"].values()]
    (client.simulator.settings.data_dir or Path()).joinpath("output", file["filename"]).unlink()
    again = await client.run(flat())
    assert again["outputs"]["3"]["images"] == [file]
    assert (await client.ask("GET", f"/view?filename={file['filename']}"))[0] == 404
    other = await client.run(flat(colour=7))
    assert other["outputs"]["3"]["images"] == [file]
