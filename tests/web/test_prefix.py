"""The page below a path, behind a reverse proxy."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from tests.processes import Program, bot_program
from tests.web.proxy import PREFIX, prefixing_proxy

TOKEN = "correct-horse-battery"


async def test_a_login_behind_a_prefix_stays_below_it(tmp_path: Path, simulated: Program) -> None:
    """Every redirect and the cookie; the server is told nothing of the prefix."""
    program = bot_program(tmp_path, simulated.url, WEB_TOKEN=TOKEN)
    await program.start()
    try:
        async with (
            prefixing_proxy(program.url) as url,
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
        ):
            for path in ("/", "/docs", "/api/v1/jobs/x", "/admin"):
                async with browser.get(url + path, headers={"Accept": "text/html"}) as answer:
                    assert (answer.status, str(answer.url)) == (200, f"{url}/login")
            async with browser.post(f"{url}/login", data={"token": "wrong"}) as answer:
                assert str(answer.url) == f"{url}/login?wrong=1"
            async with browser.post(f"{url}/login", data={"token": TOKEN}) as answer:
                assert (answer.status, str(answer.url)) == (200, f"{url}/")
            assert [cookie["path"] for cookie in browser.cookie_jar] == [PREFIX]
            async with browser.get(f"{url}/api/v1/me") as answer:
                assert answer.status == 200
    finally:
        await program.stop()


def test_no_file_of_the_page_names_a_path_from_the_root() -> None:
    """They would leave the prefix."""
    static = Path(__file__).parents[2] / "adapters/web/static"
    for file in static.iterdir():
        text = file.read_text(encoding="utf-8")
        for quoted in (
            '"/api',
            "'/api",
            "`/api",
            'href="/',
            'src="/',
            'action="/',
            "url(/",
            'import "/',
            'from "/',
        ):
            assert (file.name, quoted, quoted in text) == (file.name, quoted, False)
