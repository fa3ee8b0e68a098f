"""Captured exchanges that are no whole runs: uploads, downloads, and who heard what in which order."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.conftest import Client, Json, Start

    Graph = Callable[..., Json]

BROKEN = (500, "500 Internal Server Error\n\nServer got itself in trouble")
REFUSED = (400, "")


def _png(colour: tuple[int, ...], size: tuple[int, int] = (64, 48)) -> bytes:
    buffer = BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def _kept(name: str, subfolder: str = "", kind: str = "input") -> tuple[int, Json]:
    return 200, {"name": name, "subfolder": subfolder, "type": kind}


async def _upload(client: Client, name: str, data: bytes, **fields: str) -> tuple[int, Any]:
    form = aiohttp.FormData(fields, quote_fields=False)
    form.add_field("image", data, filename=name)
    return await client.ask("POST", "/upload/image", data=form)


async def test_uploads_one_after_the_other(client: Client) -> None:
    """Names of files that are there already, switches that are nearly right, names that lead elsewhere."""
    one, other, third = b"one", b"other", b"third"
    await client.ask("GET", "/prompt")
    steps: list[tuple[str, bytes, dict[str, str], Any]] = [
        ("a.png", one, {}, _kept("a.png")),
        ("a.png", one, {}, _kept("a.png")),
        ("a.png", other, {}, _kept("a (1).png")),
        ("a.png", third, {}, _kept("a (2).png")),
        ("a.png", third, {"overwrite": "true"}, _kept("a.png")),
        ("a.png", one, {"overwrite": "1"}, _kept("a.png")),
        ("a.png", b"fourth", {"overwrite": "True"}, _kept("a (3).png")),
        ("a.png", one, {"subfolder": "users/42"}, _kept("a.png", "users/42")),
        ("a.png", one, {"subfolder": "../.."}, REFUSED),
        ("a.png", one, {"type": "temp"}, _kept("a.png", kind="temp")),
        ("a.png", one, {"type": "output"}, _kept("a.png", kind="output")),
        ("a.png", one, {"type": "bogus"}, BROKEN),
        ("note.txt", b"hello", {}, _kept("note.txt")),
        ("v.mp4", b"\0\0\0 ftyp", {}, _kept("v.mp4")),
        ("empty.png", b"", {}, _kept("empty.png")),
        ("кот 猫.png", one, {}, _kept("кот 猫.png")),
        ("CON.png", one, {}, _kept("CON.png")),
        (".hidden.png", one, {}, _kept(".hidden.png")),
        ("d1/x.png", one, {}, BROKEN),
        ("../../x.png", one, {}, REFUSED),
        ("x" * 300 + ".png", one, {}, BROKEN),
    ]
    for name, data, fields, answer in steps:
        assert await _upload(client, name, data, **fields) == answer, name
    offered = (await client.get("/object_info/LoadImage"))["LoadImage"]["input"]["required"]["image"][0]
    assert offered == [
        *(".hidden.png", "CON.png", "a (1).png", "a (2).png", "a (3).png", "a.png"),
        *("empty.png", "example.png", "кот 猫.png"),
    ]


ENCODED = {"Content-Disposition": 'filename="p.png"'}
WHOLE = {
    "Content-Disposition": 'filename="p.png"',
    "X-Content-Type-Options": "nosniff",
    "Accept-Ranges": "bytes",
    "Content-Type": "image/png",
}


@pytest.mark.parametrize(
    ("query", "status", "headers", "magic"),
    [
        ("type=output&filename=p.png", 200, WHOLE, b"\x89PNG"),
        (
            "type=output&filename=p.png&preview=webp;90",
            200,
            {**ENCODED, "Content-Type": "image/webp"},
            b"RIFF",
        ),
        (
            "type=output&filename=p.png&preview=jpeg",
            200,
            {**ENCODED, "Content-Type": "image/jpeg"},
            b"\xff\xd8",
        ),
        (
            "type=output&filename=p.png&preview=jpeg;10",
            200,
            {**ENCODED, "Content-Type": "image/jpeg"},
            b"\xff\xd8",
        ),
        ("type=output&filename=p.png&preview=png", 200, {**ENCODED, "Content-Type": "image/webp"}, b"RIFF"),
        ("filename=p.png&preview=jpeg&channel=a", 200, {**ENCODED, "Content-Type": "image/webp"}, b"RIFF"),
        ("filename=p.png&channel=rgb", 200, {**ENCODED, "Content-Type": "image/png"}, b"\x89PNG"),
        ("filename=p.png&channel=a", 200, {**ENCODED, "Content-Type": "image/png"}, b"\x89PNG"),
        ("filename=p.png [output]&type=input", 200, WHOLE, b"\x89PNG"),
        ("filename=p.png", 200, WHOLE, b"\x89PNG"),
        ("filename=nope.png", 404, {}, b""),
        ("", 404, {}, b""),
        ("filename=../p.png", 400, {}, b""),
        ("filename=p.png&subfolder=../..", 403, {}, b""),
        ("filename=p.png&subfolder=gone/..", 404, {}, b""),
        ("filename=/etc/passwd", 400, {}, b""),
        ("filename=p.png&type=bogus", 400, {}, b""),
    ],
)
async def test_downloads(
    client: Client, query: str, status: int, headers: dict[str, str], magic: bytes
) -> None:
    """The status, all headers that tell of the file, and how it begins."""
    data = _png((9, 8, 7, 100))
    await _upload(client, "p.png", data, type="output")
    async with client.session.get(f"{client.simulator.url}/view?{query}") as answer:
        body = await answer.read()
        told = {key: answer.headers[key] for key in WHOLE if key in answer.headers}
    assert (answer.status, told, body[: len(magic)]) == (status, headers, magic)
    assert int(answer.headers["Content-Length"]) == len(body)
    if headers == WHOLE:
        assert body == data


async def test_parts_of_a_file(client: Client) -> None:
    """A range, the headers alone, and a range that is not there."""
    await _upload(client, "p.bin", b"0123456789")
    seen = []
    for method, headers in (("GET", {"Range": "bytes=2-4"}), ("HEAD", {}), ("GET", {"Range": "bytes=90-"})):
        url = f"{client.simulator.url}/view?filename=p.bin&type=input"
        async with client.session.request(method, url, headers=headers) as answer:
            part = answer.headers.get("Content-Range")
            seen.append((answer.status, answer.headers.get("Content-Length"), part, await answer.read()))
    assert seen[:2] == [(206, "3", "bytes 2-4/10", b"234"), (200, "10", None, b"")]
    assert (seen[2][0], seen[2][2]) == (416, "bytes */10")


def _brief(frames: list[Any]) -> str:
    """As the captures are written: `status(1)`, `executing(3)`, `ps`, `BIN1`; progress without its steps."""
    words: list[str] = []
    for frame in frames:
        if isinstance(frame, tuple):
            words.append(f"BIN{frame[1]}")
            continue
        kind, data = frame["type"], frame["data"]
        if kind == "status":
            words.append(f"status({data['status']['exec_info']['queue_remaining']})")
        elif kind == "executing":
            words.append(f"executing({data['node']})")
        elif kind == "progress":
            words.append(f"progress({data['value']}/{data['max']})")
        else:
            words.append("ps" if kind == "progress_state" else kind)
    return " ".join(words)


ANY: dict[str, Any] = {"extra_data": {"preview_method": "auto"}}


async def test_who_hears_of_a_prompt_with_a_client(client: Client, txt2img: Graph) -> None:
    """Its own socket all of it; another one the counts."""
    await client.run(txt2img(seed=1))
    mine, other = await client.connect(flags=False), await client.connect(flags=False)
    prompt_id = await client.queue(txt2img(seed=2, steps=2), mine.client_id, **ANY)
    await mine.finished(prompt_id)
    await other.until("status", status={"exec_info": {"queue_remaining": 0}})
    assert _brief(mine.frames) == (
        "status(1) status(1) execution_start execution_cached ps executing(3) ps progress(1/2) BIN1 "
        "ps progress(2/2) BIN1 ps ps executing(8) ps ps executing(9) executed ps execution_success "
        "status(0) executing(None)"
    )
    assert _brief(other.frames) == "status(1) status(1) status(0)"


async def test_who_hears_of_a_prompt_without_a_client(client: Client, txt2img: Graph) -> None:
    """Everybody hears of its steps, nobody of anything else; an error is not told at all."""
    await client.run(txt2img(seed=1))
    sockets = [await client.connect(flags=False) for _ in range(2)]
    await client.queue(txt2img(seed=2, steps=2), **ANY)
    for socket in sockets:
        await socket.until("status", status={"exec_info": {"queue_remaining": 0}})
        assert _brief(socket.frames) == (
            "status(1) status(1) ps ps progress(1/2) BIN1 ps progress(2/2) BIN1 ps ps ps ps ps status(0)"
        )
        socket.frames.clear()
    client.simulator.faults.node_error_next("boom", "KSampler")
    await client.queue(txt2img(seed=3))
    await sockets[1].until("status", status={"exec_info": {"queue_remaining": 0}})
    assert _brief(sockets[1].frames) == "status(1) status(1) ps status(0)"


async def test_who_hears_of_an_interrupt(client: Client, txt2img: Graph) -> None:
    """The owner in whole, another socket nothing but the counts, whoever asked for it."""
    await client.run(txt2img(seed=1))
    mine, other = await client.connect(flags=False), await client.connect(flags=False)
    client.simulator.faults.hang()
    prompt_id = await client.queue(txt2img(seed=2, steps=10), mine.client_id)
    await mine.until("executing", node="3")
    await client.ask("POST", "/interrupt")
    client.simulator.faults.unhang()
    await mine.finished(prompt_id)
    await other.until("status", status={"exec_info": {"queue_remaining": 0}})
    assert _brief(mine.frames[-3:]) == "execution_interrupted status(0) executing(None)"
    assert _brief(other.frames) == "status(1) status(1) status(0)"


async def test_who_comes_late(client: Client, txt2img: Graph) -> None:
    """A client id that nobody had: hello, where the prompt is, and the live rest."""
    client.simulator.faults.hang()
    prompt_id = await client.queue(txt2img(steps=2), "me")
    # Until it runs there is nothing to be told.
    while await _second_message(client, "me") != {"type": "executing", "data": {"node": "4"}}:
        await asyncio.sleep(0.01)
    late = await client.connect("me", flags=False)
    client.simulator.faults.unhang()
    await late.finished(prompt_id)
    assert _brief(late.frames) == (
        "executing(4) ps ps executing(5) ps ps executing(7) ps ps executing(6) ps ps executing(3) "
        "ps progress(1/2) ps progress(2/2) ps ps executing(8) ps ps executing(9) executed ps "
        "execution_success status(0) executing(None)"
    )


async def _second_message(client: Client, client_id: str) -> Json | None:
    """What a socket hears after its hello, before the prompt goes on; None for nothing."""
    async with client.session.ws_connect(f"{client.simulator.url}/ws?clientId={client_id}") as ws:
        hello = await ws.receive_json()
        assert hello["data"]["sid"] == client_id
        try:
            heard: Json = await asyncio.wait_for(ws.receive_json(), 0.3)
        except TimeoutError:
            return None
        return heard


async def test_where_cancelled_prompts_are_told_of(start: Start, txt2img: Graph) -> None:
    """A running one in history and jobs, as an error that is none; its entry has no outputs."""
    client: Client = await start(step_seconds=0.05)
    socket = await client.connect()
    prompt_id = await client.queue(txt2img(steps=200), socket.client_id)
    await socket.until("progress", value=1)
    assert await client.ask("POST", "/api/jobs/cancel", json={"job_ids": [prompt_id]}) == (
        200,
        {"cancelled": True},
    )
    await socket.finished(prompt_id)
    entry = (await client.get(f"/history/{prompt_id}"))[prompt_id]
    status = entry["status"]
    assert (entry["outputs"], entry["meta"], status["status_str"], status["completed"]) == (
        {},
        {},
        "error",
        False,
    )
    assert [event for event, _ in status["messages"]] == [
        "execution_start",
        "execution_cached",
        "execution_interrupted",
    ]
    job = await client.get(f"/api/jobs/{prompt_id}")
    last = status["messages"][-1][1]
    assert job == {
        "id": prompt_id,
        "status": "cancelled",
        "priority": 0,
        "create_time": entry["prompt"][3]["create_time"],
        "execution_start_time": status["messages"][0][1]["timestamp"],
        "execution_end_time": last["timestamp"],
        "outputs_count": 0,
        "previewable_outputs_count": 0,
        "outputs": {},
        "execution_status": status,
        "workflow": {"prompt": entry["prompt"][2], "extra_data": entry["prompt"][3]},
    }
    listed = (await client.get("/api/jobs?status=cancelled"))["jobs"]
    assert listed == [
        {key: job[key] for key in job if key not in ("outputs", "execution_status", "workflow")}
    ]
