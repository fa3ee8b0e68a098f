"""A reverse proxy that serves the page below a path, as owners put one before it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

PREFIX = "/paint"

_HOP = {"transfer-encoding", "content-encoding", "connection", "content-length"}


@asynccontextmanager
async def prefixing_proxy(upstream: str) -> AsyncIterator[str]:
    """The address of the page behind a proxy that strips `PREFIX` and knows nothing of anything else."""
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), timeout=aiohttp.ClientTimeout(total=None)
    ) as session:

        async def forward(request: web.Request) -> web.StreamResponse:
            path = request.raw_path.removeprefix(PREFIX)
            headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
            headers["X-Forwarded-For"] = "203.0.113.7"
            async with session.request(
                request.method,
                upstream + path,
                headers=headers,
                data=await request.read(),
                allow_redirects=False,
                auto_decompress=False,
            ) as answer:
                kept = [(n, v) for n, v in answer.headers.items() if n.lower() not in _HOP]
                response = web.StreamResponse(status=answer.status)
                response.headers.extend(kept)
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
                return response

        application = web.Application(client_max_size=2**26)
        application.router.add_route("*", f"{PREFIX}/{{rest:.*}}", forward)
        runner = web.AppRunner(application, shutdown_timeout=0.5, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}{PREFIX}"
        finally:
            await runner.cleanup()
