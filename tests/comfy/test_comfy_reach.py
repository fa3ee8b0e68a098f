"""Reaching servers: prefixes, credentials, and what answers in ComfyUI's place."""

from __future__ import annotations

import pytest
import structlog
from aiohttp import web

from bot.comfy.access import Access, parse_headers
from bot.comfy.address import parse_address
from bot.comfy.backend import ComfyBackend
from bot.comfy.breaker import Circuit
from bot.errors import CannotConnect, ConfigError
from bot.jobs.events import Finished
from tests.comfy.conftest import CALM, QUICK, Rig, file, flat, new_id, running, serving, until_end, whole_life
from tests.reverse import reverse_proxy

BROWSERS_ONLY = (
    "lets only browsers in. Let Muralist pass there, with a service token in COMFYUI_HEADERS for instance."
)


LOGIN = "asks for a login. Put it into ComfyUI's address, or set COMFYUI_TOKEN or COMFYUI_HEADERS."


@pytest.mark.parametrize(
    ("login", "access", "wanted"),
    [
        ("me:sec%40ret@", Access(), {"Authorization": "Basic bWU6c2VjQHJldA=="}),
        ("", Access(headers={"Authorization": "Bearer sesame"}), {"Authorization": "Bearer sesame"}),
        (
            "me:pw@",
            Access(headers={"authorization": "Bearer sesame", "X-Key": "k"}),
            {"Authorization": "Basic bWU6cHc=", "X-Key": "k"},
        ),
        (
            "#",
            Access(headers={"X-Key": "everybody's"}),
            {"Authorization": "Bearer a=b,c", "X-Key": "mine"},
        ),
    ],
)
async def test_credentials_go_with_every_request(
    rig: Rig, login: str, access: Access, wanted: dict[str, str]
) -> None:
    """Behind a path, over HTTP and the websocket alike; a server's own come before those of all."""
    asked: list[str] = []

    def guard(request: web.Request) -> web.Response | None:
        known = all(request.headers.get(name) == value for name, value in wanted.items())
        if not known or request.query.get("token") != "t&1":
            return web.Response(status=401)
        asked.append(f"{request.method} {request.path}")
        return None

    async with reverse_proxy(rig.simulator.url, prefix="/deep/comfy", guard=guard) as url:
        written = f"{url}/?token=t%261"
        if login == "#":
            written += "#authorization=Bearer%20a=b%2Cc&X-Key=mine"
        else:
            written = written.replace("http://", f"http://{login}")
        async with running(written, CALM, access=access) as backend:
            assert (backend.url, await whole_life(backend)) == (url, True)
    assert {"GET /deep/comfy/ws", "POST /deep/comfy/prompt", "GET /deep/comfy/view"} < set(asked)
    assert rig.requests.count("GET /ws") == 1


async def test_a_header_of_ours_may_be_another() -> None:
    """Sent once, however it is written."""
    seen: list[list[str]] = []

    async def note(request: web.Request) -> web.Response:
        seen.append(request.headers.getall("User-Agent"))
        return web.Response(status=401)

    async with serving(web.get("/{path:.*}", note)) as url:
        for headers in ({}, {"user-agent": "Browser"}):
            async with ComfyBackend(url, client_id="c", access=Access(headers=headers)) as backend:
                await backend.probe()
    assert seen == [["Muralist"], ["Browser"]]


async def test_credentials_are_never_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Not in what an owner sees of a server, nor in errors and logs when a guard repeats them."""

    async def repeat(request: web.Request) -> web.Response:
        if request.path != "/queue":
            return web.json_response({"system": {"comfyui_version": "1"}, "devices": []})
        return web.Response(text=f"no: {request.headers['X-Key']} {request.url}")

    secrets = ("pass-word", "tok-en-1", "key-of-mine")
    access = Access(headers={"X-Key": secrets[2]}, proxy="http://me:pass-word@proxy.test")
    shown = [repr(access)]
    async with serving(web.get("/{path:.*}", repeat)) as url:
        written = f"{url}?token={secrets[1]}".replace("http://", f"http://me:{secrets[0]}@")
        shown.append(repr(parse_address(written, access.headers)))
        async with ComfyBackend(written, client_id="c", access=access, timing=QUICK) as backend:
            await backend.probe()
            shown += [backend.url, backend.name, backend.trouble or ""]
            with pytest.raises(CannotConnect, match="Something else") as caught:
                await backend.routes.queue()
            shown.append(str(caught.value))
    with pytest.raises(ConfigError) as broken:
        parse_address(f"http://me:{secrets[0]}@:x")
    shown += [str(broken.value), capsys.readouterr().out]
    assert [secret for secret in secrets if secret in "".join(shown)] == []
    assert "***" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("", {}),
        ("A: b", {"A": "b"}),
        (" CF-Id: a:b | CF-Secret:c= |", {"CF-Id": "a:b", "CF-Secret": "c="}),
        ("A: b\nC: d", {"A": "b", "C": "d"}),
    ],
)
def test_headers_as_they_are_written(text: str, headers: dict[str, str]) -> None:
    """Separated by | or lines."""
    assert parse_headers(text) == headers


@pytest.mark.parametrize("text", ["secret", "se cret: x", "secret:", "Upgrade: secret", "A: secret\x00"])
def test_headers_that_cannot_be_sent(text: str) -> None:
    """Are named without their value."""
    with pytest.raises(ValueError, match="header") as caught:
        parse_headers(text)
    assert "secret" not in str(caught.value).removeprefix("the header secret ")


PAGE = "<!doctype html><title>{}</title><body>{}</body>"


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"status": 401}, LOGIN),
        ({"status": 403}, LOGIN),
        ({"status": 302, "headers": {"Location": "/login"}}, LOGIN),
        ({"status": 307, "headers": {"Location": "https://team.access.test/"}}, LOGIN),
        ({"text": PAGE.format("Sign in", "<input type=password>"), "content_type": "text/html"}, LOGIN),
        ({"text": PAGE.format("Welcome", "Please log in"), "content_type": "text/html"}, LOGIN),
        ({"text": PAGE.format("Just a moment...", "/cdn-cgi/x"), "content_type": "text/html"}, BROWSERS_ONLY),
        (
            {
                "status": 403,
                "text": PAGE.format("Just a moment...", ""),
                "headers": {"cf-mitigated": "challenge"},
            },
            BROWSERS_ONLY,
        ),
        (
            {"text": PAGE.format("Welcome", "A blog"), "content_type": "text/html"},
            "Something else than ComfyUI answers",
        ),
        ({"text": "[]", "content_type": "application/json"}, "Something else than ComfyUI answers"),
        ({"text": "{}", "content_type": "application/json"}, "Something else than ComfyUI answers"),
        ({"status": 404}, "Something else than ComfyUI answers"),
        (
            {"status": 301, "headers": {"Location": "https://127.0.0.1/system_stats"}},
            "wants https. Write https:// in its address.",
        ),
        (
            {
                "status": 400,
                "text": PAGE.format("400", "No required SSL certificate was sent"),
                "content_type": "text/html",
            },
            "wants a certificate of ours, it seems. Set COMFYUI_CLIENT_CERT.",
        ),
        ({"status": 502, "text": PAGE.format("Bad gateway", "nginx")}, "can't reach it. Check that it runs."),
        ({"status": 530}, "can't reach it. Check that it runs."),
        ({"status": 429}, "can't reach it. Check that it runs."),
        ({"status": 504}, "takes too long to answer."),
        ({"status": 500}, "is in trouble. Its console says more."),
    ],
)
async def test_what_answers_in_its_place(answer: dict[str, object], sentence: str) -> None:
    """One sentence that says what to do; nothing is followed, nothing was sent, the circuit is open."""
    paths: list[str] = []

    async def guard(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(**answer)  # type: ignore[arg-type]

    async with (
        serving(web.route("*", "/{path:.*}", guard)) as url,
        ComfyBackend(url, client_id=new_id()) as backend,
        backend.follow(new_id(), flat()) as follow,
    ):
        assert (await backend.probe(), backend.up, backend.circuit) == (False, False, Circuit.OPEN)
        assert backend.trouble is not None
        assert sentence in backend.trouble
        asked = len(paths)
        with pytest.raises(CannotConnect) as caught:
            await backend.post(follow, flat(), tag={})
        assert (caught.value.sentence, caught.value.maybe_sent) == (backend.trouble, False)
        assert len(paths) == asked
    assert set(paths) == {"/system_stats"}


async def test_a_page_instead_of_a_file() -> None:
    """A login that has run out is no picture."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<html>Welcome</html>", content_type="text/html")

    async with (
        serving(web.get("/{path:.*}", page)) as url,
        ComfyBackend(url, client_id=new_id()) as backend,
    ):
        with pytest.raises(CannotConnect, match="Something else"):
            async with backend.fetch(file("x.png")):
                pass


async def test_a_login_before_the_socket_alone_is_not_followed(rig: Rig) -> None:
    """Nor are its headers shown to where it leads; polling does the work."""
    led: list[str] = []

    def guard(request: web.Request) -> web.Response | None:
        if request.path == "/ws":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        if request.path == "/elsewhere":
            led.append(request.path)
        return None

    with structlog.testing.capture_logs() as logs:
        async with reverse_proxy(rig.simulator.url, guard=guard) as url, running(url, QUICK) as backend:
            with_id = new_id()
            async with backend.follow(with_id, flat()) as follow:
                await backend.post(follow, flat(), tag={})
                assert isinstance(await until_end(follow), Finished)
    assert led == []
    assert any("asks for a login" in str(entry.get("reason")) for entry in logs)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("http://8.8.8.8", True),
        ("http://[2001:4860:4860::8888]", True),
        ("http://127.0.0.1:8188", False),
        ("http://10.1.2.3", False),
        ("http://192.168.1.9:8188", False),
        ("http://100.101.102.103", False),
        ("http://[fd00::1]", False),
        ("http://localhost", False),
        ("http://gpu.local", False),
    ],
)
async def test_who_can_reach_it(address: str, public: bool) -> None:
    """Without credentials a public address is open to all."""
    access = Access(headers={"X-Key": "k"})
    assert await ComfyBackend(address, client_id="c").exposed() is public
    assert not await ComfyBackend(address, client_id="c", access=access).exposed()
    assert not await ComfyBackend(address.replace("//", "//me:pw@"), client_id="c").exposed()
