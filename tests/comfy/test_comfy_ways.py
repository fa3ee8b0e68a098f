"""The way to a server: who vouches for it, certificates of ours, proxies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yarl

from bot.comfy.access import Access
from bot.comfy.backend import ComfyBackend
from bot.errors import ConfigError
from tests.comfy.conftest import CALM, Rig, running, whole_life
from tests.reverse import Certificates, http_proxy, make_certificates, reverse_proxy


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


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
