"""Reaching servers: prefixes, credentials, certificates, proxies, and what answers in ComfyUI's place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import structlog
import yarl
from aiohttp import web

from bot.comfy.access import Access, parse_headers
from bot.comfy.address import parse_address
from bot.comfy.backend import ComfyBackend
from bot.comfy.breaker import Circuit
from bot.errors import CannotConnect, ConfigError
from bot.jobs.events import Finished
from tests.comfy.conftest import CALM, QUICK, Rig, file, flat, new_id, run_graph, running, serving, until_end
from tests.reverse import Certificates, http_proxy, make_certificates, reverse_proxy

BROWSERS_ONLY = (
    "lets only browsers in. Let Muralist pass there, with a service token in COMFYUI_HEADERS for instance."
)
LOGIN = "asks for a login. Put it into ComfyUI's address, or set COMFYUI_TOKEN or COMFYUI_HEADERS."


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def whole_life(backend: ComfyBackend) -> bool:
    """Upload, run with a socket, fetch."""
    await backend.upload("x.png", b"x")
    end = await run_graph(backend, flat())
    assert isinstance(end, Finished)
    async with backend.fetch(file("flat_00001_.png", "2")) as chunks:
        return (b"".join([chunk async for chunk in chunks]))[:4] == b"\x89PNG"


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


async def test_https_needs_somebody_to_vouch(rig: Rig, certificates: Certificates) -> None:
    """An own authority, or none if that is asked for; anything else says what to set."""
    async with reverse_proxy(rig.simulator.url, tls=certificates.context()) as url:
        async with ComfyBackend(url, client_id="c") as backend:
            assert not await backend.probe()
            assert backend.trouble == (
                f"The certificate of {backend.name} can't be verified. Name who issued it in COMFYUI_CA_FILE."
            )
        for access in (Access(ca_file=certificates.server), Access(insecure_tls=True)):
            async with running(url, CALM, access=access) as backend:
                assert await whole_life(backend)
        async with ComfyBackend(url.replace("https", "http"), client_id="c") as backend:
            assert not await backend.probe()


async def test_a_server_that_wants_a_certificate(rig: Rig, certificates: Certificates) -> None:
    """It is told, and shown ours if there is one."""
    trusting = Access(ca_file=certificates.server)
    async with reverse_proxy(rig.simulator.url, tls=certificates.context(wants_client=True)) as url:
        async with ComfyBackend(url, client_id="c", access=trusting) as backend:
            assert not await backend.probe()
            assert backend.trouble == (
                f"What answers at {backend.name} wants a certificate of ours, it seems. Set COMFYUI_CLIENT_CERT."
            )
        ours = replace(trusting, client_cert=certificates.client)
        async with running(url, CALM, access=ours) as backend:
            assert await whole_life(backend)


async def test_http_where_https_is_written(rig: Rig) -> None:
    """Says which to write."""
    async with ComfyBackend(rig.simulator.url.replace("http", "https"), client_id="c") as backend:
        assert not await backend.probe()
        assert (
            backend.trouble
            == f"What answers at {backend.name} speaks no https. Write http:// in its address."
        )


def test_files_that_hold_no_certificates(tmp_path: Path, certificates: Certificates) -> None:
    """Are named by their setting; nobody is asked for a password at the terminal."""
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    for access, setting in (
        (Access(ca_file=empty), "COMFYUI_CA_FILE"),
        (Access(client_cert=empty), "COMFYUI_CLIENT_CERT"),
        (Access(client_cert=certificates.locked), "COMFYUI_CLIENT_CERT"),
    ):
        with pytest.raises(ConfigError, match=setting):
            ComfyBackend("https://gpu.test", client_id="c", access=access)


async def test_an_http_proxy(rig: Rig) -> None:
    """For plain http it gets the whole URL, the socket's too, and its login."""
    async with http_proxy(rig.simulator.url, "Basic bWU6cHc=") as proxy:
        access = Access(proxy=f"http://me:pw@127.0.0.1:{proxy.port}")
        async with running("http://gpu.test:81", CALM, access=access) as backend:
            assert await whole_life(backend)
    assert proxy.seen == {("GET", "gpu.test:81"), ("POST", "gpu.test:81")}
    assert rig.requests.count("GET /ws") == 1


async def test_a_tunnel_through_a_proxy(rig: Rig, certificates: Certificates) -> None:
    """For https; and a proxy that wants a login says so."""
    async with (
        reverse_proxy(rig.simulator.url, tls=certificates.context()) as url,
        http_proxy(url, "Basic bWU6cHc=") as proxy,
    ):
        access = Access(ca_file=certificates.server, proxy=f"me:pw@127.0.0.1:{proxy.port}")
        async with running("https://gpu.test", CALM, access=access) as backend:
            assert await whole_life(backend)
        assert proxy.seen == {("CONNECT", "gpu.test:443")}
        for address, sentence in (
            (
                "https://gpu.test",
                "The proxy on the way to gpu.test:443 does not let Muralist through. Check COMFYUI_PROXY.",
            ),
            ("http://gpu.test", "The proxy before gpu.test:80 asks for a login. Put it into COMFYUI_PROXY."),
        ):
            stranger = Access(proxy=f"http://127.0.0.1:{proxy.port}")
            async with ComfyBackend(address, client_id="c", access=stranger) as backend:
                assert (await backend.probe(), backend.trouble) == (False, sentence)


@pytest.mark.parametrize(
    ("environment", "setting", "url", "proxy"),
    [
        ({}, None, "http://gpu.test", None),
        ({"HTTP_PROXY": "http://p:1"}, None, "http://gpu.test", "http://p:1"),
        ({"http_proxy": "p:1"}, None, "http://gpu.test", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, None, "https://gpu.test", None),
        ({"HTTPS_PROXY": "http://p:1"}, None, "https://gpu.test", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "http://q:2", "http://gpu.test", "http://q:2"),
        ({"HTTP_PROXY": "http://p:1"}, None, "http://127.0.0.1:8188", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://q:2", "http://localhost:8188", None),
        ({"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.0.0.1,.test"}, None, "http://gpu.test:81", None),
        ({"NO_PROXY": "gpu.test"}, "http://q:2", "http://gpu.test", None),
    ],
)
def test_which_proxy(
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    setting: str | None,
    url: str,
    proxy: str | None,
) -> None:
    """The setting stands above the environment; NO_PROXY and this machine above both."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = Access(proxy=setting).proxy_for(yarl.URL(url))
    assert (None if found is None else str(found)) == proxy


def test_a_proxy_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is told, without its password."""
    monkeypatch.setenv("HTTP_PROXY", "socks5://me:secret@p:1")
    with pytest.raises(ConfigError, match="COMFYUI_PROXY") as caught:
        ComfyBackend("http://gpu.test", client_id="c")
    assert "secret" not in str(caught.value)


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
