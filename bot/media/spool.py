"""The spool: bytes of inputs and outputs, named by their SHA-256, under the data directory."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from bot.errors import ConfigError, MuralistError, NoRoom
from bot.jobs.models import Blob

LEFT_SECONDS = 24 * 3600
"""No transfer takes so long: a file still unfinished then is nobody's."""

ROOM_BYTES = 32 * 2**20
"""With less than this free nothing new is begun."""

ROOM_SECONDS = 2.0

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), 112)  # the last is what Windows says


class OverLimit(MuralistError):
    """A file went over the cap while it came in; nothing was kept."""

    cure = "Results are kept up to 2 GB each. Make it smaller: fewer frames, a smaller size, another format."


class Spool:
    """Keeps each content once. All disk work is off the event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Where the bytes of this hash lie, if they are here."""
        return self._folder / sha256[:2] / sha256

    @property
    def derived(self) -> Path:
        """Where smaller versions of outputs lie for a day or more, so that sending again makes none anew."""
        return self._folder / "derived"

    async def keep(self, data: bytes, change: Callable[[bytes], bytes] = bytes) -> Blob:
        """Keep these bytes as `change` makes them, which is called in the thread that writes. Raises `NoRoom`."""
        with _kept():
            return await asyncio.to_thread(self._keep, data, change)

    def _keep(self, data: bytes, change: Callable[[bytes], bytes]) -> Blob:
        data = change(data)
        sha256 = hashlib.sha256(data).hexdigest()
        target = self._begin()
        try:
            target.write(data)
            self._end(target, sha256)
        except BaseException:
            _drop(target)
            raise
        return Blob(sha256=sha256, size=len(data))

    async def read(self, sha256: str, most: int = -1) -> bytes:
        """The bytes of this hash, or the first `most` of them. Raises `FileNotFoundError`."""
        return await asyncio.to_thread(_read, self.path(sha256), most)

    async def claim(self, mark: str, *, new: bool) -> None:
        """See that this is the folder with this mark; a `new` mark is put down. Raises `ConfigError`."""
        await asyncio.to_thread(self._claim, mark, new)

    def _claim(self, mark: str, new: bool) -> None:
        place = self._folder / "mark"
        if new:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(mark, encoding="ascii")
        elif not place.exists() or place.read_text(encoding="ascii").strip() != mark:
            raise ConfigError(
                f"DATA_DIR: the pictures of this database lie in another folder than {self._folder.parent}. "
                "All processes that share a database need the same folder. "
                f"If it was lost, write {mark} into the file {place} to begin with an empty one."
            )

    async def free(self) -> int:
        """Bytes that are free where it lies."""
        return await asyncio.to_thread(self._free)

    async def has_room(self) -> bool:
        """Whether another result is likely to find room."""
        return await self.free() >= ROOM_BYTES

    async def wait_for_room(self) -> None:
        """Look every few seconds until there is some."""
        while True:
            if await self.has_room():
                return
            await asyncio.sleep(ROOM_SECONDS)

    def _free(self) -> int:
        place = self._folder if self._folder.exists() else self._folder.parent
        return shutil.disk_usage(place).free

    async def tidy(self) -> None:
        """Take away what a killed process had begun to write long ago, and what was derived long ago."""
        await asyncio.to_thread(self._tidy, time.time() - LEFT_SECONDS)

    def _tidy(self, before: float) -> None:
        passing = (self._folder / "incoming", self._folder / "previews", self.derived)
        for left in (left for folder in passing for left in folder.glob("*")):
            if left.stat().st_mtime < before:
                if left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink(missing_ok=True)

    @asynccontextmanager
    async def scratch(self) -> AsyncIterator[Path]:
        """A folder to work in, on the spool's own disk; gone at the end, or a day after a crash."""
        with _kept():
            folder = await asyncio.to_thread(self._begin_scratch)
        try:
            yield folder
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))

    def _begin_scratch(self) -> Path:
        folder = self._folder / "incoming" / uuid4().hex
        folder.mkdir(parents=True)
        return folder

    async def adopt(self, path: Path) -> Blob:
        """Keep a finished file from `scratch`; it is moved, not copied, and its old name is gone. Raises `NoRoom`."""
        with _kept():
            return await asyncio.to_thread(self._adopt, path)

    def _adopt(self, path: Path) -> Blob:
        with path.open("r+b") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.seek(0, os.SEEK_END)
            self._end(file, sha256)
        return Blob(sha256=sha256, size=size)

    async def drop(self, sha256: str) -> None:
        """Forget these bytes."""
        await asyncio.to_thread(self.path(sha256).unlink, missing_ok=True)

    async def put_preview(self, job: str, data: bytes) -> None:
        """Lay the passing picture of a job where other processes find it."""
        await asyncio.to_thread(self._put_preview, job, data)

    def _put_preview(self, job: str, data: bytes) -> None:
        place = self._preview(job)
        place.parent.mkdir(parents=True, exist_ok=True)
        written = place.with_suffix(".new")
        written.write_bytes(data)
        written.replace(place)

    async def preview(self, job: str) -> bytes | None:
        """The passing picture of a job; None if there is none now."""
        try:
            return await asyncio.to_thread(self._preview(job).read_bytes)
        except OSError:  # on Windows also one that is being replaced
            return None

    async def drop_preview(self, job: str) -> None:
        """Take a job's passing picture away."""
        await asyncio.to_thread(self._preview(job).unlink, missing_ok=True)

    def _preview(self, job: str) -> Path:
        return self._folder / "previews" / job

    async def save(self, chunks: AsyncIterator[bytes], path: Path, *, limit: int) -> None:
        """Write a stream of at most `limit` bytes into a folder of `scratch`. Raises `OverLimit` or `NoRoom`."""
        size = 0
        with _kept():
            file = await asyncio.to_thread(path.open, "wb")
            try:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise OverLimit(f"more than {limit} bytes")
                    await asyncio.to_thread(file.write, chunk)
            finally:
                await asyncio.shield(asyncio.to_thread(file.close))

    async def stream(self, chunks: AsyncIterator[bytes], *, limit: int) -> Blob:
        """Keep a stream of at most `limit` bytes; a file is there whole or not at all.

        Raises `OverLimit` or `NoRoom`.
        """
        with _kept():
            return await self._stream(chunks, limit)

    async def _stream(self, chunks: AsyncIterator[bytes], limit: int) -> Blob:
        target, digest, size = await asyncio.to_thread(self._begin), hashlib.sha256(), 0
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise OverLimit(f"more than {limit} bytes")
                digest.update(chunk)
                await asyncio.to_thread(target.write, chunk)
            await asyncio.to_thread(self._end, target, digest.hexdigest())
        except BaseException:
            await asyncio.shield(asyncio.to_thread(_drop, target))
            raise
        return Blob(sha256=digest.hexdigest(), size=size)

    def _begin(self) -> BinaryIO:
        begun = self._folder / "incoming" / uuid4().hex
        try:
            return begun.open("xb")
        except FileNotFoundError:  # the first one
            begun.parent.mkdir(parents=True, exist_ok=True)
            return begun.open("xb")

    def _end(self, target: BinaryIO, sha256: str) -> None:
        """On the disk first, then under its name: a name in the spool always means whole content."""
        target.flush()
        os.fsync(target.fileno())
        target.close()
        place, written = self.path(sha256), Path(target.name)
        if place.exists():  # the same content already, which Windows would not replace while it is being read
            written.unlink()
            return
        try:
            written.replace(place)
        except FileNotFoundError:  # the first one in its folder
            place.parent.mkdir(parents=True, exist_ok=True)
            written.replace(place)


@contextmanager
def _kept() -> Iterator[None]:
    """Say so if what is written in the block finds no room."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL or getattr(error, "winerror", None) in _FULL:
            raise NoRoom from error
        raise


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)


def _drop(target: BinaryIO) -> None:
    target.close()
    Path(target.name).unlink(missing_ok=True)
