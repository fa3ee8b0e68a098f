"""The traps that real servers set, and how the client passes each.

`tests/simulator/test_simulator_traps.py` shows that the simulator sets every one of them.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from bot.comfy.backend import ComfyBackend
from bot.comfy.located import Absent, Executing, Waiting
from bot.errors import CannotConnect, ConfigError, Lost, NodeFailed, Refused
from bot.jobs.events import (
    Broke,
    Finished,
    Interrupted,
    Preview,
    Progress,
    RemoteFile,
    RemoteText,
    RunEvent,
    Started,
)
from bot.workflow.load import load_workflow
from simulator.versions import VERSIONS
from tests.comfy.conftest import (
    CALM,
    QUICK,
    GraphDict,
    Rig,
    Start,
    file,
    flat,
    new_id,
    run_graph,
    running,
    txt2img,
    until_end,
)

FOX = Finished(results=(file("fox_00001_.png"),))


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """A node of a graph."""
    return {"class_type": class_type, "inputs": inputs}


def saved(source: str, *between: dict[str, Any], **more: dict[str, Any]) -> GraphDict:
    """A picture of one colour, one node after the other, and its file."""
    graph = {"1": node("EmptyImage", width=8, height=8, batch_size=1, color=7), **more}
    last = "1"
    for number, one in enumerate(between, 20):
        graph[str(number)] = {**one, "inputs": {"image": [last, 0], **one["inputs"]}}
        last = str(number)
    graph["9"] = node("SaveImage", images=[last, 0], filename_prefix=source)
    return graph


async def stranger(rig: Rig, graph: GraphDict, **more: Any) -> str:
    """Somebody else queues a graph."""
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{rig.simulator.url}/prompt", json={"prompt": graph, **more}) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["prompt_id"])


async def test_1_a_socket_that_says_nothing_delays_no_result(rig: Rig) -> None:
    """Some stranger has stopped reading, so nobody hears anything: HTTP brings the end."""
    async with running(rig.simulator.url, QUICK) as backend:
        rig.simulator.faults.hold_messages()
        assert await run_graph(backend, txt2img()) == FOX
        rig.simulator.faults.release_messages()


async def test_2_a_socket_that_lost_its_registration_is_replaced(rig: Rig) -> None:
    """Another program took our client id and left: ours looks healthy and hears nothing more."""
    timing = replace(CALM, deaf=0.2)
    async with running(rig.simulator.url, timing) as backend, aiohttp.ClientSession() as session:
        url = f"{rig.simulator.url}/ws?clientId={backend.client_id}"
        async with session.ws_connect(url) as other:
            await other.receive()
        rig.requests.clear()
        ends = [await run_graph(backend, txt2img(seed)) for seed in (1, 2)]
    assert [type(end) for end in ends] == [Finished, Finished]
    assert "GET /ws" in rig.requests


async def test_3_an_empty_history_is_not_taken_for_an_end(rig: Rig) -> None:
    """Waiting, running and unknown look the same there; the queue is asked first."""
    graphs = [txt2img(seed, steps=500) for seed in (1, 2)]
    async with running(rig.simulator.url, CALM) as backend, AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(backend.follow(new_id(), graph)) for graph in graphs]
        for follow, graph in zip((one, two), graphs, strict=True):
            await backend.post(follow, graph, tag={})
        assert await anext(aiter(one)) == Started()
        found = [await backend.locate(name) for name in (one.prompt_id, two.prompt_id, new_id())]
        await backend.cancel(two.prompt_id, one.prompt_id)
    assert found == [Executing(), Waiting(), Absent()]


async def test_4_history_may_come_after_the_success(rig: Rig) -> None:
    """Files that were missed on the socket are in the history, only not at once."""
    rig.simulator.faults.delay_history(0.3)
    async with running(rig.simulator.url, CALM) as backend:
        graph = txt2img(steps=20)
        async with backend.follow(new_id(), graph) as follow:
            await backend.post(follow, graph, tag={})
            assert await anext(aiter(follow)) == Started()
            rig.simulator.faults.drop_sockets()
            assert await until_end(follow) == FOX


async def test_5_a_blocked_branch_is_not_the_end(start: Start) -> None:
    """The other branch goes on; where there is none, the end says what was kept back."""
    rig = await start(trial_nodes=True)
    block = node("TrialBlock", message="nothing to do")
    both = saved("kept", block, **{"5": node("SaveImage", images=["1", 0], filename_prefix="through")})
    async with running(rig.simulator.url, CALM) as backend:
        assert await run_graph(backend, both) == Finished(results=(file("through_00001_.png", "5"),))
        alone = await run_graph(backend, saved("alone", block))
    assert alone == Finished(results=(), kept_back="Execution Blocked: nothing to do")


@pytest.mark.parametrize("version", ["0.3.64", "0.33.0"])
async def test_5_pictures_that_are_only_sent_are_results(start: Start, version: str) -> None:
    """Success names no file then; the frames of that node are the pictures."""
    rig = await start(version=VERSIONS[version])
    graph = saved("sent")
    graph["9"] = node("SaveImageWebsocket", images=["1", 0])
    async with running(rig.simulator.url, CALM) as backend:
        end = await run_graph(backend, graph)
    assert isinstance(end, Finished)
    (picture,) = end.results
    assert not isinstance(picture, RemoteFile | RemoteText)
    assert (picture.node, picture.media_type) == ("9", "image/png")
    assert Image.open(BytesIO(picture.data)).getpixel((0, 0)) == (0, 0, 7)


async def test_6_half_a_graph_is_not_enough(rig: Rig) -> None:
    """200 with errors beside the id: refused, and what was accepted does not stay."""
    sizes = {"upscale_method": "lanczos", "width": "wide", "height": 8, "crop": "disabled"}
    graph = saved("half", **{"5": node("ImageScale", image=["1", 0], **sizes)})
    graph["6"] = node("SaveImage", images=["5", 0], filename_prefix="other")
    async with running(rig.simulator.url, CALM) as backend:
        async with backend.follow(new_id(), graph) as follow:
            with pytest.raises(Refused) as refused:
                await backend.post(follow, graph, tag={})
            while isinstance(await backend.locate(follow.prompt_id), Executing | Waiting):
                await asyncio.sleep(0.01)  # what runs already ends between two nodes
    assert refused.value.sentence == '"width" of the node "ImageScale" takes a whole number, not "wide".'


@pytest.mark.parametrize("version", ["0.3.64", "0.7.0", "0.33.0"])
async def test_7_a_cancel_never_stops_a_strangers_run(start: Start, version: str) -> None:
    """Ours waits behind it: it is deleted, and theirs runs to its end."""
    rig = await start(version=VERSIONS[version])
    theirs = await stranger(rig, txt2img(9, steps=60))
    graph = txt2img(1)
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        await backend.cancel(follow.prompt_id)
        assert await until_end(follow) == Interrupted()
        while rig.ran() != ["success"]:
            await asyncio.sleep(0.01)
    assert [run.prompt_id for run in rig.simulator.runs] == [theirs]


async def test_8_a_cancelled_run_may_end_in_success(start: Start) -> None:
    """The answer to a cancel promises nothing: the end that is told counts."""
    rig = await start(node_seconds=0.3)
    graph = saved("late")
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        events = aiter(follow)
        while not isinstance(event := await anext(events), Progress) or event.node != "SaveImage":
            pass
        await backend.cancel(follow.prompt_id)
        assert await until_end(follow) == Finished(results=(file("late_00001_.png"),))


async def test_9_a_cached_result_whose_file_is_gone_is_lost(rig: Rig) -> None:
    """The same graph names the same file again, be it there or not."""
    async with running(rig.simulator.url, CALM) as backend:
        first = await run_graph(backend, saved("same"))
        again = await run_graph(backend, saved("same"))
        assert first == again == Finished(results=(file("same_00001_.png"),))
        (rig.simulator.folder / "output" / "same_00001_.png").unlink()
        assert await run_graph(backend, saved("same")) == first
        with pytest.raises(Lost, match=r"ComfyUI no longer has the file\. Make it again\."):
            async with backend.fetch(file("same_00001_.png")):
                pass


async def test_10_a_lost_answer_does_not_mean_a_second_run(rig: Rig) -> None:
    """The server has it under our id: it is found, and not posted again."""
    rig.simulator.faults.swallow_answer("/prompt", method="POST")
    graph = txt2img(steps=20)
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        with pytest.raises(CannotConnect) as broken:
            await backend.post(follow, graph, tag={})
        assert broken.value.maybe_sent
        assert isinstance(await backend.locate(follow.prompt_id), Executing | Waiting)
        assert await until_end(follow) == FOX
    assert [run.prompt_id for run in rig.simulator.runs] == [follow.prompt_id]


async def test_10_a_server_that_ignores_our_ids_is_given_no_work(start: Start) -> None:
    """It is told plainly, and nothing is left running there."""
    rig = await start(version=VERSIONS["0.3.10"])
    async with ComfyBackend(rig.simulator.url, client_id=new_id(), timing=QUICK) as backend:
        assert not await backend.probe()
        assert backend.trouble == (
            f"ComfyUI 0.3.10 at {backend.name} is too old for Muralist. Update it to 0.3.64 or newer."
        )
    assert rig.ran() == []


async def test_11_strangers_frames_are_not_ours(rig: Rig) -> None:
    """A prompt without a client id sends its progress and previews to everybody."""
    slow = txt2img(9, steps=30)
    seen: list[RunEvent] = []
    graph = saved("mine")
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        await stranger(rig, slow, extra_data={"preview_method": "auto"})
        await backend.post(follow, graph, tag={})
        assert await until_end(follow, seen) == Finished(results=(file("mine_00001_.png"),))
    assert seen[0] == Started()
    assert not any(isinstance(event, Preview) for event in seen)
    assert {event.node for event in seen if isinstance(event, Progress)} <= {"EmptyImage", "SaveImage", None}


async def test_11_flags_are_sent_on_every_connection(rig: Rig) -> None:
    """Else previews would no longer say whose they are."""
    async with running(rig.simulator.url, CALM) as backend:
        hub = rig.simulator._machine.hub  # no route tells it
        for _ in range(2):
            while not hub.wants_metadata(backend.client_id):
                await asyncio.sleep(0.01)
            rig.simulator.faults.drop_sockets()
            while hub.wants_metadata(backend.client_id):
                await asyncio.sleep(0.01)


async def test_12_the_order_of_the_queue_is_not_relied_on(rig: Rig) -> None:
    """Whatever stands before ours in the list, ours is found, and its turn is not guessed at."""
    rig.simulator.faults.hang()
    graph = saved("turn")
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        wishes: list[dict[str, Any]] = [{}, {"front": True}, {"number": -1e9}, {"front": True}]
        for seed, wish in enumerate(wishes):
            await stranger(rig, txt2img(seed), **wish)
        await backend.post(follow, graph, tag={})
        assert await backend.locate(follow.prompt_id) == Waiting()
        rig.simulator.faults.unhang()
        assert await until_end(follow) == Finished(results=(file("turn_00001_.png"),))
    assert rig.simulator.runs[-1].prompt_id == follow.prompt_id


async def test_13_the_name_that_the_server_gave_is_used(rig: Rig) -> None:
    """Another file of that name was there already, and names go in ASCII."""
    pictures = []
    for colour in ("red", "blue"):
        buffer = BytesIO()
        Image.new("RGB", (8, 8), colour).save(buffer, "PNG")
        pictures.append(buffer.getvalue())
    async with running(rig.simulator.url, CALM) as backend:
        names = [await backend.upload("кот.png", data) for data in (*pictures, pictures[0])]
        graph = {
            "1": node("LoadImage", image=names[1]),
            "9": node("SaveImage", images=["1", 0], filename_prefix="b"),
        }
        end = await run_graph(backend, graph)
        async with backend.fetch(file("b_00001_.png")) as chunks:
            picture = Image.open(BytesIO(b"".join([chunk async for chunk in chunks])))
    assert names == ["muralist/_.png", "muralist/_ (1).png", "muralist/_.png"]
    assert (end, picture.getpixel((0, 0))) == (Finished(results=(file("b_00001_.png"),)), (0, 0, 255))


async def test_14_videos_words_and_expanded_nodes_are_told_by_what_they_are(start: Start) -> None:
    """A video stands under `images`, words are bare strings, and a result may come from an expanded node."""
    rig = await start(trial_nodes=True)
    film = {
        "1": node("EmptyImage", width=64, height=64, batch_size=4, color=7),
        "2": node("CreateVideo", images=["1", 0], fps=4.0),
        "3": node("SaveVideo", video=["2", 0], filename_prefix="film", format="auto", codec="auto"),
    }
    words = {"1": node("PrimitiveString", value="a red fox"), "2": node("PreviewAny", source=["1", 0])}
    async with running(rig.simulator.url, CALM) as backend:
        assert await run_graph(backend, film) == Finished(results=(file("film_00001_.mp4", "3"),))
        assert await run_graph(backend, words) == Finished(results=(RemoteText(node="2", text="a red fox"),))
        expanded = await run_graph(backend, saved("grown", node("TrialExpand", nonce=1)))
        assert expanded == Finished(results=(file("grown_00001_.png"),))
    assert rig.ran() == ["success"] * 3


async def test_14_what_was_saved_before_a_failure_is_kept(start: Start) -> None:
    """Drafts of type temp are not."""
    rig = await start(trial_nodes=True)
    graph = saved("never", node("TrialBoom", kind="runtime", nonce=1))
    graph["20"]["inputs"]["image"] = ["3", 0]
    graph |= {
        "2": node("SaveImage", images=["1", 0], filename_prefix="before"),
        "3": node("TrialSleep", image=["1", 0], seconds=0.3, steps=2, preview=False, nonce=1),
        "4": node("PreviewImage", images=["1", 0]),
    }
    async with running(rig.simulator.url, CALM) as backend:
        end = await run_graph(backend, graph)
    assert isinstance(end, Broke)
    assert end.results == (file("before_00001_.png", "2"),)
    assert end.error.sentence == 'The node "TrialBoom" failed: boom from the test node'


async def test_15_errors_tell_people_no_paths(rig: Rig) -> None:
    """The server's words hold its folders, a traceback and everybody's text; the log gets those."""
    async with running(rig.simulator.url, CALM) as backend:
        graph = saved("../../secret")
        end = await run_graph(backend, graph)
    assert isinstance(end, Broke)
    assert isinstance(end.error, NodeFailed)
    assert str(rig.simulator.folder) not in end.error.sentence
    assert "File " not in end.error.sentence
    assert "File " in end.error.detail


async def test_bonus_switches_are_sent_as_switches(rig: Rig) -> None:
    """The text "false" would be taken for true."""
    graph = saved("webp")
    inputs = {"images": ["1", 0], "filename_prefix": "w", "fps": 6.0, "method": "default", "quality": 80}
    graph["9"] = node("SaveAnimatedWEBP", **inputs, lossless=False)
    async with running(rig.simulator.url, CALM) as backend:
        assert await run_graph(backend, graph) == Finished(results=(file("w_00001_.webp"),))
    async with aiohttp.ClientSession() as session, session.get(f"{rig.simulator.url}/history") as answer:
        (entry,) = (await answer.json()).values()
    assert entry["prompt"][2]["9"]["inputs"]["lossless"] is False


def test_bonus_a_graph_with_a_comment_is_refused_when_it_is_read(tmp_path: Path) -> None:
    """A key that is no node would be an error of the server itself, at every request."""
    folder = tmp_path / "fox"
    folder.mkdir()
    (folder / "workflow.toml").write_text('title = "Fox"\ndescription = ""\n[parameters]')
    (folder / "graph.json").write_text(json.dumps({**saved("x"), "_comment": "mine"}))
    with pytest.raises(ConfigError, match=r"fox/graph.json is not a graph in API format. Export it"):
        load_workflow(folder)


async def test_bonus_a_route_that_is_not_there_is_no_error(start: Start) -> None:
    """A 405 says that the server is older: the way around is taken."""
    rig = await start(version=VERSIONS["0.25.0"])
    graph = txt2img(steps=500)
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        assert await anext(aiter(follow)) == Started()
        await backend.cancel(follow.prompt_id)
        assert await until_end(follow) == Interrupted()
    assert "POST /interrupt" in rig.requests


async def test_bonus_files_in_folders_are_fetched(rig: Rig) -> None:
    """A prefix with a slash names one."""
    async with running(rig.simulator.url, CALM) as backend:
        end = await run_graph(backend, saved("people/42/fox"))
        there = RemoteFile(node="9", filename="fox_00001_.png", subfolder="people/42", folder="output")
        assert end == Finished(results=(there,))
        async with backend.fetch(there) as chunks:
            assert b"".join([chunk async for chunk in chunks]).startswith(b"\x89PNG")


async def test_bonus_changing_workflows_is_no_failure(rig: Rig) -> None:
    """Each change loads anew, in silence; that is waited for."""
    async with running(rig.simulator.url, CALM) as backend:
        ends = [await run_graph(backend, graph) for graph in (txt2img(1), flat(), txt2img(2))]
    assert [type(end) for end in ends] == [Finished] * 3
