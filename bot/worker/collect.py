"""Bringing results from a backend into the spool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path, PurePosixPath
from typing import assert_never

import structlog

from bot.comfy.backend import ComfyBackend
from bot.errors import CannotConnect, MediaRejected, NodeFailed
from bot.jobs.events import RemoteFile, RemoteText, Result, SentPicture
from bot.jobs.models import Blob, Output
from bot.media.embedded import needs_decoder, strip, strip_bytes
from bot.media.kinds import HEAD_BYTES, ending, ending_of, media_type
from bot.media.spool import OverLimit, Spool

log = structlog.get_logger(__name__)

LIMIT_BYTES = 2 * 1024**3
"""A result may be this large."""

WHOLE_BYTES = 4 * 2**20
"""A result up to this size is held in memory, and kept in one go."""

TRIES = 5
RETRY_SECONDS = 0.2


async def collect(
    backend: ComfyBackend, spool: Spool, results: Sequence[Result], stem: str, *, bare: bool
) -> list[Output]:
    """Bring an attempt's results here, in their order; people see them as `stem`-1.png and so on.

    With `bare` the graphs that ComfyUI writes into files are taken out.

    Raises `Lost` if the server has a file no more, `CannotConnect` if it stays away, `NodeFailed` for one over
    the limit.
    """
    outputs = []
    for index, result in enumerate(results):
        blob, kind, end = await _bring(backend, spool, result, bare=bare)
        name = f"{stem}-{index + 1}{end}"
        outputs.append(Output(index=index, blob=blob, media_type=kind, name=name, node=result.node))
    return outputs


async def _bring(backend: ComfyBackend, spool: Spool, result: Result, *, bare: bool) -> tuple[Blob, str, str]:
    """A result's bytes, its media type, and the ending of its name."""
    match result:
        case RemoteFile():
            return await _bring_file(backend, spool, result, bare=bare)
        case RemoteText(text=text):
            return await spool.keep(text.encode()), "text/plain", ".txt"
        case SentPicture(data=data, media_type=kind):
            return await spool.keep(data), kind, ending_of(kind)
        case _ as never:
            assert_never(never)


async def _bring_file(
    backend: ComfyBackend, spool: Spool, file: RemoteFile, *, bare: bool
) -> tuple[Blob, str, str]:
    name = PurePosixPath(file.filename).name
    async with AsyncExitStack() as stack:
        fetched = await _fetch(backend, spool, file, stack)
        if isinstance(fetched, bytes):
            kind = media_type(name, fetched[:HEAD_BYTES])
            if not (bare and needs_decoder(kind)):
                change = partial(_bare_bytes, name=name) if bare else bytes
                return await spool.keep(fetched, change), kind, ending(name)
            fetched = await _save(spool, _all_of([fetched]), stack)
        kind = media_type(name, await asyncio.to_thread(_head, fetched))
        kept = await _bare(fetched, fetched.parent, name) if bare else fetched
        return await spool.adopt(kept), kind, ending(name)


def _bare_bytes(data: bytes, name: str) -> bytes:
    """`_bare` for a file in memory."""
    try:
        return strip_bytes(data, name)
    except MediaRejected as error:
        log.warning("a result's graph can't be taken out", file=name, reason=str(error))
        return data


async def _bare(fetched: Path, folder: Path, name: str) -> Path:
    """Without its graph. A file that can't be read is given as it is: it may be all that was made."""
    try:
        return await strip(fetched, folder, name)
    except MediaRejected as error:
        log.warning("a result's graph can't be taken out", file=name, reason=str(error))
        return fetched


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


async def _fetch(
    backend: ComfyBackend, spool: Spool, file: RemoteFile, stack: AsyncExitStack
) -> bytes | Path:
    """One file, tried again from its start when the line breaks: its bytes, or if they are many where they lie for
    as long as the stack does."""
    for attempt in range(TRIES):
        try:
            async with backend.fetch(file) as chunks:
                begun = await _beginning(chunks)
                if sum(map(len, begun)) <= WHOLE_BYTES:
                    return b"".join(begun)
                return await _save(spool, _all_of(begun, chunks), stack)
        except OverLimit as error:
            raise NodeFailed("The result is too large to keep.", detail=str(error)) from error
        except CannotConnect:
            if attempt == TRIES - 1:
                raise
            await asyncio.sleep(RETRY_SECONDS * 2**attempt)
            await backend.wait_up()
    raise AssertionError("the last try returns or raises")


async def _beginning(chunks: AsyncIterator[bytes]) -> list[bytes]:
    """All chunks, or as many as are more than is held in memory."""
    begun, size = [], 0
    async for chunk in chunks:
        begun.append(chunk)
        size += len(chunk)
        if size > WHOLE_BYTES:
            break
    return begun


async def _all_of(begun: Sequence[bytes], rest: AsyncIterator[bytes] | None = None) -> AsyncIterator[bytes]:
    for chunk in begun:
        yield chunk
    if rest is not None:
        async for chunk in rest:
            yield chunk


async def _save(spool: Spool, chunks: AsyncIterator[bytes], stack: AsyncExitStack) -> Path:
    folder = await stack.enter_async_context(spool.scratch())
    await spool.save(chunks, folder / "fetched", limit=LIMIT_BYTES)
    return folder / "fetched"
