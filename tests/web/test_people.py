"""Names, and what admins may see and do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.asking import SMALL, fault, generate, get, until
from tests.processes import Program, bot_program

TOKEN = "correct-horse-battery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
HTML = {"Accept": "text/html"}


@asynccontextmanager
async def running(program: Program) -> AsyncIterator[str]:
    """The address of a program that runs while the block does."""
    await program.start()
    try:
        yield program.url
    finally:
        await program.stop()


@asynccontextmanager
async def browser_at(url: str, token: str | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser with a session of its own."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        if token is not None:
            async with session.post(f"{url}/login", data={"token": token}) as answer:
                assert answer.status == 200
        async with session.get(f"{url}/") as answer:
            assert answer.status == 200
        yield session


async def test_a_guest_has_a_name_and_may_choose_another(served: Program) -> None:
    """It holds from then on, over a restart too; an empty one takes it back. Invisible letters are dropped."""
    async with browser_at(served.url) as browser:
        me = await get(browser, f"{served.url}/api/v1/me")
        known_as = me["id"].removeprefix("web:")
        assert me == {"name": f"Guest {known_as[:4]}", "id": f"web:{known_as}", "admin": True}
        for given, shown in (("  Ann\u202e \n Lee ", "Ann Lee"), ("", me["name"]), ("Zoë 🦊", "Zoë 🦊")):
            async with browser.put(f"{served.url}/api/v1/me", json={"name": given}) as answer:
                assert (await answer.json())["name"] == shown
        await served.kill()
        await served.start()
        await _say(browser, served.url, "/imagine a fox --width 64 --height 64 --steps 4")
        assert (await get(browser, f"{served.url}/api/v1/me"))["name"] == "Zoë 🦊"
        for body, code in (({"name": "x" * 41}, "invalid_value"), ({"nom": "x"}, "invalid_value")):
            async with browser.put(f"{served.url}/api/v1/me", json=body) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (400, code)


async def test_admins_see_how_everything_stands(
    served: Program, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Who waits for what, what runs where, the servers, the people, and what failed."""
    failed = await generate(http, served.url, "simulate out of memory", user="cy")
    await until(http, served.url, failed, "failed")
    await until(http, served.url, await generate(http, served.url, user="ann"), "done")
    await fault(http, simulated.url, "hang")
    jobs = [await generate(http, served.url, f"fox {n}", user="ann") for n in range(2)]
    await until(http, served.url, jobs[0], "running")
    async with asyncio.timeout(30):
        while len((await _overview(http, served.url))["running"]) < 2:
            await asyncio.sleep(0.05)
    jobs += [await generate(http, served.url, f"fox {who}", user=who) for who in ("ann", "bob")]
    found = await _overview(http, served.url)

    server = simulated.url.removeprefix("http://")
    in_hand = {job["job"]: job for job in found["running"]}
    assert set(in_hand) == {jobs[0], jobs[1]}
    assert (in_hand[jobs[0]]["backend"], in_hand[jobs[0]]["prompt"]) == (server, "fox 0")
    line = [(await get(http, f"{served.url}/api/v1/jobs/{job}"))["position"] for job in jobs[2:]]
    assert [job["job"] for job in found["waiting"]] == [
        job for _, job in sorted(zip(line, jobs[2:], strict=True))
    ]
    assert {(job["job"], job["actor"]["name"], job["actor"]["id"]) for job in found["waiting"]} == {
        (jobs[2], "ann", "web:user:ann"),
        (jobs[3], "bob", "web:user:bob"),
    }
    assert found["more_waiting"] == 0
    assert all(0 <= found["at"] - job["since"] < 60 for job in found["running"] + found["waiting"])
    async with http.get(f"{simulated.url}/system_stats") as answer:
        [device] = (await answer.json())["devices"]
    free = found["backends"][0]["devices"][0].pop("free")
    assert 0 < free <= device["vram_total"]
    assert found["backends"] == [
        {
            "name": server,
            "up": True,
            "version": "0.33.0",
            "running": 2,
            "trouble": None,
            "devices": [{"name": device["name"], "memory": device["vram_total"]}],
            "hold": None,
            "lent": True,
            "drained": False,
            "added": False,
        }
    ]
    assert (found["paused"], found["changes"]) == (False, [])
    people = {
        line["actor"]["name"]: (line["waiting"], line["running"], line["done"]) for line in found["people"]
    }
    assert people == {"ann": (1, 2, 1), "bob": (1, 0, 0), "cy": (0, 0, 0)}
    assert [(job["job"], job["workflow"], job["code"]) for job in found["failures"]] == [
        (failed, "sdxl", "out_of_memory")
    ]
    assert "memory" in found["failures"][0]["message"]


async def test_an_admin_ends_anybodys_job_and_the_log_says_who(
    served: Program, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Its card says that it was cancelled."""
    await fault(http, simulated.url, "hang")
    async with browser_at(served.url) as ann:
        waiting = [await _say(ann, served.url, "/imagine a fox") for _ in range(3)][2]
        async with http.delete(f"{served.url}/api/v1/admin/jobs/{waiting}") as answer:
            assert (answer.status, await answer.json()) == (202, {"job_id": waiting})
        assert (await get(ann, f"{served.url}/api/v1/jobs/{waiting}"))["state"] == "cancelled"
        owner = (await get(ann, f"{served.url}/api/v1/me"))["id"]
    (change,) = (await _overview(http, served.url))["changes"]
    assert change.pop("at") > 0
    assert change == {
        "by": {"name": "API", "id": "web:api"},
        "what": "cancel-job",
        "whom": f"{waiting[:8]} of {owner}",
        "before": "queued",
        "after": "cancelled",
    }
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    told = [line for line in lines if line["event"] == "a moderator acts"]
    assert [(line["job"], line["deed"], line["by"]) for line in told] == [(waiting, "end-any", "web:api")]


async def test_whoever_comes_through_a_proxy_is_not_the_owner(served: Program) -> None:
    """Without a token this machine's browser is; a proxy on this machine speaks for strangers."""
    async with browser_at(served.url) as browser:
        for headers, status in (
            ({}, 200),
            ({"X-Forwarded-For": "203.0.113.7"}, 403),
            ({"Via": "1.1 x"}, 403),
        ):
            async with browser.get(f"{served.url}/api/v1/admin/overview", headers=headers) as answer:
                assert (headers, answer.status) == (headers, status)
            async with browser.get(f"{served.url}/admin", headers=headers) as answer:
                assert (headers, answer.status) == (headers, status)


async def test_with_a_token_only_those_who_are_named_are_admins(
    tmp_path: Path, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """Neither having the token nor a session makes an admin: everybody who may use the page has those."""
    program = bot_program(tmp_path, simulated.url, WEB_TOKEN=TOKEN)
    async with running(program) as url, browser_at(url, TOKEN) as browser:
        me = await get(browser, f"{url}/api/v1/me")
        assert me["admin"] is False
        job = await _generate(http, url)
        for session, headers in ((browser, {}), (http, BEARER)):
            async with session.get(f"{url}/api/v1/admin/overview", headers=headers) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (403, "not_allowed")
            async with session.post(f"{url}/api/v1/admin/commands/pause", headers=headers) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (403, "not_allowed")
            async with session.get(f"{url}/admin", headers={**headers, **HTML}) as answer:
                assert (answer.status, answer.content_type) == (403, "text/html")
        async with browser.delete(f"{url}/api/v1/admin/jobs/{job}") as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (404, "no_such_job")
        async with http.get(f"{url}/api/v1/admin/overview") as answer:
            assert answer.status == 401
        await program.stop()

        named = bot_program(tmp_path, simulated.url, WEB_TOKEN=TOKEN, ADMINS=f"discord:7, {me['id']}")
        async with running(named) as again, browser_at(again, TOKEN) as other:
            cookies = {"muralist_session": _cookie(browser, url)}
            async with http.get(f"{again}/api/v1/admin/overview", cookies=cookies) as answer:
                assert answer.status == 200
            async with http.get(f"{again}/admin", cookies=cookies) as answer:
                assert answer.status == 200
            async with other.get(f"{again}/api/v1/admin/overview") as answer:
                assert answer.status == 403
            async with http.get(f"{again}/api/v1/admin/overview", headers=BEARER) as answer:
                assert answer.status == 403


async def test_the_owner_may_name_the_token_itself(
    tmp_path: Path, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """`web:api` is whoever sends it; on behalf of somebody they are not."""
    async with running(bot_program(tmp_path, simulated.url, WEB_TOKEN=TOKEN, ADMINS="web:api")) as url:
        async with http.get(f"{url}/api/v1/admin/overview", headers=BEARER) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("wrong", ["ann", "discord:", ":5"])
async def test_a_wrong_list_of_admins_is_told(tmp_path: Path, simulated: Program, wrong: str) -> None:
    """At the start, with the setting's name."""
    program = bot_program(tmp_path, simulated.url, ADMINS=wrong)
    with pytest.raises(AssertionError):
        await program.start()
    assert "ADMINS: " in program.log.read_text()
    assert "each must look like discord:123456789012345678" in program.log.read_text()


async def _overview(http: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    return await get(http, f"{url}/api/v1/admin/overview")


async def _generate(http: aiohttp.ClientSession, url: str) -> str:
    body = {"workflow": "imagine", "values": {"prompt": "a fox", **SMALL}}
    async with http.post(f"{url}/api/v1/generate", json=body, headers=BEARER) as answer:
        assert answer.status == 202
        job: str = (await answer.json())["job_id"]
        return job


async def _say(browser: aiohttp.ClientSession, url: str, text: str) -> str:
    form = aiohttp.FormData({"text": text}, default_to_multipart=True)
    async with browser.post(f"{url}/api/v1/chat", data=form) as answer:
        assert answer.status == 200, await answer.text()
        job: str = (await answer.json())["job"]
        return job


def _cookie(browser: aiohttp.ClientSession, url: str) -> str:
    return browser.cookie_jar.filter_cookies(URL(url))["muralist_session"].value
