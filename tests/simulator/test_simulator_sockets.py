"""Who hears what, and the two faults of real servers' sockets."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.conftest import Client, Json, Socket

    Graph = Callable[..., Json]


def _kinds(frames: list[Any]) -> list[str]:
    """Types in order, each stretch of the same one counted once."""
    kinds = [frame["type"] if isinstance(frame, dict) else f"binary {frame[1]}" for frame in frames]
    return [kind for place, kind in enumerate(kinds) if place == 0 or kinds[place - 1] != kind]


async def test_another_client_hears_only_the_count(client: Client, txt2img: Graph) -> None:
    """All messages about a prompt go to the socket that queued it."""
    mine, other = await client.connect(), await client.connect()
    prompt_id = await client.queue(txt2img(), mine.client_id)
    await mine.finished(prompt_id)
    counts = [await other.next() for _ in range(3)]
    rest = [frame["data"]["status"]["exec_info"]["queue_remaining"] for frame in counts]
    assert (rest, await other.is_deaf()) == ([1, 1, 0], True)


async def test_a_prompt_without_a_client_is_everybodys(client: Client, txt2img: Graph) -> None:
    """Progress and previews are told to all, start and end to nobody; previews are of the old kind."""
    sockets = [await client.connect(), await client.connect(flags=False)]
    await client.queue(txt2img(steps=1), extra_data={"preview_method": "auto"})
    for socket in sockets:
        await socket.until("status", status={"exec_info": {"queue_remaining": 0}})
        assert _kinds(socket.frames) == [
            "status",
            "progress_state",
            "progress",
            "binary 1",
            "progress_state",
            "status",
        ]


async def test_an_interrupt_of_a_prompt_without_a_client_is_told_to_all(
    client: Client, txt2img: Graph
) -> None:
    """And an error is not."""
    socket = await client.connect()
    client.simulator.faults.hang()
    await client.queue(txt2img())
    await socket.until("progress_state")
    await client.ask("POST", "/interrupt")
    client.simulator.faults.unhang()
    await socket.until("execution_interrupted")
    await socket.until("status")
    socket.frames.clear()
    client.simulator.faults.oom_next()
    await client.queue(txt2img(seed=5))
    await socket.until("status", status={"exec_info": {"queue_remaining": 0}})
    assert _kinds(socket.frames) == ["status", "progress_state", "status"]


@pytest.mark.parametrize(("method", "frames"), [("none", 0), ("latent2rgb", 2), ("bogus", 0)])
async def test_previews_come_only_when_asked_for(
    client: Client, txt2img: Graph, method: str, frames: int
) -> None:
    """One a step; the metadata says whose it is. Unknown methods mean the server's default."""
    socket = await client.connect()
    prompt_id = await client.queue(txt2img(steps=2), socket.client_id, extra_data={"preview_method": method})
    previews = [f[2] for f in await socket.finished(prompt_id) if isinstance(f, tuple)]
    assert len(previews) == frames
    for data in previews:
        length = int.from_bytes(data[4:8], "big")
        assert json.loads(data[8 : 8 + length]) == {
            "node_id": "3",
            "prompt_id": prompt_id,
            "display_node_id": "3",
            "parent_node_id": None,
            "real_node_id": "3",
            "image_type": "image/jpeg",
        }
        assert data[8 + length :].startswith(b"\xff\xd8\xff")


async def test_flags_count_once_and_in_the_first_object_only(client: Client) -> None:
    """Text that is not JSON before them does not hurt; a second time gets no answer."""
    socket = await client.connect(flags=False)
    flags = {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
    await socket.ws.send_str("not json")
    await socket.ws.send_str("[1]")
    await socket.ws.send_json(flags)
    answer = await socket.next()
    assert answer == {"type": "feature_flags", "data": await client.get("/features")}
    await socket.ws.send_json(flags)
    assert await socket.is_deaf()


async def test_a_socket_without_an_id_gets_one_of_32_digits(client: Client) -> None:
    """In its first status."""
    async with client.session.ws_connect(f"{client.simulator.url}/api/ws") as ws:
        hello = await ws.receive_json()
    sid = hello["data"].pop("sid")
    assert hello == {"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}}}
    assert (len(sid), int(sid, 16) >= 0) == (32, True)


async def test_who_comes_back_hears_where_the_prompt_is(client: Client, txt2img: Graph) -> None:
    """`executing` without a prompt id, then the live rest; what was missed is gone."""
    first = await client.connect("me")
    client.simulator.faults.hang()
    prompt_id = await client.queue(txt2img(), "me")
    await first.until("executing", node="4")
    await first.ws.close()
    second = await client.connect("me", flags=False)
    assert await second.next() == {"type": "executing", "data": {"node": "4"}}
    client.simulator.faults.unhang()
    await second.finished(prompt_id)
    assert _kinds(second.frames)[-4:] == ["progress_state", "execution_success", "status", "executing"]


async def test_the_end_of_an_old_socket_deafens_a_newer_one_with_its_id(client: Client, flat: Graph) -> None:
    """The newer one takes over, stays open, answers pings, and never hears of anything again."""
    old = await client.connect("me")
    new = await client.connect("me")
    await new.finished(await client.queue(flat(1), "me"))
    assert await old.is_deaf()
    await old.ws.close()
    watcher = await client.connect()
    await client.queue(flat(2), "me")
    await watcher.until("status", status={"exec_info": {"queue_remaining": 0}})
    assert (await new.is_deaf(), new.ws.closed) == (True, False)
    await new.ws.close()
    third = await client.connect("me")
    await third.finished(await client.queue(flat(3), "me"))


async def _until_done(client: Client, prompt_id: str) -> None:
    # Polled, because the point is that no message comes.
    while not await client.get(f"/history/{prompt_id}"):
        await asyncio.sleep(0.01)


async def test_one_reader_that_stops_holds_up_all(start: Callable[..., Any], flat: Graph) -> None:
    """Messages of others stand still while HTTP and the prompts go on."""
    client: Client = await start(preview_size=2048)
    reader = await _deaf_reader(client)
    other = await client.connect()
    for _ in range(400):
        client.simulator.send_raw(b"\0\0\0\x63" + bytes(100_000))
    prompt_id = await client.queue(flat(), other.client_id)
    await _until_done(client, prompt_id)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await other.finished(prompt_id)
    reader.close()
    await other.finished(prompt_id)


async def _deaf_reader(client: Client) -> asyncio.StreamWriter:
    """A websocket that is opened and then never read."""
    _, writer = await asyncio.open_connection("127.0.0.1", client.simulator.port, limit=1024)
    writer.write(
        b"GET /ws?clientId=stuck HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await writer.drain()
    return writer


async def test_too_long_a_text_ends_the_connection(client: Client) -> None:
    """4 MiB is the limit."""
    socket = await client.connect()
    with pytest.raises((ConnectionError, aiohttp.ClientError)):
        await _shout(socket)


async def _shout(socket: Socket) -> None:
    await socket.ws.send_str("x" * (5 * 1024 * 1024))
    while True:
        await socket.next()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://{host}"}, 200),
        ({"Origin": "http://127.0.0.1:9"}, 403),
        ({"Origin": "http://localhost:8188"}, 403),
        ({"Host": "comfy.example.com", "Origin": "http://evil.example"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "null"}, 200),
    ],
)
async def test_pages_of_other_sites_are_refused(client: Client, headers: dict[str, str], status: int) -> None:
    """Looked at only when the host is this machine; the handshake of a socket is no exception."""
    host = f"127.0.0.1:{client.simulator.port}"
    sent = {key: value.format(host=host) for key, value in headers.items()}
    assert (await client.ask("GET", "/prompt", headers=sent))[0] == status
    if status == 403:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.session.ws_connect(f"{client.simulator.url}/ws", headers=sent)
        assert refused.value.status == 403


async def test_sockets_do_not_disturb_each_other(client: Client, flat: Graph) -> None:
    """Each of many clients hears of its own prompt only."""
    sockets = [await client.connect() for _ in range(5)]
    ids = [await client.queue(flat(colour), socket.client_id) for colour, socket in enumerate(sockets)]
    for socket, prompt_id in zip(sockets, ids, strict=True):
        frames = await socket.finished(prompt_id)
        named = {frame["data"]["prompt_id"] for frame in frames if "prompt_id" in frame["data"]}
        assert named == {prompt_id}
