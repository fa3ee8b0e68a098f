"""Settings of how servers are reached, and that no secret of theirs is shown or logged."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import structlog

from bot.comfy.access import Access
from bot.errors import ConfigError
from bot.logs import Redact, set_up_logs
from bot.settings import read_settings


def test_how_servers_are_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the environment."""
    pem = tmp_path / "x.pem"
    pem.touch()
    monkeypatch.chdir(tmp_path)
    values = {
        "URLS": "http://a:b@127.0.0.1:8188/sub/?token=t#X-Own=1, https://gpu.example",
        "TOKEN": "sesame-1",
        "HEADERS": "X-Key: abc-1 | X-Other: d:e",
        "CA_FILE": str(pem),
        "CLIENT_CERT": str(pem),
        "INSECURE_TLS": "true",
        "PROXY": "http://me:pass-1@proxy:1",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"COMFYUI_{name}", value)
    settings = read_settings()
    assert settings.access == Access(
        headers={"Authorization": "Bearer sesame-1", "X-Key": "abc-1", "X-Other": "d:e"},
        ca_file=pem,
        client_cert=pem,
        insecure_tls=True,
        proxy="http://me:pass-1@proxy:1",
    )
    assert settings.comfyui_urls == (
        "http://a:b@127.0.0.1:8188/sub/?token=t#X-Own=1",
        "https://gpu.example",
    )
    shown = repr(settings) + repr(settings.access) + str(settings)
    assert [secret for secret in ("sesame-1", "abc-1", "pass-1", "a:b@", "token=t") if secret in shown] == []


def test_headers_stand_above_the_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An Authorization among them is what is meant."""
    monkeypatch.chdir(tmp_path)
    assert read_settings().access == Access()
    monkeypatch.setenv("COMFYUI_TOKEN", "t")
    monkeypatch.setenv("COMFYUI_HEADERS", "Authorization: Token x")
    assert read_settings().access.headers == {"Authorization": "Token x"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("COMFYUI_URLS", "http://me:secret@:x", "COMFYUI_URLS: "),
        ("COMFYUI_URLS", "http://gpu#Bad Name=secret", "COMFYUI_URLS: "),
        ("COMFYUI_HEADERS", "secret", "COMFYUI_HEADERS: "),
        ("COMFYUI_INSECURE_TLS", "secret", "COMFYUI_INSECURE_TLS: "),
        ("COMFYUI_CA_FILE", "/secret/of/mine", "COMFYUI_CA_FILE: "),
    ],
)
def test_wrong_ones_are_named_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    """Nor does the error that it came from."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        read_settings()
    assert str(caught.value).startswith(said)
    assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("GET http://me:secret@host:1/x failed", "GET http://***@host:1/x failed"),
        ("url='http://h/ws?clientId=c&token=secret'", "url='http://h/ws?clientId=c&token=***'"),
        ("https://h/?access_key=secret&a=b", "https://h/?access_key=***&a=b"),
        ("https://h#Authorization=Bearer%20secret", "https://h#Authorization=***"),
        ("{'Authorization': 'Basic c2VjcmV0', 'Host': 'h'}", "{'Authorization': '***', 'Host': 'h'}"),
        ("X-Api-Key: secret", "X-Api-Key: ***"),
        ("CF-Access-Client-Secret: secret", "CF-Access-Client-Secret: ***"),
        ("Cookie: session=secret", "Cookie: ***"),
        ("bearer secret.x-y", "bearer ***"),
        ("max_tokens: 77, node CLIPTokenizer", "max_tokens: 77, node CLIPTokenizer"),
    ],
)
def test_logs_keep_no_secrets(text: str, kept: str) -> None:
    """As addresses, headers and the errors of libraries write them."""
    assert Redact()(None, "info", {"event": "x", "detail": text}) == {"event": "x", "detail": kept}


def test_an_error_that_is_logged_keeps_none_either(capsys: pytest.CaptureFixture[str]) -> None:
    """Its traceback is cleaned, too."""
    set_up_logs("json")
    try:
        structlog.get_logger().error("failed", exc_info=ValueError("http://h/?token=secret"))
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
    written = capsys.readouterr().err
    assert ("token=***" in written, "secret" in written) == (True, False)
