"""How servers are reached, beside their addresses: headers, certificates, a proxy."""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

import yarl

from bot.errors import ConfigError

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OURS = frozenset(
    {"connection", "content-length", "content-type", "expect", "te", "transfer-encoding", "upgrade"}
)
"""Headers that the connection itself needs as they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """What goes for all servers. Nothing of it that may be secret is in its repr.

    `ca_file` stands beside the system's own authorities. `client_cert` holds a certificate and its key, both
    PEM. `proxy` stands instead of the environment's `HTTP_PROXY` and `HTTPS_PROXY`; what `NO_PROXY` names, and
    this machine itself, is reached without one.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: Path | None = None
    client_cert: Path | None = None
    insecure_tls: bool = False
    proxy: str | None = field(default=None, repr=False)

    def tls(self) -> ssl.SSLContext:
        """The context for https. Raises `ConfigError` that names the file which can't be used."""
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        if self.ca_file is not None:
            try:
                context.load_verify_locations(self.ca_file)
            except OSError as error:  # SSLError is one
                raise ConfigError("COMFYUI_CA_FILE holds no certificate in PEM form.") from error
        if self.client_cert is not None:
            try:
                # Without a password at hand, OpenSSL would ask for one at the terminal.
                context.load_cert_chain(self.client_cert, password=lambda: "")
            except OSError as error:
                sentence = (
                    "COMFYUI_CLIENT_CERT must hold a certificate and its key, both in PEM form, no password."
                )
                raise ConfigError(sentence) from error
        if self.insecure_tls:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def proxy_for(self, base: yarl.URL) -> yarl.URL | None:
        """The proxy on the way to a server. Raises `ConfigError` if it is none that can be used."""
        host = base.host or ""
        if is_loopback(host) or proxy_bypass(f"{host}:{base.port}"):
            return None
        written = self.proxy or getproxies().get(base.scheme)
        return None if written is None else _proxy(written)


def parse_headers(text: str) -> dict[str, str]:
    """Read `Name: value` pairs, separated by `|` or by lines. Raises `ValueError` that repeats none of them."""
    headers = {}
    for pair in re.split(r"[|\n]", text):
        if not pair.strip():
            continue
        name, colon, value = pair.partition(":")
        if not colon:
            raise ValueError("write each header as Name: value, separated by |")
        headers[name.strip()] = value.strip()
    check_headers(headers)
    return headers


def check_headers(headers: Mapping[str, str]) -> None:
    """Raise `ValueError` for headers that can't be sent. It repeats no value."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or name.lower() in _OURS:
            raise ValueError("one of the headers has a name that can't be sent")
        if not value or _CONTROL.search(value):
            raise ValueError(f"the header {name} has a value that can't be sent")


def is_loopback(host: str) -> bool:
    """Whether the name or number of a host means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _proxy(written: str) -> yarl.URL:
    try:
        url = yarl.URL(written if "://" in written else f"http://{written}")
    except ValueError:
        url = yarl.URL()
    if url.scheme not in ("http", "https") or not url.host:
        # The text itself is not repeated: it may hold a password.
        raise ConfigError(
            "The proxy (COMFYUI_PROXY, HTTP_PROXY or HTTPS_PROXY) is none that works here. "
            "Write it like http://user:password@proxy.example:3128, or name the servers in NO_PROXY."
        )
    return url
