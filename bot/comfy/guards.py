"""What stands before a ComfyUI and answers in its place: logins, gateways, other programs. Pure.

ComfyUI itself answers with 2xx, 400, 404, 405, 413 or 500, and its answers in JSON hold no page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import yarl

from bot.errors import BackendError, CannotConnect, Refused

GATEWAY = frozenset({429, 502, 503, *range(520, 524), *range(525, 531)})
"""A proxy that can't reach ComfyUI just now, or wants fewer requests. 520 to 530 are Cloudflare's."""
TOO_SLOW = frozenset({408, 504, 524})

_LOGIN = re.compile(r"""type\s*=\s*["']?password|log[\s-]?in|sign[\s-]?in|authenticat|unauthorized""", re.I)
_CERTIFICATE = re.compile(r"ssl certificate|client certificate", re.I)
_CHALLENGE = re.compile(r"just a moment|checking your browser|/cdn-cgi/|challenge-platform", re.I)


class ServerFault(CannotConnect):
    """A 5xx. Something is there; whether it did what was asked is not known."""


class Gateway(ServerFault):
    """What stands before ComfyUI says that it is not to be reached now."""


class Closed(CannotConnect):
    """Something else than ComfyUI answers, or asks for a login: asking again at once changes nothing."""

    def __init__(self, sentence: str, *, detail: str = "") -> None:
        super().__init__(sentence, detail=detail, maybe_sent=False)


def by_status(
    status: int, headers: Mapping[str, str], url: yarl.URL, name: str, *, proxied: bool
) -> BackendError | None:
    """The error that a status tells of; None for one that ComfyUI's own routes answer with."""
    detail = f"status {status}"
    if status == 407 and proxied:
        return Closed(f"The proxy before {name} asks for a login. Put it into COMFYUI_PROXY.", detail=detail)
    if 300 <= status < 400 and _wants_https(headers.get("Location", ""), url):
        return Closed(f"What answers at {name} wants https. Write https:// in its address.", detail=detail)
    if status in (401, 403) or 300 <= status < 400:
        return challenge(name, detail) if _is_challenged(status, headers) else login(name, detail)
    if status == 413:
        return Refused("That is too big for ComfyUI. Send something smaller.", detail=detail)
    if status in TOO_SLOW:
        return CannotConnect(f"ComfyUI at {name} takes too long to answer.", detail=detail)
    if status in GATEWAY:
        return Gateway(
            f"What stands before ComfyUI at {name} can't reach it. Check that it runs.", detail=detail
        )
    if status >= 500:
        return ServerFault(f"ComfyUI at {name} is in trouble. Its console says more.", detail=detail)
    return None


def by_body(status: int, body: str, name: str) -> Closed:
    """The error for an answer that should have been JSON and is not: a page, most often."""
    detail = f"{status}, no JSON: {body[:80]!r}"
    if body.lstrip().startswith("<"):
        if status == 400 and _CERTIFICATE.search(body):
            return wants_certificate(name, detail)
        if _CHALLENGE.search(body):
            return challenge(name, detail)
        if _LOGIN.search(body):
            return login(name, detail)
    return stranger(name, detail)


def stranger(name: str, detail: str) -> Closed:
    """The error for an answer that ComfyUI would not give."""
    return Closed(f"Something else than ComfyUI answers at {name}. Check the address.", detail=detail)


def login(name: str, detail: str) -> Closed:
    """The error for a guard that does not know us."""
    return Closed(
        f"What answers at {name} asks for a login. Put it into ComfyUI's address, "
        "or set COMFYUI_TOKEN or COMFYUI_HEADERS.",
        detail=detail,
    )


def wants_certificate(name: str, detail: str) -> Closed:
    """The error for a server that knows its clients by their certificates."""
    return Closed(
        f"What answers at {name} wants a certificate of ours, it seems. Set COMFYUI_CLIENT_CERT.",
        detail=detail,
    )


def challenge(name: str, detail: str) -> Closed:
    """The error for a guard that lets browsers pass and no programs."""
    return Closed(
        f"What answers at {name} lets only browsers in. Let Muralist pass there, "
        "with a service token in COMFYUI_HEADERS for instance.",
        detail=detail,
    )


def _wants_https(location: str, url: yarl.URL) -> bool:
    try:
        target = yarl.URL(location)
    except ValueError:
        return False
    return url.scheme == "http" and target.scheme == "https" and target.host == url.host


def _is_challenged(status: int, headers: Mapping[str, str]) -> bool:
    return status == 403 and "challenge" in headers.get("cf-mitigated", "")
