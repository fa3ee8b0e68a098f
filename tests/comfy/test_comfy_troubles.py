"""Sockets that break or go deaf, servers that restart, and things that only look like ComfyUI."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from bot.comfy.backend import ComfyBackend
from bot.errors import CannotConnect, Lost, Refused
from bot.jobs.events import Broke, Finished, Interrupted, Progress, RunEvent, Started
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
    serving,
    txt2img,
    until_end,
    went_down,
)


async def test_a_socket_lost_in_mid_run(rig: Rig) -> None:
    """It is opened again; what was missed is read from the history."""
    graph = txt2img(steps=20)
    async with running(rig.simulator.url, QUICK) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        events = aiter(follow)
        while not isinstance(await anext(events), Progress):
            pass
        rig.simulator.faults.drop_sockets()
        assert await until_end(follow) == Finished(results=(file("fox_00001_.png"),))
    assert rig.requests.count("GET /ws") == 2
    assert rig.ran() == ["success"]


async def test_a_server_without_a_socket(rig: Rig) -> None:
    """Some proxies pass none on: polling does the work."""
    rig.simulator.faults.fail_next("/ws", 502, times=10_000)
    seen: list[RunEvent] = []
    async with running(rig.simulator.url, QUICK) as backend:
        end = await run_graph(backend, txt2img(steps=60), seen)
    assert (seen, end) == ([Started()], Finished(results=(file("fox_00001_.png"),)))


async def test_a_deaf_socket(rig: Rig) -> None:
    """It is noticed after a POST and replaced under the same id; the attempt ends all the same."""
    async with running(rig.simulator.url, QUICK) as backend:
        client_id = backend.client_id
        rig.simulator.faults.deafen()
        assert await run_graph(backend, txt2img(steps=60)) == Finished(results=(file("fox_00001_.png"),))
        seen: list[RunEvent] = []
        await run_graph(backend, txt2img(2), seen)
        assert (backend.client_id, rig.requests.count("GET /ws")) == (client_id, 2)
    assert any(isinstance(event, Progress) for event in seen)


async def test_a_socket_that_goes_deaf_in_mid_run(rig: Rig) -> None:
    """An end that was found by asking and never told shows it: no other POST is needed to notice."""
    graph = txt2img(steps=60)
    async with running(rig.simulator.url, QUICK) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        events = aiter(follow)
        while not isinstance(await anext(events), Progress):
            pass
        rig.simulator.faults.deafen()
        assert await until_end(follow) == Finished(results=(file("fox_00001_.png"),))
        assert backend.busy_with == 0  # ours, whose end no count told, is not somebody else's
        async with asyncio.timeout(20):
            while rig.requests.count("GET /ws") < 2:
                await asyncio.sleep(0.02)


async def test_a_socket_that_stays_deaf(rig: Rig) -> None:
    """The second time the client takes a new id, and tells its owner."""
    names: list[str] = []

    async def remember(name: str) -> None:
        names.append(name)

    async with running(rig.simulator.url, QUICK, on_new_client_id=remember) as backend:
        client_id = backend.client_id
        for seed in (1, 2):
            rig.simulator.faults.deafen()
            assert isinstance(await run_graph(backend, txt2img(seed, steps=60)), Finished)
        assert (names, names[0] == client_id) == ([backend.client_id], False)


async def test_a_restart_in_mid_run_loses_the_attempt(rig: Rig) -> None:
    """Absent twice, so it is lost; the backend is up again and runs the next one."""
    graph = txt2img(steps=1000)
    async with running(rig.simulator.url, QUICK) as backend:
        async with backend.follow(new_id(), graph) as follow:
            await backend.post(follow, graph, tag={})
            assert await anext(aiter(follow)) == Started()
            await rig.simulator.faults.restart()
            end = await until_end(follow)
        assert isinstance(end, Broke)
        assert isinstance(end.error, Lost)
        await backend.wait_up()
        assert isinstance(await run_graph(backend, flat()), Finished)
    assert rig.ran() == ["lost", "success"]


async def test_nothing_is_decided_while_the_server_is_down(start: Start) -> None:
    """Down is no reason to call an attempt lost."""
    rig = await start()
    graph = txt2img(steps=1000)
    async with running(rig.simulator.url, QUICK) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        restart = asyncio.create_task(rig.simulator.faults.restart(1.0))
        end = asyncio.create_task(until_end(follow))
        await went_down(backend)
        assert (end.done(), await backend.probe(), backend.trouble) == (
            False,
            False,
            f"ComfyUI at {backend.name} can't be reached. Check that it runs.",
        )
        await restart
        assert isinstance(await end, Broke)


async def test_somebody_deletes_it_from_the_queue(rig: Rig) -> None:
    """Without our asking, that is a loss."""
    first, second = txt2img(1, steps=30), txt2img(2)
    async with (
        running(rig.simulator.url, QUICK) as backend,
        running(rig.simulator.url, QUICK) as other,
        backend.follow(new_id(), first) as one,
        backend.follow(new_id(), second) as two,
    ):
        await backend.post(one, first, tag={})
        await backend.post(two, second, tag={})
        await other.cancel(two.prompt_id)
        end = await until_end(two)
    assert isinstance(end, Broke)
    assert isinstance(end.error, Lost)


async def test_somebody_interrupts_it(rig: Rig) -> None:
    """That is told as it is."""
    graph = txt2img(steps=1000)
    async with (
        running(rig.simulator.url, CALM) as backend,
        running(rig.simulator.url, CALM) as other,
        backend.follow(new_id(), graph) as follow,
    ):
        await backend.post(follow, graph, tag={})
        assert await anext(aiter(follow)) == Started()
        await other.cancel(follow.prompt_id)
        assert await until_end(follow) == Interrupted()


async def test_unknown_messages_are_ignored(rig: Rig) -> None:
    """Types, frames and broken JSON that no client knows."""
    graph = txt2img(steps=10)
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        rig.simulator.faults.send_unknown()
        await backend.post(follow, graph, tag={})
        rig.simulator.faults.send_unknown()
        assert await until_end(follow) == Finished(results=(file("fox_00001_.png"),))
    assert rig.requests.count("GET /ws") == 1


async def test_history_that_comes_late(rig: Rig) -> None:
    """The success is told before the history has it; a socket that missed files waits for it."""
    rig.simulator.faults.delay_history(0.2)
    graph = txt2img(steps=20)
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        assert await anext(aiter(follow)) == Started()
        rig.simulator.faults.drop_sockets()
        assert await until_end(follow) == Finished(results=(file("fox_00001_.png"),))


async def test_history_that_is_cleared(rig: Rig) -> None:
    """What was heard over an unbroken socket needs no history."""
    graph = txt2img(steps=10)
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        end = await until_end(follow)
        rig.simulator.faults.clear_history()
    assert end == Finished(results=(file("fox_00001_.png"),))


async def test_part_of_a_graph_is_not_enough(rig: Rig) -> None:
    """A 200 that drops half of it is refused, and the accepted half cancelled."""
    graph: GraphDict = {
        **txt2img(steps=1000),
        "20": {
            "class_type": "ImageScale",
            "inputs": {
                "image": ["8", 0],
                "upscale_method": "nope",
                "width": 8,
                "height": 8,
                "crop": "disabled",
            },
        },
        "21": {"class_type": "SaveImage", "inputs": {"images": ["20", 0], "filename_prefix": "b"}},
    }
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        with pytest.raises(Refused) as caught:
            await backend.post(follow, graph, tag={})
        assert caught.value.sentence == (
            'ComfyUI has no upscale_method "nope". It has: lanczos, bilinear, area and 2 more.'
        )
        assert isinstance(await run_graph(backend, flat()), Finished)  # so the other one has ended
    assert rig.ran() in (["interrupted", "success"], ["success"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"checkpoint": "sd_xl_base.safetensors"},
            (
                'ComfyUI has no ckpt_name "sd_xl_base.safetensors". '
                "It has: sd_xl_base_1.0.safetensors, dreamshaper_8.safetensors."
            ),
        ),
        (
            {"sampler_name": "eular"},
            'ComfyUI has no sampler_name "eular". It has: euler, euler_cfg_pp, heun and 41 more.',
        ),
        ({"steps": 20000}, '"steps" of the node "The sampler" can\'t be 20000. It takes 10000 or less.'),
        ({"seed": -1}, '"seed" of the node "The sampler" can\'t be -1. It takes 0 or more.'),
        ({"cfg": "much"}, '"cfg" of the node "The sampler" takes a number, not "much".'),
    ],
)
async def test_refused_values(rig: Rig, changes: dict[str, Any], sentence: str) -> None:
    """Say what ComfyUI would take."""
    async with running(rig.simulator.url, CALM) as backend:
        with pytest.raises(Refused) as caught:
            await run_graph(backend, txt2img(**changes))
    assert caught.value.sentence == sentence


async def test_refused_graphs(rig: Rig) -> None:
    """Missing nodes, missing outputs, missing files."""
    missing_node = {**txt2img(), "3": {"class_type": "NoSuchNode", "inputs": {}}}
    no_output = {key: node for key, node in txt2img().items() if key != "9"}
    no_file = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "muralist/nope.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }
    sentences = []
    async with running(rig.simulator.url, CALM) as backend:
        for graph in (missing_node, no_output, no_file):
            with pytest.raises(Refused) as caught:
                await run_graph(backend, graph)
            sentences.append(caught.value.sentence)
    assert sentences == [
        'ComfyUI lacks the node "NoSuchNode". Install the custom node that brings it.',
        "The workflow saves nothing. Add a Save Image node to it and export it again.",
        'ComfyUI does not have the input file "nope.png". Send the file again.',
    ]


async def test_a_server_that_always_fails_is_a_refusal(rig: Rig) -> None:
    """Real servers answer 500 to a workflow in UI format; asking for ever would help nobody."""
    rig.simulator.faults.fail_next("/prompt", 500, times=100, method="POST")
    async with running(rig.simulator.url, CALM) as backend:
        with pytest.raises(Refused) as caught:
            await run_graph(backend, flat())
    assert (
        caught.value.sentence
        == f"ComfyUI at {backend.name} fails to take the workflow. Its console says why."
    )


async def test_too_large_an_upload(start: Start) -> None:
    """The server's own limit."""
    rig = await start(max_upload_size=1000)
    async with running(rig.simulator.url, CALM) as backend:
        with pytest.raises(Refused, match="too big"):
            await backend.upload("x.png", b"x" * 5000)


async def test_an_unreachable_server_was_not_sent_anything(rig: Rig) -> None:
    """Then the job may go elsewhere at once."""
    graph = flat()
    async with running(rig.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        await rig.simulator.__aexit__(None, None, None)
        with pytest.raises(CannotConnect) as caught:
            await backend.post(follow, graph, tag={})
        assert caught.value.maybe_sent is False
        await went_down(backend)


async def test_a_server_too_old_for_own_ids() -> None:
    """Its answer has another id: that prompt is cancelled there, the attempt refused."""
    cancelled: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        return web.json_response({"prompt_id": "theirs", "number": 1, "node_errors": {}})

    async def queue(request: web.Request) -> web.Response:
        if request.method == "POST":
            cancelled.append(await request.json())
            return web.Response()
        return web.json_response({"queue_running": [[1, "other", {}, {}, []]], "queue_pending": []})

    routes = (web.post("/prompt", take), web.post("/queue", queue), web.get("/queue", queue))
    async with (
        serving(*routes) as url,
        ComfyBackend(url, client_id=new_id()) as backend,
        backend.follow(new_id(), flat()) as follow,
    ):
        with pytest.raises(Refused, match="too old"):
            await backend.post(follow, flat(), tag={})
    assert cancelled == [{"delete": ["theirs"]}]
