"""Bringing results from a backend into the spool."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import assert_never

from bot.comfy.backend import ComfyBackend
from bot.errors import CannotConnect, NodeFailed
from bot.jobs.events import RemoteFile, RemoteText, Result, SentPicture
from bot.jobs.models import Blob, Output
from bot.media.kinds import ending, ending_of, media_type
from bot.media.spool import Spool, TooLarge

LIMIT_BYTES = 2 * 1024**3
"""A result may be this large."""

TRIES = 5
RETRY_SECONDS = 0.2


async def collect(backend: ComfyBackend, spool: Spool, results: Sequence[Result], stem: str) -> list[Output]:
    """Bring an attempt's results here, in their order; people see them as `stem`-1.png and so on.

    Raises `Lost` if the server has a file no more, `CannotConnect` if it stays away, `NodeFailed` for one over
    the limit.
    """
    outputs = []
    for index, result in enumerate(results):
        blob, kind, end = await _bring(backend, spool, result)
        name = f"{stem}-{index + 1}{end}"
        outputs.append(Output(index=index, blob=blob, media_type=kind, name=name, node=result.node))
    return outputs


async def _bring(backend: ComfyBackend, spool: Spool, result: Result) -> tuple[Blob, str, str]:
    """A result's bytes, its media type, and the ending of its name."""
    match result:
        case RemoteFile(filename=filename):
            blob = await _fetch(backend, spool, result)
            return blob, media_type(filename), ending(PurePosixPath(filename).name)
        case RemoteText(text=text):
            return await spool.keep(text.encode()), "text/plain", ".txt"
        case SentPicture(data=data, media_type=kind):
            return await spool.keep(data), kind, ending_of(kind)
        case _ as never:
            assert_never(never)


async def _fetch(backend: ComfyBackend, spool: Spool, file: RemoteFile) -> Blob:
    """One file, tried again from its start when the line breaks."""
    for attempt in range(TRIES):
        try:
            async with backend.fetch(file) as chunks:
                return await spool.stream(chunks, limit=LIMIT_BYTES)
        except TooLarge as error:
            raise NodeFailed("The result is too large to keep.", detail=str(error)) from error
        except CannotConnect:
            if attempt == TRIES - 1:
                raise
            await asyncio.sleep(RETRY_SECONDS * 2**attempt)
            await backend.wait_up()
    raise AssertionError("unreachable")
