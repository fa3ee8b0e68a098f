"""Fetching results from a backend into the spool."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import PurePosixPath

from bot.comfy.backend import ComfyBackend
from bot.errors import CannotConnect, NodeFailed
from bot.jobs.events import RemoteFile
from bot.jobs.models import Blob, Output
from bot.media.kinds import ending, media_type
from bot.media.spool import Spool, TooLarge

LIMIT_BYTES = 2 * 1024**3
"""A result may be this large."""

TRIES = 5
RETRY_SECONDS = 0.2
RETRY_SECONDS = 0.2


async def collect(
    backend: ComfyBackend, spool: Spool, files: Sequence[RemoteFile], stem: str
) -> list[Output]:
    """Bring an attempt's files here, in their order; people see them as `stem`-1.png and so on.

    Raises `Lost` if the server has a file no more, `CannotConnect` if it stays away.
    """
    outputs = []
    for index, file in enumerate(files):
        blob = await _fetch(backend, spool, file)
        outputs.append(
            Output(
                index=index,
                blob=blob,
                media_type=media_type(file.filename),
                name=f"{stem}-{index + 1}{ending(PurePosixPath(file.filename).name)}",
                node=file.node,
            )
        )
    return outputs


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
