"""The address of a ComfyUI server, as its owner writes it."""

from __future__ import annotations

from dataclasses import dataclass, field

import aiohttp
import yarl

from bot.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a server is. Credentials are kept apart from `base`, so that nothing logs or shows them.

    `query` goes with every request: some login pages of ComfyUI take `?token=...`.
    """

    base: yarl.URL
    auth: aiohttp.BasicAuth | None = field(repr=False)
    query: dict[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        """Base URL without a trailing slash, credentials or query."""
        return str(self.base).rstrip("/")

    @property
    def name(self) -> str:
        """What people see: host:port."""
        return f"{self.base.host_subcomponent}:{self.base.port}"

    def at(self, path: str) -> yarl.URL:
        """The URL of one of the server's paths, such as `/prompt`."""
        return yarl.URL(f"{self.url}{path}", encoded=True).update_query(self.query)


def parse_address(text: str) -> Address:
    """Read an address. Without a scheme it is http. Raises `ConfigError` if it leads nowhere."""
    written = text.strip() if "://" in text else f"http://{text.strip()}"
    try:
        url = yarl.URL(written)
        base = url.with_user(None).with_query(None).with_fragment(None)
    except ValueError as error:
        raise _useless() from error
    if url.scheme not in ("http", "https") or not url.host or url.port is None:
        raise _useless()
    auth = None if url.user is None else aiohttp.BasicAuth(url.user, url.password or "", encoding="utf-8")
    return Address(base=base, auth=auth, query=dict(url.query))


def _useless() -> ConfigError:
    # The text itself is not repeated: it may hold a password.
    return ConfigError(
        "A ComfyUI server's address is no http:// or https:// address. Write it like http://127.0.0.1:8188"
    )
