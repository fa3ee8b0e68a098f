"""Results into files, or into a pipe."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from adapters.terminal.order import STDOUT
from bot.contract.card import Media
from bot.errors import UserError


async def write(outputs: Sequence[Media], wished: Path | None) -> list[Path]:
    """Write a job's outputs where they are wished: a file, a folder, `-`, or None for this folder.

    Of several the second becomes `name-2.png`, and keeps its own ending if it is of another kind. Without a
    wish no file is overwritten, and words are printed. Says which files were written. Raises `UserError`.
    """
    written = []
    for media in outputs:
        target = _target(media, outputs[0], wished)
        await asyncio.to_thread(_write, media, target)
        if target != STDOUT:
            written.append(target)
    return written


def _target(media: Media, first: Media, wished: Path | None) -> Path:
    if wished is None:
        return STDOUT if media.media_type == "text/plain" else _free(Path(media.name))
    if wished == STDOUT:
        return STDOUT
    if wished.is_dir():
        return wished / media.name
    if media.index == first.index:
        return wished
    ending = wished.suffix if media.media_type == first.media_type else Path(media.name).suffix
    return wished.with_name(f"{wished.stem}-{media.index + 1}{ending}")


def _free(path: Path) -> Path:
    """The path itself, or the next that nothing lies at."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_stem(f"{path.stem}-{number}")
    return found


def _write(media: Media, target: Path) -> None:
    if target == STDOUT:
        _pipe(media)
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(media.path, target)
    except OSError as error:
        raise UserError(f"{target} can't be written: {error.strerror}. Choose another with -o.") from error


def _pipe(media: Media) -> None:
    try:
        with media.path.open("rb") as source:
            shutil.copyfileobj(source, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
        raise UserError("Whatever reads the pipe has ended before it had everything.") from None
