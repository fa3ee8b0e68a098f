"""Who gets in, and who sees what."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.asking import SMALL, generate, until
from tests.processes import Program, bot_program, simulator_program

TOKEN = "correct-horse-battery"


@pytest.fixture
async def guarded(tmp_path: Path, simulated: Program) -> AsyncIterator[Program]:
    """The bot with a token."""
    program = bot_program(tmp_path, simulated.url, WEB_TOKEN=TOKEN)
    await program.start()
    yield program
    await program.stop()


async def test_only_this_machine_is_served_without_a_token(
    served: Program, http: aiohttp.ClientSession
) -> None:
    """A page of another site reaches nothing, by whatever name and from wherever it asks."""
    port = served.url.rsplit(":", 1)[1]
    for headers, expected in (
        ({}, 200),
        ({"Host": f"localhost:{port}"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": f"evil.example:{port}"}, 403),
        ({"Origin": served.url}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ):
        async with http.get(f"{served.url}/api/v1/queue", headers=headers) as answer:
            assert (headers, answer.status) == (headers, expected)
    async with http.post(f"{served.url}/api/v1/generate", headers={"Sec-Fetch-Site": "cross-site"}) as answer:
        assert answer.status == 403


async def test_a_token_is_asked_for_everywhere_but_for_health(
    guarded: Program, http: aiohttp.ClientSession
) -> None:
    """As a bearer token from programs; the page sends browsers to the login."""
    for path in ("/api/v1/queue", "/api/v1/workflows", "/metrics", "/openapi.json", "/api/v1/chat", "/docs"):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            async with http.get(guarded.url + path, headers=headers) as answer:
                assert (path, answer.status) == (path, 401)
    async with http.get(
        f"{guarded.url}/api/v1/queue", headers={"Authorization": f"Bearer {TOKEN}"}
    ) as answer:
        assert answer.status == 200
    async with http.get(f"{guarded.url}/healthz") as answer:
        assert answer.status == 200
    page = {"Accept": "text/html"}
    async with http.get(f"{guarded.url}/", headers=page, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "login")


async def test_a_browser_logs_in_once_and_a_forged_cookie_is_nothing(guarded: Program) -> None:
    """The session is signed, and not readable by scripts."""
    async with _browser() as browser:
        async with browser.post(
            f"{guarded.url}/login", data={"token": "wrong"}, allow_redirects=False
        ) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "login?wrong=1")
        async with browser.post(
            f"{guarded.url}/login", data={"token": TOKEN}, allow_redirects=False
        ) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "./")
            cookie = answer.headers["Set-Cookie"]
        async with browser.get(f"{guarded.url}/api/v1/queue") as answer:
            assert answer.status == 200
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    session, _, signature = cookie.split(";")[0].split("=", 1)[1].partition(".")
    for forged in (f"{session}.{'0' * len(signature)}", f"other.{signature}", session, ""):
        async with aiohttp.ClientSession(cookies={"muralist_session": forged}) as stranger:
            async with stranger.get(f"{guarded.url}/api/v1/queue") as answer:
                assert answer.status == 401


async def test_sessions_do_not_see_each_other(served: Program, http: aiohttp.ClientSession) -> None:
    """Neither jobs nor pictures nor buttons of another room, and a program's room is its own too."""
    async with _browser() as ann, _browser() as bob:
        for browser in (ann, bob):
            async with browser.get(f"{served.url}/") as answer:
                assert answer.status == 200
        job = await _say(ann, served.url, "/imagine a fox --width 64 --height 64 --steps 4")
        await until(ann, served.url, job, "done")
        for stranger in (bob, http):
            for path in (f"jobs/{job}", f"jobs/{job}/events", f"jobs/{job}/outputs/0"):
                async with stranger.get(f"{served.url}/api/v1/{path}") as answer:
                    assert (answer.status, (await answer.json())["error"]["code"]) == (404, "no_such_job")
            async with stranger.delete(f"{served.url}/api/v1/jobs/{job}") as answer:
                assert answer.status == 404
            for verb in ("again", "use", "info", "delete", "cancel"):
                assert await _press(stranger, served.url, f"m1:{verb}:{job}:0") == 404
        assert await _press(ann, served.url, f"m1:delete:{job}:0") == 200
        assert await _press(ann, served.url, f"m1:info:{job}:0") == 410


async def test_stale_and_forged_buttons_are_told(served: Program, http: aiohttp.ClientSession) -> None:
    """Whatever their id is."""
    job = await generate(http, served.url)
    for action in (
        "",
        "m1:info",
        f"m0:info:{job}:0",
        f"m1:explode:{job}:0",
        f"m1:info:{job}:x",
        "m1:info:" + "x" * 99,
    ):
        assert (action, await _press(http, served.url, action)) == (action, 410)


async def test_the_log_holds_no_secret(tmp_path: Path, guarded: Program, http: aiohttp.ClientSession) -> None:
    """Neither the token nor the credentials of a server's address; and no other file holds these."""
    comfyui = simulator_program(tmp_path)
    await comfyui.start()
    address = comfyui.url.replace("http://", "http://user:hidden-password@")
    (tmp_path / "second").mkdir()
    second = bot_program(tmp_path / "second", address, WEB_TOKEN=TOKEN)
    await second.start()
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    body = {"workflow": "imagine", "values": {"prompt": "x", **SMALL}}
    async with http.post(f"{second.url}/api/v1/generate", json=body, headers=bearer) as answer:
        assert answer.status == 202
    await comfyui.kill()
    async with http.get(f"{guarded.url}/api/v1/queue", headers=bearer) as answer:
        assert answer.status == 200
    await second.stop()

    assert _files_with(tmp_path, b"hidden-password") == []
    logs = guarded.log.read_text() + second.log.read_text()
    assert "backend_up" in logs
    assert TOKEN not in logs
    assert "hidden-password" not in logs


def _files_with(folder: Path, secret: bytes) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if secret in path.read_bytes()]


def _browser() -> aiohttp.ClientSession:
    """A client that keeps cookies, also those of an address."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def _say(browser: aiohttp.ClientSession, url: str, text: str) -> str:
    form = aiohttp.FormData({"text": text, "key": "1"}, default_to_multipart=True)
    async with browser.post(f"{url}/api/v1/chat", data=form) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = json.loads(await answer.text())
        job: str = found["job"]
        return job


async def _press(browser: aiohttp.ClientSession, url: str, action: str) -> int:
    async with browser.post(f"{url}/api/v1/chat/press", json={"action": action, "key": "1"}) as answer:
        return answer.status
