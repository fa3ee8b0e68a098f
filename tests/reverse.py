"""What stands between a bot and a ComfyUI: reverse proxies with a guard, HTTP proxies, certificates."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

Guard = Callable[[web.Request], web.StreamResponse | None]
"""Answers in the server's place, or lets pass with None."""

_HOP = {"host", "connection", "content-length", "transfer-encoding", "content-encoding"}


def _pass(_: web.Request) -> None:
    return None


@asynccontextmanager
async def reverse_proxy(
    target: str, *, prefix: str = "", guard: Guard = _pass, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """Serve `target` below a path, as nginx and its like do, websocket included; the URL."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def handle(request: web.Request) -> web.StreamResponse:
            refused = guard(request)
            if refused is not None:
                return refused
            url = target + request.path_qs.removeprefix(prefix)
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await _bridge(session, request, url)
            headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
            body = await request.read()
            async with session.request(
                request.method, url, headers=headers, data=body or None, allow_redirects=False
            ) as answer:
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
                return web.Response(status=answer.status, headers=kept, body=await answer.read())

        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", prefix + "/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
            scheme = "http" if tls is None else "https"
            yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}{prefix}"
        finally:
            await runner.cleanup()


async def _bridge(session: aiohttp.ClientSession, request: web.Request, url: str) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    async with session.ws_connect(url, max_msg_size=0) as behind:
        await socket.prepare(request)

        async def forth() -> None:
            async for message in socket:
                await behind.send_str(message.data)
            await behind.close()

        task = asyncio.create_task(forth())
        async for message in behind:
            if isinstance(message.data, bytes):
                await socket.send_bytes(message.data)
            else:
                await socket.send_str(message.data)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return socket


@dataclass(kw_only=True)
class HttpProxy:
    """A forward proxy. Every host that is asked for is the one at `target`; `seen` keeps what was asked."""

    target: tuple[str, int]
    login: str | None = None
    port: int = 0
    seen: set[tuple[str, str]] = field(default_factory=set)
    """Method and host with port, or `refused` for one without the login."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: its first request decides where it leads."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, url, *_ = head.split()
            host = url.removeprefix("http://").split("/")[0]
            if self.login is not None and f"Proxy-Authorization: {self.login}" not in head:
                self.seen.add(("refused", host))
                writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            self.seen.add((method, host))
            onward, outward = await asyncio.open_connection(*self.target)
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                # One request a connection, so that the next one shows its own line.
                lines = head.replace(f"http://{host}", "", 1).split("\r\n")
                if "upgrade: websocket" not in head.lower():
                    lines = [lines[0], "Connection: close", *lines[1:]]
                outward.write("\r\n".join(lines).encode("latin-1"))
            await asyncio.gather(_pump(reader, outward), _pump(onward, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def http_proxy(target_url: str, login: str | None = None) -> AsyncIterator[HttpProxy]:
    """A running forward proxy."""
    host, port = target_url.split("://", 1)[1].split("/")[0].split(":")
    proxy = HttpProxy(target=(host, int(port)), login=login)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """Files in PEM form, and the context of a server that shows the first."""

    server: Path
    client: Path
    locked: Path
    """A client's certificate whose key has a password."""

    def context(self, *, wants_client: bool = False) -> ssl.SSLContext:
        """For the server's side."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.server)
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.client)
        return context


def make_certificates(folder: Path) -> Certificates:
    """Self-signed ones, for 127.0.0.1 and gpu.test. Skips the test where openssl is missing."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is needed to make certificates")
    made = {name: _make_certificate(folder / f"{name}.pem", name) for name in ("server", "client", "locked")}
    return Certificates(**made)


def _make_certificate(path: Path, name: str) -> Path:
    key, certificate = path.with_suffix(".key"), path.with_suffix(".crt")
    lock = ["-passout", "pass:secret"] if name == "locked" else ["-nodes"]
    names = "subjectAltName=IP:127.0.0.1,DNS:gpu.test,DNS:localhost"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-days", "2", "-subj", f"/CN={name}", "-addext", names, *lock),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(key.read_bytes() + certificate.read_bytes())
    return path
