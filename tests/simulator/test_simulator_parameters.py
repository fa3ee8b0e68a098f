"""Whatever a person can set changes the result, and only that: six families, one input after the other."""

from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING, Any

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from tests.simulator.families import FAMILIES, INPAINT, MODELS, QWEN_EDIT, WAN_VIDEO, node
from tests.simulator.files import picture, sound

if TYPE_CHECKING:
    from tests.simulator.conftest import Client, Json, Start

HOLE = (20, 20, 60, 60)  # the transparent part of hole.png


async def _started(start: Start) -> Client:
    """A server with a few pictures and sounds."""
    client: Client = await start(step_seconds=0.0, models=MODELS)
    assert client.simulator.settings.data_dir is not None
    folder = client.simulator.settings.data_dir / "input"
    picture().save(folder / "one.png")
    picture((96, 96), "purple").save(folder / "two.png")
    picture((160, 128), "navy").save(folder / "three.png")
    hole = picture((96, 96)).convert("RGBA")
    hole.paste((0, 0, 0, 0), HOLE)
    hole.save(folder / "hole.png")
    (folder / "tone.wav").write_bytes(sound(2.0))
    (folder / "tone2.wav").write_bytes(sound(0.5))
    return client


def _changed(graph: Json, change: str, value: Any) -> Json:
    node_id, name = change.split(".", 1)
    graph = copy.deepcopy(graph)
    assert graph[node_id]["inputs"][name] != value
    graph[node_id]["inputs"][name] = value
    return graph


async def _made(client: Client, graph: Json, output: str) -> list[bytes]:
    """What is in the saved files, without what only says how they were made."""
    entry = await client.run(graph)
    assert entry["status"]["status_str"] == "success", entry["status"]["messages"][-1]
    files = next(items for key, items in entry["outputs"][output].items() if key != "animated")
    return [_content(await _file(client, file)) for file in files]


async def _file(client: Client, file: Json) -> bytes:
    async with client.session.get(f"{client.simulator.url}/view", params=file) as response:
        assert response.status == 200
        return await response.read()


def _content(data: bytes) -> bytes:
    if data.startswith(b"\x89PNG"):
        with Image.open(io.BytesIO(data)) as image:
            return repr(image.size).encode() + image.tobytes()
    container: Any
    with av.open(io.BytesIO(data)) as container:
        return b"".join(bytes(packet) + repr(packet.duration).encode() for packet in container.demux())


@pytest.mark.parametrize("name", FAMILIES)
async def test_every_input_changes_the_result(start: Start, name: str) -> None:
    """Each one alone; and the same again gives the same bytes, with nothing in the cache."""
    client = await _started(start)
    family = FAMILIES[name]
    first = await _made(client, family.graph, family.output)
    await client.ask("POST", "/free", json={"free_memory": True})
    assert await _made(client, family.graph, family.output) == first
    without = [
        change
        for change, value in family.changes.items()
        if await _made(client, _changed(family.graph, change, value), family.output) == first
    ]
    assert without == []


async def test_a_branch_that_is_not_taken_changes_nothing(start: Start) -> None:
    """And its nodes do not run."""
    client = await _started(start)
    flux = FAMILIES["flux"]
    first = await _made(client, flux.graph, flux.output)
    socket = await client.connect()
    prompt_id = await client.queue(_changed(flux.graph, "more.value", 7), socket.client_id)
    frames = await socket.finished(prompt_id)
    ran = [
        frame["data"]["node"] for frame in frames if isinstance(frame, dict) and frame["type"] == "executing"
    ]
    assert "switch" in ran
    assert "more" not in ran
    entry = (await client.get(f"/history/{prompt_id}"))[prompt_id]
    (file,) = entry["outputs"]["save"]["images"]
    assert [_content(await _file(client, file))] == first


def _distance(first: Image.Image, second: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(first.convert("RGB"), second.convert("RGB"))).mean) / 3


async def test_an_edit_leaves_its_picture_to_be_recognised(start: Start) -> None:
    """The result is nearer to the picture it was made from than to another one."""
    client = await _started(start)
    entry = await client.run(QWEN_EDIT.graph)
    result = await client.picture(entry["outputs"]["save"]["images"][0])
    own, other = (picture((160, 128), colour).resize(result.size) for colour in ("teal", "red"))
    assert _distance(result, own) < _distance(result, other)


async def test_only_the_masked_region_changes(start: Start) -> None:
    """Beyond the mask and what it was grown by, every pixel is the one that was put in."""
    client = await _started(start)
    entry = await client.run(INPAINT.graph)
    result = (await client.picture(entry["outputs"]["save"]["images"][0])).convert("RGB")
    hole = picture((96, 96)).convert("RGBA")
    hole.paste((0, 0, 0, 0), HOLE)
    source = hole.convert("RGB")
    box = ImageChops.difference(result, source).getbbox()
    grown = (HOLE[0] - 2, HOLE[1] - 2, HOLE[2] + 2, HOLE[3] + 2)
    assert box is not None
    assert (*map(max, box[:2], grown[:2]), *map(min, box[2:], grown[2:])) == box


async def test_a_video_starts_from_its_picture_and_has_the_sound(start: Start) -> None:
    """As many frames as asked for, at the rate asked for, and the prompt in the file."""
    client = await _started(start)
    entry = await client.run(WAN_VIDEO.graph)
    assert entry["outputs"]["save"]["animated"] == [True]
    data = await _file(client, entry["outputs"]["save"]["images"][0])
    container: Any
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        codecs = [stream.codec_context.name, container.streams.audio[0].codec_context.name]
        told = (stream.width, stream.height, stream.frames, stream.average_rate)
        assert "WanImageToVideo" in container.metadata["prompt"]
        first: Any = next(container.decode(video=0))
    assert (codecs, told) == (["h264", "aac"], (64, 64, 9, 8))
    shown: Image.Image = first.to_image()
    own, other = (picture((160, 128), colour).resize((64, 64)) for colour in ("teal", "red"))
    assert _distance(shown, own) < _distance(shown, other)


async def test_a_list_is_run_one_by_one(start: Start) -> None:
    """Batches of one make a list; each item is saved by a call of its own, under one node."""
    client = await _started(start)
    graph = {
        "1": node("EmptyImage", width=16, height=16, batch_size=3, color=255),
        "2": node("RebatchImages", images=["1", 0], batch_size=1),
        "3": node("ImageInvert", image=["2", 0]),
        "4": node("SaveImage", images=["3", 0], filename_prefix="list"),
        "5": node("RebatchImages", images=["3", 0], batch_size=2),
        "6": node("PreviewImage", images=["5", 0]),
    }
    entry = await client.run(graph)
    names = [file["filename"] for file in entry["outputs"]["4"]["images"]]
    assert names == [f"list_0000{number}_.png" for number in (1, 2, 3)]
    assert len(entry["outputs"]["6"]["images"]) == 3


async def test_a_blocked_branch_tells_it_and_the_rest_succeeds(start: Start) -> None:
    """An error that ends nothing, with no time stamp, and no trace of it in the history."""
    client: Client = await start(trial_nodes=True)
    graph = {
        "1": node("EmptyImage", width=16, height=16, batch_size=1, color=255),
        "2": node("TrialBlock", image=["1", 0], message="nothing to do"),
        "3": node("SaveImage", images=["2", 0], filename_prefix="blocked"),
        "4": node("SaveImage", images=["1", 0], filename_prefix="free"),
    }
    socket = await client.connect()
    prompt_id = await client.queue(graph, socket.client_id)
    frames = await socket.finished(prompt_id)
    (error,) = (frame["data"] for frame in frames if frame["type"] == "execution_error")
    assert {key: error[key] for key in error if key != "executed"} == {
        "prompt_id": prompt_id,
        "node_id": "3",
        "node_type": "SaveImage",
        "exception_message": "Execution Blocked: nothing to do",
        "exception_type": "ExecutionBlocked",
        "traceback": [],
        "current_inputs": [],
        "current_outputs": [],
    }
    entry = (await client.get(f"/history/{prompt_id}"))[prompt_id]
    assert entry["status"]["status_str"] == "success"
    assert list(entry["outputs"]) == ["4"]
    assert [name for name, _ in entry["status"]["messages"]][-1] == "execution_success"
