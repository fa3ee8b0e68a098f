"""Attempts over real sockets: from the POST to the files."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from bot.comfy.backend import ComfyBackend
from bot.comfy.located import Absent, Executing, Over, Waiting
from bot.errors import CannotConnect, Lost, NodeFailed, OutOfMemory
from bot.jobs.events import Broke, Finished, Interrupted, Preview, Progress, RemoteFile, RunEvent, Started
from tests.comfy.conftest import (
    CALM,
    QUICK,
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


async def read(backend: ComfyBackend, remote: RemoteFile) -> bytes:
    """A file's bytes."""
    async with backend.fetch(remote) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def test_a_run_costs_two_requests(rig: Rig) -> None:
    """POST and /view: while the socket speaks, nothing is asked."""
    async with running(rig.simulator.url, CALM) as backend:
        rig.requests.clear()
        end = await run_graph(backend, txt2img())
        assert end == Finished(results=(file("fox_00001_.png"),))
        picture = Image.open(BytesIO(await read(backend, file("fox_00001_.png"))))
        assert (picture.size, rig.requests) == ((64, 64), ["POST /prompt", "GET /view"])


async def test_events_come_in_order(rig: Rig) -> None:
    """Started first and once; progress never goes back and names the running node; previews are pictures."""
    seen: list[RunEvent] = []
    async with running(rig.simulator.url, CALM) as backend:
        await run_graph(backend, txt2img(steps=8), seen)
    fractions = [event.fraction for event in seen if isinstance(event, Progress)]
    titles = {event.node for event in seen if isinstance(event, Progress)}
    previews = [event for event in seen if isinstance(event, Preview)]
    assert (seen[0], seen.count(Started())) == (Started(), 1)
    assert fractions == sorted(fractions)
    assert 0.5 < fractions[-1] < 1
    assert "The sampler" in titles
    assert {(p.media_type, Image.open(BytesIO(p.data)).format) for p in previews} == {("image/jpeg", "JPEG")}


async def test_a_batch_brings_every_file(rig: Rig) -> None:
    """In the node's own order."""
    async with running(rig.simulator.url, CALM) as backend:
        end = await run_graph(backend, txt2img(batch=3))
    assert end == Finished(results=tuple(file(f"fox_0000{n}_.png") for n in (1, 2, 3)))


async def test_a_cached_run_names_the_old_file(rig: Rig) -> None:
    """No node runs, yet the files are told again."""
    async with running(rig.simulator.url, CALM) as backend:
        first = await run_graph(backend, txt2img())
        seen: list[RunEvent] = []
        assert await run_graph(backend, txt2img(), seen) == first
    assert seen == [Started()]


async def test_saved_files_come_before_previews(rig: Rig) -> None:
    """What lies in the temp folder is left out when anything was saved."""
    async with running(rig.simulator.url, CALM) as backend:
        assert await run_graph(backend, flat()) == Finished(results=(file("flat_00001_.png", "2"),))
        only_preview = flat(7)
        del only_preview["2"]
        end = await run_graph(backend, only_preview)
    assert isinstance(end, Finished)
    assert [(f.node, f.folder) for f in end.results if isinstance(f, RemoteFile)] == [("3", "temp")]


async def test_the_tag_is_kept_on_the_server(rig: Rig) -> None:
    """So that a run can be told to be ours."""
    async with running(rig.simulator.url, CALM) as backend:
        await run_graph(backend, flat())
    extra = rig.simulator.runs[0].extra_data
    assert (extra["muralist"], extra["preview_method"]) == ({"job": "j1"}, "auto")


async def test_two_attempts_at_once_do_not_mix(rig: Rig) -> None:
    """Each hears of itself alone."""
    async with running(rig.simulator.url, CALM) as backend:
        ends = await asyncio.gather(run_graph(backend, txt2img(1)), run_graph(backend, txt2img(2)))
    found = [result for end in ends if isinstance(end, Finished) for result in end.results]
    assert sorted(file.filename for file in found if isinstance(file, RemoteFile)) == [
        "fox_00001_.png",
        "fox_00002_.png",
    ]


async def test_a_slow_consumer_misses_no_end(rig: Rig) -> None:
    """Old progress is dropped; start and end are not, nor does the reader wait."""
    async with running(rig.simulator.url, CALM) as backend:
        slow = txt2img(1)
        async with backend.follow(new_id(), slow) as follow:
            await backend.post(follow, slow, tag={})
            await run_graph(backend, txt2img(2))  # runs after it, over the same socket
            events = [event async for event in follow]
    assert events == [Started(), Finished(results=(file("fox_00001_.png"),))]


async def test_progress_is_paced(rig: Rig) -> None:
    """At most one in a pace, and the end does not wait for it."""
    seen: list[RunEvent] = []
    async with running(rig.simulator.url, replace(CALM, pace=30.0)) as backend:
        end = await run_graph(backend, txt2img(steps=8), seen)
    assert isinstance(end, Finished)
    assert len([event for event in seen if isinstance(event, Progress)]) <= 1


async def test_a_node_that_fails(rig: Rig) -> None:
    """The sentence names the node as its author does."""
    rig.simulator.faults.node_error_next("boom in '/home/me/x.py'\nmore", "KSampler")
    async with running(rig.simulator.url, CALM) as backend:
        end = await run_graph(backend, txt2img())
    assert isinstance(end, Broke)
    assert type(end.error) is NodeFailed
    assert end.error.sentence == 'The node "The sampler" failed: boom in …'


async def test_out_of_memory(rig: Rig) -> None:
    """Is an error of its own."""
    rig.simulator.faults.oom_next()
    async with running(rig.simulator.url, CALM) as backend:
        end = await run_graph(backend, txt2img())
    assert isinstance(end, Broke)
    assert isinstance(end.error, OutOfMemory)
    assert end.error.sentence == "The GPU ran out of memory. Try a smaller size or fewer pictures."


@pytest.mark.parametrize("version", ["new", "old"])
async def test_cancel_one_that_runs(rig: Rig, version: str) -> None:
    """By the newer route, or by /interrupt with its id."""
    if version == "old":
        rig.simulator.faults.fail_next("/jobs", 405)
    graph = txt2img(steps=1000)
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        assert await anext(aiter(follow)) == Started()
        await backend.cancel(follow.prompt_id)
        assert await until_end(follow) == Interrupted()
    assert rig.ran() == ["interrupted"]
    assert ("POST /interrupt" in rig.requests) is (version == "old")


@pytest.mark.parametrize("version", ["new", "old"])
async def test_cancel_one_that_waits(rig: Rig, version: str) -> None:
    """It is told as interrupted, and what runs before it runs on."""
    if version == "old":
        rig.simulator.faults.fail_next("/jobs", 405)
    first, second = txt2img(1, steps=20), txt2img(2)
    async with (
        running(rig.simulator.url, CALM) as backend,
        backend.follow(new_id(), first) as running_one,
        backend.follow(new_id(), second) as follow,
    ):
        await backend.post(running_one, first, tag={})
        await backend.post(follow, second, tag={})
        await backend.cancel(follow.prompt_id)
        assert await until_end(follow) == Interrupted()
        assert isinstance(await until_end(running_one), Finished)
    assert rig.ran() == ["success"]
    assert "POST /interrupt" not in rig.requests


async def test_cancel_never_hits_a_stranger(rig: Rig) -> None:
    """A finished or unknown id leaves alone what runs."""
    rig.simulator.faults.fail_next("/jobs", 405)
    mine, theirs = flat(), txt2img(steps=20)
    async with (
        running(rig.simulator.url, CALM) as backend,
        running(rig.simulator.url, CALM) as stranger,
        backend.follow(new_id(), mine) as follow,
        stranger.follow(new_id(), theirs) as other,
    ):
        await backend.post(follow, mine, tag={})
        await until_end(follow)
        await stranger.post(other, theirs, tag={})
        await backend.cancel(follow.prompt_id)
        await backend.cancel(new_id())
        assert isinstance(await until_end(other), Finished)


async def test_locate_everywhere(rig: Rig) -> None:
    """Executing, waiting, absent, and over with the same end as was heard."""
    first, second = txt2img(1, steps=20), txt2img(2)
    async with (
        running(rig.simulator.url, CALM) as backend,
        backend.follow(new_id(), first) as one,
        backend.follow(new_id(), second) as two,
    ):
        await backend.post(one, first, tag={})
        await backend.post(two, second, tag={})
        assert await anext(aiter(one)) == Started()
        places = [await backend.locate(name) for name in (one.prompt_id, two.prompt_id, new_id())]
        assert places == [Executing(), Waiting(), Absent()]
        end = await until_end(one)
        assert await backend.locate(one.prompt_id) == Over(end=end)
        await until_end(two)


async def test_locate_tells_how_it_ended(rig: Rig) -> None:
    """Interrupted and failed look alike in the history but for their last message."""
    rig.simulator.faults.node_error_next("boom", "KSampler")
    failing, stopped = txt2img(1), txt2img(2, steps=1000)
    async with (
        running(rig.simulator.url, CALM) as backend,
        backend.follow(new_id(), failing) as one,
        backend.follow(new_id(), stopped) as two,
    ):
        await backend.post(one, failing, tag={})
        await until_end(one)
        await backend.post(two, stopped, tag={})
        await anext(aiter(two))
        await backend.cancel(two.prompt_id)
        await until_end(two)
        place = await backend.locate(one.prompt_id)
        assert await backend.locate(two.prompt_id) == Over(end=Interrupted())
    assert isinstance(place, Over)
    assert isinstance(place.end, Broke)
    assert place.end.error.sentence == 'The node "The sampler" failed: boom'


async def test_a_swallowed_answer_is_found(rig: Rig) -> None:
    """The POST may have arrived, and did: the attempt is heard of as if nothing had happened."""
    rig.simulator.faults.swallow_answer("/prompt", method="POST")
    graph = txt2img(steps=20)
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        with pytest.raises(CannotConnect) as caught:
            await backend.post(follow, graph, tag={})
        assert caught.value.maybe_sent
        assert await backend.locate(follow.prompt_id) in (Executing(), Waiting())
        assert await until_end(follow) == Finished(results=(file("fox_00001_.png"),))
    assert rig.ran() == ["success"]


async def test_an_answer_that_never_comes(rig: Rig) -> None:
    """Is given up after `answer` seconds."""
    rig.simulator.faults.delay_answer("/prompt", float("inf"), method="POST")
    graph = flat()
    async with (
        running(rig.simulator.url, replace(CALM, answer=0.3)) as backend,
        backend.follow(new_id(), graph) as follow,
    ):
        with pytest.raises(CannotConnect) as caught:
            await backend.post(follow, graph, tag={})
        assert (caught.value.maybe_sent, isinstance(await until_end(follow), Finished)) == (True, True)


async def test_an_attempt_of_another_process_is_adopted(rig: Rig) -> None:
    """A client of the same id finds it by HTTP and hears the rest."""
    graph = txt2img(steps=40)
    prompt_id = new_id()
    async with running(rig.simulator.url, CALM) as before, before.follow(prompt_id, graph) as follow:
        await before.post(follow, graph, tag={})
        await anext(aiter(follow))
    async with running(rig.simulator.url, QUICK) as after, after.follow(prompt_id, graph) as follow:
        assert await after.locate(prompt_id) == Executing()
        assert await until_end(follow) == Finished(results=(file("fox_00001_.png"),))


async def test_an_upload_becomes_an_input(rig: Rig) -> None:
    """Under the name that the server gave it: other bytes under one name get another."""
    red, blue = BytesIO(), BytesIO()
    Image.new("RGB", (16, 8), "red").save(red, "PNG")
    Image.new("RGB", (16, 8), "blue").save(blue, "PNG")
    async with running(rig.simulator.url, CALM) as backend:
        first = await backend.upload("лиса/../fox.png", red.getvalue())
        assert await backend.upload("лиса/../fox.png", red.getvalue()) == first
        second = await backend.upload("лиса/../fox.png", blue.getvalue())
        assert (first, second) == ("muralist/_.._fox.png", "muralist/_.._fox (1).png")
        end = await run_graph(
            backend,
            {
                "1": {"class_type": "LoadImage", "inputs": {"image": second}},
                "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "copy"}},
            },
        )
        assert end == Finished(results=(file("copy_00001_.png", "2"),))
        copy = Image.open(BytesIO(await read(backend, file("copy_00001_.png", "2"))))
    assert copy.convert("RGB").getpixel((0, 0)) == (0, 0, 255)


async def test_a_vanished_file_is_lost(rig: Rig) -> None:
    """And its name is quoted for the server, whatever it holds."""
    async with running(rig.simulator.url, CALM) as backend:
        for name in ("gone.png", "a&b=c#d%20.png"):
            with pytest.raises(Lost):
                await read(backend, file(name))


async def test_a_consumers_own_error_passes_through(rig: Rig) -> None:
    """A full disk while a file is fetched is not the server's fault."""
    async with running(rig.simulator.url, CALM) as backend:
        await run_graph(backend, flat())
        with pytest.raises(OSError, match="disk full"):
            async with backend.fetch(file("flat_00001_.png")):
                raise OSError("disk full")
        assert backend.up


async def test_errors_of_the_server_are_asked_again(start: Start) -> None:
    """A 5xx here and there costs no attempt, and none is posted twice."""
    rig = await start()
    async with running(rig.simulator.url, CALM) as backend:
        for path in ("/prompt", "/queue", "/history", "/view", "/upload"):
            rig.simulator.faults.fail_next(path, 500, times=2)
        await backend.upload("x.png", b"x")
        assert await run_graph(backend, flat()) == Finished(results=(file("flat_00001_.png", "2"),))
        assert (await read(backend, file("flat_00001_.png", "2")))[:4] == b"\x89PNG"
    assert rig.ran() == ["success"]
