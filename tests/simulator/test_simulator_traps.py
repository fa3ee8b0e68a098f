"""The traps that real servers set for their clients: the simulator has every one of them."""

from __future__ import annotations

import asyncio
import json
import uuid
from io import BytesIO
from typing import TYPE_CHECKING, Any

import aiohttp
from PIL import Image

from simulator.versions import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.conftest import Client, Json, Socket, Start

    Graph = Callable[..., Json]

BROKEN = (500, "500 Internal Server Error\n\nServer got itself in trouble")


def _node(class_type: str, **inputs: Any) -> Json:
    return {"class_type": class_type, "inputs": inputs}


async def _finished(client: Client, prompt_id: str) -> Json:
    # Polled, because several traps are that no message comes.
    while prompt_id not in (found := await client.get(f"/history/{prompt_id}")):
        await asyncio.sleep(0.01)
    entry: Json = found[prompt_id]
    return entry


async def _held(client: Client, txt2img: Graph) -> tuple[Socket, str]:
    """A prompt that runs until `unhang`, and the socket of its client."""
    client.simulator.faults.hang()
    socket = await client.connect()
    running = await client.queue(txt2img(), socket.client_id)
    await socket.until("executing", node="4")
    return socket, running


async def test_1_the_socket_replays_nothing(client: Client, flat: Graph) -> None:
    """What was sent while nobody listened is lost for good; HTTP knows it all."""
    first = await client.connect("me")
    await first.ws.close()
    entry = await _finished(client, await client.queue(flat(), "me"))
    again = await client.connect("me")
    assert await again.is_deaf()
    assert entry["status"]["completed"]


async def test_1_a_stranger_who_stops_reading_silences_all(client: Client, flat: Graph) -> None:
    """HTTP and the prompts go on meanwhile."""
    socket = await client.connect()
    client.simulator.faults.hold_messages()
    prompt_id = await client.queue(flat(), socket.client_id)
    await _finished(client, prompt_id)
    assert await socket.is_deaf()
    client.simulator.faults.release_messages()
    await socket.finished(prompt_id)


async def test_2_a_socket_opened_before_the_old_one_closed_is_deaf(client: Client, flat: Graph) -> None:
    """It answers pings, and not even `status` reaches it."""
    old, new = await client.connect("me"), await client.connect("me")
    await old.ws.close()
    await _until_forgotten(client, new, flat)
    await _finished(client, await client.queue(flat(99), "me"))
    assert (await new.is_deaf(), new.ws.closed) == (True, False)


async def _until_forgotten(client: Client, socket: Socket, flat: Graph) -> None:
    """Queue prompts until the server has seen the end of the old socket."""
    for colour in range(50):
        await _finished(client, await client.queue(flat(colour)))
        if await socket.is_deaf():
            return
        socket.frames.clear()
    raise AssertionError("The socket still hears")


async def test_3_an_empty_history_has_five_meanings(client: Client, txt2img: Graph, flat: Graph) -> None:
    """Unknown, waiting, running, deleted, and lost with the server."""
    socket, running = await _held(client, txt2img)
    waiting = await client.queue(flat(1), socket.client_id)
    states = {name: await client.ask("GET", f"/history/{name}") for name in (running, waiting, "unknown")}
    client.simulator.faults.unhang()
    await socket.finished(waiting)
    await client.ask("POST", "/history", json={"delete": [waiting]})
    states["deleted"] = await client.ask("GET", f"/history/{waiting}")
    assert len(await client.get(f"/history/{running}")) == 1
    await client.simulator.faults.restart()
    states["lost"] = await client.ask("GET", f"/history/{running}")
    assert states == dict.fromkeys(states, (200, {}))


async def test_4_success_is_told_before_the_history_has_it(client: Client, flat: Graph) -> None:
    """The very last message comes after."""
    client.simulator.faults.delay_history(0.3)
    socket = await client.connect()
    prompt_id = await client.queue(flat(), socket.client_id)
    await socket.until("execution_success")
    early = await client.get(f"/history/{prompt_id}")
    await socket.finished(prompt_id)
    assert (early, len(await client.get(f"/history/{prompt_id}"))) == ({}, 1)


async def test_5_success_may_have_no_outputs(client: Client, flat: Graph) -> None:
    """A prompt whose files were all made before has no messages of its nodes, and old names."""
    made = await client.run(flat())
    socket = await client.connect()
    frames = await socket.finished(await client.queue(flat(), socket.client_id))
    assert [f["data"]["node"] for f in frames if f["type"] == "executing"] == [None]
    executed = next(frame["data"] for frame in frames if frame["type"] == "executed")
    assert executed["output"] == made["outputs"]["3"]


async def test_6_200_may_have_dropped_half_of_the_graph(client: Client, flat: Graph) -> None:
    """The errors stand beside the id."""
    graph = {**flat(), "6": _node("SaveImage", images=["7", 0], filename_prefix="b")}
    sizes = {"upscale_method": "lanczos", "width": "wide", "height": 8, "crop": "disabled"}
    graph["7"] = _node("ImageScale", image=["1", 0], **sizes)
    socket = await client.connect()
    body = {"prompt": graph, "client_id": socket.client_id}
    status, answer = await client.ask("POST", "/prompt", json=body)
    assert (status, list(answer["node_errors"])) == (200, ["7"])
    assert answer["node_errors"]["7"]["dependent_outputs"] == ["6"]
    await socket.finished(answer["prompt_id"])
    entry = (await client.get(f"/history/{answer['prompt_id']}"))[answer["prompt_id"]]
    assert (entry["prompt"][4], list(entry["outputs"])) == (["3"], ["3"])


async def test_7_an_interrupt_without_an_id_kills_anybodys_prompt(client: Client, txt2img: Graph) -> None:
    """Whose it is does not matter."""
    socket, running = await _held(client, txt2img)
    assert await client.ask("POST", "/interrupt") == (200, "")
    client.simulator.faults.unhang()
    await socket.until("execution_interrupted", prompt_id=running)


async def test_7_old_servers_do_not_look_at_the_id(start: Start, txt2img: Graph) -> None:
    """The interrupt of one prompt kills another one."""
    client: Client = await start(version=VERSIONS["0.3.10"])
    client.simulator.faults.hang()
    socket = await client.connect(flags=False)
    running = await client.queue(txt2img(), socket.client_id)
    await socket.until("executing", node="4")
    await client.ask("POST", "/interrupt", json={"prompt_id": str(uuid.uuid4())})
    client.simulator.faults.unhang()
    await socket.until("execution_interrupted", prompt_id=running)


async def test_7_a_waiting_prompt_is_deleted_in_silence(client: Client, txt2img: Graph, flat: Graph) -> None:
    """No message names it, and an interrupt does not reach it."""
    socket, running = await _held(client, txt2img)
    waiting = await client.queue(flat(), socket.client_id)
    await client.ask("POST", "/interrupt", json={"prompt_id": waiting})
    assert len((await client.get("/queue"))["queue_pending"]) == 1
    assert await client.ask("POST", "/queue", json={"delete": [waiting]}) == (200, "")
    client.simulator.faults.unhang()
    frames = await socket.finished(running)
    assert not any(waiting in json.dumps(frame) for frame in frames if isinstance(frame, dict))
    assert await client.get(f"/history/{waiting}") == {}


async def test_8_cancelled_is_only_a_request(start: Start, flat: Graph) -> None:
    """A prompt whose last node is at work already ends in success."""
    client: Client = await start(node_seconds=0.2)
    socket = await client.connect()
    prompt_id = await client.queue(flat(), socket.client_id)
    await socket.until("executing", node="3")
    answer = await client.ask("POST", f"/api/jobs/{prompt_id}/cancel")
    await socket.finished(prompt_id)
    job = await client.get(f"/api/jobs/{prompt_id}")
    assert (answer, job["status"]) == ((200, {"cancelled": True}), "completed")


async def test_9_the_same_prompt_makes_nothing_new(client: Client, flat: Graph) -> None:
    """Its file may be gone, and the name of a deleted file comes again for another picture."""
    first = (await client.run(flat(1)))["outputs"]["3"]["images"][0]
    path = client.simulator.folder / "output" / first["filename"]
    path.unlink()
    assert (await client.run(flat(1)))["outputs"]["3"]["images"] == [first]
    assert await client.ask("GET", "/view", params=first) == (404, "")
    assert (await client.run(flat(2)))["outputs"]["3"]["images"] == [first]


async def test_10_an_id_of_ones_own_protects_from_nothing(client: Client, flat: Graph) -> None:
    """The same one runs twice, and the second run takes the first one's place in the history."""
    own = str(uuid.uuid4())
    first = await client.run(flat(1), prompt_id=own)
    second = await client.run(flat(2), prompt_id=own)
    assert [run.prompt_id for run in client.simulator.runs] == [own, own]
    assert list(await client.get("/history")) == [own]
    assert first["outputs"] != second["outputs"]


async def test_10_old_servers_answer_with_another_id(start: Start, flat: Graph) -> None:
    """And say nothing of it; in between any text was an id."""
    given = {}
    for name in ("0.3.10", "0.3.64"):
        client: Client = await start(version=VERSIONS[name])
        given[name] = await client.queue(flat(), prompt_id="my-job-1") == "my-job-1"
    assert given == {"0.3.10": False, "0.3.64": True}


async def test_10_an_answer_may_be_lost_and_the_prompt_queued(
    client: Client, txt2img: Graph, flat: Graph
) -> None:
    """The id that was sent along finds it in the queue."""
    socket, _ = await _held(client, txt2img)
    client.simulator.faults.swallow_answer("/prompt", method="POST")
    own = str(uuid.uuid4())
    body = {"prompt": flat(), "client_id": socket.client_id, "prompt_id": own}
    lost = False
    try:
        await client.ask("POST", "/prompt", json=body)
    except aiohttp.ClientError:
        lost = True
    assert lost
    assert [item[1] for item in (await client.get("/queue"))["queue_pending"]] == [own]


async def test_11_without_a_client_id_previews_go_to_strangers(client: Client, txt2img: Graph) -> None:
    """They do not say whose they are, and nobody hears of the end."""
    stranger = await client.connect()
    await client.queue(txt2img(), extra_data={"preview_method": "auto"})
    await stranger.until("status", status={"exec_info": {"queue_remaining": 0}})
    frames = stranger.frames
    assert {frame[1] for frame in frames if isinstance(frame, tuple)} == {1}
    told = {frame["type"] for frame in frames if isinstance(frame, dict)}
    assert told == {"status", "progress", "progress_state"}


async def test_11_flags_end_with_their_connection(client: Client, txt2img: Graph) -> None:
    """A client that comes back without them gets previews of the old kind."""
    kinds = []
    for flags in (True, False):
        socket = await client.connect("me", flags=flags)
        graph = txt2img(seed=int(flags))
        prompt_id = await client.queue(graph, "me", extra_data={"preview_method": "auto"})
        frames = await socket.finished(prompt_id)
        kinds.append({frame[1] for frame in frames if isinstance(frame, tuple)})
        await socket.ws.close()
    assert kinds == [{4}, {1}]


async def test_12_the_queue_is_not_in_its_order(client: Client, txt2img: Graph, flat: Graph) -> None:
    """It is listed as the heap lies; `front` does nothing at counter 0, and is last in first out."""
    socket, _ = await _held(client, txt2img)
    wishes: list[Json] = [{}, {}, {"front": True}, {"front": True}, {"number": -1e9}, {"number": 0.5}, {}]
    for colour, wish in enumerate(wishes):
        await client.queue(flat(colour), socket.client_id, **wish)
    listed = [item[0] for item in (await client.get("/queue"))["queue_pending"]]
    assert listed == [-1e9, -4, 0.5, 2, -3, 1, 5]


async def test_12_numbers_start_again_with_the_server(client: Client, flat: Graph) -> None:
    """And refused prompts use them up; at 0 `front` is no different."""
    for _ in range(2):
        await client.ask("POST", "/prompt", json={"prompt": {}})
    before = (await client.run(flat(1)))["prompt"][0]
    await client.simulator.faults.restart()
    after = (await client.run(flat(1), front=True))["prompt"][0]
    assert (before, after) == (2, 0)


async def test_13_an_upload_may_get_another_name(client: Client) -> None:
    """And nothing is looked at: neither type, nor size up to the limit of the whole body."""
    names = [await _uploaded(client, data, "a.png") for data in (b"one", b"two", b"", b"one")]
    assert names == ["a.png", "a (1).png", "a (2).png", "a.png"]


async def test_13_too_large_a_body_is_refused_in_text(start: Start) -> None:
    """The limit counts the form around the file, too."""
    client: Client = await start(max_upload_size=1000)
    form = {"image": BytesIO(b"x" * 900)}
    answer = await client.ask("POST", "/upload/image", data=form)
    assert answer == (413, "Maximum request body size 1000 exceeded.")


async def test_13_a_coded_name_is_taken_at_its_word(client: Client) -> None:
    """Some HTTP libraries code names on their way; the file is then really called that."""
    form = aiohttp.FormData()
    form.add_field("image", b"x", filename="кот.png")
    answer = await client.ask("POST", "/upload/image", data=form)
    name = "%D0%BA%D0%BE%D1%82.png"
    assert answer == (200, {"name": name, "subfolder": "", "type": "input"})
    assert (client.simulator.folder / "input" / name).read_bytes() == b"x"


async def _uploaded(client: Client, data: bytes, name: str) -> str:
    form = aiohttp.FormData()
    form.add_field("image", data, filename=name)
    status, answer = await client.ask("POST", "/upload/image", data=form)
    assert status == 200
    return str(answer["name"])


async def test_14_failed_prompts_have_outputs(client: Client, flat: Graph) -> None:
    """What was saved before the failure is in the history, among drafts of type temp."""
    client.simulator.faults.node_error_next("boom", "ImageScale")
    sizes = {"upscale_method": "lanczos", "width": 8, "height": 8, "crop": "disabled"}
    graph = {
        **flat(output="PreviewImage"),
        "7": _node("ImageScale", image=["2", 0], **sizes),
        "8": _node("SaveImage", images=["7", 0], filename_prefix="late"),
    }
    entry = await client.run(graph)
    assert (entry["status"]["status_str"], entry["status"]["completed"]) == ("error", False)
    kinds = [file["type"] for shown in entry["outputs"].values() for file in shown["images"]]
    assert kinds == ["temp"]
    order = [event for event, _ in entry["status"]["messages"]]
    assert order == ["execution_start", "execution_cached", "execution_error"]


async def test_15_files_and_routes_tell_everything(client: Client, flat: Graph) -> None:
    """Pictures carry the graph, errors the path of the server, /history and the log everybody's prompts."""
    info = {"extra_pnginfo": {"note": {"user": "42"}}}
    saved = (await client.run(flat(), extra_data=info))["outputs"]["3"]["images"][0]
    picture = await client.picture(saved)
    assert {key: json.loads(text) for key, text in picture.info.items()} == {
        "prompt": flat(),
        "note": {"user": "42"},
    }
    entry = await client.run(flat(prefix="../../secret"))
    _, error = entry["status"]["messages"][-1]
    assert str(client.simulator.folder) in error["exception_message"]
    assert error["traceback"][0].startswith('  File "')
    assert len(await client.get("/history")) == 2
    assert "Exception during processing" in await client.get("/internal/logs")


async def test_15_a_channel_is_without_the_prompt(client: Client, flat: Graph) -> None:
    """So a client that asks for `channel=rgb` passes on no secrets."""
    saved = (await client.run(flat()))["outputs"]["3"]["images"][0]
    async with client.session.get(
        f"{client.simulator.url}/view", params={**saved, "channel": "rgb"}
    ) as answer:
        picture = Image.open(BytesIO(await answer.read()))
    assert (picture.info, picture.size) == ({}, (32, 16))


async def test_bonus_the_text_false_is_true(client: Client, flat: Graph) -> None:
    """It is cast as a program casts it, and stored so."""
    graph = flat()
    graph["4"] = _node("SaveAnimatedWEBP", images=["2", 0], filename_prefix="w", fps=6.0, method="default")
    graph["4"]["inputs"] |= {"lossless": "false", "quality": 80}
    client.simulator.faults.hang()
    await client.queue(graph)
    running = await _first_running(client)
    assert running[2]["4"]["inputs"]["lossless"] is True


async def _first_running(client: Client) -> Any:
    while not (found := await client.get("/queue"))["queue_running"]:
        await asyncio.sleep(0.01)
    return found["queue_running"][0]


async def test_bonus_a_key_that_is_no_node_breaks_the_server(client: Client, flat: Graph) -> None:
    """A comment in the graph is a 500."""
    graph = {**flat(), "_comment": "mine"}
    assert await client.ask("POST", "/prompt", json={"prompt": graph}) == BROKEN


async def test_bonus_an_unknown_post_is_a_405(client: Client) -> None:
    """So that means: the server is too old."""
    assert await client.ask("POST", "/api/jobs/archive") == (405, "405: Method Not Allowed")


async def test_bonus_a_prefix_names_folders(client: Client, flat: Graph) -> None:
    """And one that leads out is an error of the run, not a refusal."""
    inside = await client.run(flat(prefix="sub/dir/name"))
    assert inside["outputs"]["3"]["images"] == [
        {"filename": "name_00001_.png", "subfolder": "sub/dir", "type": "output"}
    ]
    outside = await client.run(flat(prefix="../../escape"))
    assert outside["status"]["messages"][-1][0] == "execution_error"


async def test_bonus_changing_graphs_evicts_what_was_loaded(
    client: Client, txt2img: Graph, flat: Graph
) -> None:
    """Only the previous prompt is cached: the loader runs again."""
    ran = []
    for graph in (txt2img(seed=1), txt2img(seed=2), flat(), txt2img(seed=3)):
        socket = await client.connect()
        frames = await socket.finished(await client.queue(graph, socket.client_id))
        ran.append("4" in [f["data"]["node"] for f in frames if f["type"] == "executing"])
        await socket.ws.close()
    assert ran == [True, False, False, True]
