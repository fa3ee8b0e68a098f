"""Nodes that cost money: refused until their owner allows them, then counted; the key is nowhere to be found."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.asking import get, ready, until
from tests.processes import Program, bot_program, running

pytestmark = pytest.mark.timeout(300)

KEY = "comfyui-4f1d0c6be7a94e5f"
GRAPH = {
    "1": {
        "class_type": "FluxProUltraImageNode",
        "inputs": {
            "prompt": "a fox",
            "prompt_upsampling": False,
            "seed": 1,
            "aspect_ratio": "1:1",
            "raw": False,
        },
    },
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "fox"}},
}


class Recorder:
    """Stands before a ComfyUI and keeps what is posted to it."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.url = ""


@pytest.fixture
async def recorded(simulated: Program) -> AsyncIterator[Recorder]:
    """Everything but the socket passes; without one the bot asks by HTTP."""
    recorder = Recorder()

    async def forward(request: web.Request) -> web.Response:
        body = await request.read()
        if request.method == "POST" and request.path == "/prompt":
            recorder.bodies.append(json.loads(body))
        headers = {"Content-Type": request.headers["Content-Type"]} if body else {}
        async with session.request(
            request.method, simulated.url + str(request.rel_url), data=body or None, headers=headers
        ) as answer:
            return web.Response(
                status=answer.status, body=await answer.read(), content_type=answer.content_type
            )

    async with aiohttp.ClientSession() as session:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        recorder.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield recorder
        await runner.cleanup()


async def _say(http: aiohttp.ClientSession, url: str, text: str) -> dict[str, Any]:
    form = aiohttp.FormData({"text": text}, default_to_multipart=True)
    async with http.post(f"{url}/api/v1/chat", data=form) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def test_what_costs_money_is_guarded(
    tmp_path: Path, recorded: Recorder, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Hidden and refused at first; then as many as are allowed, with their price, by a key that nothing keeps."""
    (tmp_path / "data" / "workflows").mkdir(parents=True)
    (tmp_path / "data" / "workflows" / "ultra.json").write_text(json.dumps(GRAPH))
    async with running(bot_program(tmp_path, recorded.url, COMFY_API_KEY=KEY)) as bot:
        await ready(http, bot.url)
        names = [each["name"] for each in (await get(http, f"{bot.url}/api/v1/workflows"))["workflows"]]
        assert "ultra" not in names
        refused = await _say(http, bot.url, "/ultra a fox")
        assert refused["error"]["message"] == (
            'The node "FluxProUltraImageNode" asks a service that costs money, which is not allowed here. '
            "The owner can allow it with ALLOW_PAID_NODES=true."
        )
    settings = {"COMFY_API_KEY": KEY, "ALLOW_PAID_NODES": "true", "MOST_PAID_PER_PERSON": "1"}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with running(bot_program(tmp_path, recorded.url, **settings)) as bot:
            await ready(http, bot.url)
            async with browser.get(bot.url):
                pass
            started = await _say(browser, bot.url, "/ultra a fox")
            assert started["kind"] == "started", started
            await until(browser, bot.url, started["job"], "done")
            (card,) = (await get(browser, f"{bot.url}/api/v1/chat/cards"))["cards"]
            assert "It costs $0.06 at most." in json.dumps(card)
            enough = await _say(browser, bot.url, "/ultra a fox")
            assert enough["error"]["message"] == (
                "You had 1 picture that cost money today, which is the most. Try again tomorrow."
            )
            free = await _say(browser, bot.url, "/imagine a fox --width 64 --height 64 --steps 4")
            await until(browser, bot.url, free["job"], "done")
    keys = [body["extra_data"].pop("api_key_comfy_org", None) for body in recorded.bodies]
    assert keys == [KEY, None]
    assert KEY not in json.dumps(recorded.bodies)
    assert KEY not in json.dumps(await get(http, f"{simulated.url}/history"))
    assert _holding(tmp_path, KEY) == []


def _holding(folder: Path, words: str) -> list[Path]:
    """The files that have these words in them, of everything that was written."""
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len(written) > 3
    return [path for path in written if words.encode() in path.read_bytes()]
