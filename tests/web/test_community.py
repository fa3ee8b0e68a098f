"""Levels, bans, quotas, places and words, as people meet them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp

from tests.asking import ask, fault, get, ready
from tests.processes import Program, bot_program, running

Json = dict[str, Any]


async def _say(browser: aiohttp.ClientSession, url: str, line: str) -> str:
    """What the owner is told at the page."""
    form = aiohttp.FormData({"text": line}, default_to_multipart=True)
    async with browser.post(f"{url}/api/v1/chat", data=form) as answer:
        found: Json = await answer.json()
    if "error" in found:
        return str(found["error"]["message"])
    card = found["card"]
    lines = ["".join(str(span.get("text", span.get("code", ""))) for span in line) for line in card["body"]]
    return "\n".join([card["title"], *lines])


async def test_what_an_admin_says_holds_at_once(
    tmp_path: Path, simulated: Program, http: aiohttp.ClientSession
) -> None:
    """A level, a ban with what waits, its end; a place's workflows; words; and the seconds of a day."""
    await fault(http, simulated.url, "hang")
    program = bot_program(tmp_path, simulated.url, GPU_SECONDS_A_DAY="member=59", AGE_RESTRICTED_WORDS="gore")
    async with (
        running(program),
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as owner,
    ):
        url = program.url
        await ready(http, url)
        async with owner.get(f"{url}/") as page:
            assert page.status == 200

        async def by(user: str, prompt: str = "a fox", **more: Any) -> str:
            """The job, or why there is none."""
            _, answer = await ask(http, url, prompt, user=user, **more)
            return str(answer["error"]["message"] if "error" in answer else answer["job_id"])

        for _ in range(2):  # of 20 GPU-seconds each, as far as anybody knows
            assert len(await by("bob")) == 32
        assert (await by("bob")).startswith(
            "This takes about 20 GPU-seconds. You have used 0 of today's 59, and what waits takes about "
        )
        assert await _say(owner, url, "/level web:user:cy trusted") == "web:user:cy is trusted from now on."
        jobs = [await by("cy") for _ in range(4)]
        assert {len(job) for job in jobs} == {32}
        assert await _say(owner, url, "/ban web:user:cy for 3d too many foxes") == (
            "cy (web:user:cy) is banned for 3 days. 4 jobs are cancelled."
        )
        states = [(await get(http, f"{url}/api/v1/jobs/{job}"))["state"] for job in jobs]
        assert states == ["cancelled"] * 4
        told = await by("cy")
        assert told.startswith("You are banned until 2")
        assert told.endswith(" UTC, for another 3 days. Reason: too many foxes.")
        assert await _say(owner, url, "/unban cy") == "cy (web:user:cy) is banned no longer."
        assert await _say(owner, url, "/level cy") == "cy (web:user:cy) is trusted."
        assert await by("cy", "a gore fox") == '"gore" is for age-restricted places alone. Leave it out.'
        assert (await _say(owner, url, "/place api --workflows upscale --age_restricted yes")).splitlines()[
            1:
        ] == [
            "Its id is web:api",
            "Served: yes",
            "Workflows: /upscale",
            "Age-restricted: yes",
        ]
        assert await by("cy", "a gore fox") == "/imagine does not run here. Here are: /upscale."
        await _say(owner, url, "/place api --workflows all")
        assert len(await by("cy", "a gore fox")) == 32
        noted = (await _say(owner, url, "/audit")).splitlines()[1:]
        assert [line.split(": ", 1)[1] for line in noted] == [
            "place web:api: workflows upscale, age-restricted yes → age-restricted yes",
            "place web:api:  → workflows upscale, age-restricted yes",
            "unban web:user:cy: blocked → ",
            f"ban web:user:cy: trusted → {told.split('banned ')[1].split(' UTC')[0]} UTC: too many foxes",
            "level web:user:cy: member → trusted",
        ]
