"""The life of an attempt on every version that is supported, and the sentence for one that is not."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from bot.comfy.backend import ComfyBackend
from bot.comfy.health import Condition
from bot.comfy.located import Absent, Executing, Over, Waiting
from bot.errors import CannotConnect, Lost, MissingModel, MissingNode, OutOfMemory
from bot.jobs.events import Broke, Finished, Interrupted, Preview, Progress, RunEvent, Started
from simulator.versions import VERSIONS
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

SUPPORTED = ("0.3.64", "0.7.0", "0.25.0", "0.33.0")


@pytest.fixture(params=SUPPORTED)
async def old(request: pytest.FixtureRequest, start: Start) -> Rig:
    """A simulator of each version."""
    return await start(version=VERSIONS[request.param], default_preview_method="auto")


async def test_what_it_can_do(old: Rig) -> None:
    """As asked, whatever it is called."""
    version = old.simulator.settings.version.name
    async with running(old.simulator.url, CALM) as backend:
        can = backend.capabilities
        assert can is not None
        assert (backend.version, backend.condition) == (version, Condition.UP)
    assert (can.own_ids, can.previews_tell_whose, can.max_upload_size) == (True, True, 104857600)
    assert (can.jobs, can.cancels_jobs) == (version != "0.3.64", version == "0.33.0")


async def test_a_run(old: Rig) -> None:
    """Heard of over the socket, with progress and previews; two requests."""
    seen: list[RunEvent] = []
    async with running(old.simulator.url, CALM) as backend:
        old.requests.clear()
        end = await run_graph(backend, txt2img(steps=8), seen)
        assert old.requests == ["POST /prompt"]
        assert end == Finished(results=(file("fox_00001_.png"),))
        async with backend.fetch(file("fox_00001_.png")) as chunks:
            picture = Image.open(BytesIO(b"".join([chunk async for chunk in chunks])))
    assert picture.size == (64, 64)
    assert seen[0] == Started()
    assert {type(event) for event in seen} == {Started, Progress, Preview}


async def test_where_attempts_stand_and_their_cancelling(old: Rig) -> None:
    """One that runs and one that waits, told apart and ended; what is left alone runs on."""
    graphs = [txt2img(seed, steps=steps) for seed, steps in ((1, 1000), (2, 4), (3, 4))]
    async with (
        running(old.simulator.url, CALM) as backend,
        backend.follow(new_id(), graphs[0]) as one,
        backend.follow(new_id(), graphs[1]) as two,
        backend.follow(new_id(), graphs[2]) as three,
    ):
        for follow, graph in zip((one, two, three), graphs, strict=True):
            await backend.post(follow, graph, tag={})
        assert await anext(aiter(one)) == Started()
        places = [await backend.locate(name) for name in (one.prompt_id, two.prompt_id, new_id())]
        assert places == [Executing(), Waiting(), Absent()]
        await backend.cancel(two.prompt_id)
        assert await until_end(two) == Interrupted()
        assert await backend.locate(one.prompt_id) == Executing()
        await backend.cancel(one.prompt_id)
        assert await until_end(one) == Interrupted()
        assert await backend.locate(one.prompt_id) == Over(end=Interrupted())
        assert isinstance(await until_end(three), Finished)
    assert old.ran() == ["interrupted", "success"]


async def test_a_strangers_run_is_left_alone(old: Rig) -> None:
    """Whatever is cancelled meanwhile: what waits, what is over, what was never there."""
    theirs, mine = txt2img(1, steps=40), flat()
    async with (
        running(old.simulator.url, CALM) as backend,
        running(old.simulator.url, CALM) as stranger,
        stranger.follow(new_id(), theirs) as other,
        backend.follow(new_id(), mine) as follow,
        backend.follow(new_id(), mine) as done,
    ):
        await backend.post(done, mine, tag={})
        await until_end(done)
        await stranger.post(other, theirs, tag={})
        assert await anext(aiter(other)) == Started()
        await backend.post(follow, mine, tag={})
        await backend.cancel(follow.prompt_id, done.prompt_id, new_id())
        assert await until_end(follow) == Interrupted()
        assert isinstance(await until_end(other), Finished)
    assert old.ran() == ["success", "success"]


async def test_an_upload(old: Rig) -> None:
    """Becomes an input under the name that it was given."""
    red = BytesIO()
    Image.new("RGB", (16, 8), "red").save(red, "PNG")
    async with running(old.simulator.url, CALM) as backend:
        name = await backend.upload("fox.png", red.getvalue())
        end = await run_graph(
            backend,
            {
                "1": {"class_type": "LoadImage", "inputs": {"image": name}},
                "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "copy"}},
            },
        )
    assert end == Finished(results=(file("copy_00001_.png", "2"),))


async def test_refusals(old: Rig) -> None:
    """The same sentences for a missing node and a missing model."""
    missing_node = {**txt2img(), "3": {"class_type": "NoSuchNode", "inputs": {}}}
    async with running(old.simulator.url, CALM) as backend:
        with pytest.raises(MissingNode, match='ComfyUI lacks the node "NoSuchNode"'):
            await run_graph(backend, missing_node)
        with pytest.raises(MissingModel, match=r"nope\.safetensors"):
            await run_graph(backend, txt2img(checkpoint="nope.safetensors"))
    assert old.ran() == []


async def test_failures(old: Rig) -> None:
    """In a node, and told from the history as from the socket."""
    old.simulator.faults.oom_next()
    graph = txt2img()
    async with running(old.simulator.url, CALM) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        end = await until_end(follow)
        place = await backend.locate(follow.prompt_id)
    assert isinstance(end, Broke)
    assert isinstance(end.error, OutOfMemory)
    assert isinstance(place, Over)
    assert isinstance(place.end, Broke)
    assert place.end.error.sentence == end.error.sentence


async def test_a_restart_loses_what_ran(old: Rig) -> None:
    """Noticed by asking."""
    graph = txt2img(steps=1000)
    async with running(old.simulator.url, QUICK) as backend, backend.follow(new_id(), graph) as follow:
        await backend.post(follow, graph, tag={})
        assert await anext(aiter(follow)) == Started()
        await old.simulator.faults.restart()
        end = await until_end(follow)
        assert isinstance(end, Broke)
        assert isinstance(end.error, Lost)


async def test_one_that_somebody_deletes_is_missed_soon(old: Rig) -> None:
    """Though another of ours speaks all the while."""
    first, second = txt2img(1, steps=1000), txt2img(2)
    async with (
        running(old.simulator.url, QUICK) as backend,
        running(old.simulator.url, QUICK) as other,
        backend.follow(new_id(), first) as one,
        backend.follow(new_id(), second) as two,
    ):
        await backend.post(one, first, tag={})
        await backend.post(two, second, tag={})
        assert await anext(aiter(one)) == Started()
        await other.cancel(two.prompt_id)
        end = await until_end(two)
        assert isinstance(end, Broke)
        assert isinstance(end.error, Lost)
        assert not one.ended
        await backend.cancel(one.prompt_id)


async def test_one_that_is_too_old(start: Start) -> None:
    """Is told in a sentence, gets no work, and interrupts nobody."""
    rig = await start(version=VERSIONS["0.3.10"])
    async with ComfyBackend(rig.simulator.url, client_id=new_id(), timing=QUICK) as backend:
        assert (await backend.probe(), backend.condition) == (False, Condition.DOWN)
        assert (
            backend.trouble
            == backend.barred
            == (f"ComfyUI 0.3.10 at {backend.name} is too old for Muralist. Update it to 0.3.64 or newer.")
        )
        async with backend.follow(new_id(), flat()) as follow:
            with pytest.raises(CannotConnect, match="too old"):
                await backend.post(follow, flat(), tag={})
    assert not {"POST /prompt", "POST /interrupt"} & set(rig.requests)
    assert rig.ran() == []
