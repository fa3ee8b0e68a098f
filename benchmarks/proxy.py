"""A network that is far away: TCP on loopback, with every byte delivered later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK_BYTES = 65536


@asynccontextmanager
async def delaying(url: str, seconds: float) -> AsyncIterator[str]:
    """An address that leads to `url`, `seconds` later each way. Bandwidth is not limited."""
    target = urlsplit(url)
    open_ones: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def accept(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        open_ones[near_out] = asyncio.current_task()
        try:
            await asyncio.sleep(2 * seconds)  # the connection's own handshake
            far_in, far_out = await asyncio.open_connection(target.hostname, target.port)
            await asyncio.gather(_carry(near_in, far_out, seconds), _carry(far_in, near_out, seconds))
            far_out.close()
        except OSError:
            near_out.transport.abort()
        finally:
            near_out.close()
            del open_ones[near_out]

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        carrying = [task for task in open_ones.values() if task is not None]
        for near in open_ones:
            near.transport.abort()
        await asyncio.gather(*carrying)


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, seconds: float) -> None:
    """Bytes of one direction, in their order; the end of it travels like them."""
    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def deliver() -> None:
        while True:
            due, data = await on_the_way.get()
            await asyncio.sleep(due - loop.time())
            if not data:
                with suppress(OSError):  # the other side may have gone away for good
                    target.write_eof()
                return
            target.write(data)

    async with asyncio.TaskGroup() as group:
        group.create_task(deliver())
        data = b"."
        while data:
            data = b""
            with suppress(OSError):
                data = await source.read(CHUNK_BYTES)
            on_the_way.put_nowait((loop.time() + seconds, data))
