"""The address of a ComfyUI server, as its owner writes it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

import aiohttp
import yarl
from multidict import CIMultiDict

from bot.comfy.access import check_headers, is_loopback
from bot.errors import ConfigError

LEAST_SECRET = 4
"""A text of fewer characters is not taken out of logs: it would take half of every line along."""

_PRIVATE_ENDINGS = (".local", ".lan", ".home", ".internal", ".home.arpa", ".localdomain")


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a server is. Credentials are kept apart from `base`, so that nothing logs or shows them.

    `headers` and `query` go with every request, the websocket's too.
    """

    base: yarl.URL
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    secrets: frozenset[str] = field(repr=False)

    @property
    def url(self) -> str:
        """Base URL without a trailing slash, credentials or query."""
        return str(self.base).rstrip("/")

    @property
    def name(self) -> str:
        """What people see: host:port."""
        return f"{self.base.host_subcomponent}:{self.base.port}"

    @property
    def guarded(self) -> bool:
        """Whether credentials go with every request."""
        return bool(self.headers or self.query)

    def at(self, path: str) -> yarl.URL:
        """The URL of one of the server's paths, such as `/prompt`."""
        return yarl.URL(f"{self.url}{path}", encoded=True).update_query(self.query)

    def without_secrets(self, text: str) -> str:
        """A text that may be logged: an error of the HTTP library may repeat an URL, a page a header."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text

    async def is_public(self) -> bool:
        """Whether everybody on the internet can reach the host; False if its name leads nowhere from here."""
        host = self.base.host or ""
        if is_loopback(host) or host.endswith(_PRIVATE_ENDINGS):
            return False
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            return False
        return any(ipaddress.ip_address(str(entry[4][0]).split("%")[0]).is_global for entry in found)


def parse_address(text: str, shared: Mapping[str, str] | None = None) -> Address:
    """Read an address; without a scheme it is http. `shared` are headers that all servers get.

    Headers for this server alone stand behind a `#`, as `Name=value&Name=value`; they come before its login,
    and that before the shared ones. Raises `ConfigError` if the address leads nowhere.
    """
    written = text.strip() if "://" in text else f"http://{text.strip()}"
    headers: CIMultiDict[str] = CIMultiDict(shared or {})
    try:
        url = yarl.URL(written)
        base = url.with_user(None).with_query(None).with_fragment(None)
        if url.user is not None:
            headers["Authorization"] = aiohttp.encode_basic_auth(url.user, url.password or "")
        headers.update(_own_headers(url.raw_fragment))
    except ValueError:
        raise _useless() from None
    if url.scheme not in ("http", "https") or not url.host or url.port is None:
        raise _useless()
    secrets = {*_secrets(headers), url.password or "", *url.query.values()}
    return Address(
        base=base,
        headers=headers,
        query=dict(url.query),
        secrets=frozenset(secret for secret in secrets if len(secret) >= LEAST_SECRET),
    )


def _own_headers(fragment: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in fragment.split("&") if pair)
    headers = {unquote(name).strip(): unquote(value).strip() for name, _, value in pairs}
    check_headers(headers)
    return headers


def _secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """The values of headers, and of `Bearer xyz` the second word too."""
    for value in headers.values():
        yield value
        yield value.rsplit(" ", 1)[-1]


def _useless() -> ConfigError:
    # The text itself is not repeated: it may hold a password.
    return ConfigError(
        "A ComfyUI server's address is no http:// or https:// address. Write it like http://127.0.0.1:8188"
    )
