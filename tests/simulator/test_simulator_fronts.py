"""What stands between a client and its server, and several servers at once."""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.conftest import Client, Json, Start

    Graph = Callable[..., Json]

VAES = ["vae-ft-mse-840000-ema-pruned.safetensors"]
CERTIFICATE = Path(__file__).with_name("localhost.pem")


async def test_a_server_below_a_path(start: Start, flat: Graph) -> None:
    """All routes, the socket and the faults are below it; above it there is nothing."""
    client: Client = await start(path_prefix="/comfy")
    assert client.simulator.url.endswith("/comfy")
    entry = await client.run(flat())
    assert (await client.picture(entry["outputs"]["3"]["images"][0])).size == (32, 16)
    assert (await client.ask("GET", "/nope"), (await client.ask("POST", "/nope"))[0]) == ((404, ""), 405)
    assert (await client.ask("GET", "/internal/logs"))[0] == 200
    wish = {"name": "fail_next", "path_prefix": "/history", "status": 503}
    assert (await client.ask("POST", "/simulator/faults", json=wish))[0] == 200
    assert (await client.ask("GET", "/api/history"))[0] == 503
    above = client.simulator.url.removesuffix("/comfy")
    async with client.session.get(f"{above}/prompt") as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "", 401),
        ({"Authorization": "Basic bWU6c2VzYW1l"}, "", 200),
        ({"Authorization": "Basic bWU6d3Jvbmc="}, "", 401),
        ({"Authorization": "Bearer t0ken"}, "", 200),
        ({"Authorization": "Bearer wrong"}, "", 401),
        ({}, "?token=t0ken", 200),
        ({}, "?token=wrong", 401),
    ],
)
async def test_a_guarded_server(start: Start, headers: dict[str, str], query: str, status: int) -> None:
    """A password or a token opens it, for the socket as for all routes."""
    client: Client = await start(basic_auth="me:sesame", token="t0ken")
    found, kind, _ = await client.raw("GET", f"/prompt{query}", headers=headers)
    assert (found, kind == "text/html; charset=utf-8") == (status, status == 401)
    url = f"{client.simulator.url}/ws{query}"
    if status == 200:
        async with client.session.ws_connect(url, headers=headers) as ws:
            assert (await ws.receive_json())["type"] == "status"
        return
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.session.ws_connect(url, headers=headers)
    assert refused.value.status == 401


async def test_a_guard_says_what_it_wants(start: Start) -> None:
    """Only one that knows passwords does."""
    told = []
    for settings in ({"basic_auth": "a:b"}, {"token": "t"}):
        client: Client = await start(**settings)
        async with client.session.get(f"{client.simulator.url}/prompt") as answer:
            told.append(answer.headers.get("WWW-Authenticate"))
    assert told == ['Basic realm="ComfyUI"', None]


async def test_a_server_with_a_certificate(start: Start, flat: Graph) -> None:
    """HTTP and the socket are both encrypted; who does not know the certificate stays away."""
    trusting = ssl.create_default_context(cafile=CERTIFICATE)
    connector = aiohttp.TCPConnector(ssl=trusting)
    client: Client = await start(options={"connector": connector}, certificate=CERTIFICATE)
    assert client.simulator.url.startswith("https://127.0.0.1:")
    assert (await client.run(flat()))["status"]["completed"]
    async with aiohttp.ClientSession() as stranger:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await stranger.get(f"{client.simulator.url}/prompt")


async def test_a_session_that_ended(client: Client) -> None:
    """A redirect to a page, or the page itself where JSON was expected; then all is well again."""
    faults = client.simulator.faults
    seen = []
    for redirect in (True, False):
        faults.show_login(redirect)
        seen.append((await client.raw("GET", "/prompt"))[:2])
    page = await client.raw("GET", "/login")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await client.connect()
    faults.hide_login()
    assert seen == [(302, None), (200, "text/html; charset=utf-8")]
    assert page[2].startswith("<!doctype html><title>Log in</title>")
    assert await client.get("/prompt") == {"exec_info": {"queue_remaining": 0}}


async def test_a_redirect_leads_to_the_page(client: Client) -> None:
    """So a client that follows it gets HTML with status 200."""
    client.simulator.faults.show_login()
    async with client.session.get(f"{client.simulator.url}/prompt") as answer:
        assert (answer.status, answer.content_type, answer.url.path) == (200, "text/html", "/login")


async def test_a_slow_download(client: Client, flat: Graph) -> None:
    """As slow as was asked, whole, and with the headers of a quick one."""
    file = (await client.run(flat()))["outputs"]["3"]["images"][0]
    url = f"{client.simulator.url}/view"
    async with client.session.get(url, params=file) as answer:
        quick, headers = await answer.read(), dict(answer.headers)
    client.simulator.faults.slow_view(len(quick) * 2)
    begun = time.monotonic()
    async with client.session.get(url, params=file) as answer:
        assert await answer.read() == quick
        told = {key: answer.headers[key] for key in ("Content-Type", "Content-Length", "Content-Disposition")}
    assert time.monotonic() - begun >= 0.4
    assert told == {key: headers[key] for key in told}


async def test_answers_in_reverse(client: Client) -> None:
    """The one that was asked first comes last; after that all is as usual."""
    client.simulator.faults.reverse_answers(3, "/history")
    came: list[int] = []

    async def ask(number: int) -> None:
        assert await client.get(f"/history/{number}") == {}
        came.append(number)

    waiting = []
    for number in range(3):
        waiting.append(asyncio.create_task(ask(number)))
        # An answer to another question: the one before has been asked by then.
        await client.get("/prompt")
    await asyncio.gather(*waiting)
    await ask(3)
    assert came == [2, 1, 0, 3]


async def test_a_start_takes_its_time(start: Start) -> None:
    """Connections are refused until it is over; a restart takes as long."""
    client: Client = await start(startup_seconds=0.3)
    begun = time.monotonic()
    coming = asyncio.create_task(client.simulator.faults.restart())
    refused = 0
    while not coming.done():
        try:
            await client.ask("GET", "/prompt")
        except aiohttp.ClientError:
            refused += 1
            await asyncio.sleep(0.02)
    await coming
    assert time.monotonic() - begun >= 0.3
    assert refused > 0
    assert (await client.ask("GET", "/prompt"))[0] == 200


async def test_a_slow_network_outlives_a_restart(client: Client) -> None:
    """It is the network's, not the server's: the hello of a socket still comes late."""
    client.simulator.faults.network_delay(0.15)
    await client.simulator.faults.restart()
    begun = time.monotonic()
    socket = await client.connect()
    await client.queue({"1": _SIZE, "2": _PREVIEW}, socket.client_id)
    await socket.until("execution_start")
    # The handshake, the hello, the flags and their answer, the prompt and its answer.
    assert time.monotonic() - begun >= 0.9


_SIZE = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}
_PREVIEW = {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}


async def test_two_servers_share_nothing(start: Start, flat: Graph, tmp_path: Path) -> None:
    """Neither queue, history, cache, numbers, sockets of one id, faults, flags, logs nor files."""
    one: Client = await start(data_dir=tmp_path / "one")
    other: Client = await start(data_dir=tmp_path / "other", checkpoints=("x.safetensors",))
    here, there = await one.connect("me"), await other.connect("me")
    one.simulator.faults.hang()
    one.simulator.faults.fail_share(1.0)
    running = await other.queue(flat(), "me")
    await there.finished(running)
    one.simulator.faults.fail_share(0)
    waiting = await one.queue(flat(), "me")
    await here.until("executing", node="1")
    assert not any(running in str(frame) for frame in here.frames)
    assert [len(await client.get("/history")) for client in (one, other)] == [0, 1]
    assert [(await client.get("/prompt"))["exec_info"]["queue_remaining"] for client in (one, other)] == [
        1,
        0,
    ]
    assert [await client.get("/models/vae") for client in (one, other)] == [VAES, VAES]
    assert await other.get("/models/checkpoints") == ["x.safetensors"]
    one.simulator.faults.unhang()
    await here.finished(waiting)
    files = [
        (await client.get(f"/history/{name}"))[name] for client, name in ((one, waiting), (other, running))
    ]
    assert files[0]["outputs"] == files[1]["outputs"]
    assert [entry["prompt"][0] for entry in files] == [0, 0]
    assert len(list((tmp_path / "one" / "output").iterdir())) == 1
    logs: list[Any] = [(await client.get("/internal/logs/raw"))["entries"] for client in (one, other)]
    assert [len(entries) for entries in logs] == [2, 2]
    await other.simulator.faults.restart()
    assert len(await one.get("/history")) == 1
