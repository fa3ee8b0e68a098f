"""Whether the page can be served where the settings say."""

from __future__ import annotations

import asyncio
import socket
import sys

import aiohttp

from adapters.web.settings import read_settings
from bot.contract.ports import Finding, Level

ANSWER_SECONDS = 3.0


async def examine() -> Finding:
    """Try the port. Raises `ConfigError` for settings that are wrong."""
    settings = read_settings()
    host, port = settings.web_host, settings.web_port
    if await asyncio.to_thread(_free, host, port):
        return Finding(level=Level.FINE, text=f"{host}:{port} is free.")
    if await _is_muralist(host, port):
        return Finding(level=Level.FINE, text=f"Muralist runs at {host}:{port}.")
    return Finding(
        level=Level.PROBLEM,
        text=f"{host}:{port} can't be used for the page: another program has it, or this machine has no such address. "
        "Stop that program, or set WEB_PORT and WEB_HOST.",
    )


def _free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if sys.platform != "win32":  # where it means something else
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


async def _is_muralist(host: str, port: int) -> bool:
    """Whether what listens there is this program. An address for all is asked at this machine's own."""
    own = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    address = f"[{own}]" if ":" in own else own
    limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(f"http://{address}:{port}/healthz") as answer,
        ):
            return bool(await answer.json() == {"status": "ok"})
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False
