"""The address of a ComfyUI server, as its owner writes it."""

from __future__ import annotations

from dataclasses import dataclass, field

import aiohttp
import yarl

from bot.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a server is. A login and a query are kept apart from `base`, so that nothing logs or shows them.

    Both go with every request: some guards of ComfyUI take `?token=...`.
    """

    base: yarl.URL
    headers: dict[str, str] = field(repr=False)
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
    headers = {}
    try:
        url = yarl.URL(written)
        base = url.with_user(None).with_query(None).with_fragment(None)
        if url.user is not None:
            headers["Authorization"] = aiohttp.encode_basic_auth(url.user, url.password or "")
    except ValueError:
        raise _useless() from None
    if url.scheme not in ("http", "https") or not url.host or url.port is None:
        raise _useless()
    return Address(base=base, headers=headers, query=dict(url.query))


def _useless() -> ConfigError:
    # The text itself is not repeated: it may hold a password.
    return ConfigError(
        "A ComfyUI server's address is no http:// or https:// address. Write it like http://127.0.0.1:8188"
    )
